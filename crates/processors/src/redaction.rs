//! `redaction`: removes attributes that are not allowed, and masks values that look like secrets.
//!
//! Looks at the attributes of resources, scopes, spans and span events. Of an attribute, the first that applies
//! decides: it is ignored, it is not allowed and removed, its value is allowed, its key is blocked and its value
//! masked, or what a blocked pattern finds in its value is masked; what is left is sanitized as a URL or a query.

mod database;
mod mask;
mod rules;
mod settings;
#[cfg(test)]
mod tests;
mod url;

use std::sync::Arc;

use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch, TraceConsumer,
    Traces,
};
use spandrel_proto::otlp::trace::ResourceSpans;

use crate::flow::Flow;
use rules::Rules;

pub use settings::RedactionSettings;

/// See the module.
pub struct RedactionProcessor {
    rules: Rules,
    next: Arc<dyn TraceConsumer>,
    flow: Flow,
}

impl RedactionProcessor {
    /// # Errors
    /// None today.
    pub fn new(
        settings: RedactionSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Ok(Self { rules: settings.rules, next, flow: Flow::of(&context) })
    }

    fn redact(&self, resource_spans: &mut ResourceSpans) {
        if let Some(resource) = &mut resource_spans.resource {
            self.rules.redact(&mut resource.attributes);
        }
        for scope_spans in &mut resource_spans.scope_spans {
            if let Some(scope) = &mut scope_spans.scope {
                self.rules.redact(&mut scope.attributes);
            }
            for span in &mut scope_spans.spans {
                self.rules.sanitize_name(span);
                self.rules.redact(&mut span.attributes);
                for event in &mut span.events {
                    self.rules.redact(&mut event.attributes);
                }
            }
        }
    }
}

#[async_trait::async_trait]
impl TraceConsumer for RedactionProcessor {
    async fn consume(&self, mut batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let spans = self.flow.arrived(&batch.traces);
        let mut decoded = batch.traces.decoded()?;
        Arc::make_mut(&mut decoded).resource_spans.iter_mut().for_each(|spans| self.redact(spans));
        batch.traces = Traces::Decoded(decoded);
        self.flow.hand_on(&*self.next, batch, spans).await
    }
}

#[async_trait::async_trait]
impl Component for RedactionProcessor {}
