//! Attribute values as text, for labels that can only be text; the same text as the Collector writes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use spandrel_otlp::ValueView;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, ArrayValue, KeyValueList};

/// The value as an owned message. A list or map that is damaged becomes empty.
pub fn owned_value(view: &ValueView<'_>) -> AnyValue {
    let value = match *view {
        ValueView::Empty => return AnyValue::default(),
        ValueView::String(text) => Value::StringValue(lossy(text)),
        ValueView::Bool(truth) => Value::BoolValue(truth),
        ValueView::Int(number) => Value::IntValue(number),
        ValueView::Double(number) => Value::DoubleValue(number),
        ValueView::Bytes(bytes) => Value::BytesValue(bytes.to_vec().into()),
        ValueView::Array(message) => {
            Value::ArrayValue(ArrayValue::decode(message).unwrap_or_default())
        }
        ValueView::Map(message) => {
            Value::KvlistValue(KeyValueList::decode(message).unwrap_or_default())
        }
    };
    AnyValue { value: Some(value) }
}

/// The value as text: text as it is, numbers in decimal, bytes in base64, lists and maps in JSON.
pub fn view_text(view: &ValueView<'_>) -> String {
    match view {
        ValueView::String(text) => lossy(text),
        other => value_text(&owned_value(other)),
    }
}

/// As [`view_text`].
pub fn value_text(value: &AnyValue) -> String {
    match &value.value {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number_text(*number),
        Some(Value::BytesValue(bytes)) => STANDARD.encode(bytes),
        Some(Value::ArrayValue(_) | Value::KvlistValue(_)) => json(value).to_string(),
    }
}

/// Text that may be no UTF-8.
pub fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// As Go's JSON encoder writes a number: without an exponent unless it is very small or very large.
fn number_text(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && size.is_finite() && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        return if size >= 1e21 { text.replace('e', "e+") } else { text };
    }
    number.to_string()
}

fn json(value: &AnyValue) -> serde_json::Value {
    match &value.value {
        None => serde_json::Value::Null,
        Some(Value::BoolValue(truth)) => (*truth).into(),
        Some(Value::IntValue(number)) => (*number).into(),
        Some(Value::DoubleValue(number)) => (*number).into(),
        Some(Value::StringValue(text)) => text.as_str().into(),
        Some(Value::BytesValue(bytes)) => STANDARD.encode(bytes).into(),
        Some(Value::ArrayValue(array)) => array.values.iter().map(json).collect(),
        Some(Value::KvlistValue(map)) => {
            let pairs = map.values.iter().map(|pair| {
                (pair.key.clone(), pair.value.as_ref().map_or(serde_json::Value::Null, json))
            });
            serde_json::Value::Object(pairs.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use spandrel_proto::otlp::common::KeyValue;

    use super::*;

    #[test]
    fn values_read_as_the_collector_writes_them() {
        let text = |view: ValueView<'_>| view_text(&view);
        assert_eq!(text(ValueView::Empty), "");
        assert_eq!(text(ValueView::String(b"a\xff")), "a\u{fffd}");
        assert_eq!(text(ValueView::Bool(true)), "true");
        assert_eq!(text(ValueView::Int(-7)), "-7");
        assert_eq!(text(ValueView::Bytes(b"hi")), "aGk=");
        let numbers = [0.0, 1.0, 0.85, 1e20, 1e21, 1e-6, 2.5e-7];
        let texts = numbers.map(|number| text(ValueView::Double(number)));
        let expected = ["0", "1", "0.85", "100000000000000000000", "1e+21", "0.000001", "2.5e-7"];
        assert_eq!(texts, expected);
        let number = AnyValue { value: Some(Value::IntValue(1)) };
        let map = KeyValueList {
            values: vec![
                KeyValue { key: "b".into(), value: Some(number.clone()) },
                KeyValue { key: "a".into(), value: None },
            ],
        };
        assert_eq!(text(ValueView::Map(&map.encode_to_vec())), r#"{"a":null,"b":1}"#);
        let array = ArrayValue { values: vec![number] };
        assert_eq!(text(ValueView::Array(&array.encode_to_vec())), "[1]");
        assert_eq!(text(ValueView::Array(b"\xff")), "[]");
    }
}
