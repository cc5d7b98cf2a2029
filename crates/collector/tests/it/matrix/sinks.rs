//! Where exporters send to: what arrives is kept as it came, by exporter.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::post;
use parking_lot::Mutex;
use prost::Message;
use spandrel_base::clock::SystemClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_base::task::TaskSet;
use spandrel_config::read_settings;
use spandrel_pipeline::{
    Accepted, Account, Component, ComponentContext, ConsumeError, TraceBatch, TraceConsumer,
};
use spandrel_receivers::{OtlpComponent, OtlpSettings};
use spandrel_telemetry::Metrics;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// What has arrived from one exporter.
#[derive(Default)]
struct Arrived {
    bodies: Vec<Bytes>,
    /// Spans, or requests where nobody has looked into them.
    count: usize,
}

#[derive(Default)]
pub(super) struct Arrivals {
    by_exporter: Mutex<BTreeMap<String, Arrived>>,
    changed: Notify,
}

impl Arrivals {
    fn put(&self, exporter: String, body: Bytes, count: usize) {
        let mut all = self.by_exporter.lock();
        let arrived = all.entry(exporter).or_default();
        arrived.bodies.push(body);
        arrived.count += count;
        drop(all);
        self.changed.notify_waiters();
    }

    /// Returns when each of the exporters has sent so much.
    pub(super) async fn wait(&self, exporters: &[(&str, usize)]) {
        loop {
            let changed = self.changed.notified();
            let count =
                |exporter: &str| self.by_exporter.lock().get(exporter).map_or(0, |of| of.count);
            if exporters.iter().all(|(exporter, least)| count(exporter) >= *least) {
                return;
            }
            changed.await;
        }
    }

    pub(super) fn of(&self, exporter: &str) -> Vec<Bytes> {
        self.by_exporter.lock().get(exporter).map_or(Vec::new(), |of| of.bodies.clone())
    }

    pub(super) fn counts(&self) -> Vec<(String, usize)> {
        let all = self.by_exporter.lock();
        all.iter().map(|(exporter, of)| (exporter.clone(), of.count)).collect()
    }
}

/// Takes spans in this process; a header says from which exporter, if it has no name.
pub(super) struct Consumer {
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) exporter: Option<&'static str>,
}

#[async_trait::async_trait]
impl TraceConsumer for Consumer {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let exporter = match self.exporter {
            Some(exporter) => exporter.to_owned(),
            None => batch.client.metadata("x-sink").first().cloned().unwrap_or_default(),
        };
        let spans = batch.traces.span_count();
        let request = batch.traces.decoded()?;
        self.arrivals.put(
            exporter,
            request.encode_to_vec().into(),
            usize::try_from(spans).unwrap(),
        );
        Ok(Accepted { accepted_spans: spans, ..Accepted::default() })
    }
}

/// Servers on free ports.
pub(super) struct Sinks {
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) grpc: String,
    pub(super) http: String,
    receiver: OtlpComponent,
    tasks: TaskSet,
}

impl Sinks {
    pub(super) async fn start() -> Self {
        let arrivals = Arc::new(Arrivals::default());
        let next = Consumer { arrivals: Arc::clone(&arrivals), exporter: None };
        let context = ComponentContext {
            id: "sink".into(),
            pipeline: "traces".into(),
            clock: Arc::new(SystemClock::new()),
            metrics: Metrics::new(),
            memory: MemoryBudget::unlimited(),
            data_dir: PathBuf::new(),
            account: Account::detached(),
        };
        let yaml = "protocols: {grpc: {endpoint: '127.0.0.1:0', include_metadata: true}}";
        let settings = read_settings(yaml, OtlpSettings::read).unwrap().0;
        let receiver = OtlpComponent::new(settings, Arc::new(next), context).unwrap();
        receiver.start().await.unwrap();
        let grpc = receiver.receiver().unwrap().grpc_addr().unwrap().to_string();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = listener.local_addr().unwrap().to_string();
        let routes = Router::new().route("/{kind}/{name}", post(take));
        let routes = routes.with_state(Arc::clone(&arrivals));
        let tasks = TaskSet::new();
        let token = tasks.token();
        tasks.spawn("http", async move {
            let served = axum::serve(listener, routes);
            served.with_graceful_shutdown(token.cancelled_owned()).await.unwrap();
        });
        Self { arrivals, grpc, http, receiver, tasks }
    }

    pub(super) async fn stop(&self) {
        self.receiver.shutdown().await;
        self.tasks.shutdown(Duration::from_secs(10)).await.unwrap();
    }
}

async fn take(
    State(arrivals): State<Arc<Arrivals>>,
    Path((kind, name)): Path<(String, String)>,
    body: Bytes,
) {
    arrivals.put(format!("{kind}/{name}"), body, 1);
}
