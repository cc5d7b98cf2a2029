//! Spans as they arrive.

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use spandrel_api::Dialect;
use tower::ServiceExt;

use crate::harness::{CHECKOUT, Server, numbered};

/// A stream of events.
struct Tail(Body);

impl Tail {
    async fn open(server: &Server, query: &str) -> Self {
        let request = Request::get(format!("/api/ui/live?{query}")).body(Body::empty()).unwrap();
        let response = server.routes().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut tail = Self(response.into_body());
        assert_eq!(tail.event().await, Some(("ping".to_owned(), json!({}))));
        tail
    }

    /// The next event and its data; `None` at the end.
    async fn event(&mut self) -> Option<(String, Value)> {
        let frame = self.0.frame().await?.unwrap().into_data().unwrap();
        let text = std::str::from_utf8(&frame).unwrap();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim_start().to_owned())
        };
        let data = serde_json::from_str(&field("data:").unwrap()).unwrap();
        Some((field("event:").unwrap(), data))
    }
}

#[tokio::test]
async fn what_arrives_is_shown() {
    let server = Server::start(Dialect::Tempo).await;
    // What is there already is not.
    server.store(&numbered(7, "shop")).await;
    let mut all = Tail::open(&server, "").await;
    let mut failed = Tail::open(&server, "q=%7Bstatus=error%7D").await;
    let mut frontend = Tail::open(&server, "service=frontend").await;
    server.store(CHECKOUT).await;
    let (name, data) = all.event().await.unwrap();
    assert_eq!(name, "spans");
    assert_eq!((&data["received"], &data["dropped"]), (&json!(2), &json!(0)));
    assert_eq!(
        data["spans"][1],
        json!({
            "traceId": "00000000000000000000000000000abc", "spanId": "000000000000000b",
            "service": "bank", "name": "charge", "startUnixNanos": "1485432000100000000",
            "durationNanos": 100_000_000, "error": true, "root": false,
        })
    );
    assert_eq!(data["spans"][0]["root"], json!(true));
    let (_, data) = failed.event().await.unwrap();
    assert_eq!((&data["received"], &data["spans"][0]["name"]), (&json!(1), &json!("charge")));
    let (_, data) = frontend.event().await.unwrap();
    assert_eq!(
        (&data["received"], &data["spans"][0]["name"]),
        (&json!(1), &json!("GET /checkout"))
    );
    // What is a block by now is not shown again.
    server.flush().await;
    server.store(&numbered(8, "shop")).await;
    let (_, data) = all.event().await.unwrap();
    assert_eq!((&data["received"], &data["spans"][0]["name"]), (&json!(1), &json!("span 8")));
    server.stop().await;
    assert_eq!(all.event().await, None);
    assert_eq!(failed.event().await, None);
}

#[tokio::test]
async fn more_than_anybody_reads_is_counted() {
    let server = Server::start(Dialect::Tempo).await;
    let mut tail = Tail::open(&server, "").await;
    let groups: Vec<Value> = (0..70)
        .map(|number| {
            let mut request: Value = serde_json::from_str(&numbered(number, "shop")).unwrap();
            request["resourceSpans"][0].take()
        })
        .collect();
    server.store(&json!({ "resourceSpans": groups }).to_string()).await;
    let (_, data) = tail.event().await.unwrap();
    assert_eq!((&data["received"], &data["dropped"]), (&json!(70), &json!(20)));
    let spans = data["spans"].as_array().unwrap();
    assert_eq!(spans.len(), 50);
    assert_eq!(spans[49]["name"], json!("span 69"));
}

#[tokio::test]
async fn what_is_no_filter_is_refused() {
    let server = Server::start(Dialect::Tempo).await;
    for query in ["q=%7B", "q=%7B%7D|rate()"] {
        let answer = server.get(&format!("/api/ui/live?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
}
