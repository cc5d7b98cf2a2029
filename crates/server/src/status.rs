//! What the process says about itself: readiness, health, metrics, version, and a page for browsers.

use axum::Router;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use jiff::Timestamp;
use spandrel_base::clock::SharedClock;
use spandrel_telemetry::{METRICS_CONTENT_TYPE, Metrics};

use crate::gate::{Gate, Phase, Readiness};
use crate::memory::Memory;
use crate::status_pages::StatusPages;

const VERSION: &str = env!("CARGO_PKG_VERSION");

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
}

/// The routes of a query port: `/`, `/ready`, `/metrics`, `/status`; the rest is behind `gate`.
pub(crate) fn query_port(
    readiness: Readiness,
    own: OwnMetrics,
    pages: StatusPages,
    gate: Gate,
) -> Router {
    Router::new()
        .route("/", get(async || Html(page())))
        .route("/ready", get(async move || ready(&readiness)))
        .merge(pages.routes())
        .merge(telemetry_port(own))
        .fallback(Gate::pass)
        .with_state(gate)
}

/// The routes of the telemetry port: `/metrics`.
pub(crate) fn telemetry_port<S: Clone + Send + Sync + 'static>(own: OwnMetrics) -> Router<S> {
    let page = async move || ([(header::CONTENT_TYPE, METRICS_CONTENT_TYPE)], own.page());
    Router::new().route("/metrics", get(page))
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

/// What a browser gets at `/`.
fn page() -> String {
    const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;\
        padding:0 1rem;color-scheme:light dark}code{font-family:ui-monospace,monospace}";
    let links: String = [
        ("/ready", "whether spans and queries are taken"),
        ("/metrics", "what this process does, in OpenMetrics text"),
        ("/status", "what runs here, with which settings"),
        ("/tempo/api/search", "the newest traces, through Tempo's API"),
        ("/tempo/api/search?q=%7B%20status%20%3D%20error%20%7D", "<code>{ status = error }</code>"),
        ("/tempo/api/v2/search/tags", "which attributes there are"),
        ("/jaeger/api/services", "which services there are, through Jaeger's API"),
    ]
    .map(|(href, text)| format!("<li><a href=\"{href}\"><code>{href}</code></a>: {text}</li>\n"))
    .concat();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Spandrel</title>\
         <style>{STYLE}</style></head><body>\n<h1>Spandrel {VERSION}</h1>\n\
         <p>This process stores traces and answers Tempo's and Jaeger's APIs. Add it to Grafana as a \
         Tempo or Jaeger data source, or ask it from a terminal: \
         <code>spandrel query '{{ status = error }}'</code>.</p>\n<ul>\n{links}</ul>\n</body></html>\n"
    )
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

    #[test]
    fn the_page_has_balanced_braces_and_tags() {
        let page = page();
        assert!(page.contains("<code>spandrel query '{ status = error }'</code>"), "{page}");
        assert_eq!(page.matches("<li>").count(), page.matches("</li>").count());
    }
}
