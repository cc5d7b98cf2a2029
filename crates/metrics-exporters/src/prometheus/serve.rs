//! The listener: one page, in the format that is asked for.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{PageFormat, Shared};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=";
const PROTOBUF: &str = "application/vnd.google.protobuf; \
    proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=";
const UTF_8: &str = "allow-utf-8";

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().route("/metrics", get(page)).with_state(shared)
}

async fn page(State(shared): State<Arc<Shared>>, request: HeaderMap) -> Response {
    let open_metrics =
        shared.settings.enable_open_metrics && asks_for(&request, "application/openmetrics-text");
    // Prometheus asks for protobuf only when it wants exponential histograms.
    let (format, kind) = if asks_for(&request, "proto=io.prometheus.client.MetricFamily") {
        (PageFormat::Protobuf, PROTOBUF)
    } else if open_metrics {
        (PageFormat::OpenMetrics, OPEN_METRICS)
    } else {
        (PageFormat::Text, TEXT)
    };
    // Who does not say that it can read all names gets names that everybody can read.
    let escape = shared.settings.naming.escape || !asks_for(&request, UTF_8);
    let content_type = format!("{kind}{}", if escape { "underscores" } else { UTF_8 });
    let mut response =
        ([(CONTENT_TYPE, content_type)], shared.page(format, escape)).into_response();
    for (name, value) in shared.settings.http.response_headers.iter() {
        let name = HeaderName::try_from(name);
        let value = HeaderValue::try_from(value.expose());
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Whether the request accepts this format or option of one.
fn asks_for(request: &HeaderMap, what: &str) -> bool {
    let accepted = request.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    accepted.into_iter().any(|value| value.contains(what))
}
