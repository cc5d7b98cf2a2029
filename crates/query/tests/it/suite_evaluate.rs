//! The conformance data about pipelines over one trace: evaluate.json and structural_nested_set.json.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use spandrel_model::{Attribute, AttributeValue, Resource, Span, SpanId, Trace, TraceId};
use spandrel_query::whole_trace;
use spandrel_trace_values::TraceValues;
use spandrel_traceql::{Static, compile};

use crate::cases::{pair, span};
use crate::suites::{Outcome, Tally, suite};

/// What a case expects, and what it gets: spansets whose order does not matter.
type Spansets = Vec<(Vec<String>, Vec<(String, String)>)>;

#[test]
fn evaluate_json() {
    let Some(text) = suite("evaluate.json") else { return };
    let data: Value = serde_json::from_str(&text).unwrap();
    let mut tally = Tally::new("evaluate.json", &[]);
    for case in data["cases"].as_array().unwrap() {
        // Rows are about single operators, which the language's own tests run.
        if let Some(query) = case["query"].as_str() {
            tally.count(query, evaluate(query, case));
        }
    }
    tally.finish();
}

fn evaluate(query: &str, case: &Value) -> Outcome {
    let query = match compile(query) {
        Ok(query) => query,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let mut got = Spansets::new();
    for spanset in case["input"].as_array().unwrap() {
        let spans = spanset["spans"].as_array().unwrap();
        let trace = trace_of(spans.iter().zip(1..).map(span_of_json).collect());
        let values = TraceValues::new(&trace, query.attributes().into_iter());
        // What has no value is not found.
        for found in values.query(&query.root).unwrap_or_default() {
            let spans = found.spans.iter().map(|index| {
                let number: usize = trace.spans[*index as usize].trace_state.parse().unwrap();
                spans[number - 1].to_string()
            });
            let attributes = found.attributes.iter();
            let attributes = attributes.map(|(name, value)| (name.to_string(), value.to_string()));
            got.push((sorted(spans.collect()), sorted(attributes.collect())));
        }
    }
    let wanted = match case["matches"].as_bool() {
        Some(true) => case["input"].as_array().unwrap().as_slice(),
        Some(false) => &[],
        None => case["output"].as_array().unwrap(),
    };
    let wanted = wanted.iter().map(|spanset| {
        let spans = spanset["spans"].as_array().unwrap().iter().map(Value::to_string);
        let attributes = spanset["attributes"].as_array().into_iter().flatten().map(|attribute| {
            let name = attribute["name"].as_str().unwrap().to_owned();
            (name, static_of_json(&attribute["value"]).to_string())
        });
        (sorted(spans.collect()), sorted(attributes.collect()))
    });
    let (got, wanted) = (sorted(got), sorted(wanted.collect()));
    Outcome::of(got == wanted, || format!("got {got:?}, wanted {wanted:?}"))
}

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort();
    all
}

/// A whole trace; each span knows its number in the case.
fn trace_of(spans: Vec<Span>) -> Trace {
    whole_trace(TraceId([1; 16]), spans, 2)
}

fn span_of_json((json, number): (&Value, u64)) -> Span {
    let nested = &json["nestedSet"];
    let id = nested["left"].as_u64().map_or(number, |left| 1000 + left);
    let parent = nested["parent"].as_u64().filter(|parent| *parent > 0).map(|parent| 1000 + parent);
    let mut made = span(1, id, parent);
    made.trace_id = TraceId([1; 16]);
    made.trace_state = number.to_string();
    (made.attributes, made.resource) = (Vec::new(), Arc::default());
    for (name, value) in json["attributes"].as_object().unwrap() {
        if name == "duration" {
            let nanos = value["value"].as_u64().unwrap();
            made.end_unix_nanos = made.start_unix_nanos + nanos;
        } else if let Some(name) = name.strip_prefix("resource.") {
            let attributes = vec![Attribute { key: name.to_owned(), value: value_of_json(value) }];
            made.resource = Arc::new(Resource { attributes, ..Resource::default() });
        } else {
            let name = name.strip_prefix("span.").unwrap_or(name);
            let name = name.strip_prefix('.').unwrap_or(name);
            made.attributes.push(pair(name, value_of_json(value)));
        }
    }
    made
}

/// No attribute of OTLP is a duration, but whole numbers compare with them as well.
fn value_of_json(json: &Value) -> AttributeValue {
    let element = |kind: &str, value: &Value| match kind {
        "int" | "duration" => AttributeValue::Int(value.as_i64().unwrap()),
        "float" => AttributeValue::Double(value.as_f64().unwrap()),
        "bool" => AttributeValue::Bool(value.as_bool().unwrap()),
        _ => AttributeValue::String(value.as_str().unwrap().to_owned()),
    };
    let kind = json["type"].as_str().unwrap();
    match kind.strip_suffix("[]") {
        Some(kind) => {
            let elements = json["value"].as_array().unwrap().iter();
            AttributeValue::Array(elements.map(|value| element(kind, value)).collect())
        }
        None => element(kind, &json["value"]),
    }
}

fn static_of_json(json: &Value) -> Static {
    let value = &json["value"];
    match json["type"].as_str().unwrap() {
        "int" => Static::Int(value.as_i64().unwrap()),
        "duration" => Static::Duration(value.as_i64().unwrap()),
        "float" => Static::Float(value.as_f64().unwrap()),
        "bool" => Static::Bool(value.as_bool().unwrap()),
        _ => Static::String(value.as_str().unwrap().to_owned()),
    }
}

#[test]
fn structural_nested_set_json() {
    let Some(text) = suite("structural_nested_set.json") else { return };
    let data: Value = serde_json::from_str(&text).unwrap();
    let mut tally = Tally::new("structural_nested_set.json", &[]);
    for case in data["cases"].as_array().unwrap() {
        let test = case["spans"].as_str().unwrap();
        let name = format!("{test} {}", case["name"].as_str().unwrap());
        tally.count(&name, structural(test, case, &data["spans"][test]));
    }
    tally.finish();
}

fn structural(test: &str, case: &Value, spans: &Value) -> Outcome {
    let names = |side: &str| {
        let names = case[side].as_array().into_iter().flatten();
        sorted(names.map(|name| name.as_str().unwrap().to_owned()).collect())
    };
    let (left, right, wanted) = (names("lhs"), names("rhs"), names("expected"));
    let op = match (test, case["invert"] == true) {
        ("TestDescendantOf", false) => ">>",
        ("TestDescendantOf", true) => "<<",
        ("TestChildOf", false) => ">",
        ("TestChildOf", true) => "<",
        _ => "~",
    };
    let mode = match (case["falseForAll"] == true, case["union"] == true) {
        (true, _) => "!",
        (_, true) => "&",
        _ => "",
    };
    let query = compile(&format!("{{ .left }} {mode}{op} {{ .right }}")).unwrap();
    let mut made = spans_of_sets(spans);
    for (name, span) in &mut made {
        let is_in = |side: &[String]| AttributeValue::Bool(side.contains(name));
        span.attributes = vec![pair("left", is_in(&left)), pair("right", is_in(&right))];
        span.trace_state.clone_from(name);
    }
    let trace = trace_of(made.into_values().collect());
    let values = TraceValues::new(&trace, query.attributes().into_iter());
    let found = values.query(&query.root).unwrap();
    let got = found.iter().flat_map(|spanset| &spanset.spans);
    let got = sorted(got.map(|i| trace.spans[*i as usize].trace_state.clone()).collect());
    Outcome::of(got == wanted, || format!("got {got:?}, wanted {wanted:?}"))
}

/// Spans with ids that make the tree of the numbers: a parent is given by its left number, or it is the
/// narrowest set around.
fn spans_of_sets(spans: &Value) -> BTreeMap<String, Span> {
    let spans = spans.as_object().unwrap();
    let number = |span: &Value, key: &str| span[format!("nestedSet{key}")].as_i64();
    let made = spans.iter().zip(1..).filter(|((_, set), _)| **set != json!({}));
    let made = made.map(|((name, set), i): ((&String, &Value), u64)| {
        let id = number(set, "Left").map_or(500 + i, |left| left.cast_unsigned());
        let around = || {
            let (left, right) = (number(set, "Left")?, number(set, "Right")?);
            let lefts = spans.values().filter_map(|other| {
                let (other_left, other_right) = (number(other, "Left")?, number(other, "Right")?);
                (other_left < left && right < other_right).then_some(other_left)
            });
            lefts.max()
        };
        let parent = number(set, "Parent").or_else(around).filter(|parent| *parent > 0);
        let made = Span {
            trace_id: TraceId([1; 16]),
            span_id: SpanId(id.to_be_bytes()),
            parent_span_id: parent.map(|id| SpanId(id.to_be_bytes())),
            ..span(1, 1, None)
        };
        (name.clone(), made)
    });
    made.collect()
}
