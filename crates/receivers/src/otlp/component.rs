//! The `otlp` receiver as a component of a pipeline.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use spandrel_pipeline::{Component, ComponentContext, ComponentError, TraceConsumer};

use super::OtlpReceiver;
use super::settings::OtlpSettings;
use crate::server::settings::{SHUTDOWN_DEADLINE, check_extensions};

/// An OTLP receiver that listens from its start to its shutdown.
pub struct OtlpComponent {
    settings: OtlpSettings,
    next: Arc<dyn TraceConsumer>,
    context: ComponentContext,
    running: Mutex<Option<Arc<OtlpReceiver>>>,
}

impl OtlpComponent {
    /// Hands everything that it receives to `next`.
    ///
    /// # Errors
    /// [`ComponentError`] when the settings ask for an authenticator.
    pub fn new(
        settings: OtlpSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        check_extensions(settings.grpc.as_ref().and_then(|grpc| grpc.auth.as_ref()), &context)?;
        check_extensions(
            settings.http.as_ref().and_then(|http| http.server.auth.as_ref()),
            &context,
        )?;
        Ok(Self { settings, next, context, running: Mutex::new(None) })
    }

    /// The receiver while it is running, which knows its real ports.
    pub fn receiver(&self) -> Option<Arc<OtlpReceiver>> {
        self.running.lock().clone()
    }
}

#[async_trait]
impl Component for OtlpComponent {
    async fn start(&self) -> Result<(), ComponentError> {
        let options = self.settings.options(&self.context).await?;
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
