//! Jaeger's legacy JSON API, as its releases up to 2.20 and Grafana speak it.

mod convert;
mod envelope;
mod legacy_trace;
mod search;
mod search_filter;
mod search_params;
mod services;

use axum::Router;
use spandrel_telemetry::Api;

use crate::ApiState;
use crate::routes::Routes;

/// Jaeger's query API, with its paths at the root.
pub fn jaeger_router(state: ApiState) -> Router {
    routes(state).finish()
}

/// The paths of its routes.
pub(crate) fn paths(state: &ApiState) -> Vec<String> {
    routes(state.clone()).paths()
}

fn routes(state: ApiState) -> Routes {
    Routes::new(state, Api::Jaeger)
        .get("/api/services", "services", services::services)
        .get("/api/services/{service}/operations", "service_operations", services::operation_names)
        .get("/api/operations", "operations", services::operations)
        .get("/api/traces", "search", search::find_traces)
        .get("/api/traces/{id}", "trace_by_id", search::trace)
}
