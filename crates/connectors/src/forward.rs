//! `forward`: joins pipelines, or splits one into several. It has no settings.

use std::sync::Arc;

use spandrel_config::Section;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch, TraceConsumer,
};

use crate::Outputs;
use crate::outputs::hand_on;

/// Nothing can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForwardSettings;

impl ForwardSettings {
    /// Reads the section, in which every key is unknown.
    pub fn read(_: &mut Section<'_>) -> Self {
        Self
    }
}

/// Hands every batch to each pipeline that it begins.
pub struct ForwardConnector {
    outputs: Vec<Arc<dyn TraceConsumer>>,
}

impl ForwardConnector {
    /// A connector to all outputs.
    ///
    /// # Errors
    /// None; the signature is that of all connectors.
    pub fn new(
        _: ForwardSettings,
        outputs: Outputs,
        _: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Ok(Self { outputs: outputs.by_pipeline.into_values().collect() })
    }
}

#[async_trait::async_trait]
impl TraceConsumer for ForwardConnector {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        hand_on(&self.outputs, batch).await
    }
}

impl Component for ForwardConnector {}
