//! The HTTP client: a pool of connections to one server, HTTP/1.1 or, when TLS agrees on it, HTTP/2.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use spandrel_config::blocks::HttpClient;
use spandrel_pipeline::ComponentError;
use url::Url;

use super::{Connector, Io, Stream, Target, client_config};

/// Sends requests with a body in memory.
pub(super) type HttpSender = Client<PoolConnector, Full<Bytes>>;

/// The client of these settings for the server of `url`. Reads files of TLS.
pub(super) fn http_sender(settings: &HttpClient, url: &Url) -> Result<HttpSender, ComponentError> {
    let is_tls = url.scheme() == "https";
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    let protocols: &[&[u8]] =
        if settings.force_attempt_http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
    let tls = is_tls.then(|| client_config(&settings.tls, protocols));
    let tls = tls.transpose().map_err(ComponentError::new)?;
    let server_name = Some(settings.tls.server_name_override.as_str());
    let server_name = server_name.filter(|name| !name.is_empty());
    let connector = Connector::new(Target::Tcp { host, port }, tls, server_name)
        .map_err(ComponentError::new)?;
    let mut builder = Client::builder(TokioExecutor::new());
    // What is kept idle at most; a client that may keep none connects for each request.
    let max_idle = match (settings.disable_keep_alives, settings.max_idle_conns_per_host) {
        (true, _) => 0,
        (false, 0) => usize::try_from(settings.max_idle_conns).unwrap_or(usize::MAX),
        (false, per_host) => usize::try_from(per_host).unwrap_or(usize::MAX),
    };
    builder.timer(TokioTimer::new()).pool_timer(TokioTimer::new()).pool_max_idle_per_host(max_idle);
    builder.pool_idle_timeout(
        (!settings.idle_conn_timeout.is_zero()).then_some(settings.idle_conn_timeout),
    );
    if !settings.http2_read_idle_timeout.is_zero() {
        builder.http2_keep_alive_interval(settings.http2_read_idle_timeout);
        if !settings.http2_ping_timeout.is_zero() {
            builder.http2_keep_alive_timeout(settings.http2_ping_timeout);
        }
    }
    Ok(builder.build(PoolConnector(Arc::new(connector))))
}

/// Opens connections for the pool.
#[derive(Clone)]
pub(crate) struct PoolConnector(Arc<Connector>);

impl tower::Service<Uri> for PoolConnector {
    type Response = PoolStream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<PoolStream>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        let connector = Arc::clone(&self.0);
        Box::pin(async move {
            let Stream { io, is_http2 } = connector.connect().await?;
            Ok(PoolStream { io: TokioIo::new(io), is_http2 })
        })
    }
}

/// A connection as the pool wants it.
pub(crate) struct PoolStream {
    io: TokioIo<Box<dyn Io>>,
    is_http2: bool,
}

impl Connection for PoolStream {
    fn connected(&self) -> Connected {
        match self.is_http2 {
            true => Connected::new().negotiated_h2(),
            false => Connected::new(),
        }
    }
}

impl Read for PoolStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for PoolStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }
}
