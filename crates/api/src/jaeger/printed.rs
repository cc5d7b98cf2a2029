//! Values of attributes as the texts that Jaeger compares tags with, and shows nested values as.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeMap, Serializer};
use spandrel_model::AttributeValue;

use crate::go_json;

/// The value as a text: numbers as Go prints them, bytes in base64, lists and maps as JSON.
pub(super) fn printed(value: &AttributeValue) -> Cow<'_, str> {
    match value {
        AttributeValue::Empty => Cow::Borrowed(""),
        AttributeValue::String(text) => Cow::Borrowed(text),
        AttributeValue::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        AttributeValue::Int(number) => Cow::Owned(number.to_string()),
        AttributeValue::Double(number) => Cow::Owned(go_json::float_text(*number)),
        AttributeValue::Bytes(bytes) => Cow::Owned(STANDARD.encode(bytes)),
        nested @ (AttributeValue::Array(_) | AttributeValue::KeyValueList(_)) => {
            let json = go_json::to_vec(&Nested(nested));
            Cow::Owned(String::from_utf8(json).expect("a JSON writer writes UTF-8"))
        }
    }
}

/// A value within a JSON text: keys sorted, bytes in base64.
struct Nested<'a>(&'a AttributeValue);

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            AttributeValue::Empty => serializer.serialize_none(),
            AttributeValue::String(text) => serializer.serialize_str(text),
            AttributeValue::Bool(truth) => serializer.serialize_bool(*truth),
            AttributeValue::Int(number) => serializer.serialize_i64(*number),
            AttributeValue::Double(number) => serializer.serialize_f64(*number),
            AttributeValue::Bytes(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
            AttributeValue::Array(values) => serializer.collect_seq(values.iter().map(Nested)),
            AttributeValue::KeyValueList(pairs) => {
                let sorted: BTreeMap<_, _> =
                    pairs.iter().map(|pair| (pair.key.as_str(), &pair.value)).collect();
                let mut map = serializer.serialize_map(Some(sorted.len()))?;
                for (key, value) in sorted {
                    map.serialize_entry(key, &Nested(value))?;
                }
                map.end()
            }
        }
    }
}
