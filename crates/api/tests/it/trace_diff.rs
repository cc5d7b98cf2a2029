//! The difference between two traces, over HTTP.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use spandrel_api::Dialect;

use crate::harness::{Answer, CHECKOUT, Server};

const PATH: &str = "/api/v2/traces/diff";

async fn post(server: &Server, body: &Value) -> Answer {
    server.send(Method::POST, PATH, &[], body.to_string()).await
}

#[tokio::test]
async fn two_traces_are_compared() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(CHECKOUT).await;
    let slower = CHECKOUT.replace("abc\"", "abd\"");
    let slower = slower.replace("\"GET /checkout\"", "\"GET /basket\"");
    server.store(&slower).await;
    server.flush().await;
    let ask = |format: &str| {
        json!({
            "base": {"traceId": "abc", "start": 1_485_431_000, "end": 1_485_433_000},
            "compare": {"traceId": "ABD"},
            "format": format,
        })
    };
    let patch = post(&server, &ask("")).await;
    assert_eq!((patch.status, patch.header("content-type")), (StatusCode::OK, "application/json"));
    let patch = patch.json();
    assert_eq!(patch["version"], "trace-patch-v0");
    assert_eq!(patch["base"]["traceId"], format!("{:0>32}", "abc"));
    assert_eq!(patch["added"][0]["span"]["name"], "GET /basket");
    assert_eq!(patch["removed"][0]["span"]["name"], "GET /checkout");
    let summary = post(&server, &ask("trace-summary-v0-native")).await.json();
    assert_eq!(summary["changedServices"], json!(["bank", "frontend"]));
    let composed = post(&server, &ask("trace-summary-v0-composed")).await.json();
    assert_eq!((&composed["summary"], &composed["patch"]), (&summary, &patch));
}

#[tokio::test]
async fn requests_that_make_no_sense() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(CHECKOUT).await;
    let ids = |base: &str, compare: &str| json!({"base": {"traceId": base}, "compare": {"traceId": compare}});
    for (body, text) in [
        (json!(5), "invalid request body"),
        (json!({}), "base.traceId is required"),
        (ids("abc", ""), "compare.traceId is required"),
        (ids("x", "abc"), "invalid base.traceId: trace IDs can only contain hex characters"),
        (
            json!({"base": {"traceId": "1", "start": 5, "end": 5}, "compare": {"traceId": "1"}}),
            "base.start must be before base.end. received start=5 end=5",
        ),
        (json!({"format": "x"}), "invalid format 'x': expected trace-patch-v0"),
    ] {
        let answer = post(&server, &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {}", answer.text());
        assert!(answer.text().contains(text), "{body}: {}", answer.text());
    }
    assert_eq!(post(&server, &ids("abc", "abd")).await.status, StatusCode::NOT_FOUND);
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = server.send(method, PATH, &[], String::new()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    let huge = server.send(Method::POST, PATH, &[], " ".repeat(70_000)).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
}
