//! Servers of gRPC (`configgrpc.ServerConfig`).

use std::time::Duration;

use crate::blocks::endpoint::read_endpoint;
use crate::blocks::{Auth, KeepaliveServer, TlsServer, Transport, check_host_port, middlewares};
use crate::id::ComponentId;
use crate::section::Section;

/// How a server of gRPC listens.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GrpcServer {
    /// `host:port`, or the path of a socket.
    pub endpoint: String,
    /// What the endpoint is an address of.
    pub transport: Transport,
    /// TLS; `None` without.
    pub tls: Option<TlsServer>,
    /// The largest request in MiB; 0 for the 4 MiB of gRPC.
    pub max_recv_msg_size_mib: u64,
    /// Requests at once on one connection; 0 for no limit.
    pub max_concurrent_streams: u32,
    /// Bytes; 0 for the default of the library.
    pub read_buffer_size: u64,
    /// Bytes; 0 for the default of the library.
    pub write_buffer_size: u64,
    /// Limits of connections and of pings.
    pub keepalive: Option<KeepaliveServer>,
    /// The extension that checks requests.
    pub auth: Option<Auth>,
    /// Whether the metadata of requests goes with their data.
    pub include_metadata: bool,
    /// Extensions that see every request.
    pub middlewares: Vec<ComponentId>,
}

impl GrpcServer {
    /// Reads the block; the endpoint is required.
    pub fn read(section: &mut Section<'_>) -> Self {
        Self::read_with(section, Self::default())
    }

    /// Reads the block with other defaults; the endpoint is required unless they have one.
    pub fn read_with(section: &mut Section<'_>, defaults: Self) -> Self {
        let endpoint = read_endpoint(section, &defaults.endpoint);
        let transport = Transport::read(section, defaults.transport);
        if transport == Transport::Tcp && !endpoint.is_empty() {
            if endpoint.starts_with("unix:") {
                section.problem(Some("endpoint"), "is a socket, and needs `transport: unix`");
            } else {
                check_host_port(section, "endpoint", &endpoint);
            }
        }
        read_dialer(section);
        Self {
            endpoint,
            transport,
            tls: section.optional("tls", TlsServer::read).or(defaults.tls),
            max_recv_msg_size_mib: section
                .or("max_recv_msg_size_mib", defaults.max_recv_msg_size_mib),
            max_concurrent_streams: section
                .or("max_concurrent_streams", defaults.max_concurrent_streams),
            read_buffer_size: section.or("read_buffer_size", defaults.read_buffer_size),
            write_buffer_size: section.or("write_buffer_size", defaults.write_buffer_size),
            keepalive: section.optional("keepalive", KeepaliveServer::read).or(defaults.keepalive),
            auth: Auth::read(section).or(defaults.auth),
            include_metadata: section.or("include_metadata", defaults.include_metadata),
            middlewares: middlewares(section),
        }
    }
}

/// `dialer` belongs to the addresses of clients, with which servers share the type in the Collector.
pub(super) fn read_dialer(section: &mut Section<'_>) {
    section.section("dialer", |section| section.get::<Duration>("timeout"));
}
