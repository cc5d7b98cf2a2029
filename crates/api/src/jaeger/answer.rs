//! Answers of the legacy API that hold whole traces.

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, StreamExt};
use http::header::CONTENT_TYPE;
use spandrel_base::cpu;
use spandrel_query::{QueryError, TraceSpans};

use super::adjust::Shown;
use super::convert::legacy_trace;
use super::envelope::{Envelope, ErrorEntry, json_response};
use crate::error::ApiError;
use crate::go_json;
use crate::params::Params;

/// An answer with more spans is sent one trace after the other, so that it takes little memory besides the traces
/// themselves.
const SPANS_AT_ONCE: usize = 8192;

/// How traces are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// As they were stored, not adjusted.
    pub(super) raw: bool,
    /// On many lines.
    pub(super) pretty: bool,
}

impl Form {
    /// What the parameters `raw` and `prettyPrint` ask for.
    ///
    /// # Errors
    /// [`ApiError::Parameter`] when `raw` is no truth value.
    pub(super) fn of(params: &Params) -> Result<Self, ApiError> {
        Ok(Self { raw: params.flag("raw")?, pretty: is_pretty(params) })
    }
}

/// Whether the answer is to be on many lines: anything but `false` says so.
pub(super) fn is_pretty(params: &Params) -> bool {
    params.get("prettyPrint").is_some_and(|value| value != "false")
}

/// The traces, and which others are missing.
///
/// # Errors
/// [`ApiError`].
pub(super) async fn traces_response(
    traces: Vec<TraceSpans>,
    errors: Vec<ErrorEntry>,
    form: Form,
) -> Result<Response, ApiError> {
    let n_spans: usize = traces.iter().map(TraceSpans::n_spans).sum();
    if !form.pretty && n_spans > SPANS_AT_ONCE && traces.len() > 1 {
        return Ok(in_pieces(traces, errors, form));
    }
    let body = cpu::run(move || {
        let shown = traces.iter().map(|trace| Ok(Shown::new(trace.to_trace()?, form.raw)));
        let shown = shown.collect::<Result<Vec<Shown>, QueryError>>()?;
        let legacy = shown.iter().map(legacy_trace).collect();
        Ok::<_, QueryError>(Envelope::traces(legacy, errors).body(form.pretty))
    });
    Ok(json_response(body.await??))
}

/// The same, one trace at a time.
fn in_pieces(traces: Vec<TraceSpans>, errors: Vec<ErrorEntry>, form: Form) -> Response {
    let empty = Envelope::<Vec<()>>::traces(Vec::new(), errors).body(false);
    let (head, tail) = around_data(&empty);
    let traces = stream::iter(traces.into_iter().enumerate()).then(move |(i, trace)| async move {
        cpu::run(move || {
            let shown = Shown::new(trace.to_trace()?, form.raw);
            let mut piece = if i == 0 { Vec::new() } else { b",".to_vec() };
            piece.append(&mut go_json::to_vec(&legacy_trace(&shown)));
            Ok::<_, QueryError>(Bytes::from(piece))
        })
        .await
        .map_err(ApiError::from)
        .and_then(|piece| Ok(piece?))
    });
    let once = |bytes| stream::iter([Ok::<_, ApiError>(bytes)]);
    let body = Body::from_stream(once(head).chain(traces).chain(once(tail)));
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// What stands before and behind the elements of `data` in an envelope without any.
fn around_data(empty: &[u8]) -> (Bytes, Bytes) {
    const HEAD: &[u8] = b"{\"data\":[";
    let tail = empty.get(HEAD.len()..).expect("an envelope begins with its data");
    (Bytes::from_static(HEAD), Bytes::copy_from_slice(tail))
}
