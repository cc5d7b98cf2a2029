//! `otlp_http`: OTLP over HTTP, in protobuf or JSON.

mod answer;
mod client;
mod settings;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use prost::Message;
use spandrel_base::clock::SharedClock;
use spandrel_pipeline::{ComponentContext, ComponentError};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;

use crate::auth::OptionalAuth;
use crate::extensions::Extensions;
use crate::net::{Compression, fixed_headers, set_user_agent};
use crate::otlp_json::to_json;
use crate::sending::{Exported, Payload, SendError, Sending, Transport};
use answer::{read_error, read_success};

pub(crate) use client::{HttpSender, http_sender};
pub use settings::{Encoding, OtlpHttpSettings};

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
        let transport = HttpTransport::new(&settings, extensions, context.clock.clone())?;
        Self::with_transport(transport, settings.sending, extensions, context)
    }
}

/// Posts to one URL.
pub struct HttpTransport {
    sender: HttpSender,
    uri: Uri,
    headers: HeaderMap,
    encoding: Encoding,
    compression: Option<Compression>,
    auth: OptionalAuth,
    clock: SharedClock,
}

impl HttpTransport {
    fn new(
        settings: &OtlpHttpSettings,
        extensions: &Extensions,
        clock: SharedClock,
    ) -> Result<Self, ComponentError> {
        let client = &settings.client;
        let url = settings.traces_url().map_err(ComponentError::new)?;
        let uri = Uri::try_from(url.as_str())
            .map_err(|error| ComponentError::new(format!("endpoint: {error}")))?;
        let compression = Compression::of_http(client.compression, client.compression_level);
        let mut headers = fixed_headers(&client.headers)?;
        set_user_agent(&mut headers, "")?;
        let content_type = match settings.encoding {
            Encoding::Proto => "application/x-protobuf",
            Encoding::Json => "application/json",
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(compression) = compression {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(compression.name()));
        }
        Ok(Self {
            sender: http_sender(client, &url)?,
            uri,
            headers,
            encoding: settings.encoding,
            compression,
            auth: extensions.authenticator_of(client.auth.as_ref())?,
            clock,
        })
    }

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
        let unsendable = |error: &dyn std::fmt::Display| SendError::retryable(error.to_string());
        let mut body = self.encode(payload)?;
        if let Some(compression) = self.compression {
            body = compression.compress(body).await.map_err(|error| unsendable(&error))?;
        }
        let mut headers = self.headers.clone();
        if let Some(auth) = &self.auth {
            let authenticated = auth.authenticate(&payload.client, &mut headers).await;
            authenticated.map_err(|error| unsendable(&error))?;
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        let response = self.sender.request(request).await;
        let response = response.map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            SendError::retryable(format!("{error}{}", cause.unwrap_or_default()))
        })?;
        if response.status().is_success() {
            return read_success(response).await;
        }
        Err(read_error(response, &self.uri, self.clock.now_unix_nanos()).await)
    }
}
