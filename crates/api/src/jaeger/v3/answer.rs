//! The envelope of `/api/v3`: `{"result":{"resourceSpans":[...]}}`, or `{"error":{"httpCode":...,"message":...}}`.

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, StreamExt};
use http::header::CONTENT_TYPE;
use serde::Serialize;
use spandrel_base::cpu;
use spandrel_otlp::json::{Dialect, write_resource_spans};
use spandrel_query::{QueryError, TraceSpans};

use super::super::adjust::Shown;
use super::super::envelope::{go_error, json_response};
use crate::error::ApiError;
use crate::go_json;

/// An answer with more spans is sent one trace after the other.
const SPANS_AT_ONCE: usize = 8192;
const HEAD: &[u8] = b"{\"result\":{\"resourceSpans\":";
const TAIL: &[u8] = b"]}}";

/// A failure as a gRPC gateway tells it, sent as plain text.
pub(in super::super) struct Failure(ApiError);

impl<E: Into<ApiError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Wrapper {
            error: Details,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Details {
            http_code: u16,
            message: String,
        }
        self.0.log();
        let status = self.0.status();
        let error = Details { http_code: status.as_u16(), message: self.0.to_string() };
        go_error(status, go_json::to_vec(&Wrapper { error }))
    }
}

/// All traces in one list; not to find any is a failure.
///
/// # Errors
/// [`ApiError`].
pub(super) async fn traces_response(
    traces: Vec<TraceSpans>,
    raw: bool,
) -> Result<Response, ApiError> {
    let n_spans: usize = traces.iter().map(TraceSpans::n_spans).sum();
    if traces.is_empty() {
        return Err(ApiError::NoTracesFound);
    }
    if n_spans > SPANS_AT_ONCE && traces.len() > 1 {
        return Ok(in_pieces(traces, raw));
    }
    let body = cpu::run(move || {
        let mut body = HEAD.to_vec();
        for (i, trace) in traces.into_iter().enumerate() {
            write_piece(i, &trace, raw, &mut body)?;
        }
        body.extend_from_slice(TAIL);
        Ok::<_, QueryError>(body)
    });
    Ok(json_response(body.await??))
}

fn in_pieces(traces: Vec<TraceSpans>, raw: bool) -> Response {
    let traces = stream::iter(traces.into_iter().enumerate()).then(move |(i, trace)| async move {
        cpu::run(move || {
            let mut piece = Vec::new();
            write_piece(i, &trace, raw, &mut piece)?;
            Ok::<_, QueryError>(Bytes::from(piece))
        })
        .await
        .map_err(ApiError::from)
        .and_then(|piece| Ok(piece?))
    });
    let once = |bytes| stream::iter([Ok::<_, ApiError>(Bytes::from_static(bytes))]);
    let body = Body::from_stream(once(HEAD).chain(traces).chain(once(TAIL)));
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// Appends what is of one trace, the `i`th one, in the list, whose end is left to who writes the tail.
fn write_piece(
    i: usize,
    trace: &TraceSpans,
    raw: bool,
    out: &mut Vec<u8>,
) -> Result<(), QueryError> {
    let trace = Shown::new(trace.to_trace()?, raw).into_trace();
    let start = out.len();
    write_resource_spans(&trace, Dialect::Otlp, out);
    if let (true, Some(bracket)) = (i > 0, out.get_mut(start)) {
        *bracket = b',';
    }
    out.pop();
    Ok(())
}
