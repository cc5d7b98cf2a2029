//! How spans come into the store: in OTLP, Jaeger's and Zipkin's formats right away, or through pipelines.

use std::sync::Arc;
use std::time::Duration;

use spandrel_collector::{Collector, Plan, Shared};
use spandrel_pipeline::{Account, Component, ComponentContext, TraceConsumer};
use spandrel_receivers::{
    JaegerReceiver, JaegerSettings, OtlpOptions, OtlpReceiver, ZipkinReads, ZipkinReceiver,
    ZipkinSettings,
};

use crate::{ListenAddresses, ServerError};

/// Requests that have begun may take this long when another receiver cannot be started.
const FAILED_START_DEADLINE: Duration = Duration::from_secs(1);

/// What takes spans in.
pub(crate) enum Receive {
    /// Right into the store.
    Direct { otlp: OtlpReceiver, jaeger: Box<JaegerReceiver>, zipkin: Option<Box<ZipkinReceiver>> },
    /// Pipelines, some of which end in the store.
    Pipelines(Arc<Collector>),
}

impl Receive {
    /// Listens for spans that go right into the store.
    pub(crate) async fn start(
        otlp: OtlpOptions,
        (listen, zipkin_reads): (&ListenAddresses, ZipkinReads),
        store: Arc<dyn TraceConsumer>,
        shared: Shared,
    ) -> Result<Self, ServerError> {
        let zipkin = listen.zipkin.map(|at| {
            let context = receiver_context("zipkin", &shared);
            let settings = ZipkinSettings::listening(at);
            ZipkinReceiver::new(settings, Arc::clone(&store), context)
                .map(|receiver| Box::new(receiver.answering(zipkin_reads)))
                .map_err(ServerError::ZipkinReceiver)
        });
        let zipkin = zipkin.transpose()?;
        let jaeger = {
            let context = receiver_context("jaeger", &shared);
            let settings = JaegerSettings::listening(listen.jaeger_receiver);
            let receiver = JaegerReceiver::new(settings, Arc::clone(&store), context);
            Box::new(receiver.map_err(ServerError::JaegerReceiver)?)
        };
        let Shared { metrics, clock, .. } = shared;
        let otlp = OtlpReceiver::start(otlp, store, metrics, clock).await?;
        let started = Self::Direct { otlp, jaeger, zipkin };
        match started.start_others().await {
            Ok(()) => Ok(started),
            Err(error) => {
                // What was taken meanwhile is in the store; nothing more comes.
                started.shutdown(FAILED_START_DEADLINE).await;
                Err(error)
            }
        }
    }

    /// Starts what listens besides OTLP.
    async fn start_others(&self) -> Result<(), ServerError> {
        let Self::Direct { jaeger, zipkin, .. } = self else { return Ok(()) };
        jaeger.start().await.map_err(ServerError::JaegerReceiver)?;
        match zipkin {
            Some(zipkin) => zipkin.start().await.map_err(ServerError::ZipkinReceiver),
            None => Ok(()),
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
            Self::Direct { otlp, jaeger, zipkin } => ListenAddresses {
                otlp_grpc: otlp.grpc_addr().unwrap_or(configured.otlp_grpc),
                otlp_http: otlp.http_addr().unwrap_or(configured.otlp_http),
                jaeger_receiver: jaeger.addresses().unwrap_or_default(),
                zipkin: zipkin.as_deref().and_then(ZipkinReceiver::address),
                ..configured
            },
            Self::Pipelines(_) => configured,
        }
    }

    /// Takes no more spans; what has begun may take until `deadline`, and pipelines hand on what they hold.
    pub(crate) async fn shutdown(&self, deadline: Duration) {
        match self {
            Self::Direct { otlp, jaeger, zipkin } => {
                let others = tokio::time::timeout(deadline, async {
                    jaeger.shutdown().await;
                    if let Some(zipkin) = zipkin {
                        zipkin.shutdown().await;
                    }
                });
                let ((), cut) = tokio::join!(shutdown_otlp(otlp, deadline), others);
                if cut.is_err() {
                    tracing::warn!("senders of Jaeger and Zipkin were cut off, and not answered");
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
