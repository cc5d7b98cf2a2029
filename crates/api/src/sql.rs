//! SQL over the spans of a tenant.
//!
//! `POST /api/sql`: the text is the body, or `{"query": "..."}`; `start` and `end` bound the starts of the spans;
//! `Accept` says in which form the rows come (see `spandrel_sql::AnswerFormat`). Arrow Flight SQL is a gRPC service on
//! the same port.
//!
//! Without the feature `sql` the path exists and says how to get it; the service does not.

#[cfg(feature = "sql")]
mod answer;
#[cfg(feature = "sql")]
mod flight;

use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use spandrel_telemetry::Api;

use crate::routes::Routes;

/// Bytes of a request: a query as JSON may have an escape for every character.
const REQUEST_BYTES_MAX: usize = 512 << 10;

/// Adds the route.
pub(crate) fn with_sql(routes: Routes) -> Routes {
    #[cfg(feature = "sql")]
    let handler = post(answer::sql);
    #[cfg(not(feature = "sql"))]
    let handler = post(not_built);
    let handler = handler.layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX));
    let routes = routes.route_of(Api::Native, "/api/sql", "sql", handler);
    #[cfg(feature = "sql")]
    let routes = flight::with_flight(routes);
    routes
}

#[cfg(not(feature = "sql"))]
async fn not_built() -> crate::tempo::Failure {
    crate::error::ApiError::SqlNotBuilt.into()
}
