//! Tempo's query API over HTTP, and its streaming service over gRPC.
//!
//! Answers have exactly the shape of Tempo's, since its clients refuse what they do not know. They
//! differ in being complete: without `start` and `end` everything is searched, not only recent
//! data, and results are always the newest.

mod answer;
mod diff;
pub(crate) mod federated;
pub(crate) mod jsonpb;
mod legacy_tags;
mod llm;
mod mcp;
mod messages;
mod metrics;
mod overrides;
mod percent;
mod search;
pub(crate) mod search_params;
mod search_response;
mod status;
pub(crate) mod streaming;
mod tag_request;
mod tag_values;
mod tags;
pub(crate) mod time_range;
mod trace_by_id;
mod trace_params;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::MethodFilter;
use axum::routing::{get, on_service, post};
use spandrel_telemetry::Api;

use crate::ApiState;
use crate::routes::Routes;
use crate::sql::with_sql;

pub(crate) use answer::Failure;
pub use overrides::{Overrides, OverridesError, OverridesTarget, TenantOverrides};
#[cfg(feature = "sql")]
pub(crate) use time_range::open_range;

/// Tempo's query API, with its paths at the root.
pub fn tempo_router(state: ApiState) -> Router {
    routes(state).finish()
}

/// The paths of its routes.
pub(crate) fn paths(state: &ApiState) -> Vec<String> {
    routes(state.clone()).paths()
}

fn routes(state: ApiState) -> Routes {
    let routes = with_sql(queries(state.clone()));
    match state.options.mcp {
        true => mcp::with_mcp(routes, queries(state.clone()).finish(), &state),
        false => routes,
    }
}

fn queries(state: ApiState) -> Routes {
    let streaming = on_service(MethodFilter::POST, streaming::service(state.clone()));
    let routes = Routes::new(state.clone(), Api::Tempo)
        .get("/api/traces/{id}", "trace_by_id", trace_by_id::trace_v1)
        .get("/api/v2/traces/{id}", "trace_by_id_v2", trace_by_id::trace_v2)
        .route(
            "/api/v2/traces/diff",
            "trace_diff",
            post(diff::diff).layer(DefaultBodyLimit::max(diff::REQUEST_BYTES_MAX)),
        )
        .get("/api/search", "search", search::search)
        .get("/api/search/tags", "tags", tags::tags_v1)
        .get("/api/v2/search/tags", "tags_v2", tags::tags_v2)
        .get("/api/metrics/query_range", "metrics_query_range", metrics::query_range)
        .get("/api/metrics/query", "metrics_query", metrics::query_instant)
        // The name of a tag may hold slashes.
        .get("/api/search/tag/{*path}", "tag_values", tag_values::values_v1)
        .get("/api/v2/search/tag/{*path}", "tag_values_v2", tag_values::values_v2)
        .get("/api/echo", "echo", status::echo)
        .get("/api/status/buildinfo", "build_info", status::build_info)
        .route(streaming::PATH, "streaming", streaming);
    match state.overrides {
        None => routes,
        Some(_) => {
            let methods = get(overrides::get)
                .post(overrides::post)
                .patch(overrides::patch)
                .delete(overrides::delete);
            let limit = DefaultBodyLimit::max(overrides::BYTES_MAX);
            routes.route("/api/overrides", "overrides", methods.layer(limit))
        }
    }
}
