//! `POST /api/transform`: OTLP in JSON as traces of the legacy API, as the web interface shows uploaded files.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::response::Response;
use spandrel_base::cpu;
use spandrel_columns::SpanColumns;
use spandrel_model::{Trace, TraceId};
use spandrel_otlp::{DecodeLimits, decode_request, json_to_protobuf, span_at};

use super::adjust::Shown;
use super::answer::is_pretty;
use super::convert::legacy_trace;
use super::envelope::{Envelope, Failure, json_response};
use crate::error::ApiError;
use crate::params::Params;

/// Bytes of a body.
pub(super) const BYTES_MAX: usize = 32 << 20;

/// `POST /api/transform`.
pub(super) async fn transform(params: Params, body: Bytes) -> Result<Response, Failure> {
    let pretty = is_pretty(&params);
    let body = cpu::run(move || {
        let shown: Vec<Shown> = traces_of(&body)?.into_iter().map(Shown::raw).collect();
        let legacy = shown.iter().map(legacy_trace).collect();
        Ok::<_, ApiError>(Envelope::traces(legacy, Vec::new()).body(pretty))
    });
    Ok(json_response(body.await.map_err(ApiError::from)??))
}

/// The traces in the order of their first spans, which stay in theirs; nothing is left out.
fn traces_of(json: &[u8]) -> Result<Vec<Trace>, ApiError> {
    let malformed = |text: String| ApiError::Body(format!("cannot unmarshal OTLP: {text}"));
    let limits = DecodeLimits::default();
    let otlp = json_to_protobuf(json, &limits).map_err(|error| malformed(error.to_string()))?;
    let mut columns = SpanColumns::default();
    let decoded = decode_request(&otlp, &limits, &mut columns);
    decoded.map_err(|error| malformed(error.to_string()))?;
    let mut traces: Vec<Trace> = Vec::new();
    let mut known: HashMap<TraceId, usize> = HashMap::new();
    for row in 0..columns.len() {
        let span = span_at(&columns, row).map_err(|error| malformed(error.to_string()))?;
        let index = *known.entry(span.trace_id).or_insert_with(|| {
            traces.push(Trace { trace_id: span.trace_id, spans: Vec::new() });
            traces.len() - 1
        });
        if let Some(trace) = traces.get_mut(index) {
            trace.spans.push(span);
        }
    }
    Ok(traces)
}
