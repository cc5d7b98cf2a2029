//! How spans come into the store: in OTLP and Jaeger's formats right away, or through pipelines.

use std::sync::Arc;
use std::time::Duration;

use spandrel_collector::{Collector, Plan, Shared};
use spandrel_pipeline::{Account, Component, ComponentContext, TraceConsumer};
use spandrel_receivers::{
    JaegerAddresses, JaegerReceiver, JaegerSettings, OtlpOptions, OtlpReceiver,
};

use crate::{ListenAddresses, ServerError};

/// Requests that have begun may take this long when another receiver cannot be started.
const FAILED_START_DEADLINE: Duration = Duration::from_secs(1);

/// What takes spans in.
pub(crate) enum Receive {
    /// Right into the store.
    Direct { otlp: OtlpReceiver, jaeger: JaegerReceiver },
    /// Pipelines, some of which end in the store.
    Pipelines(Arc<Collector>),
}

impl Receive {
    /// Listens for spans that go right into the store.
    pub(crate) async fn start(
        otlp: OtlpOptions,
        jaeger: JaegerAddresses,
        store: Arc<dyn TraceConsumer>,
        shared: Shared,
    ) -> Result<Self, ServerError> {
        let jaeger = {
            let context = receiver_context("jaeger", &shared);
            let settings = JaegerSettings::listening(jaeger);
            JaegerReceiver::new(settings, Arc::clone(&store), context)
                .map_err(ServerError::JaegerReceiver)?
        };
        let Shared { metrics, clock, .. } = shared;
        let otlp = OtlpReceiver::start(otlp, store, metrics, clock).await?;
        match jaeger.start().await {
            Ok(()) => Ok(Self::Direct { otlp, jaeger }),
            Err(error) => {
                // What it has taken since it listens is in the store; nothing more comes.
                shutdown_otlp(&otlp, FAILED_START_DEADLINE).await;
                Err(ServerError::JaegerReceiver(error))
            }
        }
    }

    /// Starts pipelines, some of which end in the store.
    pub(crate) async fn start_pipelines(
        plan: Plan,
        store: Arc<dyn TraceConsumer>,
        shared: Shared,
    ) -> Result<Self, ServerError> {
        let shared = Shared { store: Some(store), ..shared };
        Ok(Self::Pipelines(Arc::new(Collector::start(plan, shared).await?)))
    }

    /// The configured addresses, with the real ports of what is received directly.
    pub(crate) fn addresses(&self, configured: ListenAddresses) -> ListenAddresses {
        match self {
            Self::Direct { otlp, jaeger } => ListenAddresses {
                otlp_grpc: otlp.grpc_addr().unwrap_or(configured.otlp_grpc),
                otlp_http: otlp.http_addr().unwrap_or(configured.otlp_http),
                jaeger_receiver: jaeger.addresses().unwrap_or_default(),
                ..configured
            },
            Self::Pipelines(_) => configured,
        }
    }

    /// Takes no more spans; what has begun may take until `deadline`, and pipelines hand on what they hold.
    pub(crate) async fn shutdown(&self, deadline: Duration) {
        match self {
            Self::Direct { otlp, jaeger } => {
                let jaeger = tokio::time::timeout(deadline, jaeger.shutdown());
                let ((), cut) = tokio::join!(shutdown_otlp(otlp, deadline), jaeger);
                if cut.is_err() {
                    tracing::warn!("Jaeger's senders were cut off, and not answered");
                }
            }
            Self::Pipelines(collector) => collector.shutdown().await,
        }
    }
}

async fn shutdown_otlp(receiver: &OtlpReceiver, deadline: Duration) {
    if let Err(error) = receiver.shutdown(deadline).await {
        tracing::warn!(%error, "requests were cut off, their senders were not answered");
    }
}

/// What a receiver gets that is in no pipeline.
fn receiver_context(id: &str, shared: &Shared) -> ComponentContext {
    ComponentContext {
        id: id.into(),
        pipeline: "".into(),
        clock: shared.clock.clone(),
        metrics: shared.metrics.clone(),
        memory: shared.memory.clone(),
        data_dir: shared.data_dir.join("receiver").join(id),
        account: Account::detached(),
    }
}
