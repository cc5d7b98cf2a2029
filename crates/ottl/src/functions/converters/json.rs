//! `ParseJSON`.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use spandrel_proto::otlp::common::any_value::Value as Any;
use spandrel_proto::otlp::common::{AnyValue, ArrayValue, KeyValue, KeyValueList};

use super::super::{Args, Function, Kind, converter, needs};
use crate::error::EvalError;
use crate::value::Value;

type Evaluated<'v> = Result<Value<'v>, EvalError>;

pub(super) const FUNCTIONS: [Function; 1] =
    [converter("ParseJSON", &[needs("target", Kind::Text)], parse_json)];

/// Numbers are floating-point, as in Go.
fn parse_json<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let text = args.text(0)?;
    let parsed: Result<Parsed, _> = serde_json::from_str(&text);
    parsed.map(|parsed| Value::of_owned(parsed.0)).map_err(|error| args.refused(error))
}

/// JSON read straight into the values of attributes; serde_json bounds its depth.
struct Parsed(AnyValue);

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

fn any<E>(value: Any) -> Result<Parsed, E> {
    Ok(Parsed(AnyValue { value: Some(value) }))
}

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Parsed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Parsed, E> {
        Ok(Parsed(AnyValue { value: None }))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Parsed, E> {
        any(Any::BoolValue(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of JSON are floating-point")]
    fn visit_i64<E>(self, value: i64) -> Result<Parsed, E> {
        any(Any::DoubleValue(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of JSON are floating-point")]
    fn visit_u64<E>(self, value: u64) -> Result<Parsed, E> {
        any(Any::DoubleValue(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Parsed, E> {
        any(Any::DoubleValue(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Parsed, E> {
        any(Any::StringValue(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Parsed, E> {
        any(Any::StringValue(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Parsed, A::Error> {
        let mut values = Vec::new();
        while let Some(Parsed(value)) = seq.next_element()? {
            values.push(value);
        }
        any(Any::ArrayValue(ArrayValue { values }))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parsed, A::Error> {
        let mut values: Vec<KeyValue> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        while let Some((key, Parsed(value))) = map.next_entry::<String, Parsed>()? {
            // A key that comes again replaces the value before.
            match places.get(&key).and_then(|place| values.get_mut(*place)) {
                Some(known) => known.value = Some(value),
                None => {
                    places.insert(key.clone(), values.len());
                    values.push(KeyValue { key, value: Some(value) });
                }
            }
        }
        any(Any::KvlistValue(KeyValueList { values }))
    }
}
