//! The exporter `spandrel`: the store of this process at the end of a pipeline.

use std::sync::Arc;

use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ConsumeError, TraceBatch, TraceConsumer,
};
use spandrel_telemetry::{ExporterSeries, Metrics, Source};

/// Hands spans to the store, which answers when they are durable.
pub(crate) struct StoreExporter {
    store: Arc<dyn TraceConsumer>,
    metrics: Metrics,
    series: ExporterSeries,
}

impl StoreExporter {
    pub(crate) fn new(store: Arc<dyn TraceConsumer>, context: &ComponentContext) -> Self {
        let series = context.metrics.exporters().exporter(&context.id);
        Self { store, metrics: context.metrics.clone(), series }
    }
}

#[async_trait::async_trait]
impl TraceConsumer for StoreExporter {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let answer = self.store.consume(batch).await;
        // The store counts the fate of every span, and these are those that it received.
        let received = match &answer {
            Ok(accepted) => accepted.accepted_spans + accepted.rejected_spans,
            Err(
                ConsumeError::OverLimit { spans, .. }
                | ConsumeError::Unavailable { spans, .. }
                | ConsumeError::Permanent { spans, .. },
            ) => *spans,
            Err(ConsumeError::Malformed(_) | ConsumeError::TooLarge(_)) => 0,
        };
        self.metrics.spans().received.add(&Source::PIPELINE, received);
        match &answer {
            Ok(accepted) => self.series.sent_spans.add(accepted.accepted_spans),
            Err(_) => self.series.send_failed_spans.add(received),
        }
        answer
    }
}

impl Component for StoreExporter {}
