//! What the process says about itself: readiness, health, metrics.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use jiff::Timestamp;
use spandrel_base::clock::SharedClock;
use spandrel_telemetry::{METRICS_CONTENT_TYPE, Metrics};

use crate::gate::{Gate, Phase, Readiness};
use crate::memory::Memory;
use crate::status_pages::StatusPages;

/// What the process tells about itself in numbers.
#[derive(Debug, Clone)]
pub(crate) struct OwnMetrics {
    pub(crate) metrics: Metrics,
    pub(crate) memory: Memory,
}

impl OwnMetrics {
    fn page(&self) -> String {
        self.memory.report(&self.metrics);
        self.metrics.encode()
    }

    fn answer(&self) -> Response {
        ([(header::CONTENT_TYPE, METRICS_CONTENT_TYPE)], self.page()).into_response()
    }
}

/// The routes of a query port: the web interface, `/ready`, `/metrics`, `/status`; the rest is behind `gate`.
pub(crate) fn query_port(
    readiness: Readiness,
    own: OwnMetrics,
    pages: StatusPages,
    gate: Gate,
) -> Router {
    Router::new()
        .route("/ready", get(async move || ready(&readiness)))
        .merge(pages.routes())
        .route(
            "/metrics",
            get(async move |uri: Uri, headers: HeaderMap| metrics(&own, &uri, &headers)),
        )
        .merge(spandrel_ui::ui_router())
        .fallback(rest)
        .with_state(gate)
}

/// What has no route above: the query APIs, and for a browser at an address that nothing has, the page that says so.
async fn rest(State(gate): State<Gate>, request: Request) -> Response {
    let headers = wants_page(&request).then(|| request.headers().clone());
    let response = Gate::pass(State(gate), request).await;
    // An API that has no such thing says so in words of its own.
    let is_unknown = response.status() == StatusCode::NOT_FOUND
        && !response.headers().contains_key(header::CONTENT_TYPE);
    match headers {
        Some(headers) if is_unknown => {
            (StatusCode::NOT_FOUND, spandrel_ui::page(&headers)).into_response()
        }
        _ => response,
    }
}

fn wants_page(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    request.method() == Method::GET && accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The routes of the telemetry port: `/metrics`.
pub(crate) fn telemetry_port<S: Clone + Send + Sync + 'static>(own: OwnMetrics) -> Router<S> {
    Router::new().route("/metrics", get(async move || own.answer()))
}

/// `/metrics` of a query port: the process's own, or with TraceQL in `q` the web interface's page that draws it.
fn metrics(own: &OwnMetrics, uri: &Uri, headers: &HeaderMap) -> Response {
    let mut pairs = uri.query().unwrap_or_default().split('&');
    if pairs.any(|pair| pair.starts_with("q=")) { spandrel_ui::page(headers) } else { own.answer() }
}

/// The routes of the health port: `/`, answered as the Collector's `health_check` extension does.
pub(crate) fn health_port(readiness: Readiness, clock: SharedClock) -> Router {
    let started_unix_nanos = clock.now_unix_nanos();
    let started = clock.monotonic();
    let health = async move || {
        let up = clock.monotonic().saturating_sub(started);
        health(readiness.phase(), started_unix_nanos, up.as_secs_f64())
    };
    Router::new().route("/", get(health))
}

fn ready(readiness: &Readiness) -> Response {
    match readiness.phase() {
        Phase::Ready => "ready\n".into_response(),
        Phase::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting\n").into_response(),
        Phase::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response(),
    }
}

fn health(phase: Phase, started_unix_nanos: u64, up_seconds: f64) -> Response {
    let (status, body) = match phase {
        Phase::Ready => {
            let since = Timestamp::from_nanosecond(i128::from(started_unix_nanos))
                .map(|since| since.to_string())
                .unwrap_or_default();
            let up = format!("{up_seconds:.3}s");
            let body = serde_json::json!({
                "status": "Server available", "upSince": since, "uptime": up,
            });
            (StatusCode::OK, body)
        }
        Phase::Starting | Phase::Stopping => {
            let body = serde_json::json!({
                "status": "Server not available", "upSince": "0001-01-01T00:00:00Z", "uptime": "",
            });
            (StatusCode::SERVICE_UNAVAILABLE, body)
        }
    };
    (status, axum::Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_worded_as_the_collector_does() {
        let available = health(Phase::Ready, 1_767_225_600_000_000_000, 1.5);
        assert_eq!(available.status(), StatusCode::OK);
        assert_eq!(health(Phase::Stopping, 0, 0.0).status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
