//! Metrics that are generated from spans: between what receives and the store, and on a page of its own.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use spandrel_metrics_exporters::prometheus::PageFormat;
use spandrel_metrics_generator::{
    GeneratingConsumer, Generator, GeneratorSettings, GeneratorTasks,
};
use spandrel_model::TenantId;
use spandrel_pipeline::TraceConsumer;

use crate::ServerError;
use crate::server::Around;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROTOBUF: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// The generator of a server, if it has one. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Generated(Option<Arc<Generator>>);

impl Generated {
    pub(crate) fn new(
        settings: Option<&GeneratorSettings>,
        Around { clock, metrics, memory }: &Around,
    ) -> Self {
        let generator = |settings: &GeneratorSettings| {
            let (memory, clock) = (memory.of_generated_metrics(), Arc::clone(clock));
            Arc::new(Generator::new(settings.clone(), memory, clock, metrics.clone()))
        };
        Self(settings.map(generator))
    }

    /// The generator, if there is one.
    pub(crate) fn generator(&self) -> Option<Arc<Generator>> {
        self.0.clone()
    }

    /// The consumer, whose accepted spans are counted.
    pub(crate) fn behind(&self, inner: Arc<dyn TraceConsumer>) -> Arc<dyn TraceConsumer> {
        match &self.0 {
            Some(generator) => Arc::new(GeneratingConsumer::new(inner, Arc::clone(generator))),
            None => inner,
        }
    }

    /// Starts writing what is counted.
    pub(crate) async fn start(
        &self,
        settings: Option<GeneratorSettings>,
        Around { clock, metrics, memory }: &Around,
    ) -> Result<Writing, ServerError> {
        let (Some(generator), Some(settings)) = (&self.0, settings) else {
            return Ok(Writing(None));
        };
        let around = (Arc::clone(clock), metrics.clone(), memory.of_generated_metrics());
        let tasks = GeneratorTasks::start(Arc::clone(generator), settings.remote_write, around);
        Ok(Writing(Some(tasks.await.map_err(ServerError::MetricsGenerator)?)))
    }

    /// The route `/metrics/generated`: of the tenant in `X-Scope-OrgID`, or of all.
    pub(crate) fn routes<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        Router::new().route("/metrics/generated", get(page)).with_state(self)
    }
}

/// What writes generated metrics.
pub(crate) struct Writing(Option<GeneratorTasks>);

impl Writing {
    /// Writes everything once more and stops.
    pub(crate) async fn shutdown(&self, deadline: Duration) {
        if let Some(tasks) = &self.0 {
            tasks.shutdown(deadline).await;
        }
    }
}

async fn page(State(generated): State<Generated>, request: HeaderMap) -> Response {
    let Some(generator) = generated.0 else {
        return (StatusCode::NOT_FOUND, "no metrics are generated\n").into_response();
    };
    let tenant = request.get("x-scope-orgid").and_then(|value| value.to_str().ok());
    let tenant = match tenant.map(TenantId::new).transpose() {
        Ok(tenant) => tenant,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let asks_for = |what: &str| {
        let accepted = request.get_all(header::ACCEPT).into_iter();
        accepted.filter_map(|value| value.to_str().ok()).any(|value| value.contains(what))
    };
    let (format, kind) = if asks_for("proto=io.prometheus.client.MetricFamily") {
        (PageFormat::Protobuf, PROTOBUF)
    } else if asks_for("application/openmetrics-text") {
        (PageFormat::OpenMetrics, OPEN_METRICS)
    } else {
        (PageFormat::Text, TEXT)
    };
    let work = move || generator.page(tenant.as_ref(), format);
    match spandrel_base::cpu::run(work).await {
        Ok(page) => ([(header::CONTENT_TYPE, kind)], page).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}
