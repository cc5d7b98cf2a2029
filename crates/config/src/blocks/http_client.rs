//! Clients of HTTP (`confighttp.ClientConfig`).

use std::time::Duration;

use crate::blocks::endpoint::{check_url_of_client, read_endpoint};
use crate::blocks::{Auth, Compression, Headers, TlsClient, middlewares};
use crate::id::ComponentId;
use crate::section::Section;

/// How to reach a server of HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpClient {
    /// A URL with `http` or `https`.
    pub endpoint: String,
    /// The URL of a proxy; empty for none.
    pub proxy_url: String,
    /// TLS of URLs with `https`.
    pub tls: TlsClient,
    /// The longest that a request may take; zero for no limit (exporters of OTLP: 30 s).
    pub timeout: Duration,
    /// Headers of every request.
    pub headers: Headers,
    /// The extension that adds credentials.
    pub auth: Option<Auth>,
    /// How requests are compressed; none by default (exporters of OTLP: gzip).
    pub compression: Compression,
    /// `compression_params::level`; 0 for the default of the algorithm.
    pub compression_level: i64,
    /// Idle connections that are kept; 0 for no limit.
    pub max_idle_conns: u64,
    /// The same for one host; 0 for the default of the library.
    pub max_idle_conns_per_host: u64,
    /// Connections to one host; 0 for no limit.
    pub max_conns_per_host: u64,
    /// When an idle connection is closed; zero for never.
    pub idle_conn_timeout: Duration,
    /// Whether each request has a connection of its own.
    pub disable_keep_alives: bool,
    /// Silence on an HTTP/2 connection after which it is pinged; zero for never.
    pub http2_read_idle_timeout: Duration,
    /// Time for the answer to a ping; zero for 15 s.
    pub http2_ping_timeout: Duration,
    /// Whether cookies of the server are kept.
    pub cookies: bool,
    /// Whether HTTP/2 is offered over TLS.
    pub force_attempt_http2: bool,
    /// Bytes; 0 for the default of the library.
    pub read_buffer_size: u64,
    /// Bytes; 0 for the default of the library.
    pub write_buffer_size: u64,
    /// Extensions that see every request.
    pub middlewares: Vec<ComponentId>,
}

impl Default for HttpClient {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            proxy_url: String::new(),
            tls: TlsClient::default(),
            timeout: Duration::ZERO,
            headers: Headers::default(),
            auth: None,
            compression: Compression::None,
            compression_level: 0,
            max_idle_conns: 100,
            max_idle_conns_per_host: 0,
            max_conns_per_host: 0,
            idle_conn_timeout: Duration::from_secs(90),
            disable_keep_alives: false,
            http2_read_idle_timeout: Duration::ZERO,
            http2_ping_timeout: Duration::ZERO,
            cookies: false,
            force_attempt_http2: true,
            read_buffer_size: 0,
            write_buffer_size: 0,
            middlewares: Vec::new(),
        }
    }
}

impl HttpClient {
    /// Reads the block; the endpoint is required.
    pub fn read(section: &mut Section<'_>) -> Self {
        Self::read_with(section, Self::default())
    }

    /// Reads the block with other defaults; the endpoint is required unless they have one.
    pub fn read_with(section: &mut Section<'_>, defaults: Self) -> Self {
        let endpoint = read_endpoint(section, &defaults.endpoint);
        Self { endpoint, ..Self::read_without_endpoint(section, defaults) }
    }

    /// Reads the block where the endpoint may be absent, because another key can stand for it.
    pub fn read_without_endpoint(section: &mut Section<'_>, defaults: Self) -> Self {
        let endpoint: String = section.or("endpoint", defaults.endpoint);
        if !endpoint.is_empty() {
            check_url_of_client(section, "endpoint", &endpoint);
        }
        let proxy_url: String = section.or("proxy_url", defaults.proxy_url);
        if !proxy_url.is_empty() && !proxy_url.contains("://") {
            section.problem(Some("proxy_url"), "must be a URL");
        }
        let compression = Compression::read_http(section, defaults.compression);
        let cookies = section.optional("cookies", |_| true);
        Self {
            endpoint,
            proxy_url,
            tls: section.section("tls", TlsClient::read).unwrap_or(defaults.tls),
            timeout: section.or("timeout", defaults.timeout),
            headers: section.or("headers", defaults.headers),
            auth: Auth::read(section).or(defaults.auth),
            compression,
            compression_level: compression.read_level(section),
            max_idle_conns: section.or("max_idle_conns", defaults.max_idle_conns),
            max_idle_conns_per_host: section
                .or("max_idle_conns_per_host", defaults.max_idle_conns_per_host),
            max_conns_per_host: section.or("max_conns_per_host", defaults.max_conns_per_host),
            idle_conn_timeout: section.or("idle_conn_timeout", defaults.idle_conn_timeout),
            disable_keep_alives: section.or("disable_keep_alives", defaults.disable_keep_alives),
            http2_read_idle_timeout: section
                .or("http2_read_idle_timeout", defaults.http2_read_idle_timeout),
            http2_ping_timeout: section.or("http2_ping_timeout", defaults.http2_ping_timeout),
            cookies: cookies.unwrap_or(defaults.cookies),
            force_attempt_http2: section.or("force_attempt_http2", defaults.force_attempt_http2),
            read_buffer_size: section.or("read_buffer_size", defaults.read_buffer_size),
            write_buffer_size: section.or("write_buffer_size", defaults.write_buffer_size),
            middlewares: middlewares(section),
        }
    }
}
