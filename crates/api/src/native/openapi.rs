//! `GET /api/ui/openapi.json`: the description of this API, in OpenAPI 3.1.
//!
//! It is written by hand; the tests ask every endpoint that it names, hold the answers against its schemas, and fail
//! when a route is not in it. The interface's TypeScript types are generated from it.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;

const DESCRIPTION: &str = include_str!("../../openapi.json");

pub(super) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], DESCRIPTION).into_response()
}
