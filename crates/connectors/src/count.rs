//! `count`: how many spans and span events there are, by conditions and attributes.
//!
//! Every batch is counted by itself and the counts of each resource are handed on at once, as deltas.

mod counter;
mod settings;

use std::sync::Arc;

use spandrel_base::clock::SharedClock;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, MetricBatch,
    MetricConsumer, TraceBatch, TraceConsumer,
};
use spandrel_proto::otlp::collector_metrics::ExportMetricsServiceRequest;
use spandrel_proto::otlp::metrics::ResourceMetrics;
use spandrel_proto::otlp::trace::ResourceSpans;

use crate::data_points::{is_empty, resource_metrics};
use counter::{Counter, Item};
pub use settings::{CountAttribute, CountMetric, CountSettings};

const SCOPE: &str = "otelcol/countconnector";

/// Counts spans and their events.
pub struct CountConnector {
    settings: CountSettings,
    output: Arc<dyn MetricConsumer>,
    clock: SharedClock,
}

impl CountConnector {
    /// A connector that hands its counts to `output`.
    ///
    /// # Errors
    /// None; the signature is that of all connectors.
    pub fn new(
        settings: CountSettings,
        output: Arc<dyn MetricConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Ok(Self { settings, output, clock: context.clock })
    }

    fn count(
        &self,
        spans: &ResourceSpans,
        batch: &TraceBatch,
        now: u64,
    ) -> Option<ResourceMetrics> {
        let client = spandrel_ottl::Client {
            address: batch.client.address,
            metadata: Some(&batch.client.metadata),
            auth: Some(&batch.client.auth),
        };
        let counters = |metrics: &[CountMetric]| vec![Counter::default(); metrics.len()];
        let mut of_spans = counters(&self.settings.spans);
        let mut of_events = counters(&self.settings.spanevents);
        for scope in &spans.scope_spans {
            for span in &scope.spans {
                let item = Item { spans, scope, span, event: None, client };
                for (metric, counter) in self.settings.spans.iter().zip(&mut of_spans) {
                    counter.count(metric, &item);
                }
                if self.settings.spanevents.is_empty() {
                    continue;
                }
                for event in 0..span.events.len() {
                    let item = Item { event: Some(event), ..item };
                    for (metric, counter) in self.settings.spanevents.iter().zip(&mut of_events) {
                        counter.count(metric, &item);
                    }
                }
            }
        }
        let metrics = self.settings.spans.iter().zip(of_spans);
        let metrics = metrics.chain(self.settings.spanevents.iter().zip(of_events));
        let metrics: Vec<_> =
            metrics.filter_map(|(metric, counter)| counter.into_metric(metric, now)).collect();
        let attributes = || spans.resource.as_ref().map(|r| r.attributes.clone());
        (!metrics.is_empty())
            .then(|| resource_metrics(attributes().unwrap_or_default(), SCOPE, metrics))
    }
}

#[async_trait::async_trait]
impl TraceConsumer for CountConnector {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let accepted_spans = batch.traces.span_count();
        let request = batch.traces.clone().decoded()?;
        let now = self.clock.now_unix_nanos();
        let counted =
            request.resource_spans.iter().filter_map(|spans| self.count(spans, &batch, now));
        let metrics = ExportMetricsServiceRequest { resource_metrics: counted.collect() };
        if !is_empty(&metrics) {
            let metrics = Arc::new(metrics);
            let batch = MetricBatch { tenant: batch.tenant, client: batch.client, metrics };
            self.output.consume_metrics(batch).await?;
        }
        Ok(Accepted { accepted_spans, ..Accepted::default() })
    }
}

impl Component for CountConnector {}
