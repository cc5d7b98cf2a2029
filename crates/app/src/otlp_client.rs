//! Sends OTLP over gRPC or HTTP, and tries again where the protocol allows it.
//!
//! Requests are encoded once, by the caller; every attempt sends the same bytes.

mod grpc;
mod http_post;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use spandrel_model::TenantId;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceResponse;
use tokio::net::TcpStream;

use crate::api_client::check_endpoint;
use crate::output;
use crate::storage::parse_tenant;

/// The first pause before another attempt; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest one, unless the server asks for more.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The longest one that a server can ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);
/// How long a server may take for one request.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where and how to send.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct OtlpArgs {
    /// Where to send OTLP
    #[arg(
        long,
        env = "SPANDREL_OTLP_ENDPOINT",
        value_name = "URL",
        default_value = "http://127.0.0.1:4317"
    )]
    pub(crate) endpoint: String,

    /// How to send it [default: http for port 4318 and URLs with a path, else grpc]
    #[arg(long, value_enum)]
    pub(crate) protocol: Option<Protocol>,

    /// How to compress requests; zstd is for http only
    #[arg(long, value_enum, default_value_t = Compression::None)]
    pub(crate) compression: Compression,

    /// Whose traces they are to be [default: none named]
    #[arg(long, value_parser = parse_tenant)]
    pub(crate) tenant: Option<TenantId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Protocol {
    Grpc,
    Http,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// Why spans were not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// The server cannot take them now.
    #[error("{message}")]
    Unavailable {
        message: String,
        /// What the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The server never takes them.
    #[error("{0}")]
    Rejected(String),
}

/// Sends to one place.
#[derive(Debug, Clone)]
pub(crate) struct OtlpClient {
    transport: Transport,
    authority: String,
}

#[derive(Debug, Clone)]
enum Transport {
    Grpc(Box<grpc::GrpcClient>),
    Http(Box<http_post::HttpClient>),
}

impl OtlpClient {
    /// Must be called within a tokio runtime; connects when first used.
    pub(crate) fn new(args: &OtlpArgs) -> anyhow::Result<Self> {
        let uri = check_endpoint(&args.endpoint)?;
        let authority = match (uri.host(), uri.port_u16()) {
            (Some(host), port) => format!("{host}:{}", port.unwrap_or(80)),
            (None, _) => anyhow::bail!("`{}` names no host", args.endpoint),
        };
        let has_path = !matches!(uri.path(), "" | "/");
        let protocol = args.protocol.unwrap_or(match uri.port_u16() {
            Some(4318) => Protocol::Http,
            _ if has_path => Protocol::Http,
            _ => Protocol::Grpc,
        });
        let transport = match protocol {
            Protocol::Grpc => Transport::Grpc(Box::new(grpc::GrpcClient::new(args)?)),
            Protocol::Http => Transport::Http(Box::new(http_post::HttpClient::new(&uri, args)?)),
        };
        Ok(Self { transport, authority })
    }

    /// Waits until something accepts connections, and says so to the user.
    pub(crate) async fn wait_for_listener(&self, patience: Duration) -> anyhow::Result<()> {
        let authority = &self.authority;
        let mut told = false;
        let connected = async {
            while TcpStream::connect(authority).await.is_err() {
                if !told {
                    output::note(&format!("waiting for {authority}: start `spandrel` there ...\n"));
                    told = true;
                }
                tokio::time::sleep(FIRST_PAUSE).await;
            }
        };
        tokio::time::timeout(patience, connected).await.with_context(|| {
            format!("nothing listens at {authority}; start `spandrel` there or name another place with --endpoint")
        })
    }

    /// One attempt to send an encoded `ExportTraceServiceRequest`.
    async fn export_once(
        &self,
        request: &Bytes,
    ) -> Result<ExportTraceServiceResponse, ExportError> {
        let attempt = async {
            match &self.transport {
                Transport::Grpc(client) => client.export(request).await,
                Transport::Http(client) => client.export(request).await,
            }
        };
        tokio::time::timeout(TIMEOUT, attempt).await.unwrap_or_else(|_| {
            let message = format!("no answer within {TIMEOUT:?}");
            Err(ExportError::Unavailable { message, retry_after: None })
        })
    }

    /// Sends an encoded `ExportTraceServiceRequest`, again and again while the server is not available,
    /// until it has paused for `patience` in all. `retries` is counted up at each new attempt.
    pub(crate) async fn export(
        &self,
        request: &Bytes,
        patience: Duration,
        retries: &AtomicU64,
    ) -> Result<ExportTraceServiceResponse, ExportError> {
        let mut pause = FIRST_PAUSE;
        let mut paused = Duration::ZERO;
        loop {
            let retry_after = match self.export_once(request).await {
                Err(ExportError::Unavailable { retry_after, .. }) if paused < patience => {
                    retry_after
                }
                result => return result,
            };
            let this_pause = retry_after.map_or(pause, |asked| asked.min(LONGEST_RETRY_AFTER));
            tokio::time::sleep(this_pause).await;
            paused += this_pause;
            pause = (2 * pause).min(LONGEST_PAUSE);
            retries.fetch_add(1, Ordering::Relaxed);
        }
    }
}
