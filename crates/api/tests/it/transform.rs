//! Traces of files, in the forms of stored ones.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use spandrel_api::Dialect;

use crate::harness::{Answer, CHECKOUT, Server};

async fn transform(server: &Server, body: impl Into<String>) -> Answer {
    server.send(Method::POST, "/api/ui/transform", &[], body.into()).await
}

/// Everything but the forms of a trace.
fn head(trace: &Value) -> Value {
    let Value::Object(mut members) = trace.clone() else { panic!("{trace}") };
    members.retain(|name, _| name != "skeleton" && name != "otlp");
    members.into()
}

#[tokio::test]
async fn a_file_is_shown_as_if_it_were_stored() {
    let server = Server::start(Dialect::Tempo).await;
    let answer = transform(&server, CHECKOUT).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let trace = answer.json()["traces"][0].clone();
    assert_eq!(
        head(&trace),
        json!({
            "traceId": "00000000000000000000000000000abc", "spans": 2, "durationNanos": 250_000_000,
            "root": {"service": "frontend", "name": "GET /checkout"},
        })
    );
    let shown = STANDARD.decode(trace["skeleton"].as_str().unwrap()).unwrap();
    // Nothing was stored by it.
    let missing = server.get("/api/ui/traces/abc/skeleton").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    server.store(CHECKOUT).await;
    assert_eq!(shown, server.get("/api/ui/traces/abc/skeleton").await.body);
    let spans = server.get("/api/ui/traces/abc/spans?id=a&id=b").await;
    assert_eq!(trace["otlp"], spans.json());
    // What is given out can be read again.
    let again = transform(&server, trace["otlp"].to_string()).await;
    assert_eq!(again.json()["traces"][0], trace);
}

#[tokio::test]
async fn what_jaeger_gives_out_can_be_read() {
    let server = Server::start(Dialect::Jaeger).await;
    server.store(CHECKOUT).await;
    let jaeger = server.get("/api/traces/abc?raw=true").await;
    let answer = transform(&server, jaeger.text()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let trace = &answer.json()["traces"][0];
    assert_eq!(head(trace)["root"], json!({"service": "frontend", "name": "GET /checkout"}));
    assert_eq!(head(trace)["spans"], json!(2));
    let text = trace["otlp"].to_string();
    for part in ["card declined", "000000000000000b", "72.5", "otel.http"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn zipkin_and_several_traces() {
    let server = Server::start(Dialect::Tempo).await;
    let zipkin = json!([
        {"traceId": "2", "id": "2", "name": "later", "timestamp": 2_000_000, "duration": 5,
         "localEndpoint": {"serviceName": "shop"}},
        {"traceId": "1", "id": "1", "parentId": "9", "name": "first", "timestamp": 1_000_000,
         "duration": 7, "localEndpoint": {"serviceName": "shop"}},
    ]);
    let answer = transform(&server, zipkin.to_string()).await.json();
    let heads: Vec<Value> = answer["traces"].as_array().unwrap().iter().map(head).collect();
    assert_eq!(
        heads,
        [
            json!({"traceId": format!("{:032x}", 1), "root": null, "spans": 1, "durationNanos": 7000}),
            json!({"traceId": format!("{:032x}", 2), "root": {"service": "shop", "name": "later"},
                "spans": 1, "durationNanos": 5000}),
        ]
    );
}

#[tokio::test]
async fn what_is_no_trace_is_refused() {
    let server = Server::start(Dialect::Tempo).await;
    for body in ["", "{}", "[]", "not a trace", "{\"data\":[{\"spans\":[{}]}]}", "[[[["] {
        let answer = transform(&server, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.text().starts_with("invalid request body: "), "{}", answer.text());
    }
    let large = transform(&server, " ".repeat((64 << 20) + 1)).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
}
