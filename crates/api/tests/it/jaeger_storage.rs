//! What Jaeger's storage suite does besides searches: large traces, repeated ids, searches without a service,
//! dependencies.

use std::fmt::Write as _;

use http::StatusCode;
use serde_json::{Value, json};
use spandrel_api::Dialect;

use crate::harness::Server;
use crate::jaeger_suite::v3_sizes;

/// 2017-01-26 16:46:31.
const START_NANOS: u64 = 1_485_449_191_000_000_000;

struct Span<'a> {
    service: &'a str,
    trace: u64,
    id: u64,
    parent: u64,
    start_nanos: u64,
    /// Of attributes, in JSON.
    attributes: &'a str,
}

fn otlp<'a>(spans: impl IntoIterator<Item = Span<'a>>) -> String {
    let mut json = r#"{"resourceSpans":["#.to_owned();
    for (i, span) in spans.into_iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let Span { service, trace, id, parent, start_nanos, attributes } = span;
        let parent = if parent == 0 { String::new() } else { format!("{parent:016x}") };
        let end = start_nanos + 100_000;
        write!(
            json,
            r#"{comma}{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}}]}},
                "scopeSpans":[{{"spans":[{{"traceId":"{trace:032x}","spanId":"{id:016x}","parentSpanId":"{parent}",
                "name":"op","startTimeUnixNano":"{start_nanos}","endTimeUnixNano":"{end}",
                "attributes":[{attributes}]}}]}}]}}"#
        )
        .unwrap();
    }
    json + "]}"
}

async fn spans_by_id(server: &Server, id: &str) -> Vec<Value> {
    let mut body = server.get(&format!("/api/traces/{id}")).await.json();
    match body["data"][0]["spans"].take() {
        Value::Array(spans) => spans,
        other => panic!("{other}"),
    }
}

/// Scenario: 10,008 spans, a second apart, so that the trace lasts 2 h 47 min and lies in several blocks.
#[tokio::test]
async fn a_large_trace_comes_back_whole() {
    let server = Server::start(Dialect::Jaeger).await;
    let span = |i: u64| Span {
        service: "large",
        trace: 0x11,
        id: i + 1,
        parent: 0,
        start_nanos: START_NANOS + i * 1_000_000_000,
        attributes: "",
    };
    for first in [0, 5_000] {
        server.store(&otlp((first..first + 5_000).map(span))).await;
        server.flush().await;
    }
    server.store(&otlp((10_000..10_008).map(span))).await;
    assert_eq!(spans_by_id(&server, "11").await.len(), 10_008);
    let whole = server.get("/api/v3/traces/11").await.json();
    assert_eq!(v3_sizes(&whole).into_values().collect::<Vec<_>>(), [10_008]);
    // It is found by any of its spans, and whole.
    for start in [0, 5_000, 10_007] {
        let micros = START_NANOS / 1_000 + start * 1_000_000;
        let path = format!("/api/traces?service=large&start={micros}&end={}", micros + 1);
        let body = server.get(&path).await.json();
        assert_eq!(body["data"][0]["spans"].as_array().unwrap().len(), 10_008, "{path}");
    }
    let summaries = "/api/v3/trace-summaries?query.startTimeMin=2017-01-26T16:45:31Z\
        &query.startTimeMax=2017-01-26T16:47:31Z&query.serviceName=large&query.searchDepth=10";
    let body = server.get(summaries).await.json();
    assert_eq!(body["summaries"][0]["spanCount"], 10_008);
    assert_eq!(body["summaries"][0]["services"][0]["spanCount"], 10_008);
}

/// Scenario: two large traces in one answer, which is then sent one trace after the other.
#[tokio::test]
async fn many_spans_are_sent_trace_by_trace() {
    let server = Server::start(Dialect::Jaeger).await;
    for trace in [1, 2] {
        let span = |i: u64| Span {
            service: "large",
            trace,
            id: i + 1,
            parent: 0,
            start_nanos: START_NANOS + i,
            attributes: "",
        };
        server.store(&otlp((0..5_000).map(span))).await;
    }
    let range =
        format!("start={}&end={}", START_NANOS / 1_000 - 1, START_NANOS / 1_000 + 1_000_000);
    let body = server.get(&format!("/api/traces?{range}&raw=true")).await.json();
    let sizes: Vec<usize> = body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trace| trace["spans"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [5_000, 5_000]);
    assert_eq!(body["errors"], Value::Null);
    let range = "query.startTimeMin=2017-01-26T16:45:31Z&query.startTimeMax=2017-01-26T16:47:31Z";
    let body = server.get(&format!("/api/v3/traces?{range}")).await.json();
    assert_eq!(v3_sizes(&body).into_values().collect::<Vec<_>>(), [5_000, 5_000]);
}

/// Scenario: 200 spans, every 20th of which repeats one id.
/// Guarantees: all of them come back, with their ids.
#[tokio::test]
async fn repeated_ids_are_kept() {
    let server = Server::start(Dialect::Jaeger).await;
    let span = |i: u64| Span {
        service: "repeats",
        trace: 0x12,
        id: if i.is_multiple_of(20) { 1_000 } else { i + 1 },
        parent: 0,
        start_nanos: START_NANOS + i * 1_000_000_000,
        attributes: "",
    };
    server.store(&otlp((0..200).map(span))).await;
    for _ in 0..2 {
        let spans = spans_by_id(&server, "12").await;
        assert_eq!(spans.len(), 200);
        let repeated = spans.iter().filter(|span| span["spanID"] == format!("{:016x}", 1_000));
        assert_eq!(repeated.count(), 10);
        server.flush().await;
    }
}

#[tokio::test]
async fn a_search_without_a_service_finds_all_of_them() {
    let server = Server::start(Dialect::Jaeger).await;
    let attributes = r#"{"key":"rfc0013.cross.service","value":{"stringValue":"yes"}}"#;
    for (trace, service) in [(1, "cross-service-a"), (2, "cross-service-b")] {
        let start_nanos = START_NANOS;
        server
            .store(&otlp([Span { service, trace, id: 1, parent: 0, start_nanos, attributes }]))
            .await;
    }
    let tags = "tags=%7B%22rfc0013.cross.service%22%3A%22yes%22%7D";
    let body = server.get(&format!("/api/traces?{tags}&service=")).await.json();
    assert_eq!(body["data"].as_array().unwrap().len(), 2);
    let one = server.get(&format!("/api/traces?{tags}&service=cross-service-b")).await.json();
    assert_eq!(one["data"][0]["processes"]["p1"]["serviceName"], "cross-service-b");
    assert_eq!(one["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn dependencies_are_counted_from_spans() {
    let server = Server::start(Dialect::Jaeger).await;
    let span = |service, trace, id, parent| Span {
        service,
        trace,
        id,
        parent,
        start_nanos: START_NANOS + id,
        attributes: "",
    };
    server.store(&otlp([span("hello", 1, 1, 0), span("world", 1, 2, 1)])).await;
    let calls = [
        span("world", 2, 1, 0),
        span("hello", 2, 2, 1),
        span("hello", 2, 3, 1),
        span("hello", 2, 4, 1),
    ];
    server.store(&otlp(calls)).await;
    let end = START_NANOS / 1_000_000 + 60_000;
    let data = async |query: &str| {
        let answer = server.get(&format!("/api/dependencies?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
        let mut body = answer.json();
        assert_eq!(body["total"], 0);
        body["data"].take()
    };
    let links = json!([
        {"parent": "hello", "child": "world", "callCount": 1},
        {"parent": "world", "child": "hello", "callCount": 3}
    ]);
    for _ in 0..2 {
        assert_eq!(data(&format!("endTs={end}&lookback=120000")).await, links);
        assert_eq!(data("endTs=&lookback=&service=").await, links);
        assert_eq!(data("service=other").await, json!([]));
        assert_eq!(data(&format!("endTs={end}&lookback=1000")).await, json!([]));
        server.flush().await;
    }
}
