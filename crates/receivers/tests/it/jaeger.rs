//! Jaeger over gRPC and over HTTP: every answer.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use spandrel_base::memory::MemoryBudget;
use spandrel_base::task::TaskSet;
use spandrel_pipeline::{Component, ConsumeError};
use spandrel_proto::jaeger::collector_service_client::CollectorServiceClient;
use spandrel_proto::jaeger::{Batch, PostSpansRequest, PostSpansResponse, Process, Span};
use spandrel_receivers::{JaegerAddresses, JaegerReceiver, JaegerSettings};
use spandrel_telemetry::Metrics;
use spandrel_translate::thrift::{Protocol, Writer};

use crate::fixture::{HttpAnswer, Recorder, Script, context, request, send_to, settings};

pub(crate) const ALL: &str = "
protocols:
  grpc: {endpoint: '127.0.0.1:0'}
  thrift_http: {endpoint: '127.0.0.1:0'}
  thrift_compact: {endpoint: '127.0.0.1:0'}
  thrift_binary: {endpoint: '127.0.0.1:0'}
";

/// A running receiver and everything around it.
pub(crate) struct Jaeger {
    pub(crate) receiver: JaegerReceiver,
    pub(crate) consumer: std::sync::Arc<Recorder>,
    pub(crate) metrics: Metrics,
    pub(crate) clients: TaskSet,
}

impl Jaeger {
    pub(crate) async fn start(yaml: &str, memory: MemoryBudget) -> Self {
        let metrics = Metrics::new();
        let consumer = Recorder::new(&metrics);
        let settings = settings(yaml, JaegerSettings::read);
        let context = context("jaeger", &metrics, memory);
        let next = std::sync::Arc::clone(&consumer) as _;
        let receiver = JaegerReceiver::new(settings, next, context).unwrap();
        receiver.start().await.unwrap();
        Self { receiver, consumer, metrics, clients: TaskSet::new() }
    }

    pub(crate) fn addresses(&self) -> JaegerAddresses {
        self.receiver.addresses().unwrap()
    }

    async fn post(&self, headers: &[(&str, &str)], body: impl Into<Bytes>) -> HttpAnswer {
        let address = self.addresses().thrift_http.unwrap();
        let uri = "/api/traces?format=jaeger.thrift";
        send_to(&self.clients, address, request(uri, headers, body)).await
    }
}

/// A span as `jaeger.thrift` has it.
fn write_span(fields: &mut Writer, name: &str) {
    for (id, value) in [(1, 7), (2, 0), (3, 9), (4, 0)] {
        fields.i64(id, value);
    }
    fields.bytes(5, name);
    fields.i32(7, 1);
    fields.i64(8, 1_500_000_000_000_000);
    fields.i64(9, 1_000);
}

fn write_batch(batch: &mut Writer, names: &[&str]) {
    batch.structure(1, |process| process.bytes(1, "api"));
    batch.list(2, names, |fields, name| write_span(fields, name));
}

/// A batch as senders over HTTP write it.
pub(crate) fn thrift_body(names: &[&str]) -> Vec<u8> {
    let mut writer = Writer::new(Protocol::Binary);
    writer.body(|batch| write_batch(batch, names));
    writer.into_bytes()
}

/// A call of the agent.
pub(crate) fn datagram(protocol: Protocol, names: &[&str]) -> Vec<u8> {
    let mut writer = Writer::new(protocol);
    writer.oneway("emitBatch");
    writer.body(|call| call.structure(1, |batch| write_batch(batch, names)));
    writer.into_bytes()
}

const THRIFT: (&str, &str) = ("content-type", "application/x-thrift");

#[tokio::test]
async fn batches_over_http() {
    let jaeger = Jaeger::start(ALL, MemoryBudget::unlimited()).await;
    let body = thrift_body(&["one", "two"]);
    let with_parameter = ("content-type", "application/vnd.apache.thrift.binary; charset=utf-8");
    for (headers, body) in [
        (vec![THRIFT], body.clone()),
        (vec![with_parameter], body.clone()),
        (vec![THRIFT, ("content-encoding", "gzip")], crate::grpc::gzip(&body)),
    ] {
        let answer = jaeger.post(&headers, body).await;
        assert_eq!(answer.text(), (202, "", ""), "{headers:?}");
    }
    assert_eq!(jaeger.consumer.span_names(), ["one", "two"].repeat(3));
    let page = jaeger.metrics.encode();
    let accepted =
        "otelcol_receiver_accepted_spans{receiver=\"jaeger\",transport=\"collector_http\"} 6";
    assert!(page.contains(accepted), "{page}");
}

#[tokio::test]
async fn what_is_no_batch_is_answered_as_jaeger_does() {
    let jaeger = Jaeger::start(ALL, MemoryBudget::unlimited()).await;
    let json = ("content-type", "application/json");
    let body = || thrift_body(&["one"]);
    let cases = [
        (vec![json], body(), 400, "Unsupported content type: application/json\n"),
        (vec![], body(), 400, "Cannot parse content type: mime: no media type\n"),
        (
            vec![THRIFT],
            b"<nonsense>".to_vec(),
            400,
            "Unable to process request body: thrift: unknown type 60\n",
        ),
        (
            vec![THRIFT],
            body()[..20].to_vec(),
            400,
            "Unable to process request body: thrift: unexpected end of data\n",
        ),
        (
            vec![THRIFT, ("x-scope-orgid", "../x")],
            body(),
            400,
            "Unable to process request body: X-Scope-OrgID: ",
        ),
    ];
    for (headers, body, status, text) in cases {
        let answer = jaeger.post(&headers, body).await;
        let (found, media_type, found_text) = answer.text();
        assert_eq!((found, media_type), (status, "text/plain"), "{headers:?}");
        assert!(found_text.starts_with(text), "{found_text}");
    }
    let address = jaeger.addresses().thrift_http.unwrap();
    let elsewhere = request("/api/other", &[THRIFT], body());
    let answer = send_to(&jaeger.clients, address, elsewhere).await;
    assert_eq!(answer.text(), (404, "text/plain", "404 page not found\n"));
    let mut get = request("/api/traces", &[THRIFT], "");
    *get.method_mut() = http::Method::GET;
    let answer = send_to(&jaeger.clients, address, get).await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    assert!(jaeger.consumer.span_names().is_empty());
}

#[tokio::test]
async fn who_may_come_again_is_told_when() {
    let jaeger = Jaeger::start(ALL, MemoryBudget::unlimited()).await;
    let unavailable = ConsumeError::Unavailable {
        message: "the <log> is full".to_owned(),
        retry_after: Duration::from_secs(30),
        spans: 1,
    };
    let permanent = ConsumeError::Permanent { message: "no".to_owned(), spans: 1 };
    let cases = [
        (unavailable, 503, "Cannot submit Jaeger batch: the &lt;log&gt; is full\n", Some("30")),
        (permanent, 500, "Cannot submit Jaeger batch: no\n", None),
        (
            ConsumeError::TooLarge("too big".to_owned()),
            413,
            "Cannot submit Jaeger batch: too big\n",
            None,
        ),
    ];
    for (error, status, text, retry_after) in cases {
        jaeger.consumer.scripts.lock().push_back(Script::Answer(Err(error)));
        let answer = jaeger.post(&[THRIFT], thrift_body(&["one"])).await;
        assert_eq!(answer.text(), (status, "text/plain", text));
        assert_eq!(answer.header("retry-after"), retry_after);
    }
}

#[tokio::test]
async fn memory_is_asked_for_before_it_is_taken() {
    let memory = MemoryBudget::new("test", 200 << 10);
    let jaeger = Jaeger::start(ALL, memory.clone()).await;
    // 170 kB, which need more than twice that for their translation.
    let names = vec!["a span with a name"; 1_500];
    let answer = jaeger.post(&[THRIFT], thrift_body(&names)).await;
    let message = "Cannot submit Jaeger batch: no memory left for another request\n";
    assert_eq!(answer.text(), (503, "text/plain", message));
    assert_eq!(jaeger.post(&[THRIFT], thrift_body(&["one"])).await.status, 202);
    jaeger.receiver.shutdown().await;
    assert_eq!(memory.used(), 0);
}

fn post_spans(name: &str) -> PostSpansRequest {
    let span = Span {
        trace_id: vec![1; 16].into(),
        span_id: vec![2; 8].into(),
        operation_name: name.to_owned(),
        ..Span::default()
    };
    let process = Process { service_name: "api".to_owned(), ..Process::default() };
    PostSpansRequest { batch: Some(Batch { spans: vec![span], process: Some(process) }) }
}

#[tokio::test]
async fn batches_over_grpc() {
    let jaeger = Jaeger::start(ALL, MemoryBudget::unlimited()).await;
    let address = jaeger.addresses().grpc.unwrap();
    let mut client = CollectorServiceClient::connect(format!("http://{address}")).await.unwrap();
    let answer = client.post_spans(post_spans("one")).await.unwrap();
    assert_eq!(answer.into_inner(), PostSpansResponse {});
    assert_eq!(jaeger.consumer.span_names(), ["one"]);

    let mut broken = post_spans("two");
    broken.batch.as_mut().unwrap().spans[0].span_id = vec![1; 3].into();
    let refused = client.post_spans(broken).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (tonic::Code::InvalidArgument, "span id has 3 bytes")
    );
    let unavailable = ConsumeError::Unavailable {
        message: "full".to_owned(),
        retry_after: Duration::from_secs(1),
        spans: 1,
    };
    jaeger.consumer.scripts.lock().push_back(Script::Answer(Err(unavailable)));
    let refused = client.post_spans(post_spans("three")).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (tonic::Code::Unavailable, "full"));
    assert!(jaeger.metrics.encode().contains(
        "spandrel_receiver_requests_total{receiver=\"jaeger\",transport=\"grpc\",code=\"3\"} 1"
    ));
    // Not gRPC at all.
    let answer = send_to(
        &jaeger.clients,
        address,
        request("/api/v2/spans", &[], post_spans("four").encode_to_vec()),
    )
    .await;
    assert_eq!(answer.status, 415);
}

#[tokio::test]
async fn a_stop_closes_the_ports() {
    let jaeger = Jaeger::start(ALL, MemoryBudget::unlimited()).await;
    let address = jaeger.addresses().thrift_http.unwrap();
    jaeger.receiver.shutdown().await;
    assert_eq!(jaeger.receiver.addresses(), None);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
