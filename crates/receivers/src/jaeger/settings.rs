//! The settings of the `jaeger` receiver, named and defaulted as in the Collector.

use std::net::SocketAddr;

use spandrel_config::Section;
use spandrel_config::blocks::{GrpcServer, HttpServer, check_host_port};

use super::JaegerAddresses;
use crate::server::settings::{read_grpc, read_http};

const GRPC_ENDPOINT: &str = "localhost:14250";
const THRIFT_HTTP_ENDPOINT: &str = "localhost:14268";
const THRIFT_COMPACT_ENDPOINT: &str = "localhost:6831";
const THRIFT_BINARY_ENDPOINT: &str = "localhost:6832";
const UDP_QUEUE_SIZE: u64 = 1_000;
const UDP_PACKET_SIZE_MAX: u64 = 65_000;
const UDP_WORKERS: u64 = 10;

/// `jaeger`: which protocols are on, and how each listens.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JaegerSettings {
    /// `api_v2` over gRPC; `None` is off.
    pub grpc: Option<GrpcServer>,
    /// Batches in Thrift's binary protocol over HTTP.
    pub thrift_http: Option<HttpServer>,
    /// The agent's calls in the compact protocol over UDP.
    pub thrift_compact: Option<UdpServer>,
    /// The agent's calls in the binary protocol over UDP.
    pub thrift_binary: Option<UdpServer>,
}

/// How datagrams are received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UdpServer {
    /// `host:port`
    pub endpoint: String,
    /// Datagrams that wait; what comes after them is dropped.
    pub queue_size: usize,
    /// Bytes; a longer datagram is dropped.
    pub max_packet_size: usize,
    /// How many datagrams are translated and handed on at once.
    pub workers: usize,
    /// Bytes of the operating system's buffer; 0 for its default.
    pub socket_buffer_size: usize,
}

impl JaegerSettings {
    /// The defaults, at these addresses; a protocol without one is off.
    pub fn listening(at: JaegerAddresses) -> Self {
        let grpc =
            |at: SocketAddr| GrpcServer { endpoint: at.to_string(), ..GrpcServer::default() };
        let http =
            |at: SocketAddr| HttpServer { endpoint: at.to_string(), ..HttpServer::default() };
        Self {
            grpc: at.grpc.map(grpc),
            thrift_http: at.thrift_http.map(http),
            thrift_compact: at.thrift_compact.map(UdpServer::at),
            thrift_binary: at.thrift_binary.map(UdpServer::at),
        }
    }

    /// Reads the settings; a protocol that is not listed is off.
    pub fn read(section: &mut Section<'_>) -> Self {
        let protocols = section.section("protocols", |protocols| Self {
            grpc: protocols.optional("grpc", |grpc| read_grpc(grpc, GRPC_ENDPOINT)),
            thrift_http: protocols
                .optional("thrift_http", |http| read_http(http, THRIFT_HTTP_ENDPOINT)),
            thrift_compact: protocols
                .optional("thrift_compact", |udp| UdpServer::read(udp, THRIFT_COMPACT_ENDPOINT)),
            thrift_binary: protocols
                .optional("thrift_binary", |udp| UdpServer::read(udp, THRIFT_BINARY_ENDPOINT)),
        });
        let why = "use the extension `jaegerremotesampling` instead";
        section.ignore(&["remote_sampling"], why);
        let settings = protocols.unwrap_or_default();
        if settings == Self::default() {
            let message = "must specify at least one protocol when using the Jaeger receiver";
            section.problem(Some("protocols"), message);
        }
        settings
    }
}

impl UdpServer {
    fn at(address: SocketAddr) -> Self {
        let size = |number| usize::try_from(number).unwrap_or(usize::MAX);
        Self {
            endpoint: address.to_string(),
            queue_size: size(UDP_QUEUE_SIZE),
            max_packet_size: size(UDP_PACKET_SIZE_MAX),
            workers: size(UDP_WORKERS),
            socket_buffer_size: 0,
        }
    }

    fn read(section: &mut Section<'_>, endpoint: &str) -> Self {
        let server = Self {
            endpoint: section.or("endpoint", endpoint.to_owned()),
            queue_size: count(section, "queue_size", UDP_QUEUE_SIZE),
            max_packet_size: count(section, "max_packet_size", UDP_PACKET_SIZE_MAX),
            workers: count(section, "workers", UDP_WORKERS),
            socket_buffer_size: section
                .get("socket_buffer_size")
                .and_then(|bytes: u64| usize::try_from(bytes).ok())
                .unwrap_or(0),
        };
        check_host_port(section, "endpoint", &server.endpoint);
        server
    }
}

/// A number that must not be zero.
fn count(section: &mut Section<'_>, key: &'static str, default: u64) -> usize {
    let number = section.or(key, default);
    if number == 0 {
        section.problem(Some(key), "must be greater than 0");
    }
    usize::try_from(number).unwrap_or(usize::MAX)
}
