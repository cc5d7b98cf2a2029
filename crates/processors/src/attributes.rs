//! `attributes`: changes attributes of spans, and `resource`: changes those of resources.

mod editor;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use spandrel_config::Section;
use spandrel_otlp::DecodeError;
use spandrel_pipeline::{
    Accepted, Client, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch,
    TraceConsumer, Traces,
};

use crate::actions::Actions;
use crate::flow::Flow;
use crate::matching::Selection;

use crate::wire::{ResourceEditor, edit};
use editor::SpanEditor;

/// Settings of `attributes`.
#[derive(Debug, Clone)]
pub struct AttributesSettings {
    actions: Actions,
    selection: Selection,
}

impl AttributesSettings {
    /// Reads and checks them.
    pub fn read(section: &mut Section<'_>) -> Self {
        Self { actions: Actions::read(section, "actions"), selection: Selection::read(section) }
    }

    fn change(&self, traces: Traces, client: &Client) -> Result<Traces, DecodeError> {
        let prepared = self.actions.prepare(client);
        let otlp = traces.into_counted();
        let edited = edit(&otlp, &mut SpanEditor::new(&prepared, &self.selection))?;
        Ok(Traces::Otlp(edited.request))
    }
}

/// Executes actions on the attributes of selected spans.
pub struct AttributesProcessor {
    settings: AttributesSettings,
    next: Arc<dyn TraceConsumer>,
    flow: Flow,
}

impl AttributesProcessor {
    /// # Errors
    /// None today.
    pub fn new(
        settings: AttributesSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Ok(Self { settings, next, flow: Flow::of(&context) })
    }
}

#[async_trait::async_trait]
impl TraceConsumer for AttributesProcessor {
    async fn consume(&self, mut batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let spans = self.flow.arrived(&batch.traces);
        batch.traces = self.settings.change(batch.traces, &batch.client)?;
        self.flow.hand_on(&*self.next, batch, spans).await
    }
}

#[async_trait::async_trait]
impl Component for AttributesProcessor {}

/// Settings of `resource`.
#[derive(Debug, Clone)]
pub struct ResourceSettings {
    actions: Actions,
}

impl ResourceSettings {
    /// Reads and checks them.
    pub fn read(section: &mut Section<'_>) -> Self {
        Self { actions: Actions::read(section, "attributes") }
    }

    fn change(&self, traces: Traces, client: &Client) -> Result<Traces, DecodeError> {
        let prepared = self.actions.prepare(client);
        let otlp = traces.into_counted();
        let mut editor = ResourceEditor::new(|attributes| prepared.apply(attributes));
        Ok(Traces::Otlp(edit(&otlp, &mut editor)?.request))
    }
}

/// Executes actions on the attributes of all resources.
pub struct ResourceProcessor {
    settings: ResourceSettings,
    next: Arc<dyn TraceConsumer>,
    flow: Flow,
}

impl ResourceProcessor {
    /// # Errors
    /// None today.
    pub fn new(
        settings: ResourceSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Ok(Self { settings, next, flow: Flow::of(&context) })
    }
}

#[async_trait::async_trait]
impl TraceConsumer for ResourceProcessor {
    async fn consume(&self, mut batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let spans = self.flow.arrived(&batch.traces);
        batch.traces = self.settings.change(batch.traces, &batch.client)?;
        self.flow.hand_on(&*self.next, batch, spans).await
    }
}

#[async_trait::async_trait]
impl Component for ResourceProcessor {}
