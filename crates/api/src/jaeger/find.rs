//! Traces of a search, and traces by their ids.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use spandrel_base::cpu::{self, CpuError};
use spandrel_base::task::{self, Stopping};
use spandrel_model::{TenantId, TraceId};
use spandrel_query::{QueryError, Search, TimeRange, TraceMatch, TraceSpans};

use super::search_filter::{self, Wide};
use super::span_query::SpanQuery;
use crate::ApiState;
use crate::error::ApiError;
use crate::value_match::filter_query;

/// Traces fetched at the same time.
const FETCHING: usize = 8;
/// Traces that a search asks the engine for at a time.
const PAGE_MAX: usize = 1024;
/// Spans of a trace that are looked at together.
const PIECE_SPANS: usize = 4096;
/// A search whose filter has no good form in TraceQL may reject many traces that the engine finds; it is given
/// up after so long.
const SEARCH_DEADLINE: Duration = Duration::from_secs(30);

/// Traces, or why there are no more.
pub(super) type Traces = BoxStream<'static, Result<TraceSpans, ApiError>>;

/// A trace that a search has found.
pub(super) struct Found {
    pub(super) matched: TraceMatch,
    /// Its spans, where they had to be looked at.
    spans: Option<TraceSpans>,
}

/// The newest traces with a span that the query accepts, newest first.
///
/// # Errors
/// [`ApiError`].
pub(super) async fn search(
    state: &ApiState,
    tenant: &TenantId,
    query: SpanQuery,
) -> Result<Vec<Found>, ApiError> {
    let Wide { filter, is_exact } = search_filter::filter(&query);
    let (query, started) = (Arc::new(query), state.clock.monotonic());
    let mut page_size = query.traces_max.clamp(1, PAGE_MAX);
    let mut search = Search::newest(filter_query(filter), query.range, page_size, 0);
    let mut found: Vec<Found> = Vec::new();
    while found.len() < query.traces_max {
        let answer = state.engine.search(tenant, &search).await?;
        let deciding = answer.traces.into_iter().map(|matched| {
            let surely = is_exact && lies_within(&matched, query.range);
            let query = Arc::clone(&query);
            async move {
                match surely {
                    true => Ok(Some(Found { matched, spans: None })),
                    false => decide(state, tenant, matched, query).await,
                }
            }
        });
        let decided: Vec<Option<Found>> =
            stream::iter(deciding).buffered(FETCHING).try_collect().await?;
        found.extend(decided.into_iter().flatten());
        let Some(next) = answer.next else { break };
        if state.clock.monotonic().saturating_sub(started) > SEARCH_DEADLINE {
            return Err(QueryError::Deadline(SEARCH_DEADLINE).into());
        }
        page_size = PAGE_MAX.min(2 * page_size);
        search = Search { after: Some(next), traces_max: page_size, ..search };
    }
    found.truncate(query.traces_max);
    Ok(found)
}

/// Whether all spans of a trace start in the range, so that it does not matter which of them was found.
fn lies_within(matched: &TraceMatch, range: TimeRange) -> bool {
    let end = matched.start_unix_nanos.saturating_add(matched.duration_nanos);
    matched.start_unix_nanos >= range.start_unix_nanos && end <= range.end_unix_nanos
}

/// The trace, unless no span of it is accepted.
async fn decide(
    state: &ApiState,
    tenant: &TenantId,
    matched: TraceMatch,
    query: Arc<SpanQuery>,
) -> Result<Option<Found>, ApiError> {
    let trace = state.engine.find_trace(tenant, matched.trace_id, TimeRange::ALL).await?;
    let Some(trace) = trace else { return Ok(None) };
    let decided: Result<_, QueryError> = cpu::run(move || {
        for first in (0..trace.n_spans()).step_by(PIECE_SPANS) {
            let piece = trace.piece(first, PIECE_SPANS)?;
            if piece.spans.iter().any(|span| query.accepts(span)) {
                return Ok(Some(trace));
            }
        }
        Ok(None)
    })
    .await?;
    Ok(decided?.map(|trace| Found { matched, spans: Some(trace) }))
}

/// The spans of the traces that were found. One that is gone by now has expired between the two steps.
///
/// # Errors
/// [`ApiError`].
pub(super) async fn spans_of(
    state: &ApiState,
    tenant: &TenantId,
    found: Vec<Found>,
) -> Result<Vec<TraceSpans>, ApiError> {
    stream(state.clone(), tenant.clone(), found).try_collect().await
}

/// The same, one after the other.
pub(super) fn stream(state: ApiState, tenant: TenantId, found: Vec<Found>) -> Traces {
    let fetching = stream::iter(found).map(move |found| {
        let (state, tenant) = (state.clone(), tenant.clone());
        async move {
            match found.spans {
                Some(spans) => Ok(Some(spans)),
                None => fetch(state, tenant, found.matched.trace_id).await,
            }
        }
    });
    present(fetching.buffered(FETCHING))
}

/// The traces of these ids that exist, one after the other.
pub(super) fn stream_ids(state: ApiState, tenant: TenantId, ids: Vec<TraceId>) -> Traces {
    let fetching = stream::iter(ids).map(move |id| fetch(state.clone(), tenant.clone(), id));
    present(fetching.buffered(FETCHING))
}

/// A trace that is there already.
pub(super) fn one(trace: TraceSpans) -> Traces {
    stream::iter([Ok(trace)]).boxed()
}

/// In a task of its own: of what is fetched ahead nobody polls anything while the reader takes its time, and what it
/// had begun would be kept from others.
async fn fetch(
    state: ApiState,
    tenant: TenantId,
    id: TraceId,
) -> Result<Option<TraceSpans>, ApiError> {
    let found =
        task::apart(async move { state.engine.find_trace(&tenant, id, TimeRange::ALL).await });
    Ok(found.await.map_err(|Stopping| CpuError::Stopping).map_err(QueryError::from)??)
}

fn present(
    traces: impl Stream<Item = Result<Option<TraceSpans>, ApiError>> + Send + 'static,
) -> Traces {
    traces.filter_map(|trace| std::future::ready(trace.transpose())).boxed()
}

/// The traces of these ids, in their order; `None` for what does not exist.
///
/// # Errors
/// [`ApiError`].
pub(super) async fn by_ids(
    state: &ApiState,
    tenant: &TenantId,
    ids: &[TraceId],
) -> Result<Vec<Option<TraceSpans>>, ApiError> {
    let fetching = ids
        .iter()
        .copied()
        .map(|id| async move { state.engine.find_trace(tenant, id, TimeRange::ALL).await });
    Ok(stream::iter(fetching).buffered(FETCHING).try_collect().await?)
}
