//! A receiver on free ports, the consumer behind it, and clients that show the whole answer.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use prost::Message;
use spandrel_base::clock::SystemClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_base::task::TaskSet;
use spandrel_pipeline::{
    Accepted, Account, ComponentContext, ConsumeError, TraceBatch, TraceConsumer,
};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};
use spandrel_proto::rpc::Status;
use spandrel_receivers::{GrpcOptions, HttpOptions, OtlpOptions, OtlpReceiver};
use spandrel_telemetry::{Metrics, RefuseReason, RejectReason};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

pub(crate) const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// What the consumer does with a batch.
pub(crate) enum Script {
    Answer(Result<Accepted, ConsumeError>),
    Panic,
}

/// A consumer that accepts everything, unless a script says otherwise, and remembers it.
pub(crate) struct Recorder {
    pub(crate) batches: Mutex<Vec<TraceBatch>>,
    pub(crate) scripts: Mutex<VecDeque<Script>>,
    /// Gets a permit for each batch that has come in.
    pub(crate) entered: Semaphore,
    /// A batch needs a permit to be answered; tests that hold batches back take them all first.
    pub(crate) gate: Semaphore,
    metrics: Metrics,
}

#[async_trait::async_trait]
impl TraceConsumer for Recorder {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let spans = batch.traces.span_count();
        self.batches.lock().push(batch);
        self.entered.add_permits(1);
        drop(self.gate.acquire().await.unwrap());
        let script = self.scripts.lock().pop_front();
        let answer = match script {
            None => Ok(Accepted { accepted_spans: spans, ..Accepted::default() }),
            Some(Script::Answer(answer)) => answer,
            Some(Script::Panic) => panic!("the script says so"),
        };
        let counters = self.metrics.spans();
        match &answer {
            Ok(accepted) => {
                counters.stored.add(accepted.accepted_spans);
                counters.rejected.add(&RejectReason::InvalidTraceId, accepted.rejected_spans);
            }
            Err(ConsumeError::Unavailable { spans, .. }) => {
                counters.refused.add(&RefuseReason::WalFull, *spans);
            }
            Err(ConsumeError::OverLimit { spans, .. }) => {
                counters.refused.add(&RefuseReason::TenantRate, *spans);
            }
            Err(_) => {}
        }
        answer
    }
}

impl Recorder {
    /// A consumer that accepts everything.
    pub(crate) fn new(metrics: &Metrics) -> Arc<Self> {
        Arc::new(Self {
            batches: Mutex::default(),
            scripts: Mutex::default(),
            entered: Semaphore::new(0),
            gate: Semaphore::new(1000),
            metrics: metrics.clone(),
        })
    }

    /// Waits until `n` more batches have come in.
    pub(crate) async fn wait(&self, n: u32) {
        self.entered.acquire_many(n).await.unwrap().forget();
    }

    /// The spans of all batches so far, by name.
    pub(crate) fn span_names(&self) -> Vec<String> {
        let batches = self.batches.lock();
        let mut names = Vec::new();
        for batch in batches.iter() {
            let request = batch.traces.clone().decoded().unwrap();
            for resource in &request.resource_spans {
                let spans = resource.scope_spans.iter().flat_map(|scope| &scope.spans);
                names.extend(spans.map(|span| span.name.clone()));
            }
        }
        names
    }
}

/// What components are built with.
pub(crate) fn context(id: &str, metrics: &Metrics, memory: MemoryBudget) -> ComponentContext {
    ComponentContext {
        id: id.into(),
        pipeline: "traces".into(),
        clock: Arc::new(SystemClock::new()),
        metrics: metrics.clone(),
        memory,
        data_dir: std::path::PathBuf::new(),
        account: Account::detached(),
    }
}

/// Settings from YAML that must be right.
pub(crate) fn settings<T>(
    yaml: &str,
    read: impl FnOnce(&mut spandrel_config::Section<'_>) -> T,
) -> T {
    spandrel_config::read_settings(yaml, read).unwrap().0
}

/// One HTTP/1.1 request on a connection of its own.
pub(crate) async fn send_to(
    clients: &TaskSet,
    addr: SocketAddr,
    request: Request<Full<Bytes>>,
) -> HttpAnswer {
    let stream = TcpStream::connect(addr).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    clients.spawn("http1 client", async move { drop(connection.await) });
    HttpAnswer::of(sender.send_request(request).await.unwrap()).await
}

/// A running receiver and everything around it.
pub(crate) struct Server {
    pub(crate) receiver: OtlpReceiver,
    pub(crate) consumer: Arc<Recorder>,
    pub(crate) metrics: Metrics,
    clients: TaskSet,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(adjust: impl FnOnce(&mut OtlpOptions)) -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut options = OtlpOptions {
            grpc: Some(GrpcOptions::new(any_port)),
            http: Some(HttpOptions::new(any_port)),
            ..OtlpOptions::default()
        };
        adjust(&mut options);
        let metrics = Metrics::new();
        let consumer = Recorder::new(&metrics);
        let clock = Arc::new(SystemClock::new());
        let started =
            OtlpReceiver::start(options, Arc::clone(&consumer) as _, metrics.clone(), clock);
        Self { receiver: started.await.unwrap(), consumer, metrics, clients: TaskSet::new() }
    }

    pub(crate) fn http_addr(&self) -> SocketAddr {
        self.receiver.http_addr().unwrap()
    }

    pub(crate) fn grpc_addr(&self) -> SocketAddr {
        self.receiver.grpc_addr().unwrap()
    }

    pub(crate) fn script(&self, script: Script) {
        self.consumer.scripts.lock().push_back(script);
    }

    /// The batches so far, as tenant and bytes.
    pub(crate) fn consumed(&self) -> Vec<(String, Bytes)> {
        let batches = self.consumer.batches.lock();
        batches
            .iter()
            .map(|batch| (batch.tenant.to_string(), batch.traces.clone().into_otlp()))
            .collect()
    }

    /// A client connection that speaks HTTP/1.1.
    pub(crate) async fn http1(&self, addr: SocketAddr) -> http1::SendRequest<Full<Bytes>> {
        let stream = TcpStream::connect(addr).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        self.clients.spawn("http1 client", async move { drop(connection.await) });
        sender
    }

    /// A client connection that speaks HTTP/2.
    pub(crate) async fn http2(&self, addr: SocketAddr) -> http2::SendRequest<Full<Bytes>> {
        let stream = TcpStream::connect(addr).await.unwrap();
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (sender, connection) = handshake.await.unwrap();
        self.clients.spawn("http2 client", async move { drop(connection.await) });
        sender
    }

    /// One HTTP request on a connection of its own.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> HttpAnswer {
        let mut sender = self.http1(self.http_addr()).await;
        HttpAnswer::of(sender.send_request(request).await.unwrap()).await
    }

    /// `POST /v1/traces` with these headers.
    pub(crate) async fn post(
        &self,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> HttpAnswer {
        self.send(request("/v1/traces", headers, body)).await
    }

    /// One gRPC call with these bytes as the body.
    pub(crate) async fn call(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> GrpcAnswer {
        let uri = format!("http://{}{path}", self.grpc_addr());
        let mut request = request(&uri, headers, body);
        request.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
        let mut sender = self.http2(self.grpc_addr()).await;
        GrpcAnswer::of(sender.send_request(request).await.unwrap()).await
    }

    /// Writes `text` to a connection of its own and reads until the server closes it.
    pub(crate) async fn raw(&self, addr: SocketAddr, text: &[u8]) -> String {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(text).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

pub(crate) fn request(
    uri: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let mut request = Request::post(uri).header("host", "receiver.test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(body.into())).unwrap()
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl HttpAnswer {
    pub(crate) async fn of(response: http::Response<hyper::body::Incoming>) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status, media type and body.
    pub(crate) fn text(&self) -> (u16, &str, &str) {
        let media_type = self.header("content-type").unwrap_or_default();
        (self.status, media_type, std::str::from_utf8(&self.body).unwrap())
    }

    /// Status and body of a protobuf answer.
    pub(crate) fn protobuf<M: Message + Default>(&self) -> (u16, M) {
        assert_eq!(self.header("content-type"), Some("application/x-protobuf"));
        (self.status, M::decode(self.body.clone()).unwrap())
    }

    /// Status and body of a JSON answer.
    pub(crate) fn json(&self) -> (u16, serde_json::Value) {
        assert_eq!(self.header("content-type"), Some("application/json"));
        (self.status, serde_json::from_slice(&self.body).unwrap())
    }
}

/// An answer over gRPC.
#[derive(Debug)]
pub(crate) struct GrpcAnswer {
    pub(crate) accept_encoding: String,
    pub(crate) code: i32,
    pub(crate) message: String,
    /// From `grpc-status-details-bin`.
    pub(crate) details: Option<Status>,
    /// The message with its prefix.
    pub(crate) data: Bytes,
}

impl GrpcAnswer {
    pub(crate) async fn of(response: http::Response<hyper::body::Incoming>) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/grpc");
        let (parts, body) = response.into_parts();
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned().unwrap_or_else(|| parts.headers.clone());
        let text = |headers: &HeaderMap, name: &str| {
            headers.get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
        };
        let details = trailers.get("grpc-status-details-bin").map(|value| {
            Status::decode(STANDARD_NO_PAD.decode(value).unwrap().as_slice()).unwrap()
        });
        Self {
            accept_encoding: text(&parts.headers, "grpc-accept-encoding"),
            code: text(&trailers, "grpc-status").parse().unwrap(),
            message: text(&trailers, "grpc-message").replace("%20", " ").replace("%2C", ","),
            details,
            data: collected.to_bytes(),
        }
    }
}

/// A gRPC message with its prefix.
pub(crate) fn framed(flag: u8, message: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(flag);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put_slice(message);
    framed.freeze()
}

/// A request of `n` spans.
pub(crate) fn spans(n: u8) -> ExportTraceServiceRequest {
    let span = |i| Span {
        trace_id: vec![1; 16].into(),
        span_id: vec![i + 1; 8].into(),
        name: format!("span {i}"),
        ..Span::default()
    };
    let scope = ScopeSpans { spans: (0..n).map(span).collect(), ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource] }
}

/// [`spans`] as bytes.
pub(crate) fn span_bytes(n: u8) -> Bytes {
    spans(n).encode_to_vec().into()
}
