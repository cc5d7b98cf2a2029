//! Answers of OTLP/HTTP servers.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use prost::Message;
use spandrel_proto::otlp::collector_trace::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use spandrel_proto::rpc::Status;

use crate::sending::{Exported, SendError};

/// Answers are short; what is longer is not read.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Reads the answer to a request that was taken.
pub(super) async fn read_success(response: Response<Incoming>) -> Result<Exported, SendError> {
    let content_type = content_type(response.headers());
    let body = read(response).await?;
    let partial = match content_type.as_str() {
        "application/x-protobuf" => ExportTraceServiceResponse::decode(body)
            .map(|response| response.partial_success.unwrap_or_default())
            .map_err(|error| error.to_string()),
        "application/json" if !body.is_empty() => partial_of_json(&body),
        // Not OTLP's own answer; the status says enough.
        _ => return Ok(Exported::default()),
    };
    // Nobody knows what the server did; sending again might store the spans twice.
    let partial = partial.map_err(|error| {
        SendError::permanent(format!("error parsing the response of the server: {error}"))
    })?;
    let rejected_spans = u64::try_from(partial.rejected_spans).unwrap_or(0);
    Ok(Exported { rejected_spans, message: partial.error_message })
}

fn partial_of_json(body: &[u8]) -> Result<ExportTracePartialSuccess, String> {
    let body: serde_json::Value = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    if !body.is_object() {
        return Err("not an object".to_owned());
    }
    let partial = body.get("partialSuccess");
    let rejected = partial.and_then(|partial| partial.get("rejectedSpans"));
    // A 64-bit integer is text in JSON; some write a number.
    let rejected = rejected.and_then(|n| n.as_i64().or_else(|| n.as_str()?.parse().ok()));
    let message = partial.and_then(|partial| partial.get("errorMessage")?.as_str());
    Ok(ExportTracePartialSuccess {
        rejected_spans: rejected.unwrap_or(0),
        error_message: message.unwrap_or_default().to_owned(),
    })
}

/// Reads the answer to a request that was not taken.
pub(crate) async fn read_error(
    response: Response<Incoming>,
    uri: &Uri,
    now_unix_nanos: u64,
) -> SendError {
    let status = response.status();
    let delay = retry_after(response.headers(), now_unix_nanos);
    let content_type = content_type(response.headers());
    let body = read(response).await.unwrap_or_default();
    let details = match content_type.as_str() {
        "application/x-protobuf" => Status::decode(body).ok().map(|status| status.message),
        "application/json" => serde_json::from_slice::<serde_json::Value>(&body)
            .ok()
            .and_then(|body| Some(body.get("message")?.as_str()?.to_owned())),
        _ => None,
    };
    let mut message = format!("request to {uri} answered with HTTP status {status}");
    if let Some(details) = details.filter(|details| !details.is_empty()) {
        message.push_str(": ");
        message.push_str(&details);
    }
    error_of_status(status, message, delay)
}

/// The error of a status: 429, 502, 503 and 504 may be tried again.
fn error_of_status(status: StatusCode, message: String, delay: Option<Duration>) -> SendError {
    match status.as_u16() {
        429 | 502 | 503 | 504 => SendError::Retryable { message, delay },
        // The request is malformed or too large, or a field of it.
        400 | 413 | 422 => SendError::Permanent { message, is_content: true },
        _ => SendError::Permanent { message, is_content: false },
    }
}

async fn read(response: Response<Incoming>) -> Result<Bytes, SendError> {
    match Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) => Err(SendError::retryable(format!("the answer broke off: {error}"))),
    }
}

fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let value = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    value.trim().to_ascii_lowercase()
}

/// The least time to wait that an answer names: `Retry-After` is in seconds, or a date.
pub fn retry_after(headers: &HeaderMap, now_unix_nanos: u64) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds)).filter(|delay| !delay.is_zero());
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    let unix_nanos = u64::try_from(date.as_nanosecond()).ok()?;
    Some(Duration::from_nanos(unix_nanos.checked_sub(now_unix_nanos)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now_unix_nanos = 1_445_412_420_000_000_000; // 2015-10-21 07:27:00
        for (text, expected) in [
            ("7", Some(7)),
            ("0", None),
            ("-1", None),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(60)),
            ("Wed, 21 Oct 2015 07:26:00 GMT", None),
            ("soon", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            let delay = retry_after(&headers, now_unix_nanos);
            assert_eq!(delay, expected.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn json_answers_have_numbers_as_text_or_not() {
        for text in [
            r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}"#,
            r#"{"partialSuccess":{"rejectedSpans":2,"errorMessage":"no"}}"#,
        ] {
            let partial = partial_of_json(text.as_bytes()).unwrap();
            assert_eq!((partial.rejected_spans, partial.error_message.as_str()), (2, "no"));
        }
        assert_eq!(partial_of_json(b"{}").unwrap(), ExportTracePartialSuccess::default());
        assert!(partial_of_json(b"<html>").is_err());
    }
}
