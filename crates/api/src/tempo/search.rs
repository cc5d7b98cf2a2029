//! Search.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::answer::{Failure, Format};
use super::search_response::search_response;
use super::{federated, search_params};
use crate::ApiState;
use crate::params::Params;
use crate::tenant::Tenants;

/// `GET /api/search`.
pub(super) async fn search(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let search = search_params::search(&params)?;
    let answer = federated::search(&state, &tenants, &search).await?;
    Ok(Format::accepted_by(&headers).message(&search_response(&answer)))
}
