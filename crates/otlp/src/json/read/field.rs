//! The value of one field: which JSON it may be, and what it becomes.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use spandrel_model::{SpanId, TraceId};

use super::{Element, Output};
use crate::json::schema::{Field, Kind, SPAN};
use crate::wire;

/// Reads the value of a field, or one element of a list, and appends it with its tag.
pub(super) struct FieldValue<'o> {
    pub(super) field: &'static Field,
    pub(super) output: &'o mut Output,
}

impl<'de> DeserializeSeed<'de> for FieldValue<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldValue<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = match &self.field.kind {
            Kind::Text => "a string",
            Kind::Texts => "a list of strings",
            Kind::Id(16) => "32 hex digits",
            Kind::Id(_) => "16 hex digits",
            Kind::Bytes => "a string in base64",
            Kind::Bool => "true or false",
            Kind::Int64 => "a signed 64-bit integer",
            Kind::Fixed64 => "an unsigned 64-bit integer",
            Kind::Uint32 | Kind::Fixed32 => "an unsigned 32-bit integer",
            Kind::Double => "a number",
            Kind::Enum(_) => "a number or name",
            Kind::Message(_) => "an object",
            Kind::List(_) | Kind::Spans => "a list of objects",
        };
        write!(f, "{expected} as {}", self.field.name)
    }

    /// Null is absent.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<(), E> {
        match self.field.kind {
            Kind::Bool => {
                self.put_varint(u64::from(truth));
                Ok(())
            }
            _ => Err(E::invalid_type(Unexpected::Bool(truth), &self)),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        let unexpected = Unexpected::Signed(number);
        self.integer(number.into(), unexpected)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        let unexpected = Unexpected::Unsigned(number);
        self.integer(number.into(), unexpected)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        let unexpected = Unexpected::Float(number);
        match self.field.kind {
            Kind::Double => {
                self.put_double(number);
                Ok(())
            }
            // Some senders write large integers as 1e9. The cast saturates, beyond all integer types.
            _ if number.fract() == 0.0 => self.integer(number as i128, unexpected),
            _ => Err(E::invalid_value(unexpected, &self)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let unexpected = Unexpected::Str(text);
        let number = self.field.number;
        match self.field.kind {
            Kind::Text => {
                wire::put_bytes_field(&mut self.output.bytes, number, text.as_bytes());
                return Ok(());
            }
            Kind::Id(length) => {
                if let Some(id) = id_bytes(text, length) {
                    wire::put_bytes_field(&mut self.output.bytes, number, &id);
                    return Ok(());
                }
            }
            Kind::Bytes => {
                if let Ok(bytes) = STANDARD.decode(text) {
                    wire::put_bytes_field(&mut self.output.bytes, number, &bytes);
                    return Ok(());
                }
            }
            Kind::Double => {
                // Takes "NaN", "Infinity" and "-Infinity" as well.
                if let Ok(number) = text.parse() {
                    self.put_double(number);
                    return Ok(());
                }
            }
            Kind::Enum(names) if text.parse::<i32>().is_err() => {
                let number = names.iter().position(|name| *name == text);
                self.put_varint(number.unwrap_or_default() as u64);
                return Ok(());
            }
            _ => {
                if let Ok(number) = text.parse() {
                    return self.integer(number, unexpected);
                }
            }
        }
        Err(E::invalid_value(unexpected, &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { field, output } = self;
        if matches!(field.kind, Kind::Texts) {
            while let Some(text) = list.next_element::<String>()? {
                wire::put_bytes_field(&mut output.bytes, field.number, text.as_bytes());
            }
            return Ok(());
        }
        let fields = match field.kind {
            Kind::List(fields) => fields,
            Kind::Spans => &SPAN,
            _ => return Err(A::Error::invalid_type(Unexpected::Seq, &Self { field, output })),
        };
        let number = field.number;
        while list.next_element_seed(Element { number, fields, output })?.is_some() {
            if matches!(field.kind, Kind::Spans) {
                output.count_span()?;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Kind::Message(fields) = self.field.kind else {
            return Err(A::Error::invalid_type(Unexpected::Map, &self));
        };
        Element { number: self.field.number, fields, output: self.output }.visit_map(map)
    }
}

impl FieldValue<'_> {
    fn put_varint(self, value: u64) {
        wire::put_varint_field(&mut self.output.bytes, self.field.number, value);
    }

    fn put_double(self, value: f64) {
        wire::put_fixed64_field(&mut self.output.bytes, self.field.number, value.to_bits());
    }

    fn integer<E: Error>(self, value: i128, unexpected: Unexpected<'_>) -> Result<(), E> {
        let number = self.field.number;
        match self.field.kind {
            Kind::Int64 => {
                if let Ok(value) = i64::try_from(value) {
                    self.put_varint(value.cast_unsigned());
                    return Ok(());
                }
            }
            Kind::Enum(_) => {
                if let Ok(value) = i32::try_from(value) {
                    self.put_varint(i64::from(value).cast_unsigned());
                    return Ok(());
                }
            }
            Kind::Uint32 => {
                if let Ok(value) = u32::try_from(value) {
                    self.put_varint(value.into());
                    return Ok(());
                }
            }
            Kind::Fixed32 => {
                if let Ok(value) = u32::try_from(value) {
                    wire::put_fixed32_field(&mut self.output.bytes, number, value);
                    return Ok(());
                }
            }
            Kind::Fixed64 => {
                if let Ok(value) = u64::try_from(value) {
                    wire::put_fixed64_field(&mut self.output.bytes, number, value);
                    return Ok(());
                }
            }
            Kind::Double => {
                self.put_double(value as f64);
                return Ok(());
            }
            _ => return Err(E::invalid_type(unexpected, &self)),
        }
        Err(E::invalid_value(unexpected, &self))
    }
}

/// The bytes of an id with exactly `2 * length` hex digits, or of an empty one.
fn id_bytes(text: &str, length: usize) -> Option<Vec<u8>> {
    match (text.len(), length) {
        (0, _) => Some(Vec::new()),
        (32, 16) => TraceId::from_hex(text).ok().map(|id| id.0.to_vec()),
        (16, 8) => SpanId::from_hex(text).ok().map(|id| id.0.to_vec()),
        _ => None,
    }
}
