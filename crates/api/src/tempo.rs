//! Tempo's query API over HTTP.
//!
//! Answers have exactly the shape of Tempo's, since its clients refuse what they do not know. They
//! differ in being complete: without `start` and `end` everything is searched, not only recent
//! data, and results are always the newest.

mod answer;
mod jsonpb;
mod legacy_tags;
mod messages;
mod metrics;
mod percent;
mod search;
mod search_params;
mod search_response;
mod status;
mod tag_values;
mod tags;
mod time_range;
mod trace_by_id;

use axum::Router;
use spandrel_telemetry::Api;

use crate::ApiState;
use crate::routes::Routes;

/// Tempo's query API, with its paths at the root.
pub fn tempo_router(state: ApiState) -> Router {
    Routes::new(state, Api::Tempo)
        .get("/api/traces/{id}", "trace_by_id", trace_by_id::trace_v1)
        .get("/api/v2/traces/{id}", "trace_by_id_v2", trace_by_id::trace_v2)
        .get("/api/search", "search", search::search)
        .get("/api/search/tags", "tags", tags::tags_v1)
        .get("/api/v2/search/tags", "tags_v2", tags::tags_v2)
        .get("/api/search/tag/{tag}/values", "tag_values", tag_values::values_v1)
        .get("/api/v2/search/tag/{ident}/values", "tag_values_v2", tag_values::values_v2)
        .get("/api/metrics/query_range", "metrics_query_range", metrics::query_range)
        .get("/api/metrics/query", "metrics_query", metrics::query_instant)
        .get("/api/echo", "echo", status::echo)
        .get("/api/status/buildinfo", "build_info", status::build_info)
        .finish()
}
