//! `GET /api/ui/traces/{id}/spans?id=...&id=...`: everything about some spans of a trace, as OTLP in JSON.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use hashbrown::HashSet;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use spandrel_base::cpu;
use spandrel_model::{SpanId, Trace};
use spandrel_otlp::json::{Dialect, write_resource_spans};
use spandrel_query::{QueryError, TraceSpans};

use super::trace_of;
use crate::ApiState;
use crate::error::ApiError;
use crate::params::{Params, malformed};
use crate::tempo::Failure;

/// Spans that one request may ask for.
const IDS_MAX: usize = 1000;
/// Spans that are whole values at the same time.
const PIECE_SPANS: usize = 4096;

pub(super) async fn spans(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let wanted = wanted(&params)?;
    let trace = Arc::new(trace_of(&state, &headers, &id).await?);
    let body = cpu::run(move || json(&trace, &wanted)).await??;
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

fn wanted(params: &Params) -> Result<HashSet<SpanId>, ApiError> {
    let expected = || format!("1 to {IDS_MAX} span ids of 16 hex characters");
    let ids = params
        .all("id")
        .take(IDS_MAX + 1)
        .map(|text| SpanId::from_hex(text).map_err(|_| malformed("id", expected(), text)));
    let ids = ids.collect::<Result<HashSet<_>, _>>()?;
    match ids.len() {
        0 => Err(ApiError::Required("id")),
        n if n > IDS_MAX => Err(malformed("id", expected(), "more")),
        _ => Ok(ids),
    }
}

/// All spans with these ids: several may share one.
fn json(trace: &TraceSpans, wanted: &HashSet<SpanId>) -> Result<Vec<u8>, QueryError> {
    let mut found = Vec::new();
    let mut trace_id = None;
    for first in (0..trace.n_spans()).step_by(PIECE_SPANS) {
        let piece = trace.piece(first, PIECE_SPANS)?;
        trace_id = Some(piece.trace_id);
        found.extend(piece.spans.into_iter().filter(|span| wanted.contains(&span.span_id)));
    }
    let mut body = b"{\"resourceSpans\":".to_vec();
    match trace_id {
        Some(trace_id) => {
            write_resource_spans(&Trace { trace_id, spans: found }, Dialect::Otlp, &mut body);
        }
        None => body.extend_from_slice(b"[]"),
    }
    body.push(b'}');
    Ok(body)
}
