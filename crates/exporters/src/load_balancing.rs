//! `load_balancing`: spans of a trace (a service, a combination of attributes) always to the same backend.
//!
//! Each backend has an `otlp_grpc` exporter of its own, with the settings of `protocol::otlp` and its own queue, so
//! that one that is slow does not hold up the others. A request is split on the wire, without decoding spans.
//!
//! When the backends change, exporters of those that are gone stop, and what they had not sent goes to the new
//! owners. Upstream loses it, or sends it to a backend that is shutting down.

mod backends;
#[cfg(feature = "kubernetes")]
mod k8s;
mod resolver;
mod ring;
mod routing;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use spandrel_base::task::TaskSet;
use spandrel_pipeline::{ComponentContext, ComponentError};

use crate::extensions::Extensions;
use crate::sending::{Exported, Payload, SendError, Sending, Transport};
use backends::Backends;
use resolver::Resolver;

pub use settings::LoadBalancingSettings;

/// The exporter `load_balancing`.
pub type LoadBalancingExporter = Sending<LoadBalancer>;

impl LoadBalancingExporter {
    /// An exporter that is not started yet.
    ///
    /// # Errors
    /// When the settings of the backends cannot be used.
    pub fn new(
        settings: LoadBalancingSettings,
        extensions: &Extensions,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        let LoadBalancingSettings { routing, resolver, protocol, sending } = settings;
        let backends = Backends::new(routing, protocol, extensions.clone(), context.clone());
        let balancer =
            LoadBalancer { backends: Arc::new(backends), resolver, tasks: TaskSet::new() };
        Self::with_transport(balancer, sending, extensions, context)
    }
}

/// Divides requests between backends.
pub struct LoadBalancer {
    backends: Arc<Backends>,
    resolver: Resolver,
    tasks: TaskSet,
}

#[async_trait::async_trait]
impl Transport for LoadBalancer {
    async fn start(&self) -> Result<(), ComponentError> {
        match &self.resolver {
            Resolver::Static(endpoints) => {
                self.backends.record_resolution("static", true);
                self.backends.change_to("static", endpoints.clone()).await
            }
            Resolver::Dns(dns) => {
                // A name without an address at the start is not fatal: backends may come later.
                dns.update(&self.backends).await;
                let (dns, backends) = (dns.clone(), Arc::clone(&self.backends));
                let token = self.tasks.token();
                self.tasks.spawn("load_balancing resolver", async move {
                    tokio::select! {
                        () = token.cancelled() => {}
                        () = dns.run(&backends) => {}
                    }
                });
                Ok(())
            }
            #[cfg(feature = "kubernetes")]
            Resolver::K8s(k8s) => k8s.start(&self.backends, &self.tasks).await,
        }
    }

    async fn export(&self, payload: &Payload) -> Result<Exported, SendError> {
        self.backends.send(payload.clone()).await
    }

    async fn stop(&self) {
        // The task ends as soon as it is told to.
        let _ = self.tasks.shutdown(Duration::from_secs(1)).await;
        self.backends.stop().await;
    }
}
