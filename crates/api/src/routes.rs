//! What the routers of all dialects have in common: every route is counted and timed under a name,
//! answers are compressed for whoever accepts that, and an unknown path below `/api/` is a plain
//! 404, not the page of the web interface.

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http::StatusCode;
use spandrel_telemetry::{Api, Endpoint};
use tower_http::compression::CompressionLayer;

use crate::ApiState;

/// Routes of one dialect, under construction.
pub(crate) struct Routes {
    router: Router<ApiState>,
    state: ApiState,
    api: Api,
}

impl Routes {
    pub(crate) fn new(state: ApiState, api: Api) -> Self {
        Self { router: Router::new(), state, api }
    }

    /// Adds a route. Its requests are counted as `endpoint`, never by their path: paths come from
    /// clients.
    pub(crate) fn get<H, T>(mut self, path: &str, endpoint: &'static str, handler: H) -> Self
    where
        H: Handler<T, ApiState>,
        T: 'static,
    {
        let endpoint = Endpoint { api: self.api, endpoint };
        let counted = from_fn_with_state((self.state.clone(), endpoint), count);
        self.router = self.router.route(path, get(handler).layer(counted));
        self
    }

    pub(crate) fn finish(self) -> Router {
        let router = self.router.route("/api/{*unknown}", any(unknown_path));
        router.layer(CompressionLayer::new()).with_state(self.state)
    }
}

async fn count(
    State((state, endpoint)): State<(ApiState, Endpoint)>,
    request: Request,
    next: Next,
) -> Response {
    let started = state.clock.monotonic();
    let response = next.run(request).await;
    let took = state.clock.monotonic().saturating_sub(started);
    state.metrics.query().record_request(endpoint, response.status().as_u16(), took);
    response
}

async fn unknown_path() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}
