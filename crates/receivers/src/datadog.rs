//! Datadog's tracers in: the part of its agent's interface that takes traces.
//!
//! Memory is bounded as in the OTLP receiver; what a translation takes is held as well, before it is taken.

mod http;
pub(crate) mod settings;

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use spandrel_pipeline::{Component, ComponentContext, ComponentError, TraceConsumer};

use crate::server::bind::{Purpose, bind_tcp, resolve};
use crate::server::listen::Listener;
use crate::server::running::{Running, RunningSlot};
use crate::server::settings::http_listen;
use http::DatadogService;
use settings::DatadogSettings;

const DATADOG: Purpose = "datadog";

/// The `datadog` receiver, which listens from its start to its shutdown.
pub struct DatadogReceiver {
    settings: DatadogSettings,
    next: Arc<dyn TraceConsumer>,
    context: ComponentContext,
    running: RunningSlot<SocketAddr>,
}

impl DatadogReceiver {
    /// Hands everything that it receives to `next`.
    ///
    /// # Errors
    /// [`ComponentError`] when the settings ask for an authenticator: tracers do not say who they are.
    pub fn new(
        settings: DatadogSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        if settings.server.auth.is_some() {
            let message = format!("{} has no `auth`: tracers do not say who they are", context.id);
            return Err(ComponentError::new(message));
        }
        Ok(Self { settings, next, context, running: RunningSlot::empty() })
    }

    /// Where it listens while it is running, with the real port.
    pub fn address(&self) -> Option<SocketAddr> {
        self.running.addresses()
    }
}

#[async_trait]
impl Component for DatadogReceiver {
    async fn start(&self) -> Result<(), ComponentError> {
        let server = &self.settings.server;
        let listen = http_listen(server)?;
        let at = resolve(DATADOG, &server.endpoint).await?;
        let (socket, address) = bind_tcp(DATADOG, at).await?;
        let running = Running::of(&self.context, Some(server), &self.next);
        let service = DatadogService::new(&self.settings, Arc::clone(&running.intake));
        Listener::new(DATADOG, service, listen, &running.tasks).spawn(socket);
        tracing::info!(receiver = &*self.context.id, %address, "receiving datadog");
        self.running.set(running, address);
        Ok(())
    }

    async fn shutdown(&self) {
        self.running.shutdown(&self.context.id).await;
    }
}
