//! Requests of OTLP in JSON, in parts.

use serde_json::{Value, json};

/// 2026-01-01, a multiple of every step that a case asks for.
pub const START_UNIX_NANOS: u64 = 1_767_225_600_000_000_000;

/// An attribute with a value as OTLP has it, such as [`typed`] makes it.
pub fn attribute(key: &str, value: &Value) -> Value {
    json!({ "key": key, "value": value })
}

/// An attribute that is a text.
pub fn text(key: &str, value: &str) -> Value {
    attribute(key, &json!({ "stringValue": value }))
}

/// A value of the data, `{"type", "value"}`, as OTLP has it. No attribute of OTLP is a duration, but whole
/// numbers compare with them as well.
///
/// # Panics
/// When the type is unknown.
pub fn typed(value: &Value) -> Value {
    let inner = &value["value"];
    let element = |kind: &str, inner: &Value| match kind {
        "string" => json!({ "stringValue": inner }),
        "int" | "duration" => json!({ "intValue": inner.to_string() }),
        "float" => json!({ "doubleValue": inner }),
        "bool" => json!({ "boolValue": inner }),
        _ => panic!("a value of type {kind}"),
    };
    let kind = value["type"].as_str().unwrap();
    let Some(kind) = kind.strip_suffix("[]") else { return element(kind, inner) };
    let elements = inner.as_array().unwrap().iter().map(|inner| element(kind, inner));
    json!({ "arrayValue": { "values": elements.collect::<Vec<_>>() } })
}

/// A span without a parent, of a microsecond; whoever needs more sets its members.
pub fn span(trace_id: u128, span_id: u64, start_unix_nanos: u64) -> Value {
    json!({
        "traceId": format!("{trace_id:032x}"),
        "spanId": id(span_id),
        "name": "test",
        "kind": "SPAN_KIND_INTERNAL",
        "startTimeUnixNano": start_unix_nanos.to_string(),
        "endTimeUnixNano": (start_unix_nanos + 1_000).to_string(),
        "attributes": [],
    })
}

/// A span id in hex.
pub fn id(span_id: u64) -> String {
    format!("{span_id:016x}")
}

/// Spans of one resource, in one scope.
pub fn resource_spans(resource: &[Value], scope: &Value, spans: &[Value]) -> Value {
    json!({
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": scope, "spans": spans }],
    })
}

/// A request.
pub fn request(resource_spans: &[Value]) -> Value {
    json!({ "resourceSpans": resource_spans })
}

/// Sorts a list whose order says nothing; what is absent is an empty list.
pub(crate) fn sort(list: &mut Value) {
    match list.as_array_mut() {
        Some(list) => list.sort_by_key(Value::to_string),
        None => *list = json!([]),
    }
}
