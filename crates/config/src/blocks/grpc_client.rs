//! Clients of gRPC (`configgrpc.ClientConfig`).

use crate::blocks::endpoint::{check_grpc_target, read_endpoint};
use crate::blocks::{Auth, Compression, Headers, KeepaliveClient, TlsClient, middlewares};
use crate::id::ComponentId;
use crate::section::Section;

/// How to reach a server of gRPC.
#[derive(Debug, Clone, PartialEq)]
pub struct GrpcClient {
    /// `host:port`, with or without `http://`, `https://`, `dns:///` before it, or `unix:///path`.
    pub endpoint: String,
    /// How requests are compressed; none by default (exporters of OTLP: gzip).
    pub compression: Compression,
    /// TLS, which is used unless it says `insecure` or the endpoint says `http://`.
    pub tls: TlsClient,
    /// Pings of idle connections; `None` for none.
    pub keepalive: Option<KeepaliveClient>,
    /// Bytes; 0 for the default of the library.
    pub read_buffer_size: u64,
    /// Bytes; 0 for the default of the library.
    pub write_buffer_size: u64,
    /// Whether a request waits for a connection instead of failing.
    pub wait_for_ready: bool,
    /// Metadata of every request.
    pub headers: Headers,
    /// `user-agent` instead of our own; empty for our own.
    pub user_agent: String,
    /// `round_robin`, the default, or `pick_first`.
    pub balancer_name: String,
    /// `:authority` instead of the endpoint's host; empty for that.
    pub authority: String,
    /// The extension that adds credentials.
    pub auth: Option<Auth>,
    /// Extensions that see every request.
    pub middlewares: Vec<ComponentId>,
}

impl Default for GrpcClient {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            compression: Compression::None,
            tls: TlsClient::default(),
            keepalive: None,
            read_buffer_size: 0,
            write_buffer_size: 0,
            wait_for_ready: false,
            headers: Headers::default(),
            user_agent: String::new(),
            balancer_name: "round_robin".to_owned(),
            authority: String::new(),
            auth: None,
            middlewares: Vec::new(),
        }
    }
}

impl GrpcClient {
    /// Reads the block; the endpoint is required.
    pub fn read(section: &mut Section<'_>) -> Self {
        Self::read_with(section, Self::default())
    }

    /// Reads the block with other defaults; the endpoint is required unless they have one.
    pub fn read_with(section: &mut Section<'_>, defaults: Self) -> Self {
        let endpoint = read_endpoint(section, &defaults.endpoint);
        Self { endpoint, ..Self::read_without_endpoint(section, defaults) }
    }

    /// Reads the block where the endpoint may be absent, because something else finds it.
    pub fn read_without_endpoint(section: &mut Section<'_>, defaults: Self) -> Self {
        let endpoint: String = section.or("endpoint", defaults.endpoint);
        if !endpoint.is_empty() {
            check_grpc_target(section, "endpoint", &endpoint);
        }
        let balancer_name: String = section.or("balancer_name", defaults.balancer_name);
        if !matches!(balancer_name.as_str(), "" | "round_robin" | "pick_first") {
            section.problem(
                Some("balancer_name"),
                format!("must be `round_robin` or `pick_first`, not `{balancer_name}`"),
            );
        }
        Self {
            endpoint,
            compression: Compression::read_grpc(section, defaults.compression),
            tls: section.section("tls", TlsClient::read).unwrap_or(defaults.tls),
            keepalive: section.optional("keepalive", KeepaliveClient::read).or(defaults.keepalive),
            read_buffer_size: section.or("read_buffer_size", defaults.read_buffer_size),
            write_buffer_size: section.or("write_buffer_size", defaults.write_buffer_size),
            wait_for_ready: section.or("wait_for_ready", defaults.wait_for_ready),
            headers: section.or("headers", defaults.headers),
            user_agent: section.or("user_agent", defaults.user_agent),
            balancer_name,
            authority: section.or("authority", defaults.authority),
            auth: Auth::read(section).or(defaults.auth),
            middlewares: middlewares(section),
        }
    }
}
