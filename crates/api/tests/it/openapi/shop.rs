//! Two traces of the same root, one of which has everything that an answer can have.

use serde_json::{Value, json};

/// A span; `rest` replaces what is given and adds to it.
fn span(trace: &str, id: &str, (name, kind): (&str, u8), millis: [u64; 2], rest: Value) -> Value {
    let at = |millis: u64| (1_485_432_000_000_000_000 + millis * 1_000_000).to_string();
    let mut span = json!({
        "traceId": trace, "spanId": id, "name": name, "kind": kind,
        "startTimeUnixNano": at(millis[0]), "endTimeUnixNano": at(millis[1]),
    });
    let Value::Object(rest) = rest else { panic!("{rest}") };
    span.as_object_mut().unwrap().extend(rest);
    span
}

fn resource(service: &str, spans: Vec<Value>) -> Value {
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    json!({
        "resource": {"attributes": [attribute("service.name", service), attribute("service.version", "1.4")]},
        "scopeSpans": [{"scope": {"name": "http", "version": "2"}, "spans": spans}],
    })
}

const PAID: &str = "0af7651916cd43dd8448eb211c80319c";
const UNPAID: &str = "1af7651916cd43dd8448eb211c80319c";
const ROOT: &str = "b7ad6b7169203331";
const CALL: &str = "b7ad6b7169203332";
const CHARGE: &str = "00f067aa0ba902b7";

/// A payment that fails in the bank, and a span whose parent is missing.
pub(super) fn failed_payment() -> String {
    let exception = json!([{"timeUnixNano": "1485432000180000000", "name": "exception", "attributes": [
        {"key": "exception.type", "value": {"stringValue": "Declined"}},
        {"key": "exception.message", "value": {"stringValue": "card 12 declined"}},
    ]}]);
    let attributes = json!([
        {"key": "http.status_code", "value": {"intValue": "504"}},
        {"key": "amount", "value": {"doubleValue": 72.5}},
        {"key": "vip", "value": {"boolValue": true}},
        {"key": "token", "value": {"bytesValue": "AQI="}},
        {"key": "items", "value": {"arrayValue": {"values": [{"intValue": "1"}]}}},
        {"key": "card", "value": {"kvlistValue": {"values": [{"key": "kind", "value": {"stringValue": "x"}}]}}},
    ]);
    let charge = json!({
        "parentSpanId": CALL, "attributes": attributes, "events": exception,
        "links": [{"traceId": UNPAID, "spanId": ROOT}], "status": {"code": 2, "message": "declined"},
    });
    json!({"resourceSpans": [
        resource("shop", vec![
            span(PAID, ROOT, ("POST /pay", 2), [0, 250], json!({})),
            span(PAID, CALL, ("charge", 3), [90, 210], json!({"parentSpanId": ROOT})),
            span(PAID, "b7ad6b7169203333", ("late", 1), [220, 230], json!({"parentSpanId": "00000000000000ff"})),
        ]),
        // Its clock is behind.
        resource("bank", vec![span(PAID, CHARGE, ("POST /charge", 2), [20, 120], charge)]),
    ]})
    .to_string()
}

/// The same without the bank.
pub(super) fn refused_payment() -> String {
    let spans = vec![span(UNPAID, ROOT, ("POST /pay", 2), [1000, 1100], json!({}))];
    json!({"resourceSpans": [resource("shop", spans)]}).to_string()
}
