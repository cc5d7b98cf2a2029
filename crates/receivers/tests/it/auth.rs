//! `auth`: who may not send hears so in the words of the protocol, and who may is known behind the receiver.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use spandrel_base::memory::MemoryBudget;
use spandrel_base::task::TaskSet;
use spandrel_pipeline::{
    Component, Header, ServerAuthenticator, ServerAuthenticators, Unauthenticated,
};
use spandrel_receivers::{
    JaegerReceiver, JaegerSettings, OtlpComponent, OtlpSettings, ZipkinReceiver, ZipkinSettings,
};
use spandrel_telemetry::Metrics;
use tokio::net::TcpStream;

use crate::fixture::{
    EXPORT, GrpcAnswer, HttpAnswer, Recorder, context, framed, request, send_to, settings,
    span_bytes,
};
use crate::jaeger::thrift_body;

/// Lets in who says `open`.
struct Password;

#[async_trait::async_trait]
impl ServerAuthenticator for Password {
    async fn authenticate(
        &self,
        header: &Header<'_>,
    ) -> Result<BTreeMap<String, String>, Unauthenticated> {
        let refusal = |message| Unauthenticated { message, challenge: "Word".to_owned() };
        match header("authorization").as_deref() {
            Some("open") => Ok(BTreeMap::from([("username".to_owned(), "ann".to_owned())])),
            Some(_) => Err(refusal("wrong word")),
            None => Err(refusal("no word")),
        }
    }
}

fn authenticators() -> ServerAuthenticators {
    let mut authenticators = ServerAuthenticators::default();
    authenticators.add("word/1", Arc::new(Password));
    authenticators
}

const AUTH: &str = "endpoint: '127.0.0.1:0', auth: {authenticator: word/1}";

/// A request over HTTP, with or without a word.
async fn post(
    address: SocketAddr,
    path: &str,
    content_type: &str,
    word: Option<&str>,
    body: Bytes,
) -> HttpAnswer {
    let mut headers = vec![("content-type", content_type)];
    headers.extend(word.map(|word| ("authorization", word)));
    send_to(&TaskSet::new(), address, request(path, &headers, body)).await
}

/// A call of gRPC, with or without a word.
async fn call(address: SocketAddr, path: &str, word: Option<&str>, message: &[u8]) -> GrpcAnswer {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let clients = TaskSet::new();
    clients.spawn("client", async move { drop(connection.await) });
    let mut headers = vec![("content-type", "application/grpc")];
    headers.extend(word.map(|word| ("authorization", word)));
    let call = request(&format!("http://receiver.test{path}"), &headers, framed(0, message));
    GrpcAnswer::of(sender.send_request(call).await.unwrap()).await
}

fn users(consumer: &Recorder) -> Vec<String> {
    let batches = consumer.batches.lock();
    batches.iter().map(|batch| batch.client.auth["username"].clone()).collect()
}

#[tokio::test]
async fn otlp() {
    let metrics = Metrics::new();
    let consumer = Recorder::new(&metrics);
    let yaml = format!(
        "protocols: {{grpc: {{{AUTH}}}, http: {{{AUTH}, cors: {{allowed_origins: ['*']}}}}}}"
    );
    let otlp = OtlpComponent::with_authenticators(
        settings(&yaml, OtlpSettings::read),
        Arc::clone(&consumer) as _,
        context("otlp", &metrics, MemoryBudget::unlimited()),
        &authenticators(),
    );
    let otlp = otlp.unwrap();
    otlp.start().await.unwrap();
    let receiver = otlp.receiver().unwrap();
    let (http, grpc) = (receiver.http_addr().unwrap(), receiver.grpc_addr().unwrap());
    for (word, message) in [(None, "no word"), (Some("shut"), "wrong word")] {
        let answer = post(http, "/v1/traces", "application/x-protobuf", word, span_bytes(1)).await;
        assert_eq!(answer.text(), (401, "text/plain", &*format!("{message}\n")));
        assert_eq!(answer.header("www-authenticate"), Some("Word"));
        let answer = call(grpc, EXPORT, word, &span_bytes(1)).await;
        assert_eq!((answer.code, &*answer.message), (16, message));
    }
    // A browser asks first, without saying who it is.
    let mut preflight = request(
        "/v1/traces",
        &[("origin", "https://a.test"), ("access-control-request-method", "POST")],
        Bytes::new(),
    );
    *preflight.method_mut() = http::Method::OPTIONS;
    assert_eq!(send_to(&TaskSet::new(), http, preflight).await.status, 204);
    assert_eq!(users(&consumer), [""; 0]);
    let word = Some("open");
    let answer = post(http, "/v1/traces", "application/x-protobuf", word, span_bytes(1)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(call(grpc, EXPORT, word, &span_bytes(1)).await.code, 0);
    assert_eq!(users(&consumer), ["ann", "ann"]);
}

#[tokio::test]
async fn jaeger_and_zipkin() {
    let metrics = Metrics::new();
    let consumer = Recorder::new(&metrics);
    let jaeger = JaegerReceiver::with_authenticators(
        settings(
            &format!("protocols: {{grpc: {{{AUTH}}}, thrift_http: {{{AUTH}}}}}"),
            JaegerSettings::read,
        ),
        Arc::clone(&consumer) as _,
        context("jaeger", &metrics, MemoryBudget::unlimited()),
        &authenticators(),
    );
    let jaeger = jaeger.unwrap();
    jaeger.start().await.unwrap();
    let zipkin = ZipkinReceiver::with_authenticators(
        settings(&format!("{{{AUTH}}}"), ZipkinSettings::read),
        Arc::clone(&consumer) as _,
        context("zipkin", &metrics, MemoryBudget::unlimited()),
        &authenticators(),
    );
    let zipkin = zipkin.unwrap();
    zipkin.start().await.unwrap();
    let addresses = jaeger.addresses().unwrap();
    let post_spans = "/jaeger.api_v2.CollectorService/PostSpans";
    for (word, grpc_code, http_status) in [(None, 16, 401), (Some("open"), 0, 202)] {
        let answer = call(addresses.grpc.unwrap(), post_spans, word, b"").await;
        assert_eq!(answer.code, grpc_code, "{}", answer.message);
        let (address, body) = (addresses.thrift_http.unwrap(), thrift_body(&["a"]).into());
        let answer = post(address, "/api/traces", "application/x-thrift", word, body).await;
        assert_eq!(answer.status, http_status);
        let body = Bytes::from_static(br#"[{"traceId":"1","id":"2","name":"b"}]"#);
        let address = zipkin.address().unwrap();
        let answer = post(address, "/api/v2/spans", "application/json", word, body).await;
        assert_eq!(answer.status, http_status);
    }
    assert_eq!(users(&consumer), ["ann", "ann"]);
}

#[test]
fn nobody_is_let_in_unchecked() {
    let metrics = Metrics::new();
    let settings = settings(&format!("{{{AUTH}}}"), ZipkinSettings::read);
    let context = context("zipkin", &metrics, MemoryBudget::unlimited());
    let error = ZipkinReceiver::new(settings, Recorder::new(&metrics), context).err().unwrap();
    assert!(error.to_string().contains("word/1"), "{error}");
}
