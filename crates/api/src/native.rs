//! The API of the web interface: what it needs that no other API has.
//!
//! A trace opens with its *skeleton*, binary columns of what a waterfall draws; everything else about a span is
//! asked for when somebody looks at it. Of a trace of 100,000 spans that is a fortieth of the bytes of OTLP in JSON.

mod service_map;
mod skeleton;
mod spans;

use axum::Router;
use http::HeaderMap;
use spandrel_model::TraceId;
use spandrel_query::TraceSpans;
use spandrel_telemetry::Api;

use crate::ApiState;
use crate::error::ApiError;
use crate::routes::Routes;
use crate::tempo::federated;
use crate::tenant::Tenants;

/// The web interface's API, with its paths below `/api/ui`.
pub(crate) fn native_router(state: ApiState) -> Router {
    routes(state).finish_beside()
}

/// The paths of its routes.
pub(crate) fn paths(state: &ApiState) -> Vec<String> {
    routes(state.clone()).paths()
}

fn routes(state: ApiState) -> Routes {
    Routes::new(state, Api::Native)
        .get("/api/ui/service-map", "service_map", service_map::service_map)
        .get("/api/ui/traces/{id}/skeleton", "skeleton", skeleton::skeleton)
        .get("/api/ui/traces/{id}/spans", "spans", spans::spans)
}

/// The trace that a path names.
async fn trace_of(state: &ApiState, headers: &HeaderMap, id: &str) -> Result<TraceSpans, ApiError> {
    let tenants = Tenants::of(headers, state)?;
    let trace = federated::find_trace(state, &tenants, TraceId::from_hex(id)?).await?;
    trace.ok_or(ApiError::TraceNotFound)
}
