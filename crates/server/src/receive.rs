//! How spans come into the store: over OTLP right away, or through pipelines.

use std::sync::Arc;
use std::time::Duration;

use spandrel_collector::{Collector, Plan, Shared};
use spandrel_pipeline::TraceConsumer;
use spandrel_receivers::{OtlpOptions, OtlpReceiver};

use crate::{ListenAddresses, ServerError};

/// What takes spans in.
pub(crate) enum Receive {
    /// OTLP, right into the store.
    Otlp(OtlpReceiver),
    /// Pipelines, some of which end in the store.
    Pipelines(Arc<Collector>),
}

impl Receive {
    /// Listens for OTLP as the options say, unless there is a plan of pipelines.
    pub(crate) async fn start(
        plan: Option<Plan>,
        otlp: OtlpOptions,
        store: Arc<dyn TraceConsumer>,
        shared: Shared,
    ) -> Result<Self, ServerError> {
        let Some(plan) = plan else {
            let Shared { metrics, clock, .. } = shared;
            return Ok(Self::Otlp(OtlpReceiver::start(otlp, store, metrics, clock).await?));
        };
        let shared = Shared { store: Some(store), ..shared };
        Ok(Self::Pipelines(Arc::new(Collector::start(plan, shared).await?)))
    }

    /// The configured addresses, with the real ports of OTLP.
    pub(crate) fn addresses(&self, configured: ListenAddresses) -> ListenAddresses {
        match self {
            Self::Otlp(receiver) => ListenAddresses {
                otlp_grpc: receiver.grpc_addr().unwrap_or(configured.otlp_grpc),
                otlp_http: receiver.http_addr().unwrap_or(configured.otlp_http),
                ..configured
            },
            Self::Pipelines(_) => configured,
        }
    }

    /// Takes no more spans; what has begun may take until `deadline`, and pipelines hand on what they hold.
    pub(crate) async fn shutdown(&self, deadline: Duration) {
        match self {
            Self::Otlp(receiver) => {
                if let Err(error) = receiver.shutdown(deadline).await {
                    tracing::warn!(%error, "requests were cut off, their senders were not answered");
                }
            }
            Self::Pipelines(collector) => collector.shutdown().await,
        }
    }
}
