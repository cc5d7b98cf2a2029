//! The paths of the API.

use crate::ZipkinState;
use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use spandrel_telemetry::{Api, Endpoint};
use tower_http::compression::CompressionLayer;

use crate::{autocomplete, dependencies, names, traces};

/// Zipkin's reads, with their paths at the root; spans are sent to the receiver.
pub fn zipkin_router(state: ZipkinState) -> Router {
    routes(state.clone()).router.layer(CompressionLayer::new()).with_state(state)
}

/// The paths below `/zipkin`.
pub fn endpoints(state: &ZipkinState) -> Vec<String> {
    routes(state.clone()).paths
}

fn routes(state: ZipkinState) -> Routes {
    Routes { router: Router::new(), paths: Vec::new(), state }
        .get("/api/v2/services", "services", names::services)
        .get("/api/v2/spans", "spans", names::spans)
        .get("/api/v2/remoteServices", "remote_services", names::remote_services)
        .get("/api/v2/traces", "search", traces::search)
        .get("/api/v2/trace/{id}", "trace_by_id", traces::trace)
        .get("/api/v2/traceMany", "traces_by_ids", traces::trace_many)
        .get("/api/v2/dependencies", "dependencies", dependencies::dependencies)
        .get("/api/v2/autocompleteKeys", "autocomplete_keys", autocomplete::keys)
        .get("/api/v2/autocompleteValues", "autocomplete_values", autocomplete::values)
}

struct Routes {
    router: Router<ZipkinState>,
    paths: Vec<String>,
    state: ZipkinState,
}

impl Routes {
    fn get<H, T>(mut self, path: &str, endpoint: &'static str, handler: H) -> Self
    where
        H: Handler<T, ZipkinState>,
        T: 'static,
    {
        let endpoint = Endpoint { api: Api::Zipkin, endpoint };
        let counted = from_fn_with_state((self.state.clone(), endpoint), count);
        self.router = self.router.route(path, get(handler).layer(counted));
        self.paths.push(format!("/zipkin{path}"));
        self
    }
}

async fn count(
    State((state, endpoint)): State<(ZipkinState, Endpoint)>,
    request: Request,
    next: Next,
) -> Response {
    let started = state.clock.monotonic();
    let response = next.run(request).await;
    let took = state.clock.monotonic().saturating_sub(started);
    state.metrics.query().record_request(endpoint, response.status().as_u16(), took);
    response
}
