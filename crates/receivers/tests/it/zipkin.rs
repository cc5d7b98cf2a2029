//! Zipkin over HTTP: all forms, and every answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use spandrel_base::memory::MemoryBudget;
use spandrel_base::task::TaskSet;
use spandrel_pipeline::{Component, ConsumeError};
use spandrel_receivers::{ZipkinReceiver, ZipkinSettings};
use spandrel_telemetry::Metrics;
use spandrel_translate::thrift::{Protocol, Writer};

use crate::fixture::{HttpAnswer, Recorder, Script, context, request, send_to, settings};

type Headers = Vec<(&'static str, &'static str)>;

struct Zipkin {
    receiver: ZipkinReceiver,
    consumer: Arc<Recorder>,
    metrics: Metrics,
    clients: TaskSet,
}

impl Zipkin {
    async fn start(yaml: &str) -> Self {
        let metrics = Metrics::new();
        let consumer = Recorder::new(&metrics);
        let yaml = format!("endpoint: '127.0.0.1:0'\n{yaml}");
        let settings = settings(&yaml, ZipkinSettings::read);
        let context = context("zipkin", &metrics, MemoryBudget::unlimited());
        let receiver = ZipkinReceiver::new(settings, Arc::clone(&consumer) as _, context).unwrap();
        receiver.start().await.unwrap();
        Self { receiver, consumer, metrics, clients: TaskSet::new() }
    }

    async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> HttpAnswer {
        let address = self.receiver.address().unwrap();
        send_to(&self.clients, address, request(path, headers, body)).await
    }
}

fn v2(name: &str) -> String {
    let tags = json!({ "n": "7" });
    json!([{ "traceId": "1", "id": "2", "name": name, "timestamp": 1, "tags": tags }]).to_string()
}

fn v1(name: &str) -> String {
    json!([{ "traceId": "1".repeat(16), "id": "2".repeat(16), "name": name }]).to_string()
}

fn v1_thrift(name: &str) -> Vec<u8> {
    let mut writer = Writer::new(Protocol::Binary);
    writer.bare_list(&[name], |span, name| {
        span.i64(1, 1);
        span.bytes(3, name);
        span.i64(4, 2);
    });
    writer.into_bytes()
}

fn v2_protobuf(name: &str) -> Vec<u8> {
    let span = spandrel_zipkin::Span {
        trace_id: 1,
        id: 2,
        name: name.to_owned(),
        timestamp_micros: 1,
        ..spandrel_zipkin::Span::default()
    };
    spandrel_zipkin::to_protobuf(&[span])
}

#[tokio::test]
async fn every_form_is_taken() {
    let zipkin = Zipkin::start("").await;
    let json = ("content-type", "application/json");
    let gzip = ("content-encoding", "gzip");
    let thrift = ("content-type", "application/x-thrift");
    let protobuf = ("content-type", "application/x-protobuf");
    let cases: [(&str, Headers, Bytes); 8] = [
        ("/api/v2/spans", vec![json], v2("json").into()),
        ("/", vec![], v2("root").into()),
        ("/api/v2/spans", vec![("content-type", "text/plain")], v2("plain").into()),
        ("/api/v2/spans", vec![json, gzip], crate::grpc::gzip(v2("gzip").as_bytes()).into()),
        ("/api/v2/spans", vec![protobuf], v2_protobuf("protobuf").into()),
        ("/api/v1/spans", vec![json], v1("v1 json").into()),
        ("/api/v1/spans", vec![thrift], v1_thrift("v1 thrift").into()),
        ("/api/v2/spans", vec![json], Bytes::from_static(b"[]")),
    ];
    for (path, headers, body) in cases {
        let answer = zipkin.post(path, &headers, body).await;
        assert_eq!(answer.text(), (202, "", ""), "{path} {headers:?}");
    }
    let names = ["json", "root", "plain", "gzip", "protobuf", "v1 json", "v1 thrift"];
    assert_eq!(zipkin.consumer.span_names(), names);
    let page = zipkin.metrics.encode();
    for (transport, n) in
        [("http_v2_json", 4), ("http_v2_proto", 1), ("http_v1_json", 1), ("http_v1_thrift", 1)]
    {
        let accepted = format!(
            "otelcol_receiver_accepted_spans{{receiver=\"zipkin\",transport=\"{transport}\"}} {n}"
        );
        assert!(page.contains(&accepted), "{page}");
    }
}

#[tokio::test]
async fn what_is_no_list_of_spans_is_refused() {
    let zipkin = Zipkin::start("max_request_body_size: 2000").await;
    let protobuf = ("content-type", "application/x-protobuf");
    let cases: [(&str, Headers, Bytes, u16, &str); 7] = [
        ("/api/v2/spans", vec![], Bytes::new(), 400, "invalid JSON: EOF"),
        ("/api/v2/spans", vec![], "{}".into(), 400, "invalid JSON: "),
        ("/api/v2/spans", vec![], r#"[{"id":"1"}]"#.into(), 400, "invalid trace id\n"),
        ("/api/v2/spans", vec![protobuf], v2("x").into(), 400, "invalid protobuf"),
        ("/api/v2/spans", vec![], vec![b' '; 3000].into(), 413, "body exceeds the limit of 2000"),
        (
            "/api/v2/spans",
            vec![("content-encoding", "gzip")],
            crate::grpc::gzip(&[b' '; 3000]).into(),
            413,
            "body exceeds 2000 bytes after decompression",
        ),
        ("/", vec![("content-encoding", "br")], v2("x").into(), 415, "Content-Encoding: unknown"),
    ];
    for (path, headers, body, status, text) in cases {
        let answer = zipkin.post(path, &headers, body).await;
        let (found, media_type, found_text) = answer.text();
        assert_eq!((found, media_type), (status, "text/plain"), "{path} {headers:?}");
        assert!(found_text.starts_with(text), "{found_text}");
    }
    let mut get = request("/api/v2/services", &[], "");
    *get.method_mut() = http::Method::GET;
    let address = zipkin.receiver.address().unwrap();
    assert_eq!(send_to(&zipkin.clients, address, get).await.status, 405);
    assert!(zipkin.consumer.batches.lock().is_empty());
}

#[tokio::test]
async fn who_may_come_again_is_told_when() {
    let zipkin = Zipkin::start("").await;
    let (message, retry_after) = ("too fast".to_owned(), Duration::from_secs(30));
    let cases = [
        (ConsumeError::OverLimit { message, retry_after, spans: 1 }, 429, Some("30")),
        (ConsumeError::Malformed("no".to_owned()), 400, None),
        (ConsumeError::Permanent { message: "no".to_owned(), spans: 1 }, 500, None),
    ];
    for (error, status, retry_after) in cases {
        zipkin.consumer.scripts.lock().push_back(Script::Answer(Err(error)));
        let answer = zipkin.post("/api/v2/spans", &[], v2("x")).await;
        assert_eq!((answer.status, answer.header("retry-after")), (status, retry_after));
    }
}

#[tokio::test]
async fn tags_are_parsed_when_asked_for() {
    for (yaml, expected) in
        [("parse_string_tags: true", "IntValue(7)"), ("", r#"StringValue("7")"#)]
    {
        let zipkin = Zipkin::start(yaml).await;
        assert_eq!(zipkin.post("/api/v2/spans", &[], v2("x")).await.status, 202);
        let batches = zipkin.consumer.batches.lock();
        let request = batches[0].traces.clone().decoded().unwrap();
        let attribute = &request.resource_spans[0].scope_spans[0].spans[0].attributes[0];
        let value = attribute.value.clone().unwrap().value.unwrap();
        assert_eq!((attribute.key.as_str(), format!("{value:?}").as_str()), ("n", expected));
    }
}

#[tokio::test]
async fn pages_may_send_when_allowed() {
    let zipkin = Zipkin::start("cors: {allowed_origins: ['https://shop.example']}").await;
    let origin = ("origin", "https://shop.example");
    let answer = zipkin.post("/api/v2/spans", &[origin], v2("x")).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.example"));
    let mut preflight = request("/api/v2/spans", &[origin], "");
    *preflight.method_mut() = http::Method::OPTIONS;
    let asked = "POST".parse().unwrap();
    preflight.headers_mut().insert("access-control-request-method", asked);
    let address = zipkin.receiver.address().unwrap();
    let answer = send_to(&zipkin.clients, address, preflight).await;
    assert_eq!((answer.status, answer.header("access-control-allow-methods")), (204, Some("POST")));
}
