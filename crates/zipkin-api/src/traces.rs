//! Traces: found by a search, or asked for by id.

use crate::ZipkinState;
use axum::extract::{Path, State};
use axum::response::Response;
use futures::stream::{self, StreamExt, TryStreamExt};
use http::HeaderMap;
use spandrel_base::cpu;
use spandrel_model::{TenantId, TraceId};
use spandrel_query::{Search, TimeRange, TraceSpans};
use spandrel_traceql::Static;
use spandrel_traceql::ast::BinaryOp;
use spandrel_traceql::{Attribute, Intrinsic};
use spandrel_zipkin::Span;

use crate::candidates::{compare, filter_query, query, range};
use crate::error::ZipkinApiError;
use crate::names::Services;
use crate::params::Params;
use crate::query::{ZipkinQuery, begin_micros};
use crate::spans::zipkin_spans;
use crate::{reply, trace_id};

/// Traces fetched at the same time.
const FETCHING: usize = 8;
/// Traces that the engine is asked for at a time.
const PAGE_MAX: usize = 1024;
/// Traces in one request by id.
const IDS_MAX: usize = 1_000;
/// How far back a trace is looked for of whose id only the low half is known.
const LOW_HALF_LOOKBACK_NANOS: i64 = 24 * 3_600 * 1_000_000_000;

/// `GET /api/v2/traces`.
pub(crate) async fn search(
    State(state): State<ZipkinState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ZipkinApiError> {
    let tenant = state.tenant(&headers)?;
    let asked = ZipkinQuery::read(&params, state.clock.now_unix_nanos())?;
    let mut traces = find(&state, &tenant, &asked).await?;
    // Newest first.
    traces.sort_by_key(|trace| std::cmp::Reverse(begin_micros(trace)));
    traces.truncate(asked.limit);
    Ok(reply::json(cpu::run(move || reply::traces(&traces)).await?))
}

async fn find(
    state: &ZipkinState,
    tenant: &TenantId,
    asked: &ZipkinQuery,
) -> Result<Vec<Vec<Span>>, ZipkinApiError> {
    let services = Services::read(state, tenant).await?;
    let of_service = asked.service.as_deref().map(|name| services.filter(name));
    let names = span_names(state, tenant, asked, &services).await?;
    let is_known = |name: &str| services.spelled(name).next().is_some();
    let no_service = asked.service.as_deref().is_some_and(|name| !is_known(name));
    if no_service || (asked.span_name.is_some() && names.is_empty()) {
        return Ok(Vec::new());
    }
    let query = query(asked, of_service.as_ref(), &names);
    let mut page = asked.limit.clamp(1, PAGE_MAX);
    let mut search = Search::newest(query, range(asked.times), page, 0);
    let mut found = Vec::new();
    while found.len() < asked.limit {
        let answer = state.engine.search(tenant, &search).await?;
        let ids: Vec<TraceId> = answer.traces.iter().map(|matched| matched.trace_id).collect();
        let fetching = ids.into_iter().map(|id| fetch(state, tenant, id));
        let traces: Vec<Vec<Span>> =
            stream::iter(fetching).buffered(FETCHING).try_collect().await?;
        found.extend(traces.into_iter().filter(|trace| asked.accepts(trace)));
        let Some(next) = answer.next else { break };
        page = PAGE_MAX.min(2 * page);
        search = Search { after: Some(next), traces_max: page, ..search };
    }
    Ok(found)
}

/// Every spelling of the span's name that is asked for.
async fn span_names(
    state: &ZipkinState,
    tenant: &TenantId,
    asked: &ZipkinQuery,
    services: &Services,
) -> Result<Vec<String>, ZipkinApiError> {
    let Some(wanted) = &asked.span_name else { return Ok(Vec::new()) };
    let spelled = asked.service.as_deref().map(|name| services.spelled(name).map(Some).collect());
    let mut names = Vec::new();
    for service in spelled.unwrap_or_else(|| vec![None]) {
        let operations = state.engine.operations(tenant, service, TimeRange::ALL).await?;
        let spelled = operations.into_iter().map(|operation| operation.name);
        names.extend(spelled.filter(|name| name.to_lowercase() == *wanted));
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

async fn fetch(
    state: &ZipkinState,
    tenant: &TenantId,
    id: TraceId,
) -> Result<Vec<Span>, ZipkinApiError> {
    let found = state.engine.find_trace(tenant, id, TimeRange::ALL).await?;
    translate(found.into_iter().collect()).await
}

/// The spans of the parts of one trace.
async fn translate(parts: Vec<TraceSpans>) -> Result<Vec<Span>, ZipkinApiError> {
    cpu::run(move || {
        let traces = parts.iter().map(TraceSpans::to_trace).collect::<Result<Vec<_>, _>>()?;
        zipkin_spans(&traces)
    })
    .await?
}

/// `GET /api/v2/trace/{id}`.
pub(crate) async fn trace(
    State(state): State<ZipkinState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ZipkinApiError> {
    let tenant = state.tenant(&headers)?;
    let id = trace_id::parse(&id)?;
    let spans = by_id(&state, &tenant, id).await?;
    if spans.is_empty() {
        return Err(ZipkinApiError::TraceNotFound(trace_id::shown(id)));
    }
    cpu::run(move || reply::trace(&spans, &headers)).await.map_err(Into::into)
}

/// `GET /api/v2/traceMany?traceIds=a,b`: those that exist.
pub(crate) async fn trace_many(
    State(state): State<ZipkinState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ZipkinApiError> {
    let tenant = state.tenant(&headers)?;
    if !params.has("traceIds") {
        return Err(ZipkinApiError::Missing("traceIds"));
    }
    let texts =
        params.get("traceIds").ok_or(ZipkinApiError::Impossible("traceIds parameter is empty"))?;
    let mut ids = Vec::new();
    for text in texts.split(',') {
        let id = trace_id::parse(text)?;
        if ids.contains(&id) {
            return Err(ZipkinApiError::Redundant(text.to_owned()));
        }
        if ids.len() == IDS_MAX {
            return Err(ZipkinApiError::Impossible("traceIds has more than 1000 ids"));
        }
        ids.push(id);
    }
    if ids.len() == 1 {
        let text = "Use /api/v2/trace/{traceId} endpoint to retrieve a single trace";
        return Err(ZipkinApiError::Impossible(text));
    }
    let fetching = ids.into_iter().map(|id| by_id(&state, &tenant, id));
    let mut traces: Vec<Vec<Span>> =
        stream::iter(fetching).buffered(FETCHING).try_collect().await?;
    traces.retain(|trace| !trace.is_empty());
    Ok(reply::json(cpu::run(move || reply::traces(&traces)).await?))
}

/// A trace, whichever half of its id its senders know: with a whole id also what is stored under the low half of it,
/// with a low half alone whatever ends with it, if nothing has just that id.
async fn by_id(
    state: &ZipkinState,
    tenant: &TenantId,
    id: TraceId,
) -> Result<Vec<Span>, ZipkinApiError> {
    let engine = &state.engine;
    let mut parts = Vec::new();
    parts.extend(engine.find_trace(tenant, id, TimeRange::ALL).await?);
    match trace_id::low_half(id) {
        Some(low) => parts.extend(engine.find_trace(tenant, low, TimeRange::ALL).await?),
        None if parts.is_empty() => {
            if let Some(whole) = ending_with(state, tenant, id).await? {
                parts.extend(engine.find_trace(tenant, whole, TimeRange::ALL).await?);
            }
        }
        None => {}
    }
    translate(parts).await
}

/// The newest trace of the last day whose id ends with these 64 bits.
async fn ending_with(
    state: &ZipkinState,
    tenant: &TenantId,
    low: TraceId,
) -> Result<Option<TraceId>, ZipkinApiError> {
    let pattern = format!("[0-9a-f]+{}", trace_id::shown(low));
    let id = Attribute::from(Intrinsic::TraceId);
    let filter = compare(id, BinaryOp::Regex, Static::String(pattern));
    let now = i64::try_from(state.clock.now_unix_nanos()).unwrap_or(i64::MAX);
    let range = TimeRange {
        start_unix_nanos: now.saturating_sub(LOW_HALF_LOOKBACK_NANOS),
        end_unix_nanos: now.saturating_add(LOW_HALF_LOOKBACK_NANOS),
    };
    let search = Search::newest(filter_query(filter), range, 1, 0);
    let answer = state.engine.search(tenant, &search).await?;
    Ok(answer.traces.first().map(|matched| matched.trace_id))
}
