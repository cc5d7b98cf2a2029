//! Jaeger's dialect.

use http::{Method, StatusCode};
use serde_json::json;
use spandrel_api::Dialect;

use crate::harness::{CHECKOUT, Server, live_and_flushed};

#[tokio::test]
async fn services_and_operations() {
    live_and_flushed(Dialect::Jaeger, async |server| {
        assert_eq!(
            server.get("/api/services").await.text(),
            r#"{"data":["bank","frontend"],"total":2,"limit":0,"offset":0,"errors":null}"#
        );
        assert_eq!(
            server.get("/api/services/frontend/operations").await.text(),
            r#"{"data":["GET /checkout"],"total":1,"limit":0,"offset":0,"errors":null}"#
        );
        let operations = |path| async move { server.get(path).await.json()["data"].take() };
        assert_eq!(
            operations("/api/operations?service=bank&spanKind=").await,
            json!([{"name": "charge", "spanKind": "client"}])
        );
        assert_eq!(operations("/api/operations?service=bank&spanKind=server").await, json!([]));
        let missing = server.get("/api/operations").await;
        assert_eq!(missing.status, StatusCode::BAD_REQUEST);
        assert_eq!(missing.json()["errors"][0]["msg"], "parameter 'service' is required");
    })
    .await;
}

#[tokio::test]
async fn a_trace_by_id() {
    live_and_flushed(Dialect::Jaeger, async |server| {
        let answer = server.get("/api/traces/abc?raw=true&start=1&end=2").await;
        assert_eq!(answer.header("content-type"), "application/json");
        let trace = &answer.json()["data"][0];
        assert_eq!(trace["traceID"], "0000000000000abc");
        assert_eq!(trace["spans"].as_array().unwrap().len(), 2);
        assert_eq!(trace["processes"]["p1"]["serviceName"], "frontend");
        let pretty = server.get("/api/traces/abc?prettyPrint=true").await;
        assert!(pretty.text().starts_with("{\n    \"data\": [\n        {"), "{}", pretty.text());

        let missing = server.get("/api/traces/abd").await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND);
        assert_eq!(
            missing.text(),
            "{\"data\":null,\"total\":0,\"limit\":0,\"offset\":0,\
                \"errors\":[{\"code\":404,\"msg\":\"trace not found\"}]}\n"
        );
        let malformed = server.get("/api/traces/xyz").await;
        assert_eq!(malformed.status, StatusCode::BAD_REQUEST);
    })
    .await;
}

#[tokio::test]
async fn search_by_conditions_on_one_span() {
    live_and_flushed(Dialect::Jaeger, async |server| {
        for (query, found) in [
            ("service=frontend&operation=&start=&end=&limit=&minDuration=&maxDuration=&lookback=2d", 1),
            ("service=frontend&operation=GET+/checkout&minDuration=250ms&maxDuration=250ms", 1),
            ("service=frontend&minDuration=251ms", 0),
            ("service=frontend&operation=charge", 0),
            ("service=frontend&tag=http.status_code:500", 1),
            ("service=frontend&tag=http.status_code:50", 0),
            ("service=frontend&tags=%7B%22http.status_code%22%3A%22500%22%2C%22span.kind%22%3A%22server%22%7D", 1),
            ("service=bank&tag=amount:72.5&tag=vip:true&tag=error:true", 1),
            ("service=frontend&tag=error:true", 0),
            ("service=frontend&tag=error:false&tag=scope.name:otel.http", 1),
            ("service=bank&tag=resource.service.name:bank", 1),
            ("service=bank&start=1485431999000000&end=1485432001000000", 1),
            ("service=bank&start=1485432001000000&end=1485432002000000", 0),
            ("service=other", 0),
            // Without a service all of them are searched.
            ("tag=vip:true", 1),
            ("operation=charge&minDuration=100ms&maxDuration=0s", 1),
            ("tag=vip:true&operation=GET+/checkout", 0),
            // The span that has it all has to start in the range; its trace may begin before.
            ("operation=charge&start=1485432000050000&end=1485432000150000", 1),
            ("operation=charge&start=1485432000000000&end=1485432000050000", 0),
            ("operation=GET+/checkout&start=1485432000050000&end=1485432001000000", 0),
        ] {
            let answer = server.get(&format!("/api/traces?{query}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
            let body = answer.json();
            assert_eq!(body["data"].as_array().unwrap().len(), found, "{query}");
            assert_eq!(body["total"], 0);
            if found == 1 {
                assert_eq!(body["data"][0]["spans"].as_array().unwrap().len(), 2, "{query}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn several_traces_by_id_and_what_is_missing() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(CHECKOUT).await;
    let body = server.get("/jaeger/api/traces?traceID=abd&traceID=0abc").await.json();
    assert_eq!(body["data"][0]["traceID"], "0000000000000abc");
    assert_eq!(body["errors"], json!([{"msg": "trace not found", "traceID": "0000000000000abd"}]));
}

#[tokio::test]
async fn unknown_paths_are_not_found_in_plain_text() {
    let server = Server::start(Dialect::Jaeger).await;
    for path in ["/api/nothing", "/api/traces/1/x", "/jaeger/api/nothing"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::NOT_FOUND, "404 page not found\n"));
        assert!(answer.header("content-type").starts_with("text/plain"));
    }
    assert_eq!(server.get("/tempo/api/echo").await.text(), "echo");
}

#[tokio::test]
async fn pretty_is_anything_but_false() {
    let server = Server::start(Dialect::Jaeger).await;
    for (value, pretty) in [("", false), ("false", false), ("true", true), ("1", true), ("x", true)]
    {
        let answer = server.get(&format!("/api/services?prettyPrint={value}")).await;
        assert_eq!(answer.text().contains('\n'), pretty, "{value}");
    }
}

#[tokio::test]
async fn there_is_no_archive() {
    let server = Server::start(Dialect::Jaeger).await;
    let archive = async |id: &str| {
        server.send(Method::POST, &format!("/api/archive/{id}"), &[], String::new()).await
    };
    let answer = archive("abc").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    let message = &answer.json()["errors"][0]["msg"];
    assert_eq!(message, "archive span storage was not configured");
    assert_eq!(archive("xyz").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn otlp_becomes_jaeger_traces() {
    let server = Server::start(Dialect::Jaeger).await;
    let transform =
        async |body: &str| server.send(Method::POST, "/api/transform", &[], body.to_owned()).await;
    let answer = transform(CHECKOUT).await;
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    assert_eq!(body["data"].as_array().unwrap().len(), 1);
    let trace = &body["data"][0];
    assert_eq!(trace["spans"].as_array().unwrap().len(), 2);
    assert_eq!(
        trace["spans"][0]["tags"],
        json!([
            {"key": "otel.scope.name", "type": "string", "value": "otel.http"},
            {"key": "http.status_code", "type": "int64", "value": 500},
            {"key": "span.kind", "type": "string", "value": "server"}
        ])
    );
    assert_eq!(trace["processes"]["p2"], json!({"serviceName": "bank", "tags": []}));
    for body in
        ["", "{", "[]", r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"x"}]}]}]}"#]
    {
        let answer = transform(body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.json()["errors"][0]["msg"].as_str().unwrap().contains("OTLP"), "{body}");
    }
    assert_eq!(transform("{}").await.json()["data"], json!([]));
}
