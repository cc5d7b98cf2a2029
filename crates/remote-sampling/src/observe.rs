//! Counting root spans on their way into the store.

use std::sync::Arc;

use async_trait::async_trait;
use spandrel_model::TenantId;
use spandrel_otlp::{AttributesView, ProducerView, SpanView, SpanVisitor, ValueView, visit_spans};
use spandrel_pipeline::{Accepted, ConsumeError, TraceBatch, TraceConsumer, Traces};

use crate::{Adaptive, SampledRoot};

/// Hands spans on and counts those that were accepted.
pub struct Observed {
    next: Arc<dyn TraceConsumer>,
    adaptive: Arc<Adaptive>,
}

impl Observed {
    /// Counts for `adaptive` what `next` accepts.
    pub fn new(next: Arc<dyn TraceConsumer>, adaptive: Arc<Adaptive>) -> Self {
        Self { next, adaptive }
    }
}

#[async_trait]
impl TraceConsumer for Observed {
    async fn consume(&self, mut batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let otlp = batch.traces.into_otlp();
        batch.traces = Traces::Otlp(otlp.clone().into());
        let tenant = batch.tenant.clone();
        let accepted = self.next.consume(batch).await?;
        let mut counting = Counting { adaptive: &self.adaptive, tenant: &tenant, service: None };
        if let Err(error) = visit_spans(&otlp, &mut counting) {
            tracing::debug!(%error, "spans are not counted for sampling");
        }
        Ok(accepted)
    }
}

struct Counting<'a> {
    adaptive: &'a Adaptive,
    tenant: &'a TenantId,
    service: Option<String>,
}

impl<'a> SpanVisitor<'a> for Counting<'_> {
    const SEES_SCOPES: bool = false;

    fn resource(&mut self, resource: &ProducerView<'a>) -> bool {
        self.service = text(&resource.attributes, "service.name");
        self.service.is_some()
    }

    fn span(&mut self, span: &SpanView<'a>) {
        let is_root = span.parent_span_id.iter().all(|byte| *byte == 0);
        let (true, Some(service)) = (is_root, &self.service) else { return };
        let Some(kind) = text(&span.attributes, "sampler.type") else { return };
        let by_chance = match kind.as_str() {
            "probabilistic" => true,
            "lowerbound" => false,
            _ => return,
        };
        let Some(param) = span.attributes.get("sampler.param").and_then(number) else { return };
        let operation = String::from_utf8_lossy(span.name);
        let operation = operation.as_ref();
        let root = SampledRoot { service, operation, by_chance, probability: param };
        self.adaptive.record(self.tenant, root);
    }
}

fn text(attributes: &AttributesView<'_>, key: &str) -> Option<String> {
    match attributes.get(key)? {
        ValueView::String(text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    }
}

/// Clients write the probability as a number or as its text.
fn number(value: ValueView<'_>) -> Option<f64> {
    let number = match value {
        ValueView::Double(number) => number,
        ValueView::Int(number) => number as f64,
        ValueView::String(text) => std::str::from_utf8(text).ok()?.parse().ok()?,
        _ => return None,
    };
    (0.0..=1.0).contains(&number).then_some(number)
}
