//! Parameters, statuses and headers.

use http::{Request, StatusCode};
use prost::Message;
use serde_json::json;
use spandrel_proto::zipkin::ListOfSpans;

use crate::harness::{Server, T0_MICROS};

async fn with_services(n: usize) -> Server {
    let server = Server::start().await;
    let spans: Vec<_> = (0..n)
        .map(|i| {
            json!({
                "traceId": format!("{:016x}", 100 + i), "id": "0000000000000001", "name": "Get",
                "timestamp": T0_MICROS + i as i64, "duration": 10,
                "localEndpoint": {"serviceName": format!("Svc{i}")},
                "remoteEndpoint": {"serviceName": "DB"}, "tags": {"region": format!("r{i}")},
            })
        })
        .collect();
    server.send(&json!(spans)).await;
    server
}

#[tokio::test]
async fn wrong_requests_are_told_in_the_words_of_zipkin() {
    let server = with_services(1).await;
    for (path, status, text) in [
        ("/api/v2/trace/zz", 400, "zz should be lower-hex encoded with no prefix"),
        ("/api/v2/trace/0abc", 404, "0000000000000abc not found"),
        ("/api/v2/traceMany", 400, "parameter traceIds is missing"),
        ("/api/v2/traceMany?traceIds=", 400, "traceIds parameter is empty"),
        ("/api/v2/traceMany?traceIds=a,a", 400, "redundant traceId: a"),
        (
            "/api/v2/traceMany?traceIds=a",
            400,
            "Use /api/v2/trace/{traceId} endpoint to retrieve a single trace",
        ),
        ("/api/v2/traces?endTs=0", 400, "endTs <= 0"),
        ("/api/v2/traces?limit=0", 400, "limit <= 0"),
        ("/api/v2/dependencies", 400, "parameter endTs is missing"),
        ("/api/v2/dependencies?endTs=1&lookback=0", 400, "lookback <= 0"),
        ("/api/v2/spans", 400, "parameter serviceName is missing"),
        ("/api/v2/autocompleteValues", 400, "parameter key is missing"),
    ] {
        let answer = server.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (status, text), "{path}");
        assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    }
    let tenant = Request::get("/api/v2/services").header("X-Scope-OrgID", "../x");
    assert_eq!(server.request(tenant).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn names_are_kept_by_clients_once_there_are_enough() {
    for (n, cached) in [(3, None), (4, Some("max-age=300, must-revalidate"))] {
        let server = with_services(n).await;
        let names: Vec<String> = (0..n).map(|i| format!("svc{i}")).collect();
        let answer = server.get("/api/v2/services").await;
        assert_eq!(answer.json(), json!(names));
        let header = answer.headers.get("cache-control").map(|value| value.to_str().unwrap());
        assert_eq!(header, cached);
        for (path, expected) in [
            ("/api/v2/spans?serviceName=SVC1", json!(["get"])),
            ("/api/v2/spans?serviceName=none", json!([])),
            ("/api/v2/remoteServices?serviceName=svc1", json!(["db"])),
        ] {
            let answer = server.get(path).await;
            assert_eq!(answer.json(), expected, "{path}");
            assert_eq!(answer.headers.contains_key("cache-control"), cached.is_some(), "{path}");
        }
    }
}

#[tokio::test]
async fn keys_and_values_are_completed() {
    let server = with_services(2).await;
    let keys = server.get("/api/v2/autocompleteKeys").await.json();
    assert!(keys.as_array().unwrap().contains(&json!("region")), "{keys}");
    let values = server.get("/api/v2/autocompleteValues?key=region").await.json();
    assert_eq!(values, json!(["r0", "r1"]));
}

#[tokio::test]
async fn several_traces_and_protobuf() {
    let server = with_services(3).await;
    let many = server.get("/api/v2/traceMany?traceIds=64,66,67").await.json();
    let services: Vec<_> = many
        .as_array()
        .unwrap()
        .iter()
        .map(|trace| trace[0]["localEndpoint"]["serviceName"].as_str().unwrap())
        .collect();
    assert_eq!(services, ["svc0", "svc2"], "67 does not exist");
    let asked = Request::get("/api/v2/trace/64").header("Accept", "application/x-protobuf");
    let answer = server.request(asked).await;
    assert_eq!(answer.headers["content-type"], "application/x-protobuf");
    let list = ListOfSpans::decode(answer.body).unwrap();
    assert_eq!((list.spans.len(), list.spans[0].name.as_str()), (1, "get"));
}

#[tokio::test]
async fn newest_traces_come_first() {
    let server = with_services(4).await;
    let found = server.get("/api/v2/traces?limit=2&remoteServiceName=db").await.json();
    let ids: Vec<_> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|trace| trace[0]["traceId"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["0000000000000067", "0000000000000066"]);
}
