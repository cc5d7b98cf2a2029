//! The settings of the `otlp` receiver, named and defaulted as in the Collector.

use spandrel_config::Section;
use spandrel_config::blocks::{GrpcServer, HttpServer};
use spandrel_pipeline::{ComponentContext, ComponentError};

use super::config::{GrpcOptions, HttpOptions, OtlpOptions, TransportOptions};
use crate::server::bind::resolve;
use crate::server::cors::CorsOptions;
use crate::server::options::ListenOptions;
use crate::server::settings::{
    body_limits, grpc_bytes_max, grpc_listen, http_listen, intake_options, read_grpc, read_http,
};

const GRPC_ENDPOINT: &str = "localhost:4317";
const HTTP_ENDPOINT: &str = "localhost:4318";
const TRACES_PATH: &str = "/v1/traces";

/// `otlp`: which protocols are on, and how each listens.
#[derive(Debug, Clone, PartialEq)]
pub struct OtlpSettings {
    /// OTLP over gRPC; `None` is off.
    pub grpc: Option<GrpcServer>,
    /// OTLP over HTTP; `None` is off.
    pub http: Option<OtlpHttp>,
}

/// OTLP over HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct OtlpHttp {
    /// How it listens.
    pub server: HttpServer,
    /// Where spans are taken.
    pub traces_url_path: String,
}

impl OtlpSettings {
    /// Reads the settings; a protocol that is not listed is off.
    pub fn read(section: &mut Section<'_>) -> Self {
        let protocols = section.section("protocols", |protocols| Self {
            grpc: protocols.optional("grpc", |grpc| read_grpc(grpc, GRPC_ENDPOINT)),
            http: protocols.optional("http", |http| OtlpHttp {
                server: read_http(http, HTTP_ENDPOINT),
                traces_url_path: read_paths(http),
            }),
        });
        let settings = protocols.unwrap_or(Self { grpc: None, http: None });
        if settings.grpc.is_none() && settings.http.is_none() {
            let message = "must specify at least one protocol when using the OTLP receiver";
            section.problem(Some("protocols"), message);
        }
        settings
    }

    /// What the receiver is started with: addresses are looked up, and files of TLS read.
    ///
    /// # Errors
    /// [`ComponentError`] when an address or a file is not to be had.
    pub async fn options(&self, context: &ComponentContext) -> Result<OtlpOptions, ComponentError> {
        let grpc = match &self.grpc {
            None => None,
            Some(server) => Some(GrpcOptions {
                recv_bytes_max: grpc_bytes_max(server),
                transport: transport(grpc_listen(server)?, server.include_metadata),
                ..GrpcOptions::new(resolve("otlp grpc", &server.endpoint).await?)
            }),
        };
        let http = match &self.http {
            None => None,
            Some(http) => Some(http.options().await?),
        };
        let intake = intake_options(context, self.http.as_ref().map(|http| &http.server));
        Ok(OtlpOptions {
            grpc,
            http,
            in_flight_bytes_max: intake.in_flight_bytes_max.min(intake.memory.limit()),
            memory: intake.memory,
            body_read_timeout: intake.body_read_timeout,
            is_before_store: false,
            ..OtlpOptions::default()
        })
    }
}

impl OtlpHttp {
    async fn options(&self) -> Result<HttpOptions, ComponentError> {
        let server = &self.server;
        let limits = body_limits(server);
        let cors = server.cors.as_ref();
        let headers = server.response_headers.iter();
        Ok(HttpOptions {
            body_bytes_max: limits.body_bytes_max,
            decompressed_bytes_max: limits.decompressed_bytes_max,
            cors_allowed_origins: cors.map_or(Vec::new(), |cors| cors.allowed_origins.clone()),
            cors: cors.map(CorsOptions::of).unwrap_or_default(),
            traces_path: self.traces_url_path.clone(),
            response_headers: headers
                .map(|(name, value)| (name.to_owned(), value.expose().to_owned()))
                .collect(),
            transport: transport(http_listen(server)?, server.include_metadata),
            ..HttpOptions::new(resolve("otlp http", &server.endpoint).await?)
        })
    }
}

fn transport(listen: ListenOptions, include_metadata: bool) -> TransportOptions {
    TransportOptions {
        tls: listen.tls,
        authenticator: listen.authenticator,
        include_metadata,
        header_read_timeout: Some(listen.header_read_timeout),
        concurrent_streams_max: Some(listen.concurrent_streams_max),
        keep_alive_interval: Some(listen.keep_alive_interval),
        keep_alive_timeout: Some(listen.keep_alive_timeout),
        connection_age_max: listen.connection_age_max,
        one_request_per_connection: !listen.keep_alives_enabled,
    }
}

/// The path for spans; those of other signals are accepted, for the same file serves them elsewhere.
fn read_paths(section: &mut Section<'_>) -> String {
    for key in ["metrics_url_path", "logs_url_path", "profiles_url_path"] {
        section.get::<String>(key);
    }
    let path: String = section.or("traces_url_path", TRACES_PATH.to_owned());
    if path.starts_with('/') { path } else { format!("/{path}") }
}
