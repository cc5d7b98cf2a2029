//! `zipkin`: spans of version 2 over HTTP, in JSON or protobuf.

use prost::Message;
use spandrel_base::clock::SharedClock;
use spandrel_config::Section;
use spandrel_config::blocks::{HttpClient, check_url};
use spandrel_pipeline::{ComponentContext, ComponentError};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_zipkin::{Span, spans_of, to_json, to_protobuf};
use url::Url;

use crate::extensions::Extensions;
use crate::net::Poster;
use crate::otlp_http::{check_unsupported, read_error};
use crate::sending::{Exported, Payload, SendError, Sending, SendingSettings, Transport};

/// What the translation names the service of a resource without a name.
const NO_SERVICE_NAME: &str = "OTLPResourceNoServiceName";

/// How spans are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Proto,
}

/// Settings of the exporter `zipkin`.
#[derive(Debug, Clone)]
pub struct ZipkinSettings {
    /// The client; its endpoint is the whole URL.
    pub client: HttpClient,
    format: Format,
    default_service_name: String,
    /// Time limit, retries and queue.
    pub sending: SendingSettings,
}

impl ZipkinSettings {
    /// Reads and checks the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let defaults =
            HttpClient { timeout: std::time::Duration::from_secs(5), ..HttpClient::default() };
        let client = HttpClient::read_with(section, defaults);
        check_url(section, "endpoint", &client.endpoint);
        check_unsupported(&client, section);
        let format = section.choice("format", &[("json", Format::Json), ("proto", Format::Proto)]);
        let name = "<missing service name>".to_owned();
        Self {
            format: format.unwrap_or(Format::Json),
            default_service_name: section.or("default_service_name", name),
            sending: SendingSettings::read(section, client.timeout),
            client,
        }
    }
}

/// The exporter `zipkin`.
pub type ZipkinExporter = Sending<ZipkinTransport>;

impl ZipkinExporter {
    /// An exporter that is not started yet.
    ///
    /// # Errors
    /// When TLS files cannot be used, or an extension that the settings name is missing.
    pub fn new(
        settings: ZipkinSettings,
        extensions: &Extensions,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        let url = Url::parse(&settings.client.endpoint)
            .map_err(|error| ComponentError::new(format!("endpoint: {error}")))?;
        let content_type = match settings.format {
            Format::Json => "application/json",
            Format::Proto => "application/x-protobuf",
        };
        let transport = ZipkinTransport {
            poster: Poster::new(&settings.client, &url, content_type, extensions)?,
            format: settings.format,
            default_service_name: settings.default_service_name,
            clock: context.clock.clone(),
        };
        Self::with_transport(transport, settings.sending, extensions, context)
    }
}

/// Posts lists of spans.
pub struct ZipkinTransport {
    poster: Poster,
    format: Format,
    default_service_name: String,
    clock: SharedClock,
}

impl ZipkinTransport {
    fn translate(&self, payload: &Payload) -> Result<Vec<u8>, SendError> {
        let of_content = |error: &dyn std::fmt::Display| SendError::Permanent {
            message: error.to_string(),
            is_content: true,
        };
        let request = ExportTraceServiceRequest::decode(payload.otlp.clone());
        let request = request.map_err(|error| of_content(&error))?;
        let mut spans = spans_of(&request).map_err(|error| of_content(&error))?;
        spans.iter_mut().for_each(|span| self.name_service(span));
        Ok(match self.format {
            Format::Json => to_json(&spans),
            Format::Proto => to_protobuf(&spans),
        })
    }

    fn name_service(&self, span: &mut Span) {
        let endpoint = span.local_endpoint.get_or_insert_default();
        let name = &mut endpoint.service_name;
        if name.is_empty() || name == NO_SERVICE_NAME {
            name.clone_from(&self.default_service_name);
        }
    }
}

#[async_trait::async_trait]
impl Transport for ZipkinTransport {
    async fn export(&self, payload: &Payload) -> Result<Exported, SendError> {
        let body = self.translate(payload)?;
        let response = self.poster.post(&payload.client, body.into()).await?;
        if response.status().is_success() {
            return Ok(Exported::default());
        }
        let error = read_error(response, self.poster.uri(), self.clock.now_unix_nanos()).await;
        Err(error)
    }
}
