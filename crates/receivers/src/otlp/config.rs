//! What an [`OtlpReceiver`](crate::OtlpReceiver) listens on and how much it takes.
//!
//! # Sizes
//! OTLP 1.11 recommends that a server takes requests of 64 MiB, measured after decompression. The
//! OpenTelemetry Collector takes 4 MiB over gRPC and 20 MiB over HTTP by default. Here the limit after
//! decompression is the recommended one on both transports, and the limit as received is 64 MiB over
//! gRPC and, as in the Collector, 20 MiB over HTTP. A request over a limit is refused for good.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use spandrel_base::memory::MemoryBudget;

const MIB: usize = 1 << 20;

/// Settings of an OTLP receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpOptions {
    /// OTLP over gRPC; `None` is off.
    pub grpc: Option<GrpcOptions>,
    /// OTLP over HTTP; `None` is off.
    pub http: Option<HttpOptions>,
    /// Bytes of all requests that are being read, decompressed or consumed, on both transports together.
    /// A request that would exceed them is refused, and its sender is asked to try again.
    pub in_flight_bytes_max: usize,
    /// What these bytes are a part of, shared with others. A request that does not fit there is refused too.
    pub memory: MemoryBudget,
    /// Open connections per transport; more wait in the queue of the operating system.
    pub connections_max: usize,
    /// How long a sender may take for the first bytes of a connection and for the header of an HTTP/1.1
    /// request. An HTTP/1.1 connection that is idle for as long is closed.
    pub header_read_timeout: Duration,
    /// How long a sender may take for the body of one request.
    pub body_read_timeout: Duration,
    /// What a sender is told to wait when the bytes in flight have reached their limit.
    pub retry_after: Duration,
    /// Requests at once on one HTTP/2 connection; a sender's library queues what is above.
    pub concurrent_streams_max: u32,
    /// How often an HTTP/2 connection is probed by a ping.
    pub keep_alive_interval: Duration,
    /// An HTTP/2 connection that leaves a ping unanswered for this long is closed.
    pub keep_alive_timeout: Duration,
}

impl Default for OtlpOptions {
    /// Both transports on their registered ports of the loopback interface.
    fn default() -> Self {
        Self {
            grpc: Some(GrpcOptions::new((Ipv4Addr::LOCALHOST, 4317).into())),
            http: Some(HttpOptions::new((Ipv4Addr::LOCALHOST, 4318).into())),
            in_flight_bytes_max: 256 * MIB,
            memory: MemoryBudget::unlimited(),
            connections_max: 8192,
            header_read_timeout: Duration::from_secs(60),
            body_read_timeout: Duration::from_secs(60),
            retry_after: Duration::from_secs(1),
            concurrent_streams_max: 1024,
            keep_alive_interval: Duration::from_secs(60),
            keep_alive_timeout: Duration::from_secs(20),
        }
    }
}

/// Settings of OTLP over gRPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcOptions {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Largest message in bytes, both as received and after decompression.
    pub recv_bytes_max: usize,
}

impl GrpcOptions {
    /// The default limits at this address.
    pub fn new(listen: SocketAddr) -> Self {
        Self { listen, recv_bytes_max: 64 * MIB }
    }
}

/// Settings of OTLP over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpOptions {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Largest body in bytes as received.
    pub body_bytes_max: usize,
    /// Largest body in bytes after decompression.
    pub decompressed_bytes_max: usize,
    /// Web origins whose pages may send, such as `https://shop.example`. A `*` stands for any text;
    /// an empty list turns CORS off.
    pub cors_allowed_origins: Vec<String>,
}

impl HttpOptions {
    /// The default limits at this address; pages that a developer serves from their own machine may send.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            body_bytes_max: 20 * MIB,
            decompressed_bytes_max: 64 * MIB,
            cors_allowed_origins: ["http://localhost:*", "http://127.0.0.1:*"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}
