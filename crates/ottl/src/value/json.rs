//! Values as JSON.

use spandrel_proto::otlp::common::KeyValue;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Value, double_text, text_of};

/// Appends `value` as JSON: keys in order of their names, bytes as base64.
pub(crate) fn write(value: &Value<'_>, out: &mut String) {
    match value {
        Value::Nil => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => out.push_str(&value.to_string()),
        Value::Double(value) if value.is_finite() => out.push_str(&double_text(*value)),
        Value::Bytes(bytes) => string(&STANDARD.encode(bytes), out),
        Value::String(text) => string(text, out),
        Value::List(members) => {
            out.push('[');
            for (index, member) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(&Value::of(member), out);
            }
            out.push(']');
        }
        Value::Map(entries) => map(entries, out),
        other => string(&text_of(other.clone()).unwrap_or_default(), out),
    }
}

fn map(entries: &[KeyValue], out: &mut String) {
    let mut sorted: Vec<&KeyValue> = entries.iter().collect();
    sorted.sort_by(|left, right| left.key.cmp(&right.key));
    out.push('{');
    for (index, entry) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        string(&entry.key, out);
        out.push(':');
        write(&entry.value.as_ref().map_or(Value::Nil, Value::of), out);
    }
    out.push('}');
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
