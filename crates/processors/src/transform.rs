//! `transform`: executes OTTL statements on resources, scopes, spans and span events.

mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use spandrel_ottl::Statements;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch, TraceConsumer,
    Traces,
};

use crate::flow::Flow;
use crate::ottl;

pub use settings::TransformSettings;

/// See the module.
pub struct TransformProcessor {
    /// In the order of the configuration.
    groups: Vec<Statements>,
    next: Arc<dyn TraceConsumer>,
    flow: Flow,
}

impl TransformProcessor {
    /// # Errors
    /// None today.
    pub fn new(
        settings: TransformSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Ok(Self { groups: settings.groups, next, flow: Flow::of(&context) })
    }
}

#[async_trait::async_trait]
impl TraceConsumer for TransformProcessor {
    async fn consume(&self, mut batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let spans = self.flow.arrived(&batch.traces);
        if !self.groups.is_empty() {
            let mut decoded = batch.traces.decoded()?;
            let request = Arc::make_mut(&mut decoded);
            for statements in &self.groups {
                let client = ottl::client(&batch.client);
                statements
                    .execute_on(&mut request.resource_spans, client)
                    .map_err(|error| ottl::rejected(&error, spans))?;
            }
            batch.traces = Traces::Decoded(decoded);
        }
        self.flow.hand_on(&*self.next, batch, spans).await
    }
}

#[async_trait::async_trait]
impl Component for TransformProcessor {}
