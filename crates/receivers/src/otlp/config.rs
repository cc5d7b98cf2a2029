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

use crate::server::auth::Authenticator;
use crate::server::cors::CorsOptions;
use crate::server::options::{IntakeOptions, ListenOptions};
use crate::server::tls::Tls;

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
    /// Whether spans go right into the store, whose accounts then begin here; behind pipelines they begin at
    /// their end.
    pub is_before_store: bool,
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
            is_before_store: true,
            keep_alive_interval: Duration::from_secs(60),
            keep_alive_timeout: Duration::from_secs(20),
        }
    }
}

impl OtlpOptions {
    pub(crate) fn intake(&self) -> IntakeOptions {
        IntakeOptions {
            in_flight_bytes_max: self.in_flight_bytes_max,
            memory: self.memory.clone(),
            body_read_timeout: self.body_read_timeout,
            retry_after: self.retry_after,
            is_before_store: self.is_before_store,
        }
    }

    pub(crate) fn listen(&self, transport: &TransportOptions) -> ListenOptions {
        let header_read_timeout = transport.header_read_timeout;
        ListenOptions {
            connections_max: self.connections_max,
            header_read_timeout: header_read_timeout.unwrap_or(self.header_read_timeout),
            concurrent_streams_max: transport
                .concurrent_streams_max
                .unwrap_or(self.concurrent_streams_max),
            keep_alive_interval: transport.keep_alive_interval.unwrap_or(self.keep_alive_interval),
            keep_alive_timeout: transport.keep_alive_timeout.unwrap_or(self.keep_alive_timeout),
            keep_alives_enabled: !transport.one_request_per_connection,
            connection_age_max: transport.connection_age_max,
            tls: transport.tls.clone(),
            authenticator: transport.authenticator.clone(),
        }
    }
}

/// What one transport does in another way than [`OtlpOptions`] says; `None` is as that says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransportOptions {
    /// TLS; `None` is without.
    pub tls: Option<Tls>,
    /// Who may send; `None` is everybody.
    pub authenticator: Option<Authenticator>,
    /// Whether the headers, or metadata, of requests go on with their spans.
    pub include_metadata: bool,
    /// Instead of [`OtlpOptions::header_read_timeout`].
    pub header_read_timeout: Option<Duration>,
    /// Instead of [`OtlpOptions::concurrent_streams_max`].
    pub concurrent_streams_max: Option<u32>,
    /// Instead of [`OtlpOptions::keep_alive_interval`].
    pub keep_alive_interval: Option<Duration>,
    /// Instead of [`OtlpOptions::keep_alive_timeout`].
    pub keep_alive_timeout: Option<Duration>,
    /// When a connection is closed after the requests that it has begun; `None` is never.
    pub connection_age_max: Option<Duration>,
    /// Whether an HTTP/1.1 connection is closed after one request.
    pub one_request_per_connection: bool,
}

/// Settings of OTLP over gRPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcOptions {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Largest message in bytes, both as received and after decompression.
    pub recv_bytes_max: usize,
    /// How connections are served.
    pub transport: TransportOptions,
}

impl GrpcOptions {
    /// The default limits at this address.
    pub fn new(listen: SocketAddr) -> Self {
        Self { listen, recv_bytes_max: 64 * MIB, transport: TransportOptions::default() }
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
    /// What else a browser is told of CORS.
    pub cors: CorsOptions,
    /// Where spans are taken.
    pub traces_path: String,
    /// Headers of every answer; those that are none are left out.
    pub response_headers: Vec<(String, String)>,
    /// How connections are served.
    pub transport: TransportOptions,
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
            cors: CorsOptions::default(),
            traces_path: "/v1/traces".to_owned(),
            response_headers: Vec::new(),
            transport: TransportOptions::default(),
        }
    }
}
