//! The `otlp` receiver as a component of a pipeline.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use spandrel_pipeline::{
    Component, ComponentContext, ComponentError, ServerAuthenticators, TraceConsumer,
};

use super::OtlpReceiver;
use super::settings::OtlpSettings;
use crate::server::auth::Authenticator;
use crate::server::settings::SHUTDOWN_DEADLINE;

/// An OTLP receiver that listens from its start to its shutdown.
pub struct OtlpComponent {
    settings: OtlpSettings,
    grpc_authenticator: Option<Authenticator>,
    http_authenticator: Option<Authenticator>,
    next: Arc<dyn TraceConsumer>,
    context: ComponentContext,
    running: Mutex<Option<Arc<OtlpReceiver>>>,
}

impl OtlpComponent {
    /// Hands everything that it receives from anybody to `next`.
    ///
    /// # Errors
    /// [`ComponentError`] when the settings ask for an authenticator.
    pub fn new(
        settings: OtlpSettings,
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
        settings: OtlpSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
        authenticators: &ServerAuthenticators,
    ) -> Result<Self, ComponentError> {
        let grpc = settings.grpc.as_ref().and_then(|grpc| grpc.auth.as_ref());
        let http = settings.http.as_ref().and_then(|http| http.server.auth.as_ref());
        let grpc_authenticator = Authenticator::of(grpc, authenticators)?;
        let http_authenticator = Authenticator::of(http, authenticators)?;
        let running = Mutex::new(None);
        Ok(Self { settings, grpc_authenticator, http_authenticator, next, context, running })
    }

    /// The receiver while it is running, which knows its real ports.
    pub fn receiver(&self) -> Option<Arc<OtlpReceiver>> {
        self.running.lock().clone()
    }
}

#[async_trait]
impl Component for OtlpComponent {
    async fn start(&self) -> Result<(), ComponentError> {
        let mut options = self.settings.options(&self.context).await?;
        if let Some(grpc) = &mut options.grpc {
            grpc.transport.authenticator = self.grpc_authenticator.clone();
        }
        if let Some(http) = &mut options.http {
            http.transport.authenticator = self.http_authenticator.clone();
        }
        let (metrics, clock) = (self.context.metrics.clone(), self.context.clock.clone());
        let started = OtlpReceiver::start(options, Arc::clone(&self.next), metrics, clock).await;
        let receiver = started.map_err(|error| ComponentError::new(chain(&error)))?;
        *self.running.lock() = Some(Arc::new(receiver));
        Ok(())
    }

    async fn shutdown(&self) {
        let receiver = self.receiver();
        if let Some(receiver) = receiver
            && let Err(error) = receiver.shutdown(SHUTDOWN_DEADLINE).await
        {
            tracing::warn!(receiver = &*self.context.id, %error, "a receiver was cut off");
        }
        self.running.lock().take();
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
