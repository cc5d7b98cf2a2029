//! `structural_nested_set.json`: structural operators over spans that are given by their nested sets.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::otlp::{START_UNIX_NANOS, attribute, id, request, resource_spans, span};

/// A name for a case.
///
/// # Panics
/// When the case has another shape.
pub fn name(case: &Value) -> String {
    format!("{} {}", case["spans"].as_str().unwrap(), case["name"].as_str().unwrap())
}

/// The names of one side of a case, or of what it expects, sorted.
///
/// # Panics
/// When the case has another shape.
pub fn names(case: &Value, side: &str) -> Vec<String> {
    let names = case[side].as_array().into_iter().flatten();
    let mut names: Vec<_> = names.map(|name| name.as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// The query that asks for it: one operator between spans that are marked as left and as right.
pub fn query(case: &Value) -> String {
    let op = match (case["spans"].as_str(), case["invert"] == true) {
        (Some("TestDescendantOf"), false) => ">>",
        (Some("TestDescendantOf"), true) => "<<",
        (Some("TestChildOf"), false) => ">",
        (Some("TestChildOf"), true) => "<",
        _ => "~",
    };
    let mode = match (case["falseForAll"] == true, case["union"] == true) {
        (true, _) => "!",
        (_, true) => "&",
        _ => "",
    };
    format!("{{ .left }} {mode}{op} {{ .right }}")
}

/// The trace of a case, with the names of its spans by span id. A parent is given by its left number, or it
/// is the narrowest set around.
///
/// # Panics
/// When the file has another shape.
pub fn trace(file: &Value, case: &Value, trace_id: u128) -> (Value, BTreeMap<String, String>) {
    let spans = file["spans"][case["spans"].as_str().unwrap()].as_object().unwrap();
    let (left, right) = (names(case, "lhs"), names(case, "rhs"));
    let number = |span: &Value, key: &str| span[format!("nestedSet{key}")].as_i64();
    let (mut made, mut known) = (Vec::new(), BTreeMap::new());
    for ((name, set), i) in spans.iter().zip(1..).filter(|((_, set), _)| **set != json!({})) {
        let span_id = number(set, "Left").map_or(500 + i, i64::cast_unsigned);
        let around = || {
            let (left, right) = (number(set, "Left")?, number(set, "Right")?);
            let lefts = spans.values().filter_map(|other| {
                let (other_left, other_right) = (number(other, "Left")?, number(other, "Right")?);
                (other_left < left && right < other_right).then_some(other_left)
            });
            lefts.max()
        };
        let mut one = span(trace_id, span_id, START_UNIX_NANOS + i);
        let parent = number(set, "Parent").or_else(around).filter(|parent| *parent > 0);
        if let Some(parent) = parent {
            one["parentSpanId"] = json!(id(parent.cast_unsigned()));
        }
        let is_in = |side: &[String]| json!({ "boolValue": side.contains(name) });
        one["attributes"] =
            json!([attribute("left", &is_in(&left)), attribute("right", &is_in(&right))]);
        one["name"] = json!(name);
        made.push(one);
        known.insert(id(span_id), name.clone());
    }
    (request(&[resource_spans(&[], &json!({}), &made)]), known)
}
