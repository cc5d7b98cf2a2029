//! Answers in a form in which only that differs which says something: what has no order is known by its name, and
//! statistics are known by their types.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use spandrel_tests::Reply;

/// Lists whose elements have names of their own, and what they are called by.
const NAMED: [(&str, &[&str]); 6] = [
    ("traces", &["traceID"]),
    ("spans", &["spanID"]),
    ("scopes", &["name"]),
    ("samples", &["timestampMs"]),
    ("series", &["labels"]),
    ("attributes", &["key"]),
];
/// Lists in no order.
const UNORDERED: [&str; 5] = ["labels", "spanSets", "tagNames", "tags", "tagValues"];

/// The body of an answer. A text stands for itself.
pub(crate) fn body(reply: &Reply) -> Value {
    match serde_json::from_slice(&reply.body) {
        Ok(Value::Object(answer)) => object(answer),
        _ => json!(reply.text().trim_end()),
    }
}

fn object(members: Map<String, Value>) -> Value {
    let is_ordered = members.get("traces").map(is_newest_first);
    let members = members.into_iter().map(|(name, value)| {
        let value = match name.as_str() {
            "metrics" => types_of(value),
            // A trace lists its spans by resource and scope, in any order and grouping.
            "batches" | "resourceSpans" => by_span(value),
            _ => member(&name, value),
        };
        (name, value)
    });
    let mut members: Map<String, Value> = members.collect();
    members.extend(is_ordered.map(|is| ("tracesAreNewestFirst".to_owned(), json!(is))));
    Value::Object(members)
}

/// The order of a search, which is lost when its traces are known by their ids.
fn is_newest_first(traces: &Value) -> bool {
    let start = |trace: &Value| trace["startTimeUnixNano"].as_str().and_then(|s| s.parse().ok());
    let starts = traces.as_array().into_iter().flatten().map(start);
    starts.collect::<Vec<Option<u64>>>().is_sorted_by(|a, b| a >= b)
}

fn member(name: &str, value: Value) -> Value {
    match value {
        Value::Object(members) => object(members),
        Value::Array(elements) => list(name, elements),
        value => value,
    }
}

fn list(name: &str, elements: Vec<Value>) -> Value {
    let elements = elements.into_iter().map(|element| member("", element));
    if let Some((_, keys)) = NAMED.iter().find(|(list, _)| *list == name) {
        let named = elements.map(|element| (name_of(&element, keys), element));
        return numbered(named.collect());
    }
    let mut elements: Vec<Value> = elements.collect();
    if UNORDERED.contains(&name) {
        elements.sort_by_key(Value::to_string);
    }
    Value::Array(elements)
}

fn name_of(element: &Value, keys: &[&str]) -> String {
    let names = keys.iter().map(|key| match &element[*key] {
        // Ids with and without leading zeros are of one trace.
        Value::String(id) if *key == "traceID" => format!("{id:0>32}"),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    });
    names.collect::<Vec<_>>().join(" ")
}

/// Members by name; one that comes again has a number.
fn numbered(named: Vec<(String, Value)>) -> Value {
    let mut members = Map::new();
    for (name, value) in named {
        let mut free = name.clone();
        let mut number = 2;
        while members.contains_key(&free) {
            free = format!("{name} ({number})");
            number += 1;
        }
        members.insert(free, value);
    }
    Value::Object(members)
}

/// Statistics of two programs are never equal; a number must stay a number, and a text a text.
fn types_of(metrics: Value) -> Value {
    let Value::Object(members) = metrics else { return metrics };
    let kind = |value: Value| match value {
        Value::String(_) => "text",
        Value::Number(_) => "number",
        Value::Object(_) => "object",
        _ => "other",
    };
    members.into_iter().map(|(name, value)| (name, json!(kind(value)))).collect()
}

/// Leaves the statistics that both have: which ones there are depends on what was looked at.
pub(crate) fn keep_common_metrics(ours: &mut Value, theirs: &mut Value) {
    let names = |body: &Value| -> BTreeSet<String> {
        body["metrics"].as_object().into_iter().flat_map(Map::keys).cloned().collect()
    };
    let common = &names(ours) & &names(theirs);
    for body in [ours, theirs] {
        if let Some(Value::Object(metrics)) = body.get_mut("metrics") {
            metrics.retain(|name, _| common.contains(name));
        }
    }
}

/// Every span of a trace with its resource and scope, by id and name.
fn by_span(resource_spans: Value) -> Value {
    let mut spans = Vec::new();
    for mut of_resource in take_list(resource_spans) {
        for mut of_scope in take_list(of_resource["scopeSpans"].take()) {
            for span in take_list(of_scope["spans"].take()) {
                let name = format!("{} {}", span["spanId"], span["name"]);
                let whole = json!({
                    "ofResource": of_resource,
                    "ofScope": of_scope,
                    "span": span,
                });
                spans.push((name, member("", whole)));
            }
        }
    }
    // Of spans that share id and name, the order does not say which is which.
    let sorted: BTreeMap<(String, String), Value> =
        spans.into_iter().map(|(name, span)| ((name, span.to_string()), span)).collect();
    numbered(sorted.into_iter().map(|((name, _), span)| (name, span)).collect())
}

fn take_list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(elements) => elements,
        _ => Vec::new(),
    }
}
