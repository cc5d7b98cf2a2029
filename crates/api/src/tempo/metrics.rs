//! Metrics: `GET /api/metrics/query_range` and `GET /api/metrics/query`.

mod messages;
pub(super) mod params;
pub(super) mod response;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::answer::{Failure, Format};
use crate::ApiState;
use crate::params::Params;
use crate::tenant::Tenants;

/// `GET /api/metrics/query_range`: a value for each interval.
pub(super) async fn query_range(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let query = params::range(&params, state.clock.now_unix_nanos())?;
    let answer = state.engine.metrics_of_all(tenants.all(), &query).await?;
    let response = response::query_range(&answer, &query.intervals);
    Ok(Format::accepted_by(&headers).message(&response))
}

/// `GET /api/metrics/query`: one value for the whole range.
pub(super) async fn query_instant(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let query = params::instant(&params, state.clock.now_unix_nanos())?;
    let answer = state.engine.metrics_of_all(tenants.all(), &query).await?;
    Ok(Format::accepted_by(&headers).message(&response::query_instant(&answer)))
}
