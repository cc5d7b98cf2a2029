//! `debug`: writes what passes to the log, or to the console or a file.

mod output;
mod sampling;
mod settings;
mod text;

use std::sync::Arc;

use parking_lot::Mutex;
use prost::Message;
use spandrel_base::clock::SharedClock;
use spandrel_otlp::wire::Reader;
use spandrel_pipeline::{ComponentContext, ComponentError};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;

use crate::extensions::Extensions;
use crate::sending::{Exported, Payload, SendError, Sending, Transport};
use output::Output;
use sampling::Sampling;
use text::{detailed, normal};

pub use settings::{DebugSettings, Verbosity};

/// The exporter `debug`.
pub type DebugExporter = Sending<DebugTransport>;

impl DebugExporter {
    /// An exporter that is not started yet.
    ///
    /// # Errors
    /// When an output cannot be opened.
    pub fn new(
        settings: DebugSettings,
        extensions: &Extensions,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        let output = Output::open(&settings).map_err(ComponentError::new)?;
        let transport = DebugTransport {
            id: Arc::clone(&context.id),
            verbosity: settings.verbosity,
            output: Mutex::new(output),
            sampling: Mutex::new(Sampling::new(&settings)),
            clock: context.clock.clone(),
        };
        Self::with_transport(transport, settings.sending, extensions, context)
    }
}

/// Writes requests as text.
pub struct DebugTransport {
    id: Arc<str>,
    verbosity: Verbosity,
    output: Mutex<Output>,
    sampling: Mutex<Sampling>,
    clock: SharedClock,
}

#[async_trait::async_trait]
impl Transport for DebugTransport {
    async fn export(&self, payload: &Payload) -> Result<Exported, SendError> {
        if !self.sampling.lock().is_wanted(self.clock.monotonic()) {
            return Ok(Exported::default());
        }
        let text = match self.verbosity {
            Verbosity::Basic => None,
            Verbosity::Normal => Some(normal(&decode(payload)?)),
            Verbosity::Detailed => Some(detailed(&decode(payload)?)),
        };
        let mut reader = Reader::new(&payload.otlp, "ExportTraceServiceRequest");
        let mut resource_spans = 0;
        while let Ok(Some(_)) = reader.next_message(1) {
            resource_spans += 1;
        }
        let mut output = self.output.lock();
        output.write(&self.id, resource_spans, payload.spans, text.as_deref());
        Ok(Exported::default())
    }

    async fn stop(&self) {
        self.output.lock().flush();
    }
}

fn decode(payload: &Payload) -> Result<ExportTraceServiceRequest, SendError> {
    ExportTraceServiceRequest::decode(payload.otlp.clone()).map_err(|error| {
        let message = format!("not an OTLP request: {error}");
        SendError::Permanent { message, is_content: true }
    })
}
