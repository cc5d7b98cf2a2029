//! `k8s_attributes`: finds out which pod a resource is of, and adds what Kubernetes knows about it.
//!
//! Who the pod is comes from the connection or from attributes of the resource (`pod_association`); what is known of
//! it, from a table of pods ([`PodTable`]). With `passthrough` only the address of the pod is added, for a collector
//! behind this one to look it up.

mod association;
mod extract;
mod pods;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use spandrel_otlp::DecodeError;
use spandrel_pipeline::{
    Accepted, Client, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch,
    TraceConsumer, Traces,
};

use crate::flow::Flow;
use crate::wire::{Attributes, ResourceEditor, edit, text};
use association::{Identifier, POD_IP};

pub use association::{PodAssociation, PodSource, SourceKind};
pub use pods::{Container, MemoryPods, Owner, Pod, PodTable};
pub use settings::K8sAttributesSettings;

/// See the module.
pub struct K8sAttributesProcessor {
    settings: K8sAttributesSettings,
    /// None with `passthrough`.
    pods: Option<Arc<dyn PodTable>>,
    next: Arc<dyn TraceConsumer>,
    context: ComponentContext,
    flow: Flow,
}

impl K8sAttributesProcessor {
    /// Knows no pods: adds their addresses only.
    ///
    /// # Errors
    /// None today.
    pub fn new(
        settings: K8sAttributesSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        let flow = Flow::of(&context);
        Ok(Self { settings, pods: None, next, context, flow })
    }

    /// Knows the pods of a table, unless the settings have `passthrough`.
    ///
    /// # Errors
    /// Those of [`Self::new`].
    pub fn with_pods(
        settings: K8sAttributesSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
        pods: Arc<dyn PodTable>,
    ) -> Result<Self, ComponentError> {
        let pods = Some(pods).filter(|_| !settings.passthrough);
        Ok(Self { pods, ..Self::new(settings, next, context)? })
    }

    fn add_to(&self, traces: Traces, client: &Client) -> Result<Traces, DecodeError> {
        let otlp = traces.into_otlp();
        let mut editor = ResourceEditor::new(|attributes| {
            self.add_to_resource(attributes, client);
            Ok(())
        });
        Ok(Traces::Otlp(edit(&otlp, &mut editor)?.request))
    }

    fn add_to_resource(&self, attributes: &mut Attributes<'_>, client: &Client) {
        let identifier = association::identify(&self.settings.associations, attributes, client);
        let by_connection =
            identifier.iter().find(|(source, _)| source.from == SourceKind::Connection);
        if let Some((_, address)) = by_connection {
            set_absent(attributes, POD_IP, address);
        }
        let Some(pods) = &self.pods else { return };
        let pod = find(&**pods, &identifier);
        self.flow.series.record_association(pod.is_some());
        let Some(pod) = pod else { return };
        for (key, value) in self.settings.extraction.attributes(&pod) {
            set_absent(attributes, &key, &value);
        }
        let name = attributes.get("k8s.container.name").and_then(text).map(str::to_owned);
        let restart = attributes.get("k8s.container.restart_count").and_then(text);
        let restart = restart.and_then(|count| count.parse().ok());
        for (key, value) in self.settings.extraction.container(&pod, name.as_deref(), restart) {
            set_absent(attributes, key, &value);
        }
    }
}

fn find(pods: &dyn PodTable, identifier: &Identifier) -> Option<Arc<Pod>> {
    if identifier.is_empty() { None } else { pods.find(identifier) }
}

/// Sets what a resource does not say of itself.
fn set_absent(attributes: &mut Attributes<'_>, key: &str, value: &str) {
    let is_set = attributes.get(key).is_some_and(|value| text(value) != Some(""));
    if !is_set && !value.is_empty() {
        attributes.set_text(key, value);
    }
}

#[async_trait::async_trait]
impl TraceConsumer for K8sAttributesProcessor {
    async fn consume(&self, mut batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let spans = self.flow.arrived(&batch.traces);
        batch.traces = self.add_to(batch.traces, &batch.client)?;
        self.flow.hand_on(&*self.next, batch, spans).await
    }
}

#[async_trait::async_trait]
impl Component for K8sAttributesProcessor {
    async fn start(&self) -> Result<(), ComponentError> {
        match &self.pods {
            Some(pods) => self.flow.series.set_pods(pods.len() as u64),
            None if self.settings.passthrough => {}
            None => tracing::error!(
                processor = %self.context.id,
                "pods are not looked up: only k8s.pod.ip is added, as with passthrough"
            ),
        }
        Ok(())
    }
}
