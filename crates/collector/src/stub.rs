//! What stands where a component of another distribution would.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ConsumeError, MetricBatch, MetricConsumer, TraceBatch,
    TraceConsumer,
};
use spandrel_telemetry::Counter;

/// An exporter or connector that drops what it is given, counts it, and says so once.
pub(crate) struct Dropping {
    id: Arc<str>,
    dropped: Counter,
    told: AtomicBool,
}

impl Dropping {
    pub(crate) fn new(context: &ComponentContext) -> Self {
        let dropped = context.metrics.pipelines().dropped_by_stub(&context.id);
        Self { id: Arc::clone(&context.id), dropped, told: AtomicBool::new(false) }
    }

    fn drop(&self, items: u64) -> Accepted {
        self.dropped.add(items);
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(component = %self.id, "this program does not have this component: what it is given is dropped");
        }
        Accepted { accepted_spans: items, ..Accepted::default() }
    }
}

#[async_trait::async_trait]
impl TraceConsumer for Dropping {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        Ok(self.drop(batch.traces.span_count()))
    }
}

#[async_trait::async_trait]
impl MetricConsumer for Dropping {
    async fn consume_metrics(&self, batch: MetricBatch) -> Result<Accepted, ConsumeError> {
        Ok(self.drop(batch.data_point_count()))
    }
}

impl Component for Dropping {}
