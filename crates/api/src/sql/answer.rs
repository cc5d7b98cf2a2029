//! The answer, sent as it is computed.
//!
//! What goes wrong before the first rows has a status. Behind them, JSON ends with an `error`; other forms break off,
//! which clients notice because the end is missing.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use futures::stream::unfold;
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde::Deserialize;
use spandrel_sql::{AnswerFormat, AnswerWriter, SqlAnswer, SqlError};

use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tempo::{Failure, open_range};
use crate::tenant::Tenants;

/// A request as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    query: String,
}

pub(super) async fn sql(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
    body: Bytes,
) -> Result<Response, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let range = open_range(&params)?;
    let query = query_of(&headers, &body)?;
    let format = accepted(&headers);
    let answer = state.sql.query(tenants.only()?, &query, range).await;
    let sent = Sent::begin(answer.map_err(ApiError::from)?, format).await;
    let rows = unfold(sent.map_err(ApiError::from)?, Sent::next);
    // Who compresses the body asks once more after its end.
    let body = Body::from_stream(rows.fuse());
    Ok(([(CONTENT_TYPE, format.media_type())], body).into_response())
}

/// The text of the query. No SQL begins with a brace.
fn query_of(headers: &HeaderMap, body: &[u8]) -> Result<String, ApiError> {
    let text = std::str::from_utf8(body);
    let text = text.map_err(|error| ApiError::Body(format!("the query is not UTF-8: {error}")))?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json = content_type.is_some_and(|of| of.starts_with("application/json"));
    if !is_json && !text.trim_start().starts_with('{') {
        return Ok(text.to_owned());
    }
    let request = serde_json::from_str(text).map_err(|error| {
        ApiError::Body(format!(
            "expected SQL, or JSON such as {{\"query\": \"SELECT 1\"}}: {error}"
        ))
    });
    request.map(|request: Request| request.query)
}

/// The form that `Accept` names first; JSON when it names none.
fn accepted(headers: &HeaderMap) -> AnswerFormat {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = values.flat_map(|value| value.split(','));
    let named = types.find_map(|of| {
        let name = of.split(';').next().unwrap_or_default().trim();
        AnswerFormat::ALL.into_iter().find(|format| format.media_type().eq_ignore_ascii_case(name))
    });
    named.unwrap_or(AnswerFormat::Json)
}

/// An answer on its way.
struct Sent {
    answer: SqlAnswer,
    writer: AnswerWriter,
    /// What was computed and is not sent yet.
    ready: Vec<u8>,
    ended: bool,
}

impl Sent {
    /// Computes the first rows, so that what goes wrong until then has a status.
    async fn begin(mut answer: SqlAnswer, format: AnswerFormat) -> Result<Self, SqlError> {
        let (mut writer, mut ready) = AnswerWriter::start(format, &answer.schema())?;
        let first = answer.next().await.transpose()?;
        let ended = first.is_none();
        match first {
            Some(batch) => ready.extend(writer.rows(&batch)?),
            None => ready.extend(writer.end(None).unwrap_or_default()),
        }
        Ok(Self { answer, writer, ready, ended })
    }

    async fn next(mut self) -> Option<(Result<Bytes, SqlError>, Self)> {
        if !self.ready.is_empty() {
            let ready = std::mem::take(&mut self.ready);
            return Some((Ok(ready.into()), self));
        }
        if self.ended {
            return None;
        }
        let rows = self.answer.next().await;
        let piece = rows.map(|rows| rows.and_then(|rows| self.writer.rows(&rows)));
        let piece = match piece {
            Some(Ok(piece)) => Ok(piece),
            None => {
                self.ended = true;
                Ok(self.writer.end(None).unwrap_or_default())
            }
            Some(Err(error)) => {
                self.ended = true;
                let end = self.writer.end(Some(&error));
                let error = ApiError::from(error);
                error.log();
                match (end, error) {
                    (Some(end), _) => Ok(end),
                    (None, ApiError::Sql(error)) => Err(error),
                    (None, _) => Ok(Vec::new()),
                }
            }
        };
        Some((piece.map(Bytes::from), self))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_query_is_text_or_json() {
        let of = |content_type: &'static str, body: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            query_of(&headers, body).map_err(|error| error.to_string())
        };
        assert_eq!(of("text/plain", b"SELECT 1"), Ok("SELECT 1".to_owned()));
        assert_eq!(of("application/json", br#"{"query":"SELECT 1"}"#), Ok("SELECT 1".to_owned()));
        assert_eq!(of("text/plain", br#" {"query":"SELECT 1"}"#), Ok("SELECT 1".to_owned()));
        for (content_type, body) in [
            ("application/json", &b"SELECT 1"[..]),
            ("application/json", br#"{"sql":"SELECT 1"}"#),
            ("application/json", br#"{"query":1}"#),
        ] {
            let error = of(content_type, body).unwrap_err();
            assert!(error.contains("{\"query\": \"SELECT 1\"}"), "{error}");
        }
        assert!(of("text/plain", b"SELECT '\xff'").unwrap_err().contains("not UTF-8"));
    }

    #[test]
    fn the_form_is_the_first_one_that_is_known() {
        let of = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            accepted(&headers)
        };
        assert_eq!(accepted(&HeaderMap::new()), AnswerFormat::Json);
        assert_eq!(of("*/*"), AnswerFormat::Json);
        assert_eq!(of("text/html, text/CSV;q=0.9, application/json"), AnswerFormat::Csv);
        assert_eq!(of("application/vnd.apache.arrow.stream"), AnswerFormat::Arrow);
    }
}
