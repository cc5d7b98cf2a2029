//! The API of the web interface: what it needs that no other API has.
//!
//! A trace opens with its *skeleton*, binary columns of what a waterfall draws; everything else about a span is
//! asked for when somebody looks at it. Of a trace of 100,000 spans that is a fortieth of the bytes of OTLP in JSON.

mod bare;
mod blocks;
mod compare;
mod complete;
mod exceptions;
mod filter_param;
mod find;
mod link_templates;
mod links;
mod live;
mod openapi;
mod sampling;
mod search;
mod service_map;
mod skeleton;
mod spans;
mod structure;
mod tenant;
mod test_trace;
mod trace_compare;
mod traceql_check;
mod transform;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use http::HeaderMap;
use spandrel_model::TraceId;
use spandrel_query::TraceSpans;
use spandrel_telemetry::Api;

pub use self::link_templates::LinkTemplates;
pub(crate) use self::links::{LinkStore, LinksError};

use crate::ApiState;
use crate::error::ApiError;
use crate::routes::Routes;
use crate::tempo::federated;
use crate::tenant::Tenants;

/// The web interface's API, with its paths below `/api/ui`, and short links below `/s`.
pub(crate) fn native_router(state: ApiState) -> Router {
    routes(state).finish_beside()
}

/// The paths of its routes.
pub(crate) fn paths(state: &ApiState) -> Vec<String> {
    routes(state.clone()).paths()
}

fn routes(state: ApiState) -> Routes {
    let transform = post(transform::transform).layer(DefaultBodyLimit::max(transform::BYTES_MAX));
    let links = get(links::saved).post(links::create);
    let links = links.layer(DefaultBodyLimit::max(links::BODY_BYTES_MAX));
    let settings = || DefaultBodyLimit::max(sampling::BODY_BYTES_MAX);
    let sampling_check = post(sampling::check).layer(settings());
    let simulation = post(sampling::simulate).layer(settings());
    Routes::new(state, Api::Native)
        .get("/api/ui/blocks", "blocks", blocks::blocks)
        .get("/api/ui/compare", "compare", compare::compare)
        .get("/api/ui/exceptions", "exceptions", exceptions::exceptions)
        .get("/api/ui/link-templates", "link_templates", link_templates::link_templates)
        .route("/api/ui/links", "links", links)
        .route("/api/ui/links/{short}", "link", get(links::link).delete(links::delete))
        .get("/api/ui/live", "live", live::live)
        .get("/api/ui/openapi.json", "openapi", openapi::openapi)
        .get("/api/ui/search", "search", search::search)
        .route("/api/ui/sampling/check", "sampling_check", sampling_check)
        .route("/api/ui/sampling/simulate", "sampling_simulate", simulation)
        .get("/api/ui/service-map", "service_map", service_map::service_map)
        .get("/api/ui/structure", "structure", structure::structure)
        .get("/api/ui/tenant", "tenant", tenant::tenant)
        .route("/api/ui/test-trace", "test_trace", post(test_trace::create))
        .get("/api/ui/traceql/check", "traceql_check", traceql_check::check)
        .get("/api/ui/traceql/complete", "traceql_complete", complete::complete)
        .get("/api/ui/traces/{id}/compare/{other}", "trace_compare", trace_compare::compare)
        .get("/api/ui/traces/{id}/find", "find", find::find)
        .get("/api/ui/traces/{id}/skeleton", "skeleton", skeleton::skeleton)
        .get("/api/ui/traces/{id}/span-ids", "span_ids", skeleton::span_ids)
        .get("/api/ui/traces/{id}/spans", "spans", spans::spans)
        .get("/api/ui/traces/{id}/typical", "typical", trace_compare::typical)
        .route("/api/ui/transform", "transform", transform)
        .get("/s/{short}", "short_link", links::open)
}

/// The trace that a path names.
async fn trace_of(state: &ApiState, headers: &HeaderMap, id: &str) -> Result<TraceSpans, ApiError> {
    let tenants = Tenants::of(headers, state)?;
    let trace = federated::find_trace(state, &tenants, TraceId::from_hex(id)?).await?;
    trace.ok_or(ApiError::TraceNotFound)
}
