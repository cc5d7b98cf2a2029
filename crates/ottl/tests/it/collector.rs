//! What the Collector says to the same expressions; the file says how it was asked.

use serde_json::{Value as Json, json};
use spandrel_ottl::{Context, Functions, Value, ValueExpression, View};
use spandrel_proto::otlp::common::any_value::Value as Any;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::{ResourceSpans, Span};

fn json_of(value: &Value<'_>) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Double(value) => json!(value),
        Value::String(text) => json!(text),
        Value::List(members) => members.iter().map(|member| of_any(Some(member))).collect(),
        Value::Map(entries) => map(entries),
        other => panic!("no JSON: {other:?}"),
    }
}

fn map(entries: &[KeyValue]) -> Json {
    let entries = entries.iter().map(|entry| (entry.key.clone(), of_any(entry.value.as_ref())));
    Json::Object(entries.collect())
}

fn of_any(any: Option<&AnyValue>) -> Json {
    match any.and_then(|any| any.value.as_ref()) {
        None => Json::Null,
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::BoolValue(value)) => json!(value),
        Some(Any::IntValue(value)) => json!(value),
        Some(Any::DoubleValue(value)) => json!(value),
        Some(Any::ArrayValue(list)) => list.values.iter().map(|one| of_any(Some(one))).collect(),
        Some(Any::KvlistValue(list)) => map(&list.values),
        Some(other) => panic!("no JSON: {other:?}"),
    }
}

/// Numbers of JSON have no types: 200 and 200.0 are the same.
fn same(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => left.as_f64() == right.as_f64(),
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, value)| right.get(key).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

#[test]
fn values_are_those_of_the_collector() {
    let functions = Functions::standard();
    let (resource_spans, span) = (
        ResourceSpans { resource: Some(Resource::default()), ..ResourceSpans::default() },
        Span::default(),
    );
    let view = View::of(&resource_spans).with_span(&span);
    let lines = std::fs::read_to_string("tests/data/collector.jsonl").unwrap();
    let mut wrong = Vec::new();
    for line in lines.lines().filter(|line| !line.starts_with('#')) {
        let line: Json = serde_json::from_str(line).unwrap();
        let text = line["text"].as_str().unwrap();
        let value = ValueExpression::compile(text, Context::Span, &functions)
            .map_err(|error| error.to_string())
            .and_then(|value| {
                value.evaluate(&view).map(|v| json_of(&v)).map_err(|e| e.to_string())
            });
        let fails = line.get("error").is_some() || line.get("unsupported").is_some();
        let is_right = match &value {
            Ok(value) => !fails && same(value, &line["value"]),
            Err(_) => fails,
        };
        if !is_right {
            wrong.push(format!("{text}\n  here  {value:?}\n  there {line}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
