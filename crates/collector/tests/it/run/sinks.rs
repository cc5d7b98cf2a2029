//! Backends for all configurations: receivers that remember which exporter sent how many spans of which trace.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use spandrel_base::clock::SystemClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_config::read_settings;
use spandrel_pipeline::{
    Accepted, Account, Component, ComponentContext, ConsumeError, TraceBatch, TraceConsumer,
};
use spandrel_receivers::{OtlpComponent, OtlpSettings, ZipkinReceiver, ZipkinSettings};
use spandrel_telemetry::Metrics;
use tokio::sync::Notify;

/// The header by which exporters say who they are.
pub(super) const HEADER: &str = "x-sink";

/// Spans by exporter and trace.
#[derive(Default)]
pub(super) struct Arrived {
    spans: Mutex<BTreeMap<String, BTreeMap<u128, u64>>>,
    pub(super) changed: Notify,
}

impl Arrived {
    /// Spans of an exporter by trace.
    pub(super) fn of(&self, exporter: &str) -> BTreeMap<u128, u64> {
        self.spans.lock().get(exporter).cloned().unwrap_or_default()
    }

    pub(super) fn count(&self, exporter: &str) -> u64 {
        self.of(exporter).values().sum()
    }

    fn add(&self, exporter: &str, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let request = batch.traces.decoded()?;
        let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        let mut accepted_spans = 0;
        {
            let mut all = self.spans.lock();
            let traces = all.entry(exporter.to_owned()).or_default();
            for span in scopes.flat_map(|scope| &scope.spans) {
                let id = u128::from_be_bytes(span.trace_id[..].try_into().unwrap());
                *traces.entry(id).or_default() += 1;
                accepted_spans += 1;
            }
        }
        self.changed.notify_waiters();
        Ok(Accepted { accepted_spans, ..Accepted::default() })
    }
}

/// Where exporters send over the network.
pub(super) struct ByHeader(pub(super) Arc<Arrived>);

#[async_trait::async_trait]
impl TraceConsumer for ByHeader {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let exporter = batch.client.metadata(HEADER).first().cloned().unwrap_or_default();
        self.0.add(&exporter, batch)
    }
}

/// Stands for the store of the process.
pub(super) struct Named(pub(super) Arc<Arrived>, pub(super) String);

#[async_trait::async_trait]
impl TraceConsumer for Named {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        self.0.add(&self.1, batch)
    }
}

/// Receivers on free ports.
pub(super) struct Sinks {
    pub(super) arrived: Arc<Arrived>,
    pub(super) grpc: String,
    pub(super) http: String,
    pub(super) zipkin: String,
    receivers: (OtlpComponent, ZipkinReceiver),
}

impl Sinks {
    pub(super) async fn start() -> Self {
        let arrived = Arc::new(Arrived::default());
        let next: Arc<dyn TraceConsumer> = Arc::new(ByHeader(Arc::clone(&arrived)));
        let context = |id: &str| ComponentContext {
            id: id.into(),
            pipeline: "traces".into(),
            clock: Arc::new(SystemClock::new()),
            metrics: Metrics::new(),
            memory: MemoryBudget::unlimited(),
            data_dir: PathBuf::new(),
            account: Account::detached(),
        };
        let server = "{endpoint: '127.0.0.1:0', include_metadata: true}";
        let yaml = format!("protocols: {{grpc: {server}, http: {server}}}");
        let settings = read_settings(&yaml, OtlpSettings::read).unwrap().0;
        let otlp = OtlpComponent::new(settings, Arc::clone(&next), context("otlp")).unwrap();
        let settings = read_settings(server, ZipkinSettings::read).unwrap().0;
        let zipkin = ZipkinReceiver::new(settings, next, context("zipkin")).unwrap();
        otlp.start().await.unwrap();
        zipkin.start().await.unwrap();
        let running = otlp.receiver().unwrap();
        Self {
            arrived,
            grpc: running.grpc_addr().unwrap().to_string(),
            http: running.http_addr().unwrap().to_string(),
            zipkin: zipkin.address().unwrap().to_string(),
            receivers: (otlp, zipkin),
        }
    }

    pub(super) async fn stop(&self) {
        self.receivers.0.shutdown().await;
        self.receivers.1.shutdown().await;
    }
}
