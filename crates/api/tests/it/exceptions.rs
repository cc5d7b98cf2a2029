//! Exceptions, grouped.

use http::StatusCode;
use serde_json::{Value, json};
use spandrel_api::Dialect;

use crate::harness::Server;

const START: u64 = 1_485_432_000_000_000_000;
const SECOND: u64 = 1_000_000_000;
const STACK: &str = "java.lang.IllegalStateException: no stock\n\
    \tat java.base/java.util.Optional.orElseThrow(Optional.java:403)\n\
    \tat com.acme.Stock.take(Stock.java:42)\n";

/// A span of `service` that starts at a second, with an exception half a second later.
fn span(second: u64, service: &str, exception: &Value) -> Value {
    let (start, id) = (START + second * SECOND, second + 1);
    json!({
        "resource": {"attributes": [
            {"key": "service.name", "value": {"stringValue": service}},
            {"key": "service.version", "value": {"stringValue": format!("1.{}", second % 2)}},
        ]},
        "scopeSpans": [{"spans": [{
            "traceId": format!("{id:032x}"), "spanId": format!("{id:016x}"), "name": "work",
            "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + SECOND).to_string(),
            "events": [
                {"timeUnixNano": start.to_string(), "name": "retry", "attributes": []},
                {"timeUnixNano": (start + SECOND / 2).to_string(), "name": "exception",
                 "attributes": attributes(exception)},
            ],
        }]}],
    })
}

fn attributes(exception: &Value) -> Vec<Value> {
    let pairs = exception.as_object().unwrap().iter();
    pairs
        .map(|(key, text)| json!({"key": format!("exception.{key}"), "value": {"stringValue": text}}))
        .collect()
}

fn no_stock(message: &str) -> Value {
    json!({"type": "IllegalStateException", "message": message, "stacktrace": STACK})
}

async fn shop() -> Server {
    let server = Server::start(Dialect::Tempo).await;
    let timeout = |message: &str| json!({"type": "Timeout", "message": message});
    let groups = [
        span(0, "shop", &no_stock("order 1")),
        span(10, "shop", &no_stock("all 22 sold")),
        span(21, "shop", &no_stock("order 3")),
        span(12, "bank", &timeout("after 5 s")),
        span(30, "bank", &timeout("after 17 s")),
    ];
    let all = json!({ "resourceSpans": groups }).to_string();
    server.store(&all).await;
    server
}

/// Counts by type.
async fn counts(server: &Server, query: &str) -> Vec<(String, u64)> {
    let answer = server.get(&format!("/api/ui/exceptions?{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let groups = answer.json()["groups"].as_array().unwrap().clone();
    let count = |group: &Value| {
        (group["type"].as_str().unwrap().to_owned(), group["count"].as_u64().unwrap())
    };
    groups.iter().map(count).collect()
}

fn wanted(counts: &[(&str, u64)]) -> Vec<(String, u64)> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[tokio::test]
async fn the_same_exceptions_are_one_group() {
    let server = shop().await;
    let mut series = vec![0; 40];
    [0, 10, 21].into_iter().for_each(|step: usize| series[step] = 1);
    for is_flushed in [false, true] {
        if is_flushed {
            server.flush().await;
        }
        let answer = server.get("/api/ui/exceptions?start=1485432000&end=1485432040").await.json();
        assert_eq!((&answer["complete"], &answer["leftOut"]), (&json!(true), &json!(0)));
        let example =
            |id: u64| json!({"traceId": format!("{id:032x}"), "spanId": format!("{id:016x}")});
        assert_eq!(
            answer["groups"][0],
            json!({
                "type": "IllegalStateException", "message": "order 3", "service": "shop",
                "frame": "com.acme.Stock.take (Stock.java)", "count": 3,
                "firstUnixNanos": (START + SECOND / 2).to_string(),
                "lastUnixNanos": (START + 21 * SECOND + SECOND / 2).to_string(),
                "series": series, "versions": ["1.1", "1.0"],
                "examples": [example(22), example(11), example(1)],
            })
        );
        let bank = &answer["groups"][1];
        assert_eq!((&bank["frame"], &bank["message"]), (&Value::Null, &json!("after 17 s")));
        assert_eq!(bank["count"], json!(2));
    }
}

#[tokio::test]
async fn filters_ranges_and_limits_count() {
    let server = shop().await;
    let (stock, timeout) = ("IllegalStateException", "Timeout");
    for is_flushed in [false, true] {
        if is_flushed {
            server.flush().await;
        }
        for (query, counted) in [
            ("", &[(stock, 3), (timeout, 2)][..]),
            ("q=%7Bresource.service.name=`bank`%7D", &[(timeout, 2)]),
            ("q=%7BrootServiceName=`shop`%7D", &[(stock, 3)]),
            ("q=%7Bevent.exception.message=`order%201`%7D", &[(stock, 1)]),
            ("q=%7Bname=`nobody`%7D", &[]),
            ("start=1485432010&end=1485432021", &[(timeout, 1), (stock, 1)]),
            ("limit=1", &[(stock, 3)]),
        ] {
            assert_eq!(counts(&server, query).await, wanted(counted), "{query}");
        }
        let cut = server.get("/api/ui/exceptions?limit=1").await.json();
        assert_eq!((&cut["complete"], &cut["leftOut"]), (&json!(false), &json!(2)));
        // An open range is divided from the first span to the last.
        assert_eq!(cut["startUnixNanos"], json!(START.to_string()));
        assert_eq!(cut["endUnixNanos"], json!((START + 31 * SECOND).to_string()));
    }
    let pipeline = server.get("/api/ui/exceptions?q=%7B%7D|rate()").await;
    assert_eq!(pipeline.status, StatusCode::BAD_REQUEST);
}

/// Scenario: a sender sends the same span twice, once before it becomes a block and once after.
/// Guarantees: its exception counts once.
#[tokio::test]
async fn copies_count_once() {
    let server = Server::start(Dialect::Tempo).await;
    let all = json!({"resourceSpans": [span(0, "shop", &no_stock("x"))]}).to_string();
    server.store(&all).await;
    server.store(&all).await;
    assert_eq!(counts(&server, "").await, wanted(&[("IllegalStateException", 1)]));
    server.flush().await;
    server.store(&all).await;
    assert_eq!(counts(&server, "").await, wanted(&[("IllegalStateException", 1)]));
}
