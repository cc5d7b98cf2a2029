//! Spans as they come back: shared halves, late parts, ids of both lengths.

use serde_json::{Value, json};

use crate::harness::{Server, T0_MICROS};

fn call(trace_id: &str) -> Value {
    json!([
        {
            "traceId": trace_id, "id": "0000000000000002", "kind": "CLIENT", "name": "GET /A",
            "timestamp": T0_MICROS + 10, "duration": 50, "localEndpoint": {"serviceName": "Web"},
            "remoteEndpoint": {"serviceName": "API"}, "tags": {"error": "it broke"},
        },
        {
            "traceId": trace_id, "parentId": "0000000000000001", "id": "0000000000000002",
            "kind": "SERVER", "name": "get /a", "timestamp": T0_MICROS + 20, "duration": 30,
            "localEndpoint": {"serviceName": "api", "ipv4": "10.0.0.1", "port": 80},
            "shared": true, "annotations": [{"timestamp": T0_MICROS + 25, "value": "hello"}],
        },
    ])
}

const WIDE: &str = "463ac35c9f6413ad48485a3953bb6124";
const LOW: &str = "48485a3953bb6124";

#[tokio::test]
async fn halves_of_a_call_come_back_as_they_were_sent() {
    let server = Server::start().await;
    server.send(&call(WIDE)).await;
    let trace = server.get(&format!("/api/v2/trace/{WIDE}")).await.json();
    let mut sent = call(WIDE);
    sent[0]["name"] = json!("get /a");
    sent[0]["localEndpoint"]["serviceName"] = json!("web");
    sent[0]["remoteEndpoint"]["serviceName"] = json!("api");
    assert_eq!(trace, sent, "names are in lower case");
}

#[tokio::test]
async fn a_trace_is_found_by_either_half_of_its_id() {
    let server = Server::start().await;
    server.send(&call(WIDE)).await;
    let by_whole = server.get(&format!("/api/v2/trace/{WIDE}")).await.json();
    let by_low = server.get(&format!("/api/v2/trace/{LOW}")).await.json();
    assert_eq!(by_whole, by_low);
    // What a sender of 64 bits adds belongs to the trace.
    let more = json!([{
        "traceId": LOW, "id": "0000000000000003", "parentId": "0000000000000002", "name": "more",
        "timestamp": T0_MICROS + 22, "duration": 1, "localEndpoint": {"serviceName": "old"},
    }]);
    server.send(&more).await;
    let joined = server.get(&format!("/api/v2/trace/{WIDE}")).await.json();
    let ids: Vec<&Value> = joined.as_array().unwrap().iter().map(|span| &span["traceId"]).collect();
    assert_eq!(ids, [WIDE; 3]);
}

#[tokio::test]
async fn late_parts_of_a_span_are_merged() {
    let server = Server::start().await;
    let part = |json: Value| {
        let mut span = json!({"traceId": LOW, "id": "0000000000000007", "kind": "CLIENT"});
        span.as_object_mut().unwrap().extend(json.as_object().unwrap().clone());
        json!([span])
    };
    let endpoint = json!({"serviceName": "web"});
    server
        .send(&part(json!({
            "name": "get", "timestamp": T0_MICROS, "localEndpoint": endpoint, "tags": {"a": "1"},
        })))
        .await;
    let search =
        format!("/api/v2/traces?serviceName=web&minDuration=99&endTs={}", T0_MICROS / 1_000 + 9);
    assert_eq!(server.get(&search).await.json(), json!([]));
    server
        .send(&part(json!({"duration": 99, "localEndpoint": endpoint, "tags": {"b": "2"}})))
        .await;
    let merged = json!([{
        "traceId": LOW, "id": "0000000000000007", "kind": "CLIENT", "name": "get",
        "timestamp": T0_MICROS, "duration": 99, "localEndpoint": {"serviceName": "web"},
        "tags": {"a": "1", "b": "2"},
    }]);
    assert_eq!(server.get(&format!("/api/v2/trace/{LOW}")).await.json(), merged);
    assert_eq!(server.get(&search).await.json(), json!([merged]));
}

#[tokio::test]
async fn a_trace_without_times_is_hidden_until_there_is_one() {
    let server = Server::start().await;
    let span = |more: Value| {
        let mut span = json!({
            "traceId": LOW, "id": "0000000000000007", "name": "get",
            "localEndpoint": {"serviceName": "web"},
        });
        span.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([span])
    };
    server.send(&span(json!({}))).await;
    assert_eq!(server.get("/api/v2/traces").await.json(), json!([]));
    server.send(&span(json!({"timestamp": T0_MICROS}))).await;
    assert_eq!(server.get("/api/v2/traces").await.json()[0][0]["timestamp"], json!(T0_MICROS));
}
