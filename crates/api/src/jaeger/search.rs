//! Whole traces of the legacy API: by id, by several ids, and by search.

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use spandrel_model::TraceId;

use super::answer::{Form, traces_response};
use super::envelope::{ErrorEntry, Failure};
use super::search_params::{self, Request};
use super::{find, trace_id};
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tenant::jaeger_tenant;

/// `GET /api/traces/{id}`. `start` and `end` are hints that the index does not need.
pub(super) async fn trace(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenant = jaeger_tenant(&headers)?;
    let (trace_id, form) = trace_params(&id, &params)?;
    let found = find::by_ids(&state, &tenant, &[trace_id]).await?;
    let found: Vec<_> = found.into_iter().flatten().collect();
    if found.is_empty() {
        return Err(ApiError::TraceNotFound.into());
    }
    Ok(traces_response(found, Vec::new(), form).await?)
}

/// `POST /api/archive/{id}`: there is no store of traces that are kept for longer.
pub(super) async fn archive(Path(id): Path<String>, params: Params) -> Result<Response, Failure> {
    trace_params(&id, &params)?;
    Err(ApiError::NoArchive.into())
}

fn trace_params(id: &str, params: &Params) -> Result<(TraceId, Form), ApiError> {
    let trace_id = trace_id::parse(id)?;
    search_params::micros(params, "start")?;
    search_params::micros(params, "end")?;
    Ok((trace_id, Form::of(params)?))
}

/// `GET /api/traces`.
pub(super) async fn find_traces(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenant = jaeger_tenant(&headers)?;
    let form = Form::of(&params)?;
    let (traces, errors) = match search_params::request(&params, state.clock.now_unix_nanos())? {
        Request::ById(ids) => {
            let found = find::by_ids(&state, &tenant, &ids).await?;
            let missing = ids.iter().zip(&found).filter(|(_, found)| found.is_none());
            let errors = missing.map(|(id, _)| ErrorEntry::not_found(*id)).collect();
            (found.into_iter().flatten().collect(), errors)
        }
        Request::Search(query) => {
            let found = find::search(&state, &tenant, query).await?;
            (find::spans_of(&state, &tenant, found).await?, Vec::new())
        }
    };
    Ok(traces_response(traces, errors, form).await?)
}
