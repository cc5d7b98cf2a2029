//! `GET /api/ui/traces/{id}/find?q=...`: the spans of a trace that a query or a text finds, as a bitmap.
//!
//! The bitmap is in the order of the skeleton: position `i` is bit `i % 8` of byte `i / 8`, the lowest bit first.

mod text;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use serde::Serialize;
use spandrel_base::cpu;
use spandrel_query::{QueryError, TraceSpans};
use spandrel_traceql::Query;

use self::text::Terms;
use super::bare::SPAN_BYTES;
use super::trace_of;
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tempo::Failure;

/// Spans that are whole values at the same time.
const PIECE_SPANS: usize = 4096;

#[derive(Debug, Serialize)]
pub(super) struct Found {
    n: usize,
    total: usize,
    bitmap: String,
}

pub(super) async fn find(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<Found>, Failure> {
    let wanted = Wanted::of(params.get("q").ok_or(ApiError::Required("q"))?)?;
    let trace = Arc::new(trace_of(&state, &headers, &id).await?);
    let held = match wanted {
        Wanted::Query(_) => Some(state.engine.hold(trace.n_spans().saturating_mul(SPAN_BYTES))?),
        Wanted::Text(_) => None,
    };
    let found = cpu::run(move || {
        let _held = held;
        let positions = wanted.positions(&trace)?;
        Ok::<_, QueryError>(Found {
            n: positions.len(),
            total: trace.n_spans(),
            bitmap: BASE64_STANDARD.encode(bitmap(&positions, trace.n_spans())),
        })
    });
    Ok(Json(found.await??))
}

enum Wanted {
    Query(Box<Query>),
    Text(Terms),
}

impl Wanted {
    fn of(q: &str) -> Result<Self, ApiError> {
        if q.trim_start().starts_with('{') {
            return Ok(Self::Query(Box::new(spandrel_traceql::compile(q)?)));
        }
        Ok(Self::Text(Terms::parse(q)))
    }

    fn positions(&self, trace: &TraceSpans) -> Result<Vec<usize>, QueryError> {
        let terms = match self {
            Self::Query(query) => return trace.positions(query),
            Self::Text(terms) => terms,
        };
        let mut found = Vec::new();
        for first in (0..trace.n_spans()).step_by(PIECE_SPANS) {
            let piece = trace.piece(first, PIECE_SPANS)?;
            let matching = piece.spans.iter().zip(first..).filter(|(span, _)| terms.accept(span));
            found.extend(matching.map(|(_, position)| position));
        }
        Ok(found)
    }
}

fn bitmap(positions: &[usize], n: usize) -> Vec<u8> {
    let mut bytes = vec![0_u8; n.div_ceil(8)];
    for position in positions {
        if let Some(byte) = bytes.get_mut(position / 8) {
            *byte |= 1 << (position % 8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_bit_comes_first() {
        assert_eq!(bitmap(&[0, 3, 8, 9], 10), [0b1001, 0b11]);
        assert_eq!(bitmap(&[], 16), [0, 0]);
        assert_eq!(bitmap(&[], 0), [0_u8; 0]);
    }
}
