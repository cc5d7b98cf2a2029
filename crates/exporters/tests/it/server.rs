//! A server of HTTP/1 and HTTP/2 on one port that answers as told, and remembers what it was asked.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use parking_lot::Mutex;
use prost::Message;
use spandrel_base::task::TaskSet;
use spandrel_proto::otlp::collector_trace::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

/// How a request is answered.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// gRPC: a message and a status.
    Grpc { message: Option<Bytes>, status: HeaderMap },
    /// HTTP.
    Http { status: u16, headers: HeaderMap, body: Bytes },
    /// Never.
    Hang,
    /// The connection breaks.
    Die,
}

impl Answer {
    pub(crate) fn grpc_ok() -> Self {
        Self::grpc_partial(0, "")
    }

    pub(crate) fn grpc_partial(rejected_spans: i64, error_message: &str) -> Self {
        let message = partial(rejected_spans, error_message).encode_to_vec();
        let mut frame = vec![0];
        frame.extend((message.len() as u32).to_be_bytes());
        frame.extend(message);
        let mut status = HeaderMap::new();
        status.insert("grpc-status", 0.into());
        Self::Grpc { message: Some(frame.into()), status }
    }

    pub(crate) fn grpc_error(code: u16, message: &str) -> Self {
        let mut status = HeaderMap::new();
        status.insert("grpc-status", code.into());
        status.insert("grpc-message", message.parse().unwrap());
        Self::Grpc { message: None, status }
    }

    pub(crate) fn http(status: u16) -> Self {
        Self::Http { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        match &mut self {
            Self::Grpc { status: headers, .. } | Self::Http { headers, .. } => {
                headers.insert(name, value.parse().unwrap());
            }
            Self::Hang | Self::Die => {}
        }
        self
    }

    pub(crate) fn with_body(self, body: impl Into<Bytes>) -> Self {
        match self {
            Self::Http { status, headers, .. } => Self::Http { status, headers, body: body.into() },
            other => other,
        }
    }
}

pub(crate) fn partial(rejected_spans: i64, error_message: &str) -> ExportTraceServiceResponse {
    let is_partial = rejected_spans != 0 || !error_message.is_empty();
    let error_message = error_message.to_owned();
    let partial = ExportTracePartialSuccess { rejected_spans, error_message };
    ExportTraceServiceResponse { partial_success: is_partial.then_some(partial) }
}

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) version: Version,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Names of the spans of a gRPC message that is not compressed.
    pub(crate) fn grpc_names(&self) -> Vec<String> {
        assert_eq!(self.body[0], 0, "not compressed");
        let n_bytes = u32::from_be_bytes(self.body[1..5].try_into().unwrap()) as usize;
        assert_eq!(self.body.len(), 5 + n_bytes);
        names(&self.body.slice(5..))
    }
}

/// Names of the spans of a request.
pub(crate) fn names(otlp: &[u8]) -> Vec<String> {
    let request = ExportTraceServiceRequest::decode(otlp).unwrap();
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).map(|span| span.name).collect()
}

/// The server; it ends when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    board: Arc<Board>,
    _tasks: Arc<TaskSet>,
}

struct Board {
    answers: Mutex<VecDeque<Answer>>,
    /// What follows when the answers are used up.
    last: Answer,
    seen: Mutex<Vec<Seen>>,
    connections: Mutex<usize>,
    changed: Notify,
}

impl Server {
    pub(crate) async fn start(answers: &[Answer], last: Answer) -> Self {
        Self::start_tls(answers, last, None).await
    }

    pub(crate) async fn grpc(answers: &[Answer]) -> Self {
        Self::start(answers, Answer::grpc_ok()).await
    }

    pub(crate) async fn start_tls(
        answers: &[Answer],
        last: Answer,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (board, tasks) = (Board::new(answers, last), Arc::new(TaskSet::new()));
        let (accepting, weak) = (Arc::clone(&board), Arc::downgrade(&tasks));
        tasks.spawn("accept", async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Some(tasks) = weak.upgrade() else { return };
                let (board, tls) = (Arc::clone(&accepting), tls.clone());
                tasks.spawn("connection", async move {
                    match tls {
                        None => board.serve(stream).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => board.serve(stream).await,
                            Err(_not_trusted) => {}
                        },
                    }
                });
            }
        });
        Self { address, board, _tasks: tasks }
    }

    /// A server on a socket of the file system.
    pub(crate) async fn unix(path: &std::path::Path) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let (board, tasks) = (Board::new(&[], Answer::grpc_ok()), Arc::new(TaskSet::new()));
        let serving = Arc::clone(&board);
        tasks.spawn("accept", async move {
            while let Ok((stream, _)) = listener.accept().await {
                Arc::clone(&serving).serve(stream).await;
            }
        });
        let address = "127.0.0.1:0".parse().unwrap();
        Self { address, board, _tasks: tasks }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.board.seen.lock().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.board.connections.lock()
    }

    /// Waits for so many requests.
    pub(crate) async fn requests(&self, n: usize) -> Vec<Seen> {
        loop {
            let changed = self.board.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let seen = self.seen();
            if seen.len() >= n {
                return seen;
            }
            changed.await;
        }
    }
}

type Body = BoxBody<Bytes, Infallible>;

impl Board {
    fn new(answers: &[Answer], last: Answer) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.iter().cloned().collect()),
            last,
            seen: Mutex::default(),
            connections: Mutex::default(),
            changed: Notify::new(),
        })
    }

    async fn serve(self: Arc<Self>, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        *self.connections.lock() += 1;
        let service = hyper::service::service_fn(move |request| {
            let board = Arc::clone(&self);
            async move { board.answer(request).await }
        });
        let builder = Builder::new(TokioExecutor::new());
        // That a connection ends in an error is what some tests are about.
        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Died> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Died)?.to_bytes();
        let answer = self.answers.lock().pop_front().unwrap_or_else(|| self.last.clone());
        let (version, uri) = (parts.version, parts.uri.to_string());
        self.seen.lock().push(Seen { version, uri, headers: parts.headers, body });
        self.changed.notify_waiters();
        match answer {
            Answer::Hang => std::future::pending().await,
            Answer::Die => Err(Died),
            Answer::Grpc { message, status } => Ok(grpc_response(message, status)),
            Answer::Http { status, headers, body } => {
                let mut response = Response::new(Full::new(body).boxed());
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                *response.headers_mut() = headers;
                Ok(response)
            }
        }
    }
}

fn grpc_response(message: Option<Bytes>, status: HeaderMap) -> Response<Body> {
    let frames = message.map(Frame::data).into_iter().chain([Frame::trailers(status)]);
    let frames = frames.map(Ok::<_, Infallible>);
    let mut response = Response::new(StreamBody::new(futures::stream::iter(frames)).boxed());
    response.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
    response
}

#[derive(Debug, thiserror::Error)]
#[error("died")]
struct Died;
