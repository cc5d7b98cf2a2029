//! Jaeger in: `api_v2` over gRPC, batches in Thrift over HTTP, calls of the agent over UDP.
//!
//! # Invariants
//! - Memory is bounded as in the OTLP receiver; what a translation takes is held as well, before it is taken.
//! - Nobody answers over UDP: what cannot be taken is counted and dropped.
//! - All ports are bound before one is served: a failed start has taken nothing.

mod grpc;
pub(crate) mod settings;
mod thrift_http;
pub(crate) mod udp;

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use spandrel_pipeline::{
    Component, ComponentContext, ComponentError, ServerAuthenticators, TraceConsumer,
};
use spandrel_telemetry::Source;
use spandrel_translate::thrift::Protocol;
use tokio::net::{TcpListener, UdpSocket};

use crate::server::auth::Authenticator;
use crate::server::bind::{Purpose, bind_tcp, bind_udp, resolve};
use crate::server::listen::Listener;
use crate::server::running::{Running, RunningSlot};
use crate::server::settings::{grpc_listen, http_listen};
use grpc::GrpcService;
use settings::{JaegerSettings, UdpServer};
use thrift_http::ThriftHttpService;
use udp::Datagrams;

const GRPC: Purpose = "jaeger grpc";
const THRIFT_HTTP: Purpose = "jaeger thrift_http";
const THRIFT_COMPACT: Purpose = "jaeger thrift_compact";
const THRIFT_BINARY: Purpose = "jaeger thrift_binary";

/// Where a receiver listens, with the real ports; what is off has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the settings")]
pub struct JaegerAddresses {
    pub grpc: Option<SocketAddr>,
    pub thrift_http: Option<SocketAddr>,
    pub thrift_compact: Option<SocketAddr>,
    pub thrift_binary: Option<SocketAddr>,
}

/// The `jaeger` receiver, which listens from its start to its shutdown.
pub struct JaegerReceiver {
    settings: JaegerSettings,
    grpc_authenticator: Option<Authenticator>,
    http_authenticator: Option<Authenticator>,
    next: Arc<dyn TraceConsumer>,
    context: ComponentContext,
    running: RunningSlot<JaegerAddresses>,
}

impl JaegerReceiver {
    /// Hands everything that it receives from anybody to `next`.
    ///
    /// # Errors
    /// [`ComponentError`] when the settings ask for an authenticator.
    pub fn new(
        settings: JaegerSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Self::with_authenticators(settings, next, context, &ServerAuthenticators::default())
    }

    /// Hands everything that it receives to `next`, from those whom the authenticators of the settings let in.
    ///
    /// # Errors
    /// [`ComponentError`] when the settings ask for an authenticator that is not there.
    pub fn with_authenticators(
        settings: JaegerSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
        authenticators: &ServerAuthenticators,
    ) -> Result<Self, ComponentError> {
        let grpc = settings.grpc.as_ref().and_then(|grpc| grpc.auth.as_ref());
        let http = settings.thrift_http.as_ref().and_then(|http| http.auth.as_ref());
        let grpc_authenticator = Authenticator::of(grpc, authenticators)?;
        let http_authenticator = Authenticator::of(http, authenticators)?;
        let running = RunningSlot::empty();
        Ok(Self { settings, grpc_authenticator, http_authenticator, next, context, running })
    }

    /// Where it listens while it is running.
    pub fn addresses(&self) -> Option<JaegerAddresses> {
        self.running.addresses()
    }

    async fn bind(&self) -> Result<Sockets, ComponentError> {
        let JaegerSettings { grpc, thrift_http, thrift_compact, thrift_binary } = &self.settings;
        Ok(Sockets {
            grpc: tcp(GRPC, grpc.as_ref().map(|grpc| grpc.endpoint.as_str())).await?,
            thrift_http: tcp(THRIFT_HTTP, thrift_http.as_ref().map(|http| http.endpoint.as_str()))
                .await?,
            thrift_compact: udp(THRIFT_COMPACT, thrift_compact.as_ref()).await?,
            thrift_binary: udp(THRIFT_BINARY, thrift_binary.as_ref()).await?,
        })
    }

    fn serve(&self, sockets: Sockets, running: &Running) -> Result<(), ComponentError> {
        let (tasks, intake) = (&running.tasks, &running.intake);
        let grpc = self.settings.grpc.as_ref().zip(sockets.grpc);
        let grpc = grpc.map(|(server, bound)| Ok((server, bound, grpc_listen(server)?)));
        let http = self.settings.thrift_http.as_ref().zip(sockets.thrift_http);
        let http = http.map(|(server, bound)| Ok((server, bound, http_listen(server)?)));
        let (grpc, http) = (grpc.transpose()?, http.transpose()?);
        if let Some((server, (socket, _), mut listen)) = grpc {
            listen.authenticator = self.grpc_authenticator.clone();
            let service = GrpcService::new(server, Arc::clone(intake));
            Listener::new(GRPC, service, listen, tasks).spawn(socket);
        }
        if let Some((server, (socket, _), mut listen)) = http {
            listen.authenticator = self.http_authenticator.clone();
            let service = ThriftHttpService::new(server, Arc::clone(intake));
            Listener::new(THRIFT_HTTP, service, listen, tasks).spawn(socket);
        }
        for (server, bound, protocol, source) in [
            (
                &self.settings.thrift_compact,
                sockets.thrift_compact,
                Protocol::Compact,
                Source::JAEGER_COMPACT,
            ),
            (
                &self.settings.thrift_binary,
                sockets.thrift_binary,
                Protocol::Binary,
                Source::JAEGER_BINARY,
            ),
        ] {
            if let Some((server, (socket, _))) = server.as_ref().zip(bound) {
                Datagrams::new(source, protocol, Arc::clone(intake)).spawn(server, socket, tasks);
            }
        }
        Ok(())
    }
}

/// Bound, but not served yet.
struct Sockets {
    grpc: Option<(TcpListener, SocketAddr)>,
    thrift_http: Option<(TcpListener, SocketAddr)>,
    thrift_compact: Option<(UdpSocket, SocketAddr)>,
    thrift_binary: Option<(UdpSocket, SocketAddr)>,
}

async fn tcp(
    purpose: Purpose,
    endpoint: Option<&str>,
) -> Result<Option<(TcpListener, SocketAddr)>, ComponentError> {
    let Some(endpoint) = endpoint else { return Ok(None) };
    bind_tcp(purpose, resolve(purpose, endpoint).await?).await.map(Some)
}

async fn udp(
    purpose: Purpose,
    server: Option<&UdpServer>,
) -> Result<Option<(UdpSocket, SocketAddr)>, ComponentError> {
    let Some(server) = server else { return Ok(None) };
    let address = resolve(purpose, &server.endpoint).await?;
    bind_udp(purpose, address, server.socket_buffer_size).await.map(Some)
}

#[async_trait]
impl Component for JaegerReceiver {
    async fn start(&self) -> Result<(), ComponentError> {
        let sockets = self.bind().await?;
        let addresses = JaegerAddresses {
            grpc: sockets.grpc.as_ref().map(|(_, address)| *address),
            thrift_http: sockets.thrift_http.as_ref().map(|(_, address)| *address),
            thrift_compact: sockets.thrift_compact.as_ref().map(|(_, address)| *address),
            thrift_binary: sockets.thrift_binary.as_ref().map(|(_, address)| *address),
        };
        let running = Running::of(&self.context, self.settings.thrift_http.as_ref(), &self.next);
        self.serve(sockets, &running)?;
        tracing::info!(receiver = &*self.context.id, ?addresses, "receiving jaeger");
        self.running.set(running, addresses);
        Ok(())
    }

    async fn shutdown(&self) {
        self.running.shutdown(&self.context.id).await;
    }
}
