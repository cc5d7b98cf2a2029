//! `nop`: takes all spans and does nothing with them.

use spandrel_config::Section;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ConsumeError, TraceBatch, TraceConsumer,
};
use spandrel_telemetry::ExporterSeries;

/// Settings of the exporter `nop`: none.
#[derive(Debug, Clone, Default)]
pub struct NopSettings;

impl NopSettings {
    /// Reads nothing, so that every key is an unknown one.
    pub fn read(_section: &mut Section<'_>) -> Self {
        Self
    }
}

/// The exporter `nop`.
pub struct NopExporter {
    series: ExporterSeries,
}

impl NopExporter {
    /// The exporter.
    pub fn new(_settings: NopSettings, context: &ComponentContext) -> Self {
        Self { series: context.metrics.exporters().exporter(&context.id) }
    }
}

#[async_trait::async_trait]
impl TraceConsumer for NopExporter {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let accepted_spans = batch.traces.span_count();
        self.series.sent_spans.add(accepted_spans);
        Ok(Accepted { accepted_spans, ..Accepted::default() })
    }
}

impl Component for NopExporter {}
