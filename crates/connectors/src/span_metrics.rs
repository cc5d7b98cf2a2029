//! `span_metrics`: how many spans there were, how long they took and what happened in them, by service, name,
//! kind, status and any attributes.
//!
//! Spans are read where they lie in the request. Series belong to a tenant and to a resource; a request adds to
//! them under one lock, and a task hands all of them on in every interval.
//!
//! Spans that a consistent sampler kept count as often as they stand for others (`ot=th` in their tracestate).

mod aggregate;
mod labels;
mod resources;
mod settings;

use std::sync::Arc;

use parking_lot::Mutex;
use spandrel_base::clock::SharedClock;
use spandrel_otlp::visit_spans;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, MetricBatch,
    MetricConsumer, TraceBatch, TraceConsumer,
};
use spandrel_proto::otlp::collector_metrics::ExportMetricsServiceRequest;
use spandrel_proto::otlp::metrics::AggregationTemporality;

use crate::data_points::{Moment, is_empty};
use crate::periodic::Periodic;
use crate::tenants::Tenants;
use aggregate::{Aggregation, Plan};
use resources::Resources;
pub use settings::{Events, HistogramSettings, SpanMetricsSettings, Unit};
pub(crate) use settings::{bounds, read_max_size};

/// Makes metrics of spans.
pub struct SpanMetricsConnector {
    shared: Arc<Shared>,
    tasks: Periodic,
}

struct Shared {
    plan: Plan,
    tenants: Mutex<Tenants<Resources>>,
    output: Arc<dyn MetricConsumer>,
    clock: SharedClock,
    id: Arc<str>,
}

impl SpanMetricsConnector {
    /// A connector that hands its metrics to `output`.
    ///
    /// # Errors
    /// None; the signature is that of all connectors.
    pub fn new(
        settings: SpanMetricsSettings,
        output: Arc<dyn MetricConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        let shared = Shared {
            plan: Plan::new(settings),
            tenants: Mutex::new(Tenants::new(context.memory)),
            output,
            clock: context.clock,
            id: context.id,
        };
        Ok(Self { shared: Arc::new(shared), tasks: Periodic::default() })
    }

    /// Hands on what was counted, as the task does in every interval.
    pub async fn flush(&self) {
        self.shared.flush().await;
    }
}

#[async_trait::async_trait]
impl TraceConsumer for SpanMetricsConnector {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let otlp = batch.traces.into_otlp();
        let shared = &self.shared;
        let now = shared.clock.now_unix_nanos();
        let mut tenants = shared.tenants.lock();
        let make = |memory: &_| Resources::new(&shared.plan, memory);
        let Some(resources) = tenants.get_or_make(&batch.tenant, make) else {
            return Ok(Accepted::default());
        };
        let mut aggregation = Aggregation::new(&shared.plan, resources, now);
        let visited = visit_spans(&otlp, &mut aggregation);
        let accepted_spans = aggregation.finish();
        visited.map_err(|error| ConsumeError::Malformed(error.to_string()))?;
        Ok(Accepted { accepted_spans, ..Accepted::default() })
    }
}

#[async_trait::async_trait]
impl Component for SpanMetricsConnector {
    async fn start(&self) -> Result<(), ComponentError> {
        let shared = Arc::clone(&self.shared);
        let interval = shared.plan.settings.metrics_flush_interval;
        self.tasks.every("span metrics flush", interval, move || {
            let shared = Arc::clone(&shared);
            async move { shared.flush().await }
        });
        Ok(())
    }

    async fn shutdown(&self) {
        self.tasks.stop().await;
        self.flush().await;
    }
}

impl Shared {
    async fn flush(&self) {
        for batch in self.take_batches() {
            if let Err(error) = self.output.consume_metrics(batch).await {
                tracing::warn!(connector = %self.id, error = %error, "metrics were not taken");
            }
        }
    }

    fn take_batches(&self) -> Vec<MetricBatch> {
        let temporality = if self.plan.settings.delta {
            AggregationTemporality::Delta
        } else {
            AggregationTemporality::Cumulative
        };
        let moment = Moment { unix_nanos: self.clock.now_unix_nanos(), temporality };
        let mut batches = Vec::new();
        let mut tenants = self.tenants.lock();
        for (tenant, resources) in tenants.iter_mut() {
            let resource_metrics = resources.take_metrics(&self.plan, moment);
            let request = ExportMetricsServiceRequest { resource_metrics };
            if !is_empty(&request) {
                batches.push(MetricBatch::new(tenant.clone(), request));
            }
        }
        tenants.retain(|resources| !resources.is_empty());
        batches
    }
}
