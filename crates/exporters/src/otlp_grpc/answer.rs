//! Answers of gRPC servers: success, partial success, and errors that are or are not to be tried again.

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::{Buf, Bytes};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use prost::Message;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceResponse;
use spandrel_proto::rpc::{RetryInfo, Status};

use super::body::PREFIX_BYTES;
use crate::net::decompress;
use crate::sending::{Exported, SendError};

/// OTLP asks clients to take answers of 4 MiB.
const ANSWER_BYTES_MAX: usize = 4 << 20;
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
/// Header values in base64 come with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The names of the codes, by number.
const CODES: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

/// Reads the rest of an answer, and says how the call ended.
pub(super) async fn read_answer(response: Response<Incoming>) -> Result<Exported, SendError> {
    let (parts, body) = response.into_parts();
    if parts.status != StatusCode::OK {
        return Err(of_http_status(parts.status));
    }
    if parts.headers.contains_key("grpc-status") {
        // There is no body behind this.
        return check_status(&parts.headers).map(|()| Exported::default());
    }
    let collected = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let collected = collected
        .map_err(|error| SendError::retryable(format!("the answer broke off: {error}")))?;
    match collected.trailers() {
        Some(trailers) => check_status(trailers)?,
        None => return Err(SendError::retryable("the answer has no status")),
    }
    let encoding = parts.headers.get("grpc-encoding").and_then(|value| value.to_str().ok());
    let response = decode(collected.to_bytes(), encoding.unwrap_or_default());
    // The server has taken the spans, whatever it wanted to say about that.
    let response = response.unwrap_or_else(|message| {
        tracing::debug!(message, "answer not understood");
        ExportTraceServiceResponse::default()
    });
    let partial = response.partial_success.unwrap_or_default();
    let rejected_spans = u64::try_from(partial.rejected_spans).unwrap_or(0);
    Ok(Exported { rejected_spans, message: partial.error_message })
}

fn decode(mut body: Bytes, encoding: &str) -> Result<ExportTraceServiceResponse, String> {
    if body.len() < PREFIX_BYTES {
        return Ok(ExportTraceServiceResponse::default());
    }
    let (flag, n_bytes) = (body.get_u8(), body.get_u32() as usize);
    if n_bytes > body.len() {
        return Err("the message is cut off".to_owned());
    }
    let message = body.split_to(n_bytes);
    let message = match flag {
        0 => message,
        _ => decompress(encoding, &message).map_err(|error| error.to_string())?,
    };
    ExportTraceServiceResponse::decode(message).map_err(|error| error.to_string())
}

/// What gRPC says about answers of something that is not a gRPC server, such as a proxy.
fn of_http_status(status: StatusCode) -> SendError {
    let code = match status.as_u16() {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => 2,
    };
    to_error(code, &format!("unexpected HTTP status {status}"), None)
}

fn check_status(headers: &HeaderMap) -> Result<(), SendError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let code = text("grpc-status").and_then(|code| code.parse::<u16>().ok()).unwrap_or(2);
    if code == 0 {
        return Ok(());
    }
    let message = percent_decoded(text("grpc-message").unwrap_or_default());
    let retry = text("grpc-status-details-bin").and_then(retry_info);
    Err(to_error(code, &message, retry))
}

/// The error of a status; `retry` is the delay of its `RetryInfo`, if it has one.
fn to_error(code: u16, message: &str, retry: Option<Duration>) -> SendError {
    let name = CODES.get(usize::from(code)).copied().unwrap_or("Unknown");
    let message = format!("{name}: {message}");
    let is_retryable = match code {
        1 | 4 | 10 | 11 | 14 | 15 => true,
        8 => retry.is_some(),
        _ => false,
    };
    match is_retryable {
        true => SendError::Retryable { message, delay: retry.filter(|delay| !delay.is_zero()) },
        // Too large is about the content too.
        false => SendError::Permanent { message, is_content: matches!(code, 3 | 8) },
    }
}

/// The delay in the `RetryInfo` of a `google.rpc.Status`.
fn retry_info(details: &str) -> Option<Duration> {
    let status = Status::decode(&*BASE64.decode(details).ok()?).ok()?;
    let info = status.details.iter().find(|detail| detail.type_url == RETRY_INFO)?;
    let delay = RetryInfo::decode(&*info.value).ok()?.retry_delay.unwrap_or_default();
    Some(Duration::try_from(delay).unwrap_or_default())
}

/// `grpc-message` has other than printable ASCII as `%XX`.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use spandrel_proto::well_known::Any;

    use super::*;

    fn status(code: u16, retry_seconds: Option<i64>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", code.into());
        headers.insert("grpc-message", "so %C3%A4h 100%".parse().unwrap());
        if let Some(seconds) = retry_seconds {
            let delay = spandrel_proto::well_known::Duration { seconds, nanos: 0 };
            let info = Any::from_msg(&RetryInfo { retry_delay: Some(delay) }).unwrap();
            let status = Status { code: 8, message: String::new(), details: vec![info] };
            let text = BASE64.encode(status.encode_to_vec());
            headers.insert("grpc-status-details-bin", text.trim_end_matches('=').parse().unwrap());
        }
        headers
    }

    #[test]
    fn codes_are_retryable_as_otlp_says() {
        let retryable: Vec<u16> = (1..=17)
            .filter(|code| !check_status(&status(*code, None)).unwrap_err().is_permanent())
            .collect();
        assert_eq!(retryable, [1, 4, 10, 11, 14, 15]);
        let error = check_status(&status(8, Some(3))).unwrap_err();
        let delay = Some(Duration::from_secs(3));
        let message = "ResourceExhausted: so \u{e4}h 100%".to_owned();
        assert_eq!(error, SendError::Retryable { message, delay });
        let error = check_status(&status(8, Some(0))).unwrap_err();
        assert!(matches!(error, SendError::Retryable { delay: None, .. }));
        assert_eq!(check_status(&status(0, None)), Ok(()));
    }

    #[test]
    fn proxies_are_understood() {
        for (status, is_permanent) in [(503, false), (429, false), (404, true), (500, true)] {
            let error = of_http_status(StatusCode::from_u16(status).unwrap());
            assert_eq!(error.is_permanent(), is_permanent, "{status}");
        }
    }
}
