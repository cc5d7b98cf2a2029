//! Servers of HTTP (`confighttp.ServerConfig`).

use std::time::Duration;

use crate::blocks::endpoint::read_endpoint;
use crate::blocks::grpc_server::read_dialer;
use crate::blocks::{Auth, Headers, TlsServer, Transport, check_host_port, middlewares};
use crate::id::ComponentId;
use crate::section::Section;
use crate::suggest::nearest;

/// Encodings of requests that a server of the Collector can decode; the empty one is none.
const ENCODINGS: [&str; 8] =
    ["", "gzip", "zstd", "zlib", "snappy", "deflate", "lz4", "x-snappy-framed"];

/// How a server of HTTP listens.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpServer {
    /// `host:port`, or the path of a socket.
    pub endpoint: String,
    /// What the endpoint is an address of.
    pub transport: Transport,
    /// TLS; `None` without.
    pub tls: Option<TlsServer>,
    /// Who may send from pages of other origins; `None` for nobody.
    pub cors: Option<Cors>,
    /// The extension that checks requests.
    pub auth: Option<Auth>,
    /// `auth::request_params`: parameters of the query that the extension gets like headers.
    pub auth_request_params: Vec<String>,
    /// Bytes of a request, before and after decompression.
    pub max_request_body_size: u64,
    /// Whether the headers of requests go with their data.
    pub include_metadata: bool,
    /// Headers of every response.
    pub response_headers: Headers,
    /// Values of `Content-Encoding` that are decoded.
    pub compression_algorithms: Vec<String>,
    /// Time for a whole request; zero for no limit.
    pub read_timeout: Duration,
    /// Time for the headers of a request; zero for `read_timeout`.
    pub read_header_timeout: Duration,
    /// Time for a response; zero for no limit.
    pub write_timeout: Duration,
    /// When an idle connection is closed; zero for `read_timeout`.
    pub idle_timeout: Duration,
    /// Whether connections outlive a request.
    pub keep_alives_enabled: bool,
    /// Extensions that see every request.
    pub middlewares: Vec<ComponentId>,
}

impl Default for HttpServer {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            transport: Transport::Tcp,
            tls: None,
            cors: None,
            auth: None,
            auth_request_params: Vec::new(),
            max_request_body_size: 20 << 20,
            include_metadata: false,
            response_headers: Headers::default(),
            compression_algorithms: ENCODINGS.map(str::to_owned).to_vec(),
            read_timeout: Duration::ZERO,
            read_header_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            keep_alives_enabled: true,
            middlewares: Vec::new(),
        }
    }
}

impl HttpServer {
    /// Reads the block; the endpoint is required.
    pub fn read(section: &mut Section<'_>) -> Self {
        Self::read_with(section, Self::default())
    }

    /// Reads the block with other defaults; the endpoint is required unless they have one.
    pub fn read_with(section: &mut Section<'_>, defaults: Self) -> Self {
        let endpoint = read_endpoint(section, &defaults.endpoint);
        let transport = Transport::read(section, defaults.transport);
        if transport == Transport::Tcp && !endpoint.is_empty() {
            check_host_port(section, "endpoint", &endpoint);
        }
        read_dialer(section);
        let auth = section.optional("auth", |section| {
            (Auth::read_body(section), section.or("request_params", Vec::new()))
        });
        let (auth, auth_request_params) =
            auth.unwrap_or((defaults.auth, defaults.auth_request_params));
        // Zero and less are the default in the Collector.
        let max_request_body_size: i64 = section.or("max_request_body_size", 0);
        let max_request_body_size = u64::try_from(max_request_body_size).ok().filter(|n| *n > 0);
        Self {
            endpoint,
            transport,
            tls: section.optional("tls", TlsServer::read).or(defaults.tls),
            cors: section.optional("cors", Cors::read).or(defaults.cors),
            auth,
            auth_request_params,
            max_request_body_size: max_request_body_size.unwrap_or(defaults.max_request_body_size),
            include_metadata: section.or("include_metadata", defaults.include_metadata),
            response_headers: section.or("response_headers", defaults.response_headers),
            compression_algorithms: read_encodings(section, defaults.compression_algorithms),
            read_timeout: section.or("read_timeout", defaults.read_timeout),
            read_header_timeout: section.or("read_header_timeout", defaults.read_header_timeout),
            write_timeout: section.or("write_timeout", defaults.write_timeout),
            idle_timeout: section.or("idle_timeout", defaults.idle_timeout),
            keep_alives_enabled: section.or("keep_alives_enabled", defaults.keep_alives_enabled),
            middlewares: middlewares(section),
        }
    }
}

fn read_encodings(section: &mut Section<'_>, default: Vec<String>) -> Vec<String> {
    let encodings = section.or("compression_algorithms", default);
    for encoding in &encodings {
        if !ENCODINGS.contains(&encoding.as_str()) {
            let meant =
                nearest(encoding, ENCODINGS).map(|meant| format!(", did you mean `{meant}`?"));
            let message =
                format!("`{encoding}` is none that is known{}", meant.unwrap_or_default());
            section.problem(Some("compression_algorithms"), message);
        }
    }
    encodings
}

/// `cors`: which pages of other origins may send. Without origins, none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cors {
    /// Origins, where `*` stands for any characters.
    pub allowed_origins: Vec<String>,
    /// Headers that requests may have, `*` for all.
    pub allowed_headers: Vec<String>,
    /// Headers of responses that pages may see.
    pub exposed_headers: Vec<String>,
    /// Seconds for which browsers may remember the answer; 0 for their default.
    pub max_age: u64,
}

impl Cors {
    /// Reads the block.
    pub fn read(section: &mut Section<'_>) -> Self {
        let cors = Self {
            allowed_origins: section.or("allowed_origins", Vec::new()),
            allowed_headers: section.or("allowed_headers", Vec::new()),
            exposed_headers: section.or("exposed_headers", Vec::new()),
            max_age: section.or("max_age", 0),
        };
        if cors.allowed_origins.is_empty() && !cors.allowed_headers.is_empty() {
            section.warn(None, "has no effect without `allowed_origins`");
        }
        cors
    }
}
