//! Search.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::answer::{Failure, Format};
use super::search_params;
use super::search_response::search_response;
use crate::ApiState;
use crate::params::Params;
use crate::tenant::tenant_of;

/// `GET /api/search`.
pub(super) async fn search(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenant = tenant_of(&headers)?;
    let search = search_params::search(&params)?;
    let answer = state.engine.search(&tenant, &search).await?;
    Ok(Format::accepted_by(&headers).message(&search_response(&answer)))
}
