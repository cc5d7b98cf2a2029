//! Jaeger's newer API over HTTP.

use http::StatusCode;
use serde_json::json;
use spandrel_api::Dialect;

use crate::harness::{CHECKOUT, Server, live_and_flushed};
use crate::jaeger_suite::v3_sizes;

const RANGE: &str =
    "query.startTimeMin=2017-01-26T11:00:00Z&query.startTimeMax=2017-01-26T13:00:00Z";

#[tokio::test]
async fn names() {
    let empty = Server::start(Dialect::Jaeger).await;
    assert_eq!(empty.get("/api/v3/services").await.text(), r#"{"services":[]}"#);
    live_and_flushed(Dialect::Jaeger, async |server| {
        let answer = server.get("/api/v3/services").await;
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.text(), r#"{"services":["bank","frontend"]}"#);
        for (query, expected) in [
            ("service=bank", r#"{"operations":[{"name":"charge","spanKind":"client"}]}"#),
            (
                "service=bank&spanKind=client",
                r#"{"operations":[{"name":"charge","spanKind":"client"}]}"#,
            ),
            ("service=bank&span_kind=server", r#"{"operations":[]}"#),
            ("service=bank&spanKind=CLIENT", r#"{"operations":[]}"#),
            ("service=none", r#"{"operations":[]}"#),
            ("", r#"{"operations":[]}"#),
        ] {
            let answer = server.get(&format!("/api/v3/operations?{query}")).await;
            assert_eq!((answer.status, answer.text()), (StatusCode::OK, expected), "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn spans_without_a_kind_are_internal() {
    let server = Server::start(Dialect::Jaeger).await;
    server.store(&CHECKOUT.replace("\"kind\":2,", "")).await;
    let answer = server.get("/api/v3/operations?service=frontend").await;
    assert_eq!(answer.text(), r#"{"operations":[{"name":"GET /checkout","spanKind":"internal"}]}"#);
}

#[tokio::test]
async fn traces_are_otlp_in_an_envelope() {
    live_and_flushed(Dialect::Jaeger, async |server| {
        let answer = server.get("/api/v3/traces/abc?rawTraces=true").await;
        assert_eq!(answer.header("content-type"), "application/json");
        let body = answer.json();
        let span = &body["result"]["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(
            *span,
            json!({
                "traceId": "00000000000000000000000000000abc", "spanId": "000000000000000a",
                "name": "GET /checkout", "kind": 2,
                "startTimeUnixNano": "1485432000000000000",
                "endTimeUnixNano": "1485432000250000000",
                "attributes": [{"key": "http.status_code", "value": {"intValue": "500"}}],
                "status": {}
            })
        );
        for path in [
            "/api/v3/traces/AAAAAAAAAAAAAAAAAAAKvA==".to_owned(),
            "/api/v3/traces/abc?start_time=2017-01-26T12:00:00+00:00&end_time=&raw_traces=".to_owned(),
            format!("/api/v3/traces?{RANGE}"),
            format!("/api/v3/traces?{RANGE}&query.serviceName=bank&query.attributes=%7B%22vip%22:%22true%22%7D"),
        ] {
            let sizes = v3_sizes(&server.get(&path).await.json());
            assert_eq!(sizes.into_values().collect::<Vec<_>>(), [2], "{path}");
        }
        for path in
            ["/api/v3/traces/abd".to_owned(), format!("/api/v3/traces?{RANGE}&query.serviceName=x")]
        {
            let answer = server.get(&path).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            assert_eq!(
                answer.text(),
                "{\"error\":{\"httpCode\":404,\"message\":\"No traces found\"}}\n"
            );
            assert!(answer.header("content-type").starts_with("text/plain"));
        }
    })
    .await;
}

#[tokio::test]
async fn summaries() {
    live_and_flushed(Dialect::Jaeger, async |server| {
        let answer = server.get(&format!("/api/v3/trace-summaries?{RANGE}")).await;
        assert_eq!(
            answer.text(),
            concat!(
                r#"{"summaries":[{"traceId":"00000000000000000000000000000abc","#,
                r#""rootServiceName":"frontend","rootOperationName":"GET /checkout","#,
                r#""minStartTimeUnixNano":"1485432000000000000","#,
                r#""maxEndTimeUnixNano":"1485432000250000000","spanCount":2,"errorSpanCount":1,"#,
                r#""services":[{"name":"bank","spanCount":1,"errorSpanCount":1},"#,
                r#"{"name":"frontend","spanCount":1}]}]}"#
            )
        );
        let none =
            server.get(&format!("/api/v3/trace-summaries?{RANGE}&query.serviceName=x")).await;
        assert_eq!((none.status, none.text()), (StatusCode::OK, r#"{"summaries":[]}"#));
    })
    .await;
}

#[tokio::test]
async fn dependencies_are_in_the_definition() {
    let server = Server::start(Dialect::Jaeger).await;
    server.store(CHECKOUT).await;
    let range = "startTime=2017-01-26T11:00:00Z&endTime=2017-01-26T13:00:00Z";
    assert_eq!(
        server.get(&format!("/api/v3/dependencies?{range}")).await.text(),
        r#"{"dependencies":[{"parent":"frontend","child":"bank","callCount":"1"}]}"#
    );
}

/// Guarantees: structured filters decide on one span, whatever TraceQL can say of them.
#[tokio::test]
async fn structured_filters() {
    live_and_flushed(Dialect::Jaeger, async |server| {
        let attr = |key: &str| format!(r#"{{"attr":{{"key":"{key}"}}}}"#);
        let field = |level: &str, name: &str| {
            format!(r#"{{"field":{{"name":"{name}","level":"{level}"}}}}"#)
        };
        let value = |value: &str| format!(r#"{{"scalar":{{"value":"{value}"}}}}"#);
        let call =
            |op: &str, args: &[String]| format!(r#"{{"op":"{op}","args":[{}]}}"#, args.join(","));
        let nested = |call: &str| format!(r#"{{"call":{call}}}"#);
        let status = call("eq", &[attr("http.status_code"), value("500")]);
        let vip = call("eq", &[attr("vip"), value("true")]);
        let failed = call("eq", &[field("span", "status"), value("error")]);
        let missing = call("exists", &[attr("missing")]);
        for (filter, found) in [
            (status.clone(), true),
            (call("and", &[nested(&status), nested(&failed)]), false),
            (call("and", &[nested(&vip), nested(&failed)]), true),
            (call("or", &[nested(&missing), nested(&vip)]), true),
            (call("not", &[nested(&missing)]), true),
            (call("not", &[nested(&call("or", &[nested(&status), nested(&vip)]))]), false),
            (call("gt", &[attr("amount"), value("72")]), true),
            (call("gt", &[attr("amount"), value("73")]), false),
            (call("gte", &[field("span", "duration"), value("250ms")]), true),
            (call("gt", &[field("span", "duration"), value("250ms")]), false),
            (call("gt", &[field("span", "startTime"), value("2017-01-26T12:00:00.05Z")]), true),
            (call("gt", &[field("span", "startTime"), value("2017-01-26T12:00:00.1Z")]), false),
            (call("regex", &[field("span", "name"), value("/check")]), true),
            (call("eq", &[field("span", "parentSpanID"), value("000000000000000A")]), true),
            (call("eq", &[field("span", "parentSpanID"), value("000000000000000b")]), false),
            (missing, false),
        ] {
            let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
            let path = format!("/api/v3/trace-summaries?{RANGE}&query.filter={query}");
            let answer = server.get(&path).await;
            assert_eq!(answer.status, StatusCode::OK, "{filter}: {}", answer.text());
            let summaries = answer.json()["summaries"].as_array().unwrap().len();
            assert_eq!(summaries, usize::from(found), "{filter}");
        }
    })
    .await;
}

/// Scenario: more traces than a page of the engine, every one of which has a span in the range of the engine, but
/// only each tenth one that the query accepts.
/// Guarantees: the newest accepted ones are found, as many as are asked for.
#[tokio::test]
async fn a_search_goes_on_until_it_has_enough() {
    let server = Server::start(Dialect::Jaeger).await;
    for number in 0..60 {
        server.store(&crate::harness::numbered(number, "many")).await;
    }
    server.flush().await;
    let filter = r#"{"op":"not","args":[{"call":{"op":"regex","args":[{"field":{"name":"name","level":"span"}},{"scalar":{"value":"[1-9]"}}]}}]}"#;
    let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    let path = format!("/api/v3/trace-summaries?{RANGE}&query.searchDepth=3&query.filter={query}");
    let names = async |path: &str| {
        let body = server.get(path).await.json();
        let names = body["summaries"].as_array().unwrap().iter();
        names.map(|s| s["rootOperationName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&path).await, ["span 0"]);
    let path = path.replace("%5B1-9%5D", "%5B1-9%5D%5B1-9%5D");
    assert_eq!(names(&path).await, ["span 50", "span 40", "span 30"]);
}
