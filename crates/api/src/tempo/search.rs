//! Search.
//!
//! Where to go on does not fit into Tempo's message, which clients read strictly, so it is a header.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::answer::{Failure, Format};
use super::search_response::search_response;
use super::{federated, search_params};
use crate::ApiState;
use crate::params::Params;
use crate::tenant::Tenants;

/// What `after` has to be for the traces behind those of the answer.
const NEXT_CURSOR: HeaderName = HeaderName::from_static("x-spandrel-next-cursor");

/// `GET /api/search`.
pub(super) async fn search(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let search = search_params::search(&params)?;
    let answer = federated::search(&state, &tenants, &search).await?;
    let mut response = Format::accepted_by(&headers).message(&search_response(&answer));
    if let Some(next) = answer.next {
        // Cursors are ASCII.
        if let Ok(next) = HeaderValue::try_from(next.to_string()) {
            response.headers_mut().insert(NEXT_CURSOR, next);
        }
    }
    Ok(response)
}
