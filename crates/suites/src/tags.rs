//! `autocomplete_search_trace.json` and `autocomplete_block.json`: names and values on spans that pass a filter.
//! The first is about the trace of `search.json`, the second about traces that are made here of what its
//! queries ask for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::otlp::{START_UNIX_NANOS, attribute, id, request, resource_spans, span, text};

/// Scopes of attributes, with the member that has a scope's names in cases about blocks.
const SCOPES: [(&str, &str); 5] = [
    ("span", "expectedSpanValues"),
    ("resource", "expectedResourceValues"),
    ("event", "expectedEventValues"),
    ("link", "expectedLinkValues"),
    ("instrumentation", "expectedInstrumentationValues"),
];

/// The names that a case expects, each behind its scope and a dot.
///
/// # Panics
/// When the case has another shape.
pub fn expected_names(case: &Value) -> BTreeSet<String> {
    let mut wanted = BTreeSet::new();
    for (scope, member) in SCOPES {
        let keys = match &case["expected"][scope] {
            Value::Null => &case[member],
            keys => keys,
        };
        let keys = keys.as_array().into_iter().flatten();
        wanted.extend(keys.map(|key| format!("{scope}.{}", key.as_str().unwrap())));
    }
    wanted
}

/// The values that a case expects: type and text.
///
/// # Panics
/// When the case has another shape.
pub fn expected_values(case: &Value) -> BTreeSet<(String, String)> {
    let values =
        if case["expected"].is_null() { &case["expectedValues"] } else { &case["expected"] };
    let text = |value: &Value, key: &str| value[key].as_str().unwrap().to_owned();
    let values = values.as_array().unwrap().iter();
    values.map(|value| (text(value, "Type"), text(value, "Value"))).collect()
}

/// Whether cases about blocks leave out a name: what the reference's blocks have columns of their own for is
/// added to an answer in another place than the one that is tested there.
pub fn has_column_of_its_own(name: &str) -> bool {
    name.contains(".dedicated.") || name == "resource.service.name"
}

/// The trace that cases of `autocomplete_block.json` about names are about: two resources, two spans and one.
pub fn names_request() -> Value {
    let first = [
        names_span(1, "01-01", Some(("event-generic-01-01", "link-generic-01-01"))),
        names_span(2, "01-02", None),
    ];
    let second = [names_span(3, "02-01", Some(("event-generic-02-01", "link-generic-02-01")))];
    request(&[names_resource("01", "bar", &first), names_resource("02", "foo", &second)])
}

fn names_resource(number: &str, value: &str, spans: &[Value]) -> Value {
    let resource = [
        text("service.name", "service"),
        text("resource-same", "foo"),
        text("dedicated.resource.1", number),
        text(&format!("generic-{number}"), value),
    ];
    let scope_attribute = format!("scope-attr-str-{}", number.trim_start_matches('0'));
    resource_spans(&resource, &json!({ "attributes": [text(&scope_attribute, "a")] }), spans)
}

fn names_span(number: u64, name: &str, event_and_link: Option<(&str, &str)>) -> Value {
    let mut one = span(1, number, START_UNIX_NANOS + number);
    one["attributes"] = json!([
        text(&format!("generic-{name}"), "foo"),
        text("span-same", "foo"),
        text("dedicated.span.1", &format!("dedicated-{name}")),
    ]);
    if number > 1 {
        one["parentSpanId"] = json!(id(1));
    }
    if let Some((event, link)) = event_and_link {
        let attributes = json!([text(event, "foo"), text("dedicated.event.1", name)]);
        let time = (START_UNIX_NANOS + number).to_string();
        one["events"] = json!([{ "timeUnixNano": time, "name": "e", "attributes": attributes }]);
        one["links"] = json!([{
            "traceId": format!("{:032x}", 9),
            "spanId": id(9),
            "attributes": [text(link, "foo")],
        }]);
    }
    one
}

/// The trace that cases of `autocomplete_block.json` about values are about: a root and two spans below it.
pub fn values_request() -> Value {
    let mut root = span(2, 1, START_UNIX_NANOS);
    (root["name"], root["kind"]) = (json!("RootSpan"), json!("SPAN_KIND_PRODUCER"));
    let child = |number: u64, name: &str, kind: &str, attributes: &[Value]| {
        let mut one = span(2, number, START_UNIX_NANOS + number);
        (one["name"], one["kind"]) = (json!(name), json!(kind));
        (one["parentSpanId"], one["attributes"]) = (json!(id(1)), json!(attributes));
        one
    };
    let number = |key: &str| attribute(key, &json!({ "intValue": "123" }));
    let bool_false = attribute("bool", &json!({ "boolValue": false }));
    let mut first =
        child(2, "hello", "SPAN_KIND_CLIENT", &[text("foo", "def"), number("bar"), bool_false]);
    first["events"] = json!([{
        "timeUnixNano": START_UNIX_NANOS.to_string(),
        "name": "e",
        "attributes": [text("message", "exception")],
    }]);
    first["links"] = json!([{
        "traceId": format!("{:032x}", 9),
        "spanId": id(9),
        "attributes": [text("opentracing.ref_type", "child-of")],
    }]);
    let second = child(3, "other", "SPAN_KIND_SERVER", &[text("foo", "ghi")]);
    let service = |name: &str, namespace: &str, value: &str| {
        vec![text("service.name", name), text("namespace", namespace), text("foo", value)]
    };
    let mut of_first = service("myservice", "namespace", "abc");
    of_first.push(number("asdf"));
    request(&[
        resource_spans(&[], &json!({}), &[root]),
        resource_spans(&of_first, &json!({}), &[first]),
        resource_spans(&service("service2", "namespace2", "abc2"), &json!({}), &[second]),
    ])
}
