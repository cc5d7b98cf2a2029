//! Jaeger's query APIs: the legacy JSON API as its releases up to 2.20 and Grafana speak it, `/api/v3`, and gRPC.
//!
//! A search finds whole traces with one span that satisfies all conditions. Traces are adjusted before they are
//! shown, unless they are asked for as they were stored.

mod adjust;
mod answer;
mod convert;
mod dependencies;
mod envelope;
mod filter;
mod find;
mod grpc;
mod legacy_trace;
mod metrics;
mod millis;
mod printed;
mod quality;
mod search;
mod search_filter;
mod search_params;
mod services;
mod span_query;
mod summary;
mod trace_id;
mod transform;
mod v3;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use spandrel_telemetry::Api;

use crate::ApiState;
use crate::routes::Routes;

pub use grpc::jaeger_grpc_routes;

/// Jaeger's query API over HTTP, with its paths at the root.
pub fn jaeger_router(state: ApiState) -> Router {
    routes(state).finish()
}

/// The paths of its routes.
pub(crate) fn paths(state: &ApiState) -> Vec<String> {
    routes(state.clone()).paths()
}

fn routes(state: ApiState) -> Routes {
    let transform = post(transform::transform).layer(DefaultBodyLimit::max(transform::BYTES_MAX));
    Routes::new(state, Api::Jaeger)
        .get("/api/services", "services", services::services)
        .get("/api/services/{service}/operations", "service_operations", services::operation_names)
        .get("/api/operations", "operations", services::operations)
        .get("/api/traces", "search", search::find_traces)
        .get("/api/traces/{id}", "trace_by_id", search::trace)
        .route("/api/archive/{id}", "archive", post(search::archive))
        .route("/api/transform", "transform", transform)
        .get("/api/dependencies", "dependencies", dependencies::dependencies)
        .get("/api/metrics/latencies", "metrics_latencies", metrics::latencies)
        .get("/api/metrics/calls", "metrics_calls", metrics::calls)
        .get("/api/metrics/errors", "metrics_errors", metrics::errors)
        .get("/api/metrics/minstep", "metrics_min_step", metrics::min_step)
        .get("/api/quality-metrics", "quality_metrics", quality::quality)
        .get("/api/v3/services", "services_v3", v3::services)
        .get("/api/v3/operations", "operations_v3", v3::operations)
        .get("/api/v3/traces", "search_v3", v3::find_traces)
        .get("/api/v3/traces/{id}", "trace_by_id_v3", v3::trace)
        .get("/api/v3/trace-summaries", "summaries_v3", v3::summaries)
        .get("/api/v3/dependencies", "dependencies_v3", v3::dependencies)
}
