//! The settings of the `jaeger` receiver, named and defaulted as in the Collector.

use spandrel_config::Section;
use spandrel_config::blocks::{GrpcServer, HttpServer, check_host_port};

use crate::server::settings::{read_grpc, read_http};

const GRPC_ENDPOINT: &str = "localhost:14250";
const THRIFT_HTTP_ENDPOINT: &str = "localhost:14268";
const THRIFT_COMPACT_ENDPOINT: &str = "localhost:6831";
const THRIFT_BINARY_ENDPOINT: &str = "localhost:6832";

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
    fn read(section: &mut Section<'_>, endpoint: &str) -> Self {
        let server = Self {
            endpoint: section.or("endpoint", endpoint.to_owned()),
            queue_size: count(section, "queue_size", 1_000),
            max_packet_size: count(section, "max_packet_size", 65_000),
            workers: count(section, "workers", 10),
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
