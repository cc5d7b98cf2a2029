//! The Model Context Protocol.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use spandrel_api::{ApiOptions, Dialect};

use crate::harness::{Answer, CHECKOUT, Server};

const PATH: &str = "/api/mcp";

async fn server() -> Server {
    let options = ApiOptions { mcp: true, ..ApiOptions::default() };
    let server = Server::start_switched(options).await;
    server.store(CHECKOUT).await;
    server
}

async fn post(server: &Server, headers: &[(&str, &str)], body: &Value) -> Answer {
    server.send(Method::POST, PATH, headers, body.to_string()).await
}

async fn ask(server: &Server, method: &str, params: Value) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    let answer = post(server, &[("accept", "application/json, text/event-stream")], &request).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, "application/json")
    );
    let mut answer = answer.json();
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(7)));
    if answer["error"].is_null() { answer["result"].take() } else { answer["error"].take() }
}

/// The text of a tool's answer, and whether it failed.
async fn call(server: &Server, name: &str, arguments: Value) -> (String, bool) {
    let result = ask(server, "tools/call", json!({"name": name, "arguments": arguments})).await;
    let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{result}"));
    (text.to_owned(), result["isError"] == true)
}

#[tokio::test]
async fn a_session_from_its_beginning() {
    let server = server().await;
    let hello = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    });
    let begun = ask(&server, "initialize", hello).await;
    assert_eq!(begun["protocolVersion"], "2025-06-18");
    assert_eq!(begun["serverInfo"]["name"], "spandrel");
    assert!(
        begun["capabilities"]["tools"].is_object()
            && begun["capabilities"]["resources"].is_object()
    );
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let answer = post(&server, &[("mcp-protocol-version", "2025-06-18")], &ready).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::ACCEPTED, ""));
    assert_eq!(ask(&server, "ping", Value::Null).await, json!({}));

    let tools = ask(&server, "tools/list", json!({})).await;
    let names: Vec<_> = tools["tools"].as_array().unwrap().iter().map(|t| &t["name"]).collect();
    assert_eq!(
        names,
        [
            "traceql-search",
            "traceql-metrics-instant",
            "traceql-metrics-range",
            "get-trace",
            "trace-diff",
            "get-attribute-names",
            "get-attribute-values",
            "docs-traceql",
            "docs-config",
        ]
    );
    for tool in tools["tools"].as_array().unwrap() {
        assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
    }
}

#[tokio::test]
async fn tools_ask_the_api() {
    let server = server().await;
    let (found, failed) = call(
        &server,
        "traceql-search",
        json!({
            "query": "{ status = error }",
            "start": "2017-01-26T00:00:00Z",
            "end": "2017-01-27T00:00:00+01:00",
        }),
    )
    .await;
    assert!(!failed && found.contains("\"traceID\":\"abc\""), "{found}");
    // Nothing of the last hour.
    let (found, failed) = call(&server, "traceql-search", json!({"query": "{}"})).await;
    assert!(!failed && !found.contains("traceID"), "{found}");
    let (trace, failed) = call(&server, "get-trace", json!({"trace_id": "abc"})).await;
    let trace: Value = serde_json::from_str(&trace).unwrap();
    assert!(!failed);
    assert_eq!(trace["trace"]["services"][0]["serviceName"], "frontend");
    let ids = json!({"base_trace_id": "abc", "compare_trace_id": "abc"});
    let (diff, failed) = call(&server, "trace-diff", ids).await;
    assert!(!failed && diff.contains("trace-summary-v0-composed"), "{diff}");
    let (names, failed) = call(&server, "get-attribute-names", json!({"scope": "span"})).await;
    assert!(!failed && names.contains("http.status_code"), "{names}");
    let (values, failed) = call(
        &server,
        "get-attribute-values",
        json!({"name": "resource.service.name", "filter-query": "{ status = error }"}),
    )
    .await;
    let values: Value = serde_json::from_str(&values).unwrap();
    assert_eq!((&values["tagValues"], failed), (&json!({"string": ["bank"]}), false));
    for name in ["basic", "aggregates", "structural", "metrics"] {
        let (text, failed) = call(&server, "docs-traceql", json!({"name": name})).await;
        assert!(!failed && text.starts_with("# TraceQL"), "{text}");
    }
    let (text, failed) = call(&server, "docs-config", json!({"name": "reference"})).await;
    assert!(!failed && text.contains("--mcp"), "{text}");
    let result =
        ask(&server, "tools/call", json!({"name": "get-trace", "arguments": {"trace_id": "abc"}}));
    assert_eq!(result.await["_meta"], json!({"type": "trace", "encoding": "json", "version": "2"}));
}

#[tokio::test]
async fn what_goes_wrong_in_a_tool_is_for_the_model_to_read() {
    let server = server().await;
    for (tool, arguments, text) in [
        ("traceql-search", json!({}), "required argument 'query' not found"),
        ("traceql-search", json!({"query": 5}), "argument 'query': expected a text, got 5"),
        (
            "traceql-search",
            json!({"query": "{"}),
            "query parse error. Consult the tool docs-traceql",
        ),
        ("traceql-search", json!({"query": "{} | rate()"}), "use traceql-metrics-instant"),
        ("traceql-metrics-range", json!({"query": "{}"}), "use traceql-search"),
        ("traceql-search", json!({"query": "{}", "start": "today"}), "invalid start time"),
        (
            "traceql-search",
            json!({"query": "{}", "start": "2017-01-26T00:00:00Z", "end": "2016-01-26T00:00:00Z"}),
            "start must be before end",
        ),
        ("get-trace", json!({"trace_id": "a/../x"}), "status 400: trace IDs can only contain hex"),
        (
            "trace-diff",
            json!({"base_trace_id": "1", "compare_trace_id": "2", "base_start": "2017-01-26T00:00:00Z"}),
            "'base_start' and 'base_end' must be provided together",
        ),
        ("get-attribute-names", json!({"scope": "x"}), "status 400: unable to parse param 'scope'"),
        ("get-attribute-values", json!({"name": "x"}), "status 400: unable to parse tag name 'x'"),
        (
            "get-attribute-values",
            json!({"name": ".x", "filter-query": "{ .a = }"}),
            "filter-query invalid",
        ),
        ("docs-traceql", json!({"name": "x"}), "expected one of [\"basic\""),
    ] {
        let (message, failed) = call(&server, tool, arguments.clone()).await;
        assert!(failed && message.contains(text), "{tool} {arguments}: {message}");
    }
}

#[tokio::test]
async fn resources_are_the_documents() {
    let server = server().await;
    let listed = ask(&server, "resources/list", json!({})).await;
    let listed = listed["resources"].as_array().unwrap();
    assert_eq!(listed.len(), 7);
    for resource in listed {
        let read = ask(&server, "resources/read", json!({"uri": resource["uri"]})).await;
        assert_eq!(read["contents"][0]["uri"], resource["uri"]);
        assert!(read["contents"][0]["text"].as_str().unwrap().starts_with("# "), "{resource}");
    }
    let unknown = ask(&server, "resources/read", json!({"uri": "docs://x"})).await;
    assert_eq!(unknown["code"], -32602);
}

#[tokio::test]
async fn requests_that_are_none() {
    let server = server().await;
    assert_eq!(ask(&server, "tools/burn", json!({})).await["code"], -32601);
    let unknown = ask(&server, "tools/call", json!({"name": "x"})).await;
    assert_eq!(unknown["code"], -32602);
    let not_json = server.send(Method::POST, PATH, &[], "{".to_owned()).await;
    assert_eq!(
        (not_json.status, &not_json.json()["error"]["code"]),
        (StatusCode::BAD_REQUEST, &json!(-32700))
    );
    let batch = json!([
        {"jsonrpc": "2.0", "id": "a", "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled"},
        {"jsonrpc": "2.0", "id": "b", "method": "ping"},
    ]);
    let answers = post(&server, &[], &batch).await.json();
    assert_eq!((answers[0]["id"].clone(), answers[1]["id"].clone()), (json!("a"), json!("b")));
    assert_eq!(post(&server, &[], &json!([])).await.status, StatusCode::BAD_REQUEST);
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    for (headers, status) in [
        (&[("mcp-protocol-version", "1")][..], StatusCode::BAD_REQUEST),
        (&[("origin", "http://evil.example"), ("host", "localhost:3200")], StatusCode::FORBIDDEN),
        (&[("origin", "http://localhost:3200"), ("host", "localhost:3200")], StatusCode::OK),
    ] {
        assert_eq!(post(&server, headers, &ping).await.status, status, "{headers:?}");
    }
    for method in [Method::GET, Method::DELETE] {
        let answer = server.send(method, PATH, &[], String::new()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    let huge = server.send(Method::POST, PATH, &[], " ".repeat(2 << 20)).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn tools_ask_on_behalf_of_the_same_tenant() {
    let server = server().await;
    let request = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "get-trace", "arguments": {"trace_id": "abc"}},
    });
    let other = post(&server, &[("x-scope-orgid", "other")], &request).await.json();
    assert_eq!(other["result"]["content"][0]["text"], "{}");
}

#[tokio::test]
async fn it_is_off_unless_switched_on() {
    let server = Server::start(Dialect::Tempo).await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    assert_eq!(post(&server, &[], &ping).await.status, StatusCode::NOT_FOUND);
}
