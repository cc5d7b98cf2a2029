//! `service_graph`: who calls whom, how often, how often without success, and how long it takes, seen from
//! both ends.
//!
//! The client span of a request and the server span below it are brought together by trace and span id; see
//! `spandrel_span_aggregation`'s edges for how long one waits for the other. What a client says about whom it called
//! stands for a server that is never seen.

mod edges;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spandrel_base::clock::SharedClock;
use spandrel_otlp::visit_spans;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, MetricBatch,
    MetricConsumer, TraceBatch, TraceConsumer,
};
use spandrel_proto::otlp::collector_metrics::ExportMetricsServiceRequest;
use spandrel_proto::otlp::metrics::AggregationTemporality;
use spandrel_telemetry::{Metrics, ServiceGraphCounters};

use crate::data_points::{Moment, Points, resource_metrics};
use crate::periodic::Periodic;
use crate::tenants::Tenants;
use edges::{Graph, Now, Pairing};
pub use settings::ServiceGraphSettings;

const SCOPE: &str = "traces_service_graph";
const UNIT: &str = "s";
/// How long a series without edges is kept, as in the Collector.
const SERIES_EXPIRATION: Duration = Duration::from_secs(15 * 60);

/// Makes metrics of the edges between services.
pub struct ServiceGraphConnector {
    shared: Arc<Shared>,
    tasks: Periodic,
}

struct Shared {
    settings: Arc<ServiceGraphSettings>,
    graphs: Mutex<Tenants<Graph>>,
    output: Arc<dyn MetricConsumer>,
    clock: SharedClock,
    id: Arc<str>,
    counters: ServiceGraphCounters,
}

impl ServiceGraphConnector {
    /// A connector that hands its metrics to `output`.
    ///
    /// # Errors
    /// None; the signature is that of all connectors.
    pub fn new(
        settings: ServiceGraphSettings,
        output: Arc<dyn MetricConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        let shared = Shared {
            settings: Arc::new(settings),
            graphs: Mutex::new(Tenants::new(context.memory)),
            output,
            clock: context.clock,
            counters: counters(&context.metrics, &context.id),
            id: context.id,
        };
        Ok(Self { shared: Arc::new(shared), tasks: Periodic::default() })
    }

    /// Hands on what was counted, as the task does in every interval.
    pub async fn flush(&self) {
        self.shared.flush().await;
    }

    /// Gives up edges whose other half did not come in time, as the task does.
    pub fn expire_edges(&self) {
        self.shared.expire_edges();
    }

    /// Ends series that have had no edges for 15 minutes, as the task does.
    pub fn expire_series(&self) {
        self.shared.expire_series();
    }
}

fn counters(metrics: &Metrics, id: &Arc<str>) -> ServiceGraphCounters {
    metrics.connectors().service_graph(id)
}

#[async_trait::async_trait]
impl TraceConsumer for ServiceGraphConnector {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let shared = &self.shared;
        let otlp = batch.traces.into_otlp();
        let accepted_spans = {
            let mut graphs = shared.graphs.lock();
            let make = |memory: &_| Graph::new(&shared.settings, memory);
            let Some(graph) = graphs.get_or_make(&batch.tenant, make) else {
                return Ok(Accepted::default());
            };
            let mut pairing = Pairing::new(graph, shared.now(), &shared.counters);
            visit_spans(&otlp, &mut pairing)
                .map_err(|error| ConsumeError::Malformed(error.to_string()))?;
            pairing.n_spans()
        };
        if shared.settings.metrics_flush_interval.is_zero() {
            shared.flush().await;
        }
        Ok(Accepted { accepted_spans, ..Accepted::default() })
    }
}

#[async_trait::async_trait]
impl Component for ServiceGraphConnector {
    async fn start(&self) -> Result<(), ComponentError> {
        let settings = &self.shared.settings;
        let interval = settings.metrics_flush_interval;
        if !interval.is_zero() {
            let shared = Arc::clone(&self.shared);
            self.tasks.every("service graph flush", interval, move || {
                let shared = Arc::clone(&shared);
                async move { shared.flush().await }
            });
        }
        let shared = Arc::clone(&self.shared);
        self.tasks.every("service graph edges", settings.store_expiration_loop, move || {
            shared.expire_edges();
            std::future::ready(())
        });
        let shared = Arc::clone(&self.shared);
        self.tasks.every("service graph series", settings.cache_loop, move || {
            shared.expire_series();
            std::future::ready(())
        });
        Ok(())
    }

    async fn shutdown(&self) {
        self.tasks.stop().await;
        self.flush().await;
    }
}

impl Shared {
    fn now(&self) -> Now {
        let monotonic_nanos = u64::try_from(self.clock.monotonic().as_nanos()).unwrap_or(u64::MAX);
        Now { monotonic_nanos, unix_nanos: self.clock.now_unix_nanos() }
    }

    async fn flush(&self) {
        for batch in self.batches() {
            if let Err(error) = self.output.consume_metrics(batch).await {
                tracing::warn!(connector = %self.id, error = %error, "metrics were not taken");
            }
        }
    }

    fn expire_edges(&self) {
        let now = self.now();
        let mut graphs = self.graphs.lock();
        for (_, graph) in graphs.iter_mut() {
            graph.expire_edges(now, &self.counters);
        }
    }

    fn expire_series(&self) {
        let nanos = SERIES_EXPIRATION.as_nanos() as u64;
        let now = self.clock.now_unix_nanos();
        let mut graphs = self.graphs.lock();
        for (_, graph) in graphs.iter_mut() {
            graph.series.expire(now, nanos);
        }
        graphs.retain(|graph| !graph.is_empty());
    }

    fn batches(&self) -> Vec<MetricBatch> {
        let offset = u64::try_from(self.settings.metrics_timestamp_offset.as_nanos());
        let moment = Moment {
            unix_nanos: self.clock.now_unix_nanos().saturating_sub(offset.unwrap_or(u64::MAX)),
            temporality: AggregationTemporality::Cumulative,
        };
        let mut batches = Vec::new();
        let mut graphs = self.graphs.lock();
        for (tenant, graph) in graphs.iter_mut().filter(|(_, graph)| !graph.series.is_empty()) {
            let all = Points { series: graph.series.iter().collect(), moment };
            let mut metrics = vec![all.counter(format!("{SCOPE}_request_total"))];
            let failed = Points { series: graph.failed().collect(), moment };
            if !failed.series.is_empty() {
                metrics.push(failed.counter(format!("{SCOPE}_request_failed_total")));
            }
            metrics.push(all.histogram(format!("{SCOPE}_request_server"), UNIT, Graph::SERVER));
            metrics.push(all.histogram(format!("{SCOPE}_request_client"), UNIT, Graph::CLIENT));
            let resource_metrics = vec![resource_metrics(Vec::new(), SCOPE, metrics)];
            let request = ExportMetricsServiceRequest { resource_metrics };
            batches.push(MetricBatch::new(tenant.clone(), request));
        }
        batches
    }
}
