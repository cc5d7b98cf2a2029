//! The trace that is most like its kind: same root, same time of day, ordinary duration.

use axum::Json;
use axum::extract::{Path, State};
use http::HeaderMap;
use serde::Serialize;
use spandrel_model::{Span, TraceId};
use spandrel_query::{Search, TimeRange, TraceSpans};
use spandrel_traceql::{Query, Static};

use crate::ApiState;
use crate::error::ApiError;
use crate::native::trace_of;
use crate::tempo::Failure;
use crate::tenant::Tenants;

/// How far away in time a trace may be.
const AWAY_NANOS_MAX: i64 = 3600 * 1_000_000_000;
/// Traces among which it is, the newest.
const AMONG_MAX: usize = 5000;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::native) struct Typical {
    trace_id: String,
    duration_nanos: i64,
    /// How many traces have the same root, this one left out.
    among: usize,
}

/// The trace with the same root service and name within an hour whose duration is nearest the median of all of them.
pub(in crate::native) async fn typical(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Typical>, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let own = TraceId::from_hex(&id).map_err(ApiError::from)?;
    let trace = trace_of(&state, &headers, &id).await?;
    let (start, end) = trace.extent();
    let range = TimeRange {
        start_unix_nanos: start.saturating_sub(AWAY_NANOS_MAX),
        end_unix_nanos: end.saturating_add(AWAY_NANOS_MAX),
    };
    let query = same_root(&trace)?.ok_or(ApiError::NoTracesFound)?;
    let search = Search::newest(query, range, AMONG_MAX, 0);
    let mut others = Vec::new();
    for tenant in tenants.all() {
        let found = state.engine.search(tenant, &search).await.map_err(ApiError::from)?.traces;
        others.extend(found.into_iter().map(|found| (found.duration_nanos, found.trace_id)));
    }
    others.retain(|(_, trace_id)| *trace_id != own);
    let (duration_nanos, trace_id) = nearest_median(&mut others).ok_or(ApiError::NoTracesFound)?;
    let trace_id = trace_id.to_string();
    Ok(Json(Typical { trace_id, duration_nanos, among: others.len() }))
}

/// Finds traces with the same root; `None` when the root has not been received.
fn same_root(trace: &TraceSpans) -> Result<Option<Query>, ApiError> {
    let first = trace.piece(0, 1)?.spans.into_iter().next();
    let Some(root) = first.filter(|span| span.parent_span_id.is_none()) else { return Ok(None) };
    Ok(Some(spandrel_traceql::compile(&query_text(&root))?))
}

fn query_text(root: &Span) -> String {
    let literal = |text: &str| Static::String(text.to_owned());
    let service = literal(root.resource.service_name().unwrap_or_default());
    format!("{{ rootServiceName = {service} && rootName = {} }}", literal(&root.name))
}

/// Of durations the one nearest the median, the shorter one of two; sorts them.
fn nearest_median(durations: &mut [(i64, TraceId)]) -> Option<(i64, TraceId)> {
    durations.sort_unstable();
    // With an even number there are two in the middle, equally far from the median.
    durations.get(durations.len().saturating_sub(1) / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_trace::checkout;

    #[test]
    fn the_middle_one_is_typical() {
        let id = |n: u8| TraceId([n; 16]);
        let typical = |durations: &[i64]| {
            let mut durations: Vec<_> = durations.iter().copied().zip((1..).map(id)).collect();
            nearest_median(&mut durations)
        };
        assert_eq!(typical(&[]), None);
        assert_eq!(typical(&[5]), Some((5, id(1))));
        assert_eq!(typical(&[900, 7, 5, 6]), Some((6, id(4))));
        assert_eq!(typical(&[900, 7, 5]), Some((7, id(2))));
    }

    #[test]
    fn names_are_literals() {
        let mut root = checkout().spans.remove(0);
        root.name = "a`b\"c\\".to_owned();
        assert!(spandrel_traceql::compile(&query_text(&root)).is_ok());
    }
}
