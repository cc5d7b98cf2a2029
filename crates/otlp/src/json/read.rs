//! OTLP/JSON requests into `ExportTraceServiceRequest` bytes, so that whatever comes in as JSON is
//! logged, decoded and replayed like everything else.
//!
//! Streams: no JSON tree is built, and the result is about as long as the input at most. As lenient as the
//! OpenTelemetry Collector: names in lower camel or snake case, ids in hex of either case, numbers as
//! numbers or strings, enums as numbers or names (unknown names become 0), unknown fields ignored,
//! `null` as absent. Unlike in protobuf requests, text must be UTF-8. JSON may be nested 128 levels deep,
//! which leaves attribute values below [`crate::NESTING_MAX`].

mod field;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use self::field::FieldValue;
use super::schema::{Field, REQUEST};
use crate::DecodeLimits;
use crate::wire;

/// JSON that is not an OTLP trace request; says what is wrong, in which line and column.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct JsonError(#[from] serde_json::Error);

impl JsonError {
    /// Line of the fault, from 1.
    pub fn line(&self) -> usize {
        self.0.line()
    }

    /// Column of the fault, from 1, in bytes.
    pub fn column(&self) -> usize {
        self.0.column()
    }
}

/// The same request in protobuf.
///
/// # Errors
/// [`JsonError`] when the input is not JSON, a field has a value of another type, an id has the
/// wrong length, or there are more spans than the limits allow.
pub fn json_to_protobuf(json: &[u8], limits: &DecodeLimits) -> Result<Vec<u8>, JsonError> {
    let mut output = Output { bytes: Vec::new(), spans: 0, spans_max: limits.spans_max };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    deserializer.deserialize_map(Message { fields: &REQUEST, output: &mut output })?;
    deserializer.end()?;
    Ok(output.bytes)
}

struct Output {
    bytes: Vec<u8>,
    spans: u32,
    spans_max: u32,
}

/// Reads an object as the content of a message.
struct Message<'o> {
    fields: &'static [Field],
    output: &'o mut Output,
}

impl<'de> Visitor<'de> for Message<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key_seed(Key(self.fields))? {
            match field {
                Some(field) => map.next_value_seed(FieldValue { field, output: self.output })?,
                None => map.next_value::<serde::de::IgnoredAny>().map(drop)?,
            }
        }
        Ok(())
    }
}

/// Finds the field that a key names.
struct Key(&'static [Field]);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<&'static Field>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<&'static Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().find(|field| field.is_called(key)))
    }
}

impl Output {
    fn count_span<E: Error>(&mut self) -> Result<(), E> {
        if self.spans == self.spans_max {
            return Err(E::custom(format_args!(
                "more than {} spans in one request",
                self.spans_max
            )));
        }
        self.spans += 1;
        Ok(())
    }
}

/// Reads an object as a message field.
struct Element<'o> {
    number: u32,
    fields: &'static [Field],
    output: &'o mut Output,
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let open = wire::begin(&mut self.output.bytes, self.number, 0);
        Message { fields: self.fields, output: self.output }.visit_map(map)?;
        wire::end(&mut self.output.bytes, &open);
        Ok(())
    }
}
