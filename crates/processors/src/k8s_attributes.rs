//! `k8s_attributes`: finds out which pod a resource is of, and adds what Kubernetes knows about it.
//!
//! Who the pod is comes from the connection or from attributes of the resource (`pod_association`); what is known of
//! it, from a table that a watch of the Kubernetes API fills. With `passthrough` only the address of the pod is added,
//! for a collector behind this one to look it up; the same is done by a program without a client of Kubernetes, when
//! its user allows that.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use parking_lot::Mutex;
use spandrel_k8s_attributes::{Cluster, Identity, Value, Watch, WatchContext};
use spandrel_otlp::DecodeError;
use spandrel_pipeline::{
    Accepted, Client, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch,
    TraceConsumer, Traces,
};
use spandrel_proto::otlp::common::{AnyValue, ArrayValue, any_value};

use crate::Machine;
use crate::flow::Flow;
use crate::values;
use crate::wire::{Attributes, ResourceEditor, edit, text};

pub use spandrel_k8s_attributes::K8sAttributesSettings;

/// Whether this program has a client of Kubernetes; without it, only the addresses of pods are added.
pub const CAN_LOOK_UP_PODS: bool = Watch::IS_BUILT;
/// The address of a pod.
const POD_IP: &str = "k8s.pod.ip";
/// What one processor may keep of a cluster: some 100,000 pods.
const CLUSTER_BYTES_MAX: usize = 256 << 20;

/// See the module.
pub struct K8sAttributesProcessor {
    cluster: Arc<Cluster>,
    /// Whether pods are looked up, and not only their addresses added.
    looks_up: bool,
    next: Arc<dyn TraceConsumer>,
    context: ComponentContext,
    flow: Flow,
    watch: Mutex<Option<Watch>>,
}

impl K8sAttributesProcessor {
    /// Looks pods up from when it is started, unless the settings have `passthrough`.
    ///
    /// # Errors
    /// None today.
    pub fn new(
        settings: K8sAttributesSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        let flow = Flow::of(&context);
        let memory = context.memory.part("k8s_attributes", CLUSTER_BYTES_MAX);
        let looks_up = CAN_LOOK_UP_PODS && !settings.passthrough;
        let cluster = Arc::new(Cluster::new(settings, &memory));
        Ok(Self { cluster, looks_up, next, context, flow, watch: Mutex::new(None) })
    }

    fn add_to(&self, traces: Traces, client: &Client) -> Result<Traces, DecodeError> {
        let otlp = traces.into_counted();
        let mut editor = ResourceEditor::new(|attributes| {
            self.add_to_resource(attributes, client);
            Ok(())
        });
        Ok(Traces::Otlp(edit(&otlp, &mut editor)?.request))
    }

    fn add_to_resource(&self, attributes: &mut Attributes<'_>, client: &Client) {
        let settings = self.cluster.settings();
        let said = |key: &str| attributes.get(key).and_then(text).map(str::to_owned);
        let peer = client.address.map(|address| address.ip());
        let identity = Identity::of(&settings.associations, said, peer);
        let as_text = |key: &str| attributes.decode(key).map(|value| values::as_text(&value));
        let lookup = self.looks_up.then(|| self.cluster.lookup(&identity, &as_text));
        if let Some(address) = &identity.peer
            && (!self.looks_up || settings.extraction.wants(POD_IP))
        {
            set_absent(attributes, POD_IP, Value::Text(address.clone()));
        }
        if let Some(lookup) = lookup {
            self.flow.series.record_association(lookup.is_found);
            for (key, value) in lookup.attributes {
                set_absent(attributes, &key, value);
            }
        }
    }
}

/// Sets what a resource does not say of itself.
fn set_absent(attributes: &mut Attributes<'_>, key: &str, value: Value) {
    let is_set = attributes.get(key).is_some_and(|value| text(value) != Some(""));
    match value {
        _ if is_set => {}
        Value::Text(text) => attributes.set_text(key, &text),
        Value::Texts(texts) => {
            let text = |text| AnyValue { value: Some(any_value::Value::StringValue(text)) };
            let values = texts.into_iter().map(text).collect();
            let list = any_value::Value::ArrayValue(ArrayValue { values });
            attributes.set_value(key, list);
        }
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
        if !self.looks_up {
            if !self.cluster.settings().passthrough {
                tracing::error!(
                    processor = %self.context.id,
                    "pods are not looked up: only k8s.pod.ip is added, as with passthrough"
                );
            }
            return Ok(());
        }
        let series = self.flow.series.clone();
        let context = WatchContext {
            processor: Arc::clone(&self.context.id),
            clock: self.context.clock.clone(),
            environment: Machine::this().environment,
            on_pods: Arc::new(move |pods| series.set_pods(pods)),
        };
        let watch = Watch::start(&self.cluster, context).await;
        let watch = watch.map_err(|error| ComponentError::new(error.to_string()))?;
        *self.watch.lock() = Some(watch);
        Ok(())
    }

    async fn shutdown(&self) {
        let watch = self.watch.lock().take();
        if let Some(watch) = watch {
            watch.shutdown().await;
        }
    }
}
