//! `nil_handling.json`: what is absent.

use serde_json::{Value, json};

use crate::otlp::{request, resource_spans, text};
use crate::search::other_span;

/// The two traces that the file describes, `trace1` and `trace2`.
pub fn requests() -> [Value; 2] {
    let filled = [text("foo", "bar"), text("dc_present", "dc_present")];
    let only_foo = [text("foo", "bar")];
    let mut span = other_span(1);
    span["attributes"] = json!(filled);
    span["events"] =
        json!([{ "timeUnixNano": "2000000000001", "name": "event", "attributes": filled }]);
    span["links"] = json!([{
        "traceId": "09090909090909090909090909090909",
        "spanId": "0909090909090909",
        "attributes": only_foo,
    }]);
    let first = resource_spans(&filled, &json!({ "attributes": only_foo }), &[span]);
    let mut empty = other_span(2);
    empty["name"] = json!("empty");
    let second = resource_spans(&[], &json!({}), &[empty]);
    [first, second].map(|spans| request(&[spans]))
}

/// Which of the two a case is about.
pub fn index(case: &Value) -> usize {
    usize::from(case["trace"] == "trace2")
}
