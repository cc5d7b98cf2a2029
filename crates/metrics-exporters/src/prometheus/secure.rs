//! The listener with TLS: handshakes beside each other, each within its time.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use spandrel_tls::Tls;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;

/// Handshakes at once; more connections wait in the queue of the operating system.
const HANDSHAKES_MAX: usize = 64;
/// How long one may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a failed `accept`, which usually means that file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

type Handshake = BoxFuture<'static, Option<(TlsStream<TcpStream>, SocketAddr)>>;

/// Accepts connections of TLS.
pub(super) struct SecureListener {
    socket: TcpListener,
    tls: Tls,
    handshakes: FuturesUnordered<Handshake>,
}

impl SecureListener {
    pub(super) fn new(socket: TcpListener, tls: Tls) -> Self {
        Self { socket, tls, handshakes: FuturesUnordered::new() }
    }

    fn begin(&self, stream: TcpStream, peer: SocketAddr) {
        let tls = self.tls.clone();
        self.handshakes.push(Box::pin(async move {
            match tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
                Ok(Ok(stream)) => Some((stream, peer)),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "no TLS connection for the prometheus page");
                    None
                }
                Err(_too_slow) => None,
            }
        }));
    }
}

impl axum::serve::Listener for SecureListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                accepted = self.socket.accept(), if self.handshakes.len() < HANDSHAKES_MAX => {
                    match accepted {
                        Ok((stream, peer)) => self.begin(stream, peer),
                        Err(error) => {
                            tracing::warn!(%error, "cannot accept a connection for the prometheus page");
                            tokio::time::sleep(ACCEPT_PAUSE).await;
                        }
                    }
                }
                Some(Some(connection)) = self.handshakes.next(), if !self.handshakes.is_empty() => {
                    return connection;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}
