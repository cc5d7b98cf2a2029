//! Attribute values: out of the configuration, and as text.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use spandrel_config::{Value as Setting, ValueKind};
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, ArrayValue, KeyValue, KeyValueList};

/// The value that a setting stands for; nothing for null.
pub(crate) fn of_setting(setting: &Setting) -> Option<Value> {
    let any_value = |setting: &Setting| AnyValue { value: of_setting(setting) };
    Some(match &setting.kind {
        ValueKind::Null => return None,
        ValueKind::Bool(value) => Value::BoolValue(*value),
        ValueKind::Int(value) => Value::IntValue(*value),
        ValueKind::Float(value) => Value::DoubleValue(*value),
        ValueKind::String(value) => Value::StringValue(value.clone()),
        ValueKind::List(values) => {
            Value::ArrayValue(ArrayValue { values: values.iter().map(any_value).collect() })
        }
        ValueKind::Map(entries) => Value::KvlistValue(KeyValueList {
            values: entries
                .iter()
                .map(|(key, setting)| KeyValue {
                    key: key.text.to_string(),
                    value: Some(any_value(setting)),
                })
                .collect(),
        }),
    })
}

/// The value as the Collector writes it in a text: lists and maps as JSON, bytes in base64.
pub(crate) fn as_text(value: &Value) -> String {
    match value {
        Value::StringValue(text) => text.clone(),
        Value::BoolValue(value) => value.to_string(),
        Value::IntValue(value) => value.to_string(),
        Value::DoubleValue(value) => double_as_text(*value),
        Value::BytesValue(bytes) => BASE64_STANDARD.encode(bytes),
        Value::ArrayValue(_) | Value::KvlistValue(_) => as_json(Some(value)).to_string(),
    }
}

/// As Go's encoder of JSON writes it.
fn double_as_text(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else if size == 0.0 || (1e-6..1e21).contains(&size) {
        value.to_string()
    } else {
        let text = format!("{value:e}");
        if size < 1.0 { text } else { text.replace('e', "e+") }
    }
}

fn as_json(value: Option<&Value>) -> serde_json::Value {
    let inner = |value: &Option<AnyValue>| as_json(value.as_ref().and_then(|v| v.value.as_ref()));
    match value {
        None => serde_json::Value::Null,
        Some(Value::StringValue(text)) => text.as_str().into(),
        Some(Value::BoolValue(value)) => (*value).into(),
        Some(Value::IntValue(value)) => (*value).into(),
        Some(Value::DoubleValue(value)) => (*value).into(),
        Some(Value::BytesValue(bytes)) => BASE64_STANDARD.encode(bytes).into(),
        Some(Value::ArrayValue(list)) => {
            list.values.iter().map(|value| as_json(value.value.as_ref())).collect()
        }
        Some(Value::KvlistValue(map)) => {
            map.values.iter().map(|pair| (pair.key.clone(), inner(&pair.value))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_the_collector() {
        let list = ArrayValue { values: vec![AnyValue { value: Some(Value::IntValue(1)) }] };
        let pair = |key: &str, value| KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
        };
        let map = KeyValueList {
            values: vec![pair("b", Value::BoolValue(true)), pair("a", Value::DoubleValue(1.5))],
        };
        for (value, text) in [
            (Value::StringValue("x".to_owned()), "x"),
            (Value::BoolValue(true), "true"),
            (Value::IntValue(-5), "-5"),
            (Value::DoubleValue(1.0), "1"),
            (Value::DoubleValue(0.5), "0.5"),
            (Value::DoubleValue(1e21), "1e+21"),
            (Value::DoubleValue(1.5e-7), "1.5e-7"),
            (Value::DoubleValue(f64::NEG_INFINITY), "-Inf"),
            (Value::BytesValue(vec![1, 2, 3].into()), "AQID"),
            (Value::ArrayValue(list), "[1]"),
            (Value::KvlistValue(map), r#"{"a":1.5,"b":true}"#),
        ] {
            assert_eq!(as_text(&value), text);
        }
    }
}
