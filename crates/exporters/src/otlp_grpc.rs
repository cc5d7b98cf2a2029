//! `otlp_grpc`: OTLP over gRPC, `opentelemetry.proto.collector.trace.v1.TraceService/Export`.
//!
//! A unary call is one HTTP/2 request whose body is a message behind a prefix of five bytes. Doing that here
//! rather than in a gRPC library sends the bytes of the pipeline as they are: nothing is decoded, encoded or
//! copied on the way to the socket, unless it is compressed.

mod answer;
mod body;
mod channel;
mod settings;

use std::time::Duration;

use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};
use spandrel_pipeline::{ComponentContext, ComponentError};

use crate::auth::OptionalAuth;
use crate::extensions::Extensions;
use crate::net::{Compression, Connector, Endpoint, client_config, fixed_headers, set_user_agent};
use crate::sending::{Exported, Payload, SendError, Sending, Transport};
use answer::read_answer;
use body::MessageBody;
use channel::{Channel, ChannelOptions};

pub use settings::OtlpGrpcSettings;

const EXPORT_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// What servers may compress answers with; many answer as they were asked.
const ACCEPTED_ENCODINGS: &str = "identity,gzip,zstd,snappy";

/// The exporter `otlp_grpc`.
pub type OtlpGrpcExporter = Sending<GrpcTransport>;

impl OtlpGrpcExporter {
    /// An exporter that is not started yet.
    ///
    /// # Errors
    /// When TLS files cannot be used, or an extension that the settings name is missing.
    pub fn new(
        settings: OtlpGrpcSettings,
        extensions: &Extensions,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        let transport = GrpcTransport::new(&settings, extensions)?;
        Self::with_transport(transport, settings.sending, extensions, context)
    }
}

/// Calls `Export` of one endpoint.
pub struct GrpcTransport {
    channel: Channel,
    uri: Uri,
    headers: HeaderMap,
    compression: Option<Compression>,
    auth: OptionalAuth,
}

impl GrpcTransport {
    fn new(settings: &OtlpGrpcSettings, extensions: &Extensions) -> Result<Self, ComponentError> {
        let client = &settings.client;
        let endpoint = Endpoint::parse(&client.endpoint).map_err(ComponentError::new)?;
        let compression = Compression::of_grpc(client.compression);
        let uses_tls = endpoint.tls.unwrap_or(!client.tls.insecure);
        let tls = uses_tls.then(|| client_config(&client.tls, &[b"h2"]));
        let tls = tls.transpose().map_err(ComponentError::new)?;
        let authority = match client.authority.as_str() {
            "" => endpoint.authority(),
            authority => authority.to_owned(),
        };
        let uri = Uri::builder()
            .scheme(if uses_tls { "https" } else { "http" })
            .authority(authority)
            .path_and_query(EXPORT_PATH)
            .build()
            .map_err(|error| ComponentError::new(format!("authority: {error}")))?;
        let server_name = Some(client.tls.server_name_override.as_str());
        let server_name = server_name.filter(|name| !name.is_empty());
        let is_spread = endpoint.is_spread && client.balancer_name != "pick_first";
        let connector =
            Connector::new(endpoint.target, tls, server_name).map_err(ComponentError::new)?;
        let options = ChannelOptions {
            keepalive: client.keepalive.clone(),
            wait_for_ready: client.wait_for_ready,
            is_spread,
        };
        Ok(Self {
            channel: Channel::new(connector, options),
            uri,
            headers: request_headers(settings, compression)?,
            compression,
            auth: extensions.authenticator_of(client.auth.as_ref())?,
        })
    }

    async fn request(&self, payload: &Payload) -> Result<Request<MessageBody>, SendError> {
        let unsendable = |error: &dyn std::fmt::Display| SendError::retryable(error.to_string());
        let (is_compressed, message) = match self.compression {
            Some(compression) => {
                let compressed = compression.compress(payload.otlp.clone()).await;
                (true, compressed.map_err(|error| unsendable(&error))?)
            }
            None => (false, payload.otlp.clone()),
        };
        let mut headers = self.headers.clone();
        if let Some(auth) = &self.auth {
            let authenticated = auth.authenticate(&payload.client, &mut headers).await;
            authenticated.map_err(|error| unsendable(&error))?;
        }
        let mut request = Request::new(MessageBody::new(is_compressed, message)?);
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// The headers that all requests have.
fn request_headers(
    settings: &OtlpGrpcSettings,
    compression: Option<Compression>,
) -> Result<HeaderMap, ComponentError> {
    let mut headers = fixed_headers(&settings.client.headers)?;
    set_user_agent(&mut headers, &settings.client.user_agent)?;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert("grpc-accept-encoding", HeaderValue::from_static(ACCEPTED_ENCODINGS));
    if let Some(compression) = compression {
        headers.insert("grpc-encoding", HeaderValue::from_static(compression.name()));
    }
    if let Some(timeout) = grpc_timeout(settings.sending.timeout) {
        headers.insert("grpc-timeout", timeout);
    }
    Ok(headers)
}

/// The time limit as servers read it: at most eight digits and a unit.
fn grpc_timeout(timeout: Duration) -> Option<HeaderValue> {
    let units = [(timeout.as_millis(), "m"), (u128::from(timeout.as_secs()), "S")];
    let fitting = units.into_iter().find(|(number, _)| (1..=99_999_999).contains(number))?;
    HeaderValue::try_from(format!("{}{}", fitting.0, fitting.1)).ok()
}

#[async_trait::async_trait]
impl Transport for GrpcTransport {
    async fn export(&self, payload: &Payload) -> Result<Exported, SendError> {
        let request = self.request(payload).await?;
        let mut connection = self.channel.ready().await?;
        let sent = connection.send(request).await;
        let response =
            sent.map_err(|error| SendError::retryable(format!("connection broke: {error}")))?;
        read_answer(response).await
    }

    async fn stop(&self) {
        self.channel.close().await;
    }
}
