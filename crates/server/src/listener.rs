//! HTTP ports: binding them, serving routes on HTTP/1.1 and HTTP/2, closing gracefully.
//!
//! # Life cycle
//! Accept loops and connections are tasks of two sets. A panic in a connection costs that connection; a
//! panic in an accept loop costs a port, which [`HttpListeners::failed`] reports. On shutdown the ports
//! close at once and every connection finishes the requests that it has begun.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use spandrel_base::task::TaskSet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::ServerError;

/// Open connections per port; more wait in the queue of the operating system.
const CONNECTIONS_MAX: usize = 4096;
/// How long a client may take for the header of a request, and an idle HTTP/1.1 connection may stay.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(60);
/// An HTTP/2 connection is probed this often, and closed when it does not answer for as long.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Pause after a failed `accept`, which usually means that file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A port that is bound and not served yet.
#[derive(Debug)]
pub(crate) struct BoundPort {
    name: &'static str,
    socket: TcpListener,
    /// With the real port.
    pub(crate) address: SocketAddr,
}

impl BoundPort {
    /// Binds `address`; `purpose` and `option` are for the person who reads the error.
    pub(crate) async fn bind(
        purpose: &'static str,
        option: &'static str,
        address: SocketAddr,
    ) -> Result<Self, ServerError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ServerError::PortInUse { purpose, option, address },
            _ => ServerError::Bind { purpose, option, address, source },
        };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { name: purpose, socket, address })
    }
}

/// The HTTP ports of the process. Dropping them closes ports and connections at once.
#[derive(Debug, Default)]
pub(crate) struct HttpListeners {
    accepting: TaskSet,
    connections: Arc<TaskSet>,
}

impl HttpListeners {
    /// Serves `routes` on `port`.
    pub(crate) fn serve(&self, port: BoundPort, routes: Router) {
        let listener = Arc::new(Listener {
            name: port.name,
            routes,
            tasks: Arc::downgrade(&self.connections),
            closing: self.connections.token(),
        });
        self.accepting.spawn(port.name, listener.accept(port.socket, self.accepting.token()));
    }

    /// Returns when a port is not served any more although it should be.
    pub(crate) async fn failed(&self) -> String {
        let failure = self.accepting.first_failure().await;
        format!("{}: {}", failure.name, failure.message)
    }

    /// Closes the ports and lets requests that have begun finish until `deadline`.
    pub(crate) async fn shutdown(&self, deadline: Duration) {
        let accepting = self.accepting.shutdown(deadline);
        let connections = self.connections.shutdown(deadline);
        // What misses the deadline has been logged by name.
        let _ = tokio::join!(accepting, connections);
    }
}

struct Listener {
    name: &'static str,
    routes: Router,
    tasks: Weak<TaskSet>,
    closing: CancellationToken,
}

impl Listener {
    async fn accept(self: Arc<Self>, socket: TcpListener, token: CancellationToken) {
        let free = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let next = async || {
            let permit = Arc::clone(&free).acquire_owned().await;
            let permit = permit.expect("the semaphore is never closed");
            socket.accept().await.map(|(stream, _peer)| (permit, stream))
        };
        loop {
            // Cancellation first, or a flood of connections could keep the port open.
            let accepted = tokio::select! {
                biased;
                () = token.cancelled() => return,
                accepted = next() => accepted,
            };
            match (accepted, self.tasks.upgrade()) {
                (_, None) => return,
                (Ok((permit, stream)), Some(tasks)) => {
                    let listener = Arc::clone(&self);
                    tasks.spawn(self.name, async move {
                        listener.serve(stream).await;
                        drop(permit);
                    });
                }
                (Err(error), Some(_)) => {
                    tracing::warn!(port = self.name, %error, "cannot accept a connection");
                    // Ends early, and the loop with it, when the token is cancelled.
                    drop(tokio::time::timeout(ACCEPT_PAUSE, token.cancelled()).await);
                }
            }
        }
    }

    async fn serve(&self, stream: TcpStream) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(port = self.name, %error, "cannot set TCP_NODELAY");
        }
        let streams = StreamTasks { name: self.name, tasks: Weak::clone(&self.tasks) };
        let mut http = auto::Builder::new(streams);
        http.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_READ_TIMEOUT);
        http.http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE);
        let service = TowerToHyperService::new(self.routes.clone());
        let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
        // The connection first: what it can finish needs no shutdown. Both branches may be dropped.
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = self.closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            // Clients break off all the time.
            tracing::debug!(port = self.name, error, "connection ended by an error");
        }
    }
}

/// Runs the streams of HTTP/2 connections as tasks of the set.
#[derive(Clone)]
struct StreamTasks {
    name: &'static str,
    tasks: Weak<TaskSet>,
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for StreamTasks {
    fn execute(&self, stream: F) {
        if let Some(tasks) = self.tasks.upgrade() {
            tasks.spawn(self.name, stream);
        }
    }
}
