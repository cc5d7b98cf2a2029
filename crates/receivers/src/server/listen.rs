//! Connections: accepting them, telling HTTP/1.1 from HTTP/2, serving requests, closing gracefully.
//!
//! Every port speaks both versions; HTTP/2 is with prior knowledge, as gRPC does it. So a sender that has the
//! wrong port gets an answer that it can read. With TLS, both versions are offered.
//!
//! # Life cycle
//! When the token of the task set is cancelled, the listener is closed at once and every connection
//! finishes the requests that it has begun. Each connection and each HTTP/2 stream is a task of the set;
//! a panic ends only that task. Tasks reach the set by a weak reference: dropping it ends them all.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, Cursor};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use spandrel_base::task::TaskSet;
use tokio::io::{AsyncRead, AsyncReadExt, join, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;

use super::options::ListenOptions;
use super::reply::Reply;

/// What every HTTP/2 client sends first (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Flow control: enough for 20 MB/s per stream at a round trip of 50 ms.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// What a sender may put into one frame, where HTTP/2 begins with 16 KiB: a usual request is one frame then, which
/// is read into one buffer and handed on without being copied. It is also what a connection may make us hold before
/// the request is counted.
const FRAME_BYTES_MAX: u32 = 256 << 10;
/// Header fields of one HTTP/2 request.
const HEADER_BYTES_MAX: u32 = 16 << 10;
/// Pause after a failed `accept`, which usually means that file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers the requests of one port.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Never fails: whatever is wrong with the request is worded in the answer.
    fn handle(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Reply>> + Send + '_;
}

/// A handler of any kind: a server is compiled once, and not for each of them.
trait DynHandler: Send + Sync {
    fn handle_boxed(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> BoxFuture<'_, Response<Reply>>;
}

impl<H: Handler> DynHandler for H {
    fn handle_boxed(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> BoxFuture<'_, Response<Reply>> {
        Box::pin(self.handle(request, peer))
    }
}

/// A connection, plain or under TLS.
type Stream = Either<TcpStream, TlsStream<TcpStream>>;

/// Serves one port.
pub(crate) struct Listener {
    /// Names the tasks, such as `otlp grpc`.
    name: &'static str,
    handler: Box<dyn DynHandler>,
    options: ListenOptions,
    tasks: Weak<TaskSet>,
    token: CancellationToken,
}

impl Listener {
    pub(crate) fn new(
        name: &'static str,
        handler: impl Handler,
        options: ListenOptions,
        tasks: &Arc<TaskSet>,
    ) -> Arc<Self> {
        let token = tasks.token();
        let (handler, tasks) = (Box::new(handler), Arc::downgrade(tasks));
        Arc::new(Self { name, handler, options, tasks, token })
    }

    /// Starts to accept connections.
    pub(crate) fn spawn(self: Arc<Self>, socket: TcpListener) {
        if let Some(tasks) = self.tasks.upgrade() {
            tasks.spawn(self.name, self.accept(socket));
        }
    }

    async fn accept(self: Arc<Self>, socket: TcpListener) {
        let free =
            Arc::new(Semaphore::new(self.options.connections_max.min(Semaphore::MAX_PERMITS)));
        let next = async || {
            let permit = Arc::clone(&free).acquire_owned().await;
            let permit = permit.expect("the semaphore is never closed");
            socket.accept().await.map(|(stream, peer)| (permit, stream, peer))
        };
        loop {
            // Cancellation first, or a flood of connections could keep the port open.
            let accepted = tokio::select! {
                biased;
                () = self.token.cancelled() => return,
                accepted = next() => accepted,
            };
            match (accepted, self.tasks.upgrade()) {
                (_, None) => return,
                (Ok((permit, stream, peer)), Some(tasks)) => {
                    let listener = Arc::clone(&self);
                    tasks.spawn(self.name, async move {
                        listener.serve(stream, peer).await;
                        drop(permit);
                    });
                }
                (Err(error), Some(_)) if concerns_one_connection(&error) => {}
                (Err(error), Some(_)) => {
                    tracing::warn!(listener = self.name, %error, "cannot accept a connection");
                    // Ends early, and the loop with it, when the token is cancelled.
                    drop(timeout(ACCEPT_PAUSE, self.token.cancelled()).await);
                }
            }
        }
    }

    /// Takes off TLS, if there is any, within the time for the first bytes.
    async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(listener = self.name, %error, "cannot set TCP_NODELAY");
        }
        let Some(tls) = &self.options.tls else {
            return self.serve_plain(Either::Left(stream), peer).await;
        };
        let accepted = tokio::select! {
            biased;
            () = self.token.cancelled() => return,
            accepted = timeout(self.options.header_read_timeout, tls.accept(stream)) => accepted,
        };
        match accepted {
            Ok(Ok(stream)) => self.clone().serve_plain(Either::Right(stream), peer).await,
            Ok(Err(error)) => tracing::debug!(listener = self.name, %error, "no TLS connection"),
            Err(_too_slow) => {}
        }
    }

    async fn serve_plain(self: Arc<Self>, mut stream: Stream, peer: SocketAddr) {
        let sniffed = tokio::select! {
            biased;
            () = self.token.cancelled() => return,
            sniffed = timeout(self.options.header_read_timeout, sniff(&mut stream)) => sniffed,
        };
        // A peer that says nothing, or has gone, gets no answer.
        let Ok(Ok(Some(sniffed))) = sniffed else { return };
        let (read, write) = split(stream);
        let io = TokioIo::new(join(Cursor::new(sniffed.bytes).chain(read), write));
        let service = Requests { listener: Arc::clone(&self), peer };
        if sniffed.is_http2 {
            let connection = self.http2().serve_connection(io, service);
            self.drive(connection).await;
        } else {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .keep_alive(self.options.keep_alives_enabled)
                .header_read_timeout(self.options.header_read_timeout)
                .serve_connection(io, service);
            self.drive(connection).await;
        }
    }

    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Reply> {
        let request = match &self.options.authenticator {
            Some(authenticator) => authenticator.admit(request).await,
            None => Ok(request),
        };
        match request {
            Ok(request) => self.handler.handle_boxed(request, peer).await,
            Err(refusal) => refusal,
        }
    }

    fn http2(&self) -> http2::Builder<StreamTasks> {
        let tasks = StreamTasks { name: self.name, tasks: Weak::clone(&self.tasks) };
        let mut builder = http2::Builder::new(tasks);
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.options.concurrent_streams_max)
            .keep_alive_interval(self.options.keep_alive_interval)
            .keep_alive_timeout(self.options.keep_alive_timeout)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES_MAX)
            .max_header_list_size(HEADER_BYTES_MAX);
        builder
    }

    async fn drive<C: GracefulConnection>(&self, connection: C) {
        let mut connection = pin!(connection);
        let old = async {
            match self.options.connection_age_max {
                Some(age) => tokio::time::sleep(age).await,
                None => std::future::pending().await,
            }
        };
        // The connection first: what it can finish needs no shutdown. All branches may be dropped.
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = self.token.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = old => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if ended.is_err() {
            // Peers break off all the time; a request that was lost is sent again.
            tracing::debug!(listener = self.name, "connection ended by an error");
        }
    }
}

/// The requests of one connection.
struct Requests {
    listener: Arc<Listener>,
    peer: SocketAddr,
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<Reply>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (listener, peer) = (Arc::clone(&self.listener), self.peer);
        Box::pin(async move { Ok(listener.answer(request, peer).await) })
    }
}

/// The beginning of a connection.
struct Sniffed {
    bytes: Vec<u8>,
    is_http2: bool,
}

/// Reads until it is clear whether the peer speaks HTTP/2; `None` if it leaves before that.
async fn sniff(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Sniffed>> {
    let mut bytes = Vec::with_capacity(HTTP2_PREFACE.len());
    loop {
        let missing = (HTTP2_PREFACE.len() - bytes.len()) as u64;
        if stream.take(missing).read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
        if !HTTP2_PREFACE.starts_with(&bytes) {
            return Ok(Some(Sniffed { bytes, is_http2: false }));
        }
        if bytes.len() == HTTP2_PREFACE.len() {
            return Ok(Some(Sniffed { bytes, is_http2: true }));
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
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
