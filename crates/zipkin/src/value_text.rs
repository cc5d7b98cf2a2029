//! Values of OTLP as texts, written as the Collector writes them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeMap, Serializer};
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};

/// Values within values; deeper ones are null, as nothing that senders mean is so deep.
const DEPTH_MAX: u32 = 32;

/// A text as it is, other scalars as JSON has them, bytes in base64, lists and maps as JSON.
pub(crate) fn text(value: &AnyValue) -> String {
    match &value.value {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => double(*number),
        Some(Value::BytesValue(bytes)) => STANDARD.encode(bytes),
        Some(Value::ArrayValue(_) | Value::KvlistValue(_)) => {
            to_json(&Json { value, depth: DEPTH_MAX })
        }
    }
}

/// Attributes as a JSON object, keys sorted.
pub(crate) fn object(attributes: &[KeyValue]) -> String {
    to_json(&JsonObject { attributes, depth: DEPTH_MAX })
}

/// A number as JavaScript writes it.
pub(crate) fn double(number: f64) -> String {
    let size = number.abs();
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 || (1e-6..1e21).contains(&size) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text,
    }
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers and maps with text keys can be written")
}

struct Json<'a> {
    value: &'a AnyValue,
    depth: u32,
}

struct JsonObject<'a> {
    attributes: &'a [KeyValue],
    depth: u32,
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(depth) = self.depth.checked_sub(1) else { return serializer.serialize_unit() };
        match &self.value.value {
            None => serializer.serialize_unit(),
            Some(Value::StringValue(text)) => serializer.serialize_str(text),
            Some(Value::BoolValue(truth)) => serializer.serialize_bool(*truth),
            Some(Value::IntValue(number)) => serializer.serialize_i64(*number),
            // JSON has no such numbers.
            Some(Value::DoubleValue(number)) if !number.is_finite() => {
                serializer.serialize_str(&double(*number))
            }
            Some(Value::DoubleValue(number)) => serializer.serialize_f64(*number),
            Some(Value::BytesValue(bytes)) => serializer.serialize_str(&STANDARD.encode(bytes)),
            Some(Value::ArrayValue(array)) => {
                serializer.collect_seq(array.values.iter().map(|value| Json { value, depth }))
            }
            Some(Value::KvlistValue(list)) => {
                JsonObject { attributes: &list.values, depth }.serialize(serializer)
            }
        }
    }
}

impl Serialize for JsonObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nothing = AnyValue::default();
        let sorted: BTreeMap<_, _> = self
            .attributes
            .iter()
            .map(|pair| (pair.key.as_str(), pair.value.as_ref().unwrap_or(&nothing)))
            .collect();
        let mut map = serializer.serialize_map(Some(sorted.len()))?;
        for (key, value) in sorted {
            map.serialize_entry(key, &Json { value, depth: self.depth })?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use spandrel_proto::otlp::common::{ArrayValue, KeyValueList};

    use super::*;

    fn any(value: Value) -> AnyValue {
        AnyValue { value: Some(value) }
    }

    #[test]
    fn numbers_as_javascript_has_them() {
        let cases = [
            (0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.000001, "0.000001"),
            (0.0000001, "1e-7"),
            (1.25e-10, "1.25e-10"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-2.5e300, "-2.5e+300"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ];
        for (number, expected) in cases {
            assert_eq!(double(number), expected);
        }
    }

    #[test]
    fn nested_values_are_json() {
        let pair = |key: &str, value| KeyValue { key: key.to_owned(), value: Some(any(value)) };
        let list = vec![
            pair("z", Value::BytesValue(vec![1, 2].into())),
            pair(
                "a",
                Value::ArrayValue(ArrayValue {
                    values: vec![
                        any(Value::IntValue(1)),
                        AnyValue::default(),
                        any(Value::DoubleValue(f64::NAN)),
                    ],
                }),
            ),
        ];
        assert_eq!(object(&list), r#"{"a":[1,null,"NaN"],"z":"AQI="}"#);
        let map = any(Value::KvlistValue(KeyValueList { values: list }));
        assert_eq!(text(&map), r#"{"a":[1,null,"NaN"],"z":"AQI="}"#);
        let mut deep = any(Value::IntValue(1));
        for _ in 0..100_000 {
            deep = any(Value::ArrayValue(ArrayValue { values: vec![deep] }));
        }
        assert_eq!(text(&deep).len(), 2 * 32 + "null".len());
        // Dropped level by level, or the stack would not do.
        while let Some(Value::ArrayValue(mut array)) = deep.value.take() {
            deep = array.values.remove(0);
        }
    }
}
