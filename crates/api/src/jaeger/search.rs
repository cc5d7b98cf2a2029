//! Whole traces: by id, by several ids, and by search.

use axum::extract::{Path, State};
use axum::response::Response;
use futures::stream::{self, StreamExt, TryStreamExt};
use http::HeaderMap;
use spandrel_base::cpu;
use spandrel_model::{TenantId, Trace, TraceId};
use spandrel_query::{Search, TimeRange};

use super::convert::legacy_trace;
use super::envelope::{Envelope, ErrorEntry, Failure, json_response};
use super::search_filter;
use super::search_params::{self, Request};
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tenant::tenant_of;
use crate::value_match::filter_query;

/// Traces fetched at the same time.
const FETCHING: usize = 8;

/// `GET /api/traces/{id}`. `start` and `end` are hints that the index does not need; `raw` changes
/// nothing, since nothing is adjusted.
pub(super) async fn trace(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenant = tenant_of(&headers)?;
    let trace_id = TraceId::from_hex(&id)?;
    let pretty = pretty(&params)?;
    let found = state.engine.find_trace(&tenant, trace_id, TimeRange::ALL).await?;
    let found = found.ok_or(ApiError::TraceNotFound)?;
    let trace = cpu::run(move || found.to_trace()).await??;
    Ok(traces_response(vec![trace], Vec::new(), pretty).await?)
}

/// `GET /api/traces`.
pub(super) async fn find_traces(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenant = tenant_of(&headers)?;
    let pretty = pretty(&params)?;
    let (traces, errors) = match search_params::request(&params, state.clock.now_unix_nanos())? {
        Request::ById(ids) => {
            let found = fetch(&state, &tenant, &ids).await?;
            let missing = ids.iter().filter(|id| !found.iter().any(|trace| trace.trace_id == **id));
            let errors = missing.map(|id| ErrorEntry::not_found(*id)).collect();
            (found, errors)
        }
        Request::Search(query) => {
            // Traces are fetched whole, so none of their matching spans is needed here.
            let search = Search::newest(
                filter_query(search_filter::filter(&query)),
                query.range,
                query.traces_max,
                0,
            );
            let answer = state.engine.search(&tenant, &search).await?;
            let ids: Vec<TraceId> = answer.traces.iter().map(|found| found.trace_id).collect();
            // A trace that is gone by now has expired between the two steps.
            (fetch(&state, &tenant, &ids).await?, Vec::new())
        }
    };
    Ok(traces_response(traces, errors, pretty).await?)
}

/// `raw` is checked although it changes nothing, so that a typing error does not go unseen.
fn pretty(params: &Params) -> Result<bool, ApiError> {
    params.flag("raw")?;
    params.flag("prettyPrint")
}

/// The traces that exist, in the order of their ids.
async fn fetch(
    state: &ApiState,
    tenant: &TenantId,
    ids: &[TraceId],
) -> Result<Vec<Trace>, ApiError> {
    let fetching = ids.iter().copied().map(|id| async move {
        let found = state.engine.find_trace(tenant, id, TimeRange::ALL).await?;
        found.map(|found| found.to_trace()).transpose()
    });
    let found: Vec<Option<Trace>> = stream::iter(fetching).buffered(FETCHING).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

async fn traces_response(
    traces: Vec<Trace>,
    errors: Vec<ErrorEntry>,
    pretty: bool,
) -> Result<Response, ApiError> {
    let body = cpu::run(move || {
        let legacy = traces.iter().map(legacy_trace).collect();
        Envelope::traces(legacy, errors).body(pretty)
    });
    Ok(json_response(body.await?))
}
