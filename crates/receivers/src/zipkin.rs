//! Zipkin in: versions 1 and 2 over HTTP.
//!
//! Memory is bounded as in the OTLP receiver; what a translation takes is held as well, before it is taken.

mod http;
pub(crate) mod reads;
pub(crate) mod settings;

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use spandrel_pipeline::{
    Component, ComponentContext, ComponentError, ServerAuthenticators, TraceConsumer,
};

use crate::server::auth::Authenticator;
use crate::server::bind::{Purpose, bind_tcp, resolve};
use crate::server::listen::Listener;
use crate::server::options::ListenOptions;
use crate::server::running::{Running, RunningSlot};
use crate::server::settings::http_listen;
use http::ZipkinService;
use reads::Reads;
use settings::ZipkinSettings;

const ZIPKIN: Purpose = "zipkin";

/// The `zipkin` receiver, which listens from its start to its shutdown.
pub struct ZipkinReceiver {
    settings: ZipkinSettings,
    authenticator: Option<Authenticator>,
    next: Arc<dyn TraceConsumer>,
    context: ComponentContext,
    reads: Option<Reads>,
    running: RunningSlot<SocketAddr>,
}

impl ZipkinReceiver {
    /// Hands everything that it receives from anybody to `next`.
    ///
    /// # Errors
    /// [`ComponentError`] when the settings ask for an authenticator.
    pub fn new(
        settings: ZipkinSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Self::with_authenticators(settings, next, context, &ServerAuthenticators::default())
    }

    /// Hands everything that it receives to `next`, from those whom the authenticators of the settings let in.
    ///
    /// # Errors
    /// [`ComponentError`] when the settings ask for an authenticator that is not there.
    pub fn with_authenticators(
        settings: ZipkinSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
        authenticators: &ServerAuthenticators,
    ) -> Result<Self, ComponentError> {
        let authenticator = Authenticator::of(settings.server.auth.as_ref(), authenticators)?;
        let running = RunningSlot::empty();
        Ok(Self { settings, authenticator, next, context, reads: None, running })
    }

    /// Answers questions at the same address.
    #[must_use]
    pub fn answering(self, reads: Reads) -> Self {
        Self { reads: Some(reads), ..self }
    }

    /// Where it listens while it is running, with the real port.
    pub fn address(&self) -> Option<SocketAddr> {
        self.running.addresses()
    }
}

#[async_trait]
impl Component for ZipkinReceiver {
    async fn start(&self) -> Result<(), ComponentError> {
        let server = &self.settings.server;
        let listen =
            ListenOptions { authenticator: self.authenticator.clone(), ..http_listen(server)? };
        let (socket, address) = bind_tcp(ZIPKIN, resolve(ZIPKIN, &server.endpoint).await?).await?;
        let running = Running::of(&self.context, Some(server), &self.next);
        let service =
            ZipkinService::new(&self.settings, self.reads.clone(), Arc::clone(&running.intake));
        Listener::new(ZIPKIN, service, listen, &running.tasks).spawn(socket);
        tracing::info!(receiver = &*self.context.id, %address, "receiving zipkin");
        self.running.set(running, address);
        Ok(())
    }

    async fn shutdown(&self) {
        self.running.shutdown(&self.context.id).await;
    }
}
