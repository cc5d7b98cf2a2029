//! Opens streams to a target, through TLS or not.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::Target;

/// What bytes flow over.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// An open connection.
pub(crate) struct Stream {
    pub(crate) io: Box<dyn Io>,
    /// Whether TLS has agreed on HTTP/2.
    pub(crate) is_http2: bool,
}

/// Connects to one target, at one of its addresses after the other.
pub(crate) struct Connector {
    target: Target,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// Where the next connection starts in the list of addresses.
    next: AtomicUsize,
}

impl Connector {
    /// A connector; with `tls` to a server that must be `server_name`, or the host of the target.
    pub(crate) fn new(
        target: Target,
        tls: Option<Arc<ClientConfig>>,
        server_name: Option<&str>,
    ) -> Result<Self, String> {
        let tls = match tls {
            None => None,
            Some(config) => {
                let host = match &target {
                    Target::Tcp { host, .. } => host.as_str(),
                    Target::Unix(_) => "localhost",
                };
                let name = server_name.unwrap_or(host).to_owned();
                let server_name = ServerName::try_from(name.clone())
                    .map_err(|_| format!("{name} cannot be the name of a TLS server"))?;
                Some((TlsConnector::from(config), server_name))
            }
        };
        Ok(Self { target, tls, next: AtomicUsize::new(0) })
    }

    /// Where it connects to, for errors.
    pub(crate) fn target(&self) -> String {
        match &self.target {
            Target::Tcp { host, port } => format!("{host}:{port}"),
            Target::Unix(path) => path.display().to_string(),
        }
    }

    /// Opens a connection. The addresses are looked up each time, and each call begins with another.
    pub(crate) async fn connect(&self) -> io::Result<Stream> {
        let plain: Box<dyn Io> = match &self.target {
            Target::Unix(path) => Box::new(UnixStream::connect(path).await?),
            Target::Tcp { host, port } => Box::new(self.connect_tcp(host, *port).await?),
        };
        let Some((tls, server_name)) = &self.tls else {
            return Ok(Stream { io: plain, is_http2: false });
        };
        let stream = tls.connect(server_name.clone(), plain).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Stream { io: Box::new(stream), is_http2 })
    }

    async fn connect_tcp(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let found = tokio::net::lookup_host((host, port)).await?;
        let mut addresses: Vec<SocketAddr> = found.collect();
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(start) = start.checked_rem(addresses.len()) {
            addresses.rotate_left(start);
        }
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Requests are written whole; waiting for more to send only delays them.
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}
