//! Datadog's tracers over HTTP: every path, and every answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use spandrel_base::memory::MemoryBudget;
use spandrel_base::task::TaskSet;
use spandrel_pipeline::{Component, ConsumeError};
use spandrel_receivers::{DatadogReceiver, DatadogSettings};
use spandrel_telemetry::{Metrics, Receiver};

use crate::fixture::{HttpAnswer, Recorder, Script, context, request, send_to, settings};

const MSGPACK: (&str, &str) = ("content-type", "application/msgpack");
/// A trace of one span: `{"name": "list", "service": "shop", "trace_id": 1}`.
const LIST: &[u8] = b"\x91\x91\x83\xa4name\xa4list\xa7service\xa4shop\xa8trace_id\x01";
/// The same with a table.
const DICTIONARY: &[u8] =
    b"\x92\x93\xa0\xa4dict\xa4shop\x91\x91\x9c\x02\x01\x00\x01\x01\x00\x00\x00\x00\x80\x80\x00";
/// The same in a chunk of a payload.
const PAYLOAD: &[u8] = b"\x81\xa6chunks\x91\x81\xa5spans\x91\x81\xa4name\xa7payload";

struct Datadog {
    receiver: DatadogReceiver,
    consumer: Arc<Recorder>,
    metrics: Metrics,
    clients: TaskSet,
}

impl Datadog {
    async fn start() -> Self {
        let metrics = Metrics::new();
        let consumer = Recorder::new(&metrics);
        let settings = settings("endpoint: '127.0.0.1:0'", DatadogSettings::read);
        let context = context("datadog", &metrics, MemoryBudget::unlimited());
        let receiver = DatadogReceiver::new(settings, Arc::clone(&consumer) as _, context).unwrap();
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

type Headers = &'static [(&'static str, &'static str)];

#[tokio::test]
async fn every_version_is_taken() {
    let datadog = Datadog::start().await;
    let json = br#"[[{"name":"json","trace_id":1}]]"#;
    let cases: [(&str, Headers, &[u8], &str); 6] = [
        ("/v0.3/traces", &[MSGPACK], LIST, "OK\n"),
        ("/v0.4/traces", &[MSGPACK], LIST, r#"{"rate_by_service":{}}"#),
        ("/v0.4/traces", &[("content-type", "text/plain")], LIST, r#"{"rate_by_service":{}}"#),
        (
            "/v0.4/traces",
            &[("content-type", "application/json")],
            json,
            r#"{"rate_by_service":{}}"#,
        ),
        ("/v0.5/traces", &[MSGPACK], DICTIONARY, r#"{"rate_by_service":{}}"#),
        ("/v0.7/traces", &[MSGPACK], PAYLOAD, r#"{"rate_by_service":{}}"#),
    ];
    for (path, headers, body, expected) in cases {
        let answer = datadog.post(path, headers, body).await;
        assert_eq!((answer.status, &answer.body[..]), (200, expected.as_bytes()), "{path}");
    }
    let names = ["list", "list", "list", "json", "dict", "payload"];
    assert_eq!(datadog.consumer.span_names(), names);
    datadog.receiver.shutdown().await;
}

#[tokio::test]
async fn what_is_no_trace_is_answered_and_counted() {
    let datadog = Datadog::start().await;
    assert_eq!(datadog.post("/v0.6/stats", &[MSGPACK], LIST).await.status, 200);
    let ignored = &datadog.metrics.receiver().ignored_requests;
    assert_eq!(ignored.get(&Receiver::Datadog), 1);
    let info = datadog.post("/info", &[], "").await;
    let info: serde_json::Value = serde_json::from_slice(&info.body).unwrap();
    assert_eq!(info["endpoints"][2], "/v0.5/traces");
    assert_eq!(datadog.post("/api/v1/series", &[], "").await.status, 404);
    assert_eq!(datadog.post("/v0.4/traces", &[MSGPACK], "\u{1}").await.status, 400);
    let busy = ConsumeError::Unavailable {
        message: "busy".to_owned(),
        retry_after: Duration::from_secs(3),
        spans: 1,
    };
    datadog.consumer.scripts.lock().push_back(Script::Answer(Err(busy)));
    assert_eq!(datadog.post("/v0.4/traces", &[MSGPACK], LIST).await.status, 503);
    datadog.receiver.shutdown().await;
}
