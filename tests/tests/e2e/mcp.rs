//! The Model Context Protocol, asked by the protocol's own SDK as programs around a language model ask.

use opentelemetry_proto::tonic::trace::v1::Status;
use serde_json::{Value, json};
use spandrel_tests::{
    Home, attribute, python, request, run, send, span, span_id, trace_id, unix_nanos,
};

const CART: &str = "a1000000000000000000000000000001";
const LIST: &str = "a1000000000000000000000000000002";
const SECOND: u64 = 1_000_000_000;

/// Calls tools through the SDK; returns what it was told, the answers of the tools in the order of the calls.
fn talk(address: &str, calls: &Value) -> Value {
    let mut client = python();
    client.arg("readers/mcp_client.py").arg(address).arg(calls.to_string());
    run(&mut client)
}

#[test]
fn the_sdk_of_the_protocol_uses_every_tool() {
    let mut home = Home::new().with_options(&["--mcp"]);
    let server = home.start();
    let start = unix_nanos() - 60 * SECOND;
    let id = trace_id(0xa100_0000_0000_0000, 1);
    let root = span(&id, 0xc1, "GET /cart", start);
    let mut select = span(&id, 0xc2, "SELECT cart", start);
    select.parent_span_id = span_id(0xc1);
    select.attributes = vec![attribute("db.system.name", "postgresql")];
    select.status = Some(Status { code: 2, message: "no database".to_owned() });
    let other = span(&trace_id(0xa100_0000_0000_0000, 2), 0xd1, "GET /list", start);
    send(&mut server.otlp(), &request("shop", vec![root, select, other]));

    let calls = json!([
        ["traceql-search", {"query": "{ status = error }"}],
        ["traceql-search", {"query": "{ status = fine }"}],
        ["traceql-metrics-instant", {"query": "{ } | count_over_time()"}],
        ["traceql-metrics-range", {"query": "{ } | count_over_time() by (name)"}],
        ["get-trace", {"trace_id": CART}],
        ["trace-diff", {"base_trace_id": CART, "compare_trace_id": LIST}],
        ["get-attribute-names", {"scope": "span"}],
        ["get-attribute-values", {"name": "resource.service.name"}],
        ["docs-traceql", {"name": "basic"}],
        ["docs-config", {"name": "reference"}],
    ]);
    let address = format!("http://{}/api/mcp", server.ports.http);
    let told = talk(&address, &calls);
    for begun in ["legacy", "auto"] {
        check(&told[begun], &calls);
    }
    assert_eq!(told["legacy"]["answers"], told["auto"]["answers"]);
    server.stop();
}

/// Checks what was told in one session.
fn check(told: &Value, calls: &Value) {
    assert_eq!(told["server"], "spandrel");
    assert_eq!(told["version"], "2025-11-25");
    assert!(told["instructions"].as_str().is_some_and(|text| text.contains("docs-traceql")));
    let mut called: Vec<_> = list(calls).iter().map(|call| &call[0]).collect();
    called.dedup();
    let tools: Vec<_> = list(&told["tools"]).iter().map(|tool| &tool["name"]).collect();
    assert_eq!(tools, called);
    let documents = list(&told["documents"]);
    assert_eq!((list(&told["resources"]).len(), documents.len()), (7, 7));
    assert!(documents.iter().all(|document| document.as_str().unwrap().starts_with("# ")));

    let answers = list(&told["answers"]);
    let failed: Vec<_> = answers.iter().map(|answer| answer["failed"] == true).collect();
    let mut wanted = vec![false; answers.len()];
    wanted[1] = true;
    assert_eq!(failed, wanted, "{told}");
    let text = |call: usize| answers[call]["text"].as_str().unwrap();
    let parsed = |call: usize| serde_json::from_str::<Value>(text(call)).unwrap();
    let found: Vec<_> =
        list(&parsed(0)["traces"]).iter().map(|trace| trace["traceID"].clone()).collect();
    assert_eq!(found, [CART]);
    assert!(text(1).starts_with("query parse error. Consult the tool docs-traceql"), "{}", text(1));
    assert_eq!(parsed(2)["series"][0]["value"], 3);
    assert_eq!(list(&parsed(3)["series"]).len(), 3);
    assert_eq!(parsed(4)["trace"]["services"][0]["serviceName"], "shop");
    assert!(text(5).contains("trace-summary-v0-composed"), "{}", text(5));
    assert_eq!(parsed(6)["scopes"][0]["tags"], json!(["db.system.name"]));
    assert_eq!(parsed(7)["tagValues"], json!({"string": ["shop"]}));
    assert!(text(8).starts_with("# TraceQL") && text(9).contains("`--mcp`"));
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
