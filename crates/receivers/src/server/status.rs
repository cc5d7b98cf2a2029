//! What went wrong with a request, and how each transport words it.
//!
//! # Codes
//! | case | gRPC | HTTP | sent again |
//! | --- | --- | --- | --- |
//! | not OTLP, damaged compression, bad tenant | `INVALID_ARGUMENT` | 400 | no |
//! | over a size limit | `RESOURCE_EXHAUSTED` without `RetryInfo` | 413 | no |
//! | the tenant is over a limit of its own | `RESOURCE_EXHAUSTED` with `RetryInfo` | 429 with `Retry-After` | yes |
//! | no room now, consumer unavailable | `UNAVAILABLE` with `RetryInfo` | 503 with `Retry-After` | yes |
//! | body too slow | `DEADLINE_EXCEEDED` | 503 | yes |
//! | unknown service, method or encoding | `UNIMPLEMENTED` | 404 or 415 | no |
//! | a fault of ours, or spans were handed on and refused for good | `INTERNAL` | 500 | no |
//!
//! Both wordings carry a `google.rpc.Status`: gRPC in `grpc-status-details-bin` when there are details,
//! HTTP as the body, in the encoding of the request.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use prost::{Message, Name};
use serde_json::json;
use spandrel_base::outcome::OutcomeCode;
use spandrel_pipeline::{Accepted, ConsumeError};
use spandrel_proto::otlp::collector_trace::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use spandrel_proto::rpc::{RetryInfo, Status};
use spandrel_proto::well_known;

/// Why a request got no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: OutcomeCode,
    /// For the log of the sender.
    pub(crate) message: String,
    /// When a new attempt makes sense; `None` leaves it to the sender, or says never.
    pub(crate) retry_after: Option<Duration>,
}

impl Failure {
    pub(crate) fn new(code: OutcomeCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(OutcomeCode::InvalidArgument, message)
    }

    /// Sending the same bytes again cannot help.
    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(OutcomeCode::ResourceExhausted, message)
    }

    pub(crate) fn unimplemented(message: impl Into<String>) -> Self {
        Self::new(OutcomeCode::Unimplemented, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(OutcomeCode::Internal, message)
    }

    pub(crate) fn too_slow() -> Self {
        Self::new(OutcomeCode::DeadlineExceeded, "the request body did not arrive in time")
    }

    pub(crate) fn unavailable(message: impl Into<String>, retry_after: Duration) -> Self {
        let retry_after = Some(retry_after);
        Self { code: OutcomeCode::Unavailable, message: message.into(), retry_after }
    }

    /// Whether the same spans may be taken later.
    pub(crate) fn is_retryable(&self) -> bool {
        self.retry_after.is_some() || self.code == OutcomeCode::DeadlineExceeded
    }

    /// The HTTP status. An exhausted resource is 429, which senders retry, only when there is a time to
    /// wait; otherwise the request itself is too large.
    pub(crate) fn http_status(&self) -> StatusCode {
        match (self.code, self.retry_after) {
            (OutcomeCode::ResourceExhausted, None) => StatusCode::PAYLOAD_TOO_LARGE,
            (code, _) => StatusCode::from_u16(code.http_status())
                .expect("the table of outcome codes holds valid statuses"),
        }
    }

    /// The value of `Retry-After`: whole seconds, rounded up, at least one.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        let wait = self.retry_after?;
        Some(wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1))
    }

    /// The protobuf form.
    pub(crate) fn to_status(&self) -> Status {
        let retry_info = |wait: Duration| well_known::Any {
            type_url: RetryInfo::type_url(),
            value: RetryInfo { retry_delay: Some(to_proto_duration(wait)) }.encode_to_vec(),
        };
        Status {
            code: self.code.grpc_code(),
            message: self.message.clone(),
            details: self.retry_after.map(retry_info).into_iter().collect(),
        }
    }

    /// [`Failure::to_status`] in protobuf's JSON form.
    pub(crate) fn to_json(&self) -> String {
        let mut status = json!({ "code": self.code.grpc_code(), "message": self.message });
        if let Some(wait) = self.retry_after.map(to_proto_duration) {
            let delay = format!("{}.{:09}s", wait.seconds, wait.nanos);
            let info = json!({ "@type": RetryInfo::type_url(), "retryDelay": delay });
            status["details"] = json!([info]);
        }
        status.to_string()
    }

    /// The gRPC form; details are attached only where there are some.
    pub(crate) fn to_tonic(&self) -> tonic::Status {
        let status = self.to_status();
        let details = match status.details.is_empty() {
            true => Bytes::new(),
            false => status.encode_to_vec().into(),
        };
        tonic::Status::with_details(tonic::Code::from_i32(status.code), status.message, details)
    }
}

impl From<ConsumeError> for Failure {
    fn from(error: ConsumeError) -> Self {
        match error {
            ConsumeError::Malformed(message) => Self::invalid(message),
            ConsumeError::TooLarge(message) => Self::too_large(message),
            ConsumeError::OverLimit { message, retry_after, spans: _ } => Self {
                code: OutcomeCode::ResourceExhausted,
                message,
                retry_after: Some(retry_after),
            },
            ConsumeError::Unavailable { message, retry_after, spans: _ } => {
                Self::unavailable(message, retry_after)
            }
            ConsumeError::Permanent { message, spans: _ } => Self::internal(message),
        }
    }
}

/// The answer to a request that was accepted at least in part. By OTLP, `partial_success` stays unset when
/// there is nothing to say; a message without rejected spans is a warning.
pub(crate) fn export_response(accepted: Accepted) -> ExportTraceServiceResponse {
    let has_news = accepted.rejected_spans > 0 || !accepted.message.is_empty();
    let partial_success = has_news.then(|| ExportTracePartialSuccess {
        rejected_spans: i64::try_from(accepted.rejected_spans).unwrap_or(i64::MAX),
        error_message: accepted.message,
    });
    ExportTraceServiceResponse { partial_success }
}

fn to_proto_duration(duration: Duration) -> well_known::Duration {
    well_known::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        // Below 10^9, so it fits.
        nanos: duration.subsec_nanos().cast_signed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_statuses_and_waiting_times() {
        let exhausted = |retry_after| Failure {
            code: OutcomeCode::ResourceExhausted,
            message: String::new(),
            retry_after,
        };
        let busy = |wait| Failure::unavailable("busy", wait);
        let cases = [
            (Failure::invalid("bad"), 400, None),
            (exhausted(None), 413, None),
            (exhausted(Some(Duration::from_secs(3))), 429, Some(3)),
            (busy(Duration::from_millis(1500)), 503, Some(2)),
            (busy(Duration::ZERO), 503, Some(1)),
            (Failure::internal("broken"), 500, None),
        ];
        for (failure, status, seconds) in cases {
            let answer = (failure.http_status().as_u16(), failure.retry_after_seconds());
            assert_eq!(answer, (status, seconds), "{failure:?}");
        }
    }

    #[test]
    fn json_is_that_of_protobuf() {
        let failure = Failure::unavailable("over \"the\" limit", Duration::from_millis(1500));
        let expected = json!({
            "code": 14,
            "message": "over \"the\" limit",
            "details": [{
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": "1.500000000s",
            }],
        });
        let written: serde_json::Value = serde_json::from_str(&failure.to_json()).unwrap();
        assert_eq!(written, expected);
        assert_eq!(Failure::invalid("bad").to_json(), r#"{"code":3,"message":"bad"}"#);
    }
}
