//! Values as text for tables, and the tables.

use std::fs;

use spandrel_ottl::Value;

/// The value, so that its type can be told.
pub(crate) fn render(value: &Value<'_>) -> String {
    match value {
        Value::Nil => "nil".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Double(value) => format!("{value:?}"),
        Value::String(text) => format!("{text:?}"),
        Value::Bytes(bytes) => format!("0x{}", hex(bytes)),
        Value::TraceId(id) => format!("trace id {}", hex(id)),
        Value::SpanId(id) => format!("span id {}", hex(id)),
        Value::Time(time) => format!("time {time}"),
        Value::Duration(nanos) => format!("duration {nanos}ns"),
        Value::List(members) => {
            let members: Vec<String> = members.iter().map(|m| render(&of(Some(m)))).collect();
            format!("[{}]", members.join(", "))
        }
        Value::Map(entries) => {
            let entries = entries
                .iter()
                .map(|entry| format!("{:?}: {}", entry.key, render(&of(entry.value.as_ref()))));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Events(events) => format!("{} events", events.len()),
        Value::Links(links) => format!("{} links", links.len()),
    }
}

fn of(any: Option<&spandrel_proto::otlp::common::AnyValue>) -> Value<'static> {
    use spandrel_proto::otlp::common::any_value::Value as Any;
    match any.and_then(|any| any.value.clone()) {
        None => Value::Nil,
        Some(Any::StringValue(text)) => Value::String(text.into()),
        Some(Any::BoolValue(value)) => Value::Bool(value),
        Some(Any::IntValue(value)) => Value::Int(value),
        Some(Any::DoubleValue(value)) => Value::Double(value),
        Some(Any::BytesValue(bytes)) => Value::Bytes(bytes.to_vec().into()),
        Some(Any::ArrayValue(list)) => Value::List(list.values.into()),
        Some(Any::KvlistValue(map)) => Value::Map(map.values.into()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The lines of a table, cut at `" ==> "`, without comments and blank lines.
pub(crate) fn table(name: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(format!("tests/data/{name}")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let cut = |line: &str| {
        let (left, right) = line.split_once(" ==> ").unwrap_or_else(|| panic!("{line}"));
        (left.trim().to_owned(), right.trim().to_owned())
    };
    lines.map(cut).collect()
}

/// Compares what came of a table with what it says, all lines at once.
pub(crate) fn assert_table(name: &str, evaluate: impl Fn(&str) -> String) {
    let mut wrong = Vec::new();
    for (text, expected) in table(name) {
        let got = evaluate(&text);
        if got != expected {
            wrong.push(format!("{text}\n  expected {expected}\n       got {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} lines of {name} differ:\n{}", wrong.len(), wrong.join("\n"));
}
