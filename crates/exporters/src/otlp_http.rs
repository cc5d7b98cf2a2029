//! `otlp_http`: OTLP over HTTP, in protobuf or JSON.

mod answer;
mod settings;

use bytes::Bytes;
use prost::Message;
use spandrel_base::clock::SharedClock;
use spandrel_pipeline::{ComponentContext, ComponentError};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;

use crate::extensions::Extensions;
use crate::net::Poster;
use crate::otlp_json::to_json;
use crate::sending::{Exported, Payload, SendError, Sending, Transport};
use answer::read_success;

pub(crate) use answer::read_error;
pub use answer::retry_after;
pub use settings::{Encoding, OtlpHttpSettings, check_unsupported};

/// The exporter `otlp_http`.
pub type OtlpHttpExporter = Sending<HttpTransport>;

impl OtlpHttpExporter {
    /// An exporter that is not started yet.
    ///
    /// # Errors
    /// When TLS files cannot be used, or an extension that the settings name is missing.
    pub fn new(
        settings: OtlpHttpSettings,
        extensions: &Extensions,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        let url = settings.traces_url().map_err(ComponentError::new)?;
        let content_type = match settings.encoding {
            Encoding::Proto => "application/x-protobuf",
            Encoding::Json => "application/json",
        };
        let transport = HttpTransport {
            poster: Poster::new(&settings.client, &url, content_type, extensions)?,
            encoding: settings.encoding,
            clock: context.clock.clone(),
        };
        Self::with_transport(transport, settings.sending, extensions, context)
    }
}

/// Posts to one URL.
pub struct HttpTransport {
    poster: Poster,
    encoding: Encoding,
    clock: SharedClock,
}

impl HttpTransport {
    fn encode(&self, payload: &Payload) -> Result<Bytes, SendError> {
        match self.encoding {
            Encoding::Proto => Ok(payload.otlp.clone()),
            Encoding::Json => match ExportTraceServiceRequest::decode(payload.otlp.clone()) {
                Ok(request) => Ok(to_json(&request).into()),
                Err(error) => {
                    let message = format!("not an OTLP request: {error}");
                    Err(SendError::Permanent { message, is_content: true })
                }
            },
        }
    }
}

#[async_trait::async_trait]
impl Transport for HttpTransport {
    async fn export(&self, payload: &Payload) -> Result<Exported, SendError> {
        let body = self.encode(payload)?;
        let response = self.poster.post(&payload.client, body).await?;
        if response.status().is_success() {
            return read_success(response).await;
        }
        Err(read_error(response, self.poster.uri(), self.clock.now_unix_nanos()).await)
    }
}
