//! `evaluate.json`: a query over spansets. Each spanset of the input is a trace here.

use serde_json::{Value, json};

use crate::otlp::{START_UNIX_NANOS, attribute, id, request, resource_spans, span, typed};

/// Spans of a spanset, and its own attributes: key and value as Tempo's JSON has it. Both sorted.
pub type Spanset = (Vec<String>, Vec<(String, String)>);

/// The trace of one spanset of the input. Its spans start one nanosecond after the other.
///
/// # Panics
/// When the spanset has another shape.
pub fn request_of(spanset: &Value, trace_id: u128) -> Value {
    let spans = spanset["spans"].as_array().unwrap().iter().zip(1..);
    let spans = spans.map(|(json, number): (&Value, u64)| {
        let nested = &json["nestedSet"];
        let span_id = nested["left"].as_u64().map_or(number, |left| 1000 + left);
        let mut one = span(trace_id, span_id, START_UNIX_NANOS + number);
        if let Some(parent) = nested["parent"].as_u64().filter(|parent| *parent > 0) {
            one["parentSpanId"] = json!(id(1000 + parent));
        }
        let (mut resource, mut attributes) = (Vec::new(), Vec::new());
        for (name, value) in json["attributes"].as_object().unwrap() {
            if name == "duration" {
                let end = START_UNIX_NANOS + number + value["value"].as_u64().unwrap();
                one["endTimeUnixNano"] = json!(end.to_string());
            } else if let Some(name) = name.strip_prefix("resource.") {
                resource.push(attribute(name, &typed(value)));
            } else {
                let name = name.strip_prefix("span.").unwrap_or(name);
                let name = name.strip_prefix('.').unwrap_or(name);
                attributes.push(attribute(name, &typed(value)));
            }
        }
        one["attributes"] = json!(attributes);
        resource_spans(&resource, &json!({}), &[one])
    });
    request(&spans.collect::<Vec<_>>())
}

/// The text by which a span of the input is known that starts at this time.
///
/// # Panics
/// When there is none.
pub fn span_starting_at(spanset: &Value, start_unix_nanos: u64) -> String {
    let number = usize::try_from(start_unix_nanos - START_UNIX_NANOS).unwrap();
    spanset["spans"][number - 1].to_string()
}

/// The spansets that a case expects, sorted.
///
/// # Panics
/// When the case has another shape.
pub fn expected(case: &Value) -> Vec<Spanset> {
    let wanted = match case["matches"].as_bool() {
        Some(true) => case["input"].as_array().unwrap().as_slice(),
        Some(false) => &[],
        None => case["output"].as_array().unwrap(),
    };
    let wanted = wanted.iter().map(|spanset| {
        let spans = spanset["spans"].as_array().unwrap().iter().map(Value::to_string);
        let attributes = spanset["attributes"].as_array().into_iter().flatten();
        let attributes = attributes.map(|attribute| {
            (attribute["name"].as_str().unwrap().to_owned(), shown(&attribute["value"]).to_string())
        });
        (sorted(spans), sorted(attributes))
    });
    sorted(wanted)
}

/// A value of the data as an answer has it, where durations are texts.
fn shown(value: &Value) -> Value {
    if value["type"] != "duration" {
        return typed(value);
    }
    let nanos = value["value"].as_u64().unwrap();
    assert_eq!(nanos % 1_000_000, 0, "only whole milliseconds are in the data");
    json!({ "stringValue": format!("{}ms", nanos / 1_000_000) })
}

/// In order.
pub fn sorted<T: Ord>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.into_iter().collect();
    all.sort();
    all
}
