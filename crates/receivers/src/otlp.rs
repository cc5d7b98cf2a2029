//! OTLP in: gRPC and HTTP listeners with one admission limit, one consumer and one life cycle.
//!
//! Spans are not decoded on the way.
//!
//! # Invariants
//! - Memory is bounded by [`OtlpOptions::in_flight_bytes_max`] and [`OtlpOptions::memory`]: every byte of a
//!   request is reserved from its arrival until the consumer has answered. Nobody waits for room: a request
//!   that has none is refused at once, and its sender tries again later.
//! - A request that has reached the consumer runs to its end, even when its sender hangs up, so the span
//!   accounts always come out even.
//! - Both ports are bound before either is served: a failed start has taken nothing.

pub(crate) mod component;
pub(crate) mod config;
mod grpc;
mod http;
pub(crate) mod settings;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use spandrel_base::clock::SharedClock;
use spandrel_base::task::ShutdownTimeout;
use spandrel_pipeline::TraceConsumer;
use spandrel_telemetry::Metrics;
use tokio::net::TcpListener;

use crate::server::listen::Listener;
use crate::server::running::Running;
use config::OtlpOptions;
use grpc::GrpcService;
use http::HttpService;

/// Why a receiver cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ReceiverError {
    /// The options name no transport.
    #[error("the otlp receiver has neither grpc nor http to listen on, configure at least one")]
    NoTransport,
    /// Another program, or an earlier instance of this one, listens there.
    #[error(
        "port {} for otlp over {transport} is already in use (address {address}), stop the program \
         that listens there or choose another port",
        .address.port()
    )]
    PortInUse {
        /// `grpc` or `http`.
        transport: &'static str,
        /// The configured address.
        address: SocketAddr,
    },
    /// The operating system refuses the address for another reason.
    #[error("cannot listen on {address} for otlp over {transport}")]
    Bind {
        /// `grpc` or `http`.
        transport: &'static str,
        /// The configured address.
        address: SocketAddr,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
}

/// A running OTLP receiver. Dropping it closes its ports and connections at once.
#[derive(Debug)]
pub struct OtlpReceiver {
    grpc_addr: Option<SocketAddr>,
    http_addr: Option<SocketAddr>,
    running: Running,
}

impl OtlpReceiver {
    /// Binds the configured ports, then serves them. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ReceiverError`] when a port cannot be bound; nothing has been started then.
    pub async fn start(
        options: OtlpOptions,
        consumer: Arc<dyn TraceConsumer>,
        metrics: Metrics,
        clock: SharedClock,
    ) -> Result<Self, ReceiverError> {
        if options.grpc.is_none() && options.http.is_none() {
            return Err(ReceiverError::NoTransport);
        }
        let grpc = bind("grpc", options.grpc.as_ref().map(|grpc| grpc.listen)).await?;
        let http = bind("http", options.http.as_ref().map(|http| http.listen)).await?;
        let receiver = Self {
            grpc_addr: grpc.as_ref().map(|(_, address)| *address),
            http_addr: http.as_ref().map(|(_, address)| *address),
            running: Running::new(&options.intake(), consumer, metrics, clock),
        };
        let (connections, intake) = (&receiver.running.tasks, &receiver.running.intake);
        if let (Some((socket, _)), Some(grpc)) = (grpc, &options.grpc) {
            let service = GrpcService::new(grpc, receiver.http_addr, Arc::clone(intake));
            let listen = options.listen(&grpc.transport);
            Listener::new("otlp grpc", service, listen, connections).spawn(socket);
        }
        if let (Some((socket, _)), Some(http)) = (http, &options.http) {
            let service = HttpService::new(http, receiver.grpc_addr, Arc::clone(intake));
            let listen = options.listen(&http.transport);
            Listener::new("otlp http", service, listen, connections).spawn(socket);
        }
        tracing::info!(grpc = ?receiver.grpc_addr, http = ?receiver.http_addr, "receiving otlp");
        Ok(receiver)
    }

    /// Where gRPC is served, with the real port; `None` when it is off.
    pub fn grpc_addr(&self) -> Option<SocketAddr> {
        self.grpc_addr
    }

    /// Where HTTP is served, with the real port; `None` when it is off.
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.http_addr
    }

    /// Closes the ports, lets requests that have begun finish, then closes their connections. What is
    /// not finished after `deadline` is cut off; its senders have not heard success.
    ///
    /// # Errors
    /// [`ShutdownTimeout`] when something had to be cut off.
    pub async fn shutdown(&self, deadline: Duration) -> Result<(), ShutdownTimeout> {
        self.running.shutdown(deadline).await
    }
}

async fn bind(
    transport: &'static str,
    address: Option<SocketAddr>,
) -> Result<Option<(TcpListener, SocketAddr)>, ReceiverError> {
    let Some(address) = address else { return Ok(None) };
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => ReceiverError::PortInUse { transport, address },
        _ => ReceiverError::Bind { transport, address, source },
    };
    let socket = TcpListener::bind(address).await.map_err(failed)?;
    let bound = socket.local_addr().map_err(failed)?;
    Ok(Some((socket, bound)))
}
