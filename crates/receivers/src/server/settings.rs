//! Server blocks of the configuration into how connections are served.

use std::time::Duration;

use spandrel_config::Section;
use spandrel_config::blocks::{GrpcServer, HttpServer, TlsServer, Transport};
use spandrel_pipeline::{ComponentContext, ComponentError};

use super::compression::Encoding;
use super::options::{IntakeOptions, ListenOptions};
use super::plain::BodyLimits;
use super::tls;

const MIB: u64 = 1 << 20;
/// What a request may be after decompression, and over gRPC as received, unless the configuration says
/// otherwise: what OTLP recommends. The Collector takes 4 MiB over gRPC.
pub(crate) const REQUEST_BYTES_MAX: usize = 64 * MIB as usize;
/// How long requests that have begun may take when a receiver stops; who stops it usually waits less.
pub(crate) const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(3600);

/// Reads a block of gRPC and says what is not to be had here.
pub(crate) fn read_grpc(section: &mut Section<'_>, endpoint: &str) -> GrpcServer {
    let defaults = GrpcServer { endpoint: endpoint.to_owned(), ..GrpcServer::default() };
    let server = GrpcServer::read_with(section, defaults);
    check(section, server.transport, server.tls.as_ref(), !server.middlewares.is_empty());
    server
}

/// Reads a block of HTTP and says what is not to be had here.
pub(crate) fn read_http(section: &mut Section<'_>, endpoint: &str) -> HttpServer {
    let defaults = HttpServer { endpoint: endpoint.to_owned(), ..HttpServer::default() };
    let server = HttpServer::read_with(section, defaults);
    check(section, server.transport, server.tls.as_ref(), !server.middlewares.is_empty());
    if !server.auth_request_params.is_empty() {
        section.warn(Some("auth"), "request_params has no effect: who sends says so in headers");
    }
    if section.has("compression_algorithms") {
        let encodings = format!("has no effect: always {}", Encoding::ACCEPTED);
        section.warn(Some("compression_algorithms"), encodings);
    }
    server
}

fn check(
    section: &mut Section<'_>,
    transport: Transport,
    tls: Option<&TlsServer>,
    has_middlewares: bool,
) {
    if transport != Transport::Tcp {
        section.problem(Some("transport"), "only `tcp` is supported here");
    }
    if has_middlewares {
        section.warn(Some("middlewares"), "has no effect: receivers have none");
    }
    if tls.is_some_and(|tls| !tls.tls.reload_interval.is_zero() || tls.client_ca_file_reload) {
        section.warn(Some("tls"), "certificates are read at the start only");
    }
}

/// How connections of gRPC are served; reads the files of TLS.
pub(crate) fn grpc_listen(server: &GrpcServer) -> Result<ListenOptions, ComponentError> {
    let defaults = ListenOptions::default();
    let parameters = server.keepalive.as_ref().map(|keepalive| &keepalive.server_parameters);
    Ok(ListenOptions {
        concurrent_streams_max: match server.max_concurrent_streams {
            0 => defaults.concurrent_streams_max,
            streams => streams,
        },
        keep_alive_interval: parameters
            .and_then(|parameters| parameters.time)
            .unwrap_or(defaults.keep_alive_interval),
        keep_alive_timeout: parameters
            .and_then(|parameters| parameters.timeout)
            .unwrap_or(defaults.keep_alive_timeout),
        connection_age_max: parameters.and_then(|parameters| parameters.max_connection_age),
        tls: server.tls.as_ref().map(tls::load).transpose()?,
        ..defaults
    })
}

/// How connections of HTTP are served; reads the files of TLS.
pub(crate) fn http_listen(server: &HttpServer) -> Result<ListenOptions, ComponentError> {
    let defaults = ListenOptions::default();
    Ok(ListenOptions {
        header_read_timeout: not_zero(server.read_header_timeout)
            .or(not_zero(server.read_timeout))
            .unwrap_or(defaults.header_read_timeout),
        keep_alives_enabled: server.keep_alives_enabled,
        tls: server.tls.as_ref().map(tls::load).transpose()?,
        ..defaults
    })
}

/// Largest message of gRPC in bytes.
pub(crate) fn grpc_bytes_max(server: &GrpcServer) -> usize {
    match server.max_recv_msg_size_mib {
        0 => REQUEST_BYTES_MAX,
        mib => usize::try_from(mib.saturating_mul(MIB)).unwrap_or(usize::MAX),
    }
}

/// Largest body of HTTP. The default holds before decompression only, a configured size also after it.
pub(crate) fn body_limits(server: &HttpServer) -> BodyLimits {
    let max = usize::try_from(server.max_request_body_size).unwrap_or(usize::MAX);
    let is_default = server.max_request_body_size == HttpServer::default().max_request_body_size;
    let decompressed_bytes_max = if is_default { REQUEST_BYTES_MAX } else { max };
    BodyLimits { body_bytes_max: max, decompressed_bytes_max }
}

/// How much of requests is held, out of the component's memory.
pub(crate) fn intake_options(
    context: &ComponentContext,
    http: Option<&HttpServer>,
) -> IntakeOptions {
    let defaults = IntakeOptions::default();
    let read_timeout = http.and_then(|http| not_zero(http.read_timeout));
    IntakeOptions {
        memory: context.memory.clone(),
        body_read_timeout: read_timeout.unwrap_or(defaults.body_read_timeout),
        ..defaults
    }
}

fn not_zero(duration: Duration) -> Option<Duration> {
    (!duration.is_zero()).then_some(duration)
}
