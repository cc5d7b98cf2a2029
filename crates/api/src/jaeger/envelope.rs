//! The envelope around every answer of Jaeger's legacy API, failures included.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use serde::Serialize;
use spandrel_model::TraceId;

use crate::error::ApiError;
use crate::{go_json, trace_ids};

/// `{"data":...,"total":n,"limit":0,"offset":0,"errors":null}`. Limit and offset are always zero.
#[derive(Debug, Serialize)]
pub(super) struct Envelope<T> {
    data: Option<T>,
    total: usize,
    limit: usize,
    offset: usize,
    errors: Option<Vec<ErrorEntry>>,
}

/// Something that went wrong, altogether or for one trace.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct ErrorEntry {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    msg: String,
    #[serde(rename = "traceID", skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

impl ErrorEntry {
    /// One of several traces that were asked for does not exist.
    pub(super) fn not_found(trace_id: TraceId) -> Self {
        Self {
            code: None,
            msg: ApiError::TraceNotFound.to_string(),
            trace_id: Some(trace_ids::in_jaeger_json(trace_id)),
        }
    }
}

impl<T: Serialize> Envelope<Vec<T>> {
    /// A list of names, counted.
    pub(super) fn names(names: Vec<T>) -> Self {
        Self { total: names.len(), ..Self::traces(names, Vec::new()) }
    }

    /// Traces, which Jaeger does not count.
    pub(super) fn traces(traces: Vec<T>, errors: Vec<ErrorEntry>) -> Self {
        let errors = if errors.is_empty() { None } else { Some(errors) };
        Self { data: Some(traces), total: 0, limit: 0, offset: 0, errors }
    }
}

impl<T: Serialize> Envelope<T> {
    /// A single value.
    pub(super) fn value(value: T) -> Self {
        Self { data: Some(value), total: 0, limit: 0, offset: 0, errors: None }
    }

    /// The body, on one line or on many.
    pub(super) fn body(&self, pretty: bool) -> Vec<u8> {
        if pretty { go_json::to_vec_pretty(self) } else { go_json::to_vec(self) }
    }
}

/// A successful answer with this body.
pub(super) fn json_response(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// A failure as Jaeger tells it: the envelope, sent as plain text.
pub(super) struct Failure(ApiError);

impl<E: Into<ApiError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.log();
        let status = self.0.status();
        let error =
            ErrorEntry { code: Some(status.as_u16()), msg: self.0.to_string(), trace_id: None };
        let envelope: Envelope<()> =
            Envelope { data: None, total: 0, limit: 0, offset: 0, errors: Some(vec![error]) };
        go_error(status, envelope.body(false))
    }
}

/// A failure as Go's `http.Error` sends it.
pub(super) fn go_error(status: StatusCode, mut body: Vec<u8>) -> Response {
    let headers =
        [(CONTENT_TYPE, "text/plain; charset=utf-8"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    body.push(b'\n');
    (status, headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    fn text<T: Serialize>(envelope: &Envelope<T>) -> String {
        String::from_utf8(envelope.body(false)).unwrap()
    }

    #[test]
    fn names_are_counted_and_traces_are_not() {
        assert_eq!(
            text(&Envelope::names(vec!["a", "b"])),
            r#"{"data":["a","b"],"total":2,"limit":0,"offset":0,"errors":null}"#
        );
        assert_eq!(
            text(&Envelope::<Vec<()>>::traces(Vec::new(), Vec::new())),
            r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":null}"#
        );
        let missing = ErrorEntry::not_found(TraceId::from_hex("ab").unwrap());
        assert_eq!(
            text(&Envelope::traces(vec![1], vec![missing])),
            concat!(
                r#"{"data":[1],"total":0,"limit":0,"offset":0,"#,
                r#""errors":[{"msg":"trace not found","traceID":"00000000000000ab"}]}"#
            )
        );
    }

    #[tokio::test]
    async fn a_failure_has_the_status_in_both_places() {
        let response = Failure::from(ApiError::TraceNotFound).into_response();
        assert_eq!(response.status(), http::StatusCode::NOT_FOUND);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(
            &body[..],
            b"{\"data\":null,\"total\":0,\"limit\":0,\"offset\":0,\
                \"errors\":[{\"code\":404,\"msg\":\"trace not found\"}]}\n"
        );
    }
}
