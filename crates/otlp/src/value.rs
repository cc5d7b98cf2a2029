//! Attribute values: `AnyValue`, `KeyValue` and `KeyValueList` messages from and to model values.
//!
//! Merging follows protobuf: of a oneof's fields the last one counts, except that a list that follows a
//! list, or a map a map, continues it. The string table indexes that OTLP has for profiles mean nothing
//! in a trace request; such a value is empty.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use spandrel_model::{Attribute, AttributeValue};

use crate::DecodeError;
use crate::wire::{self, Reader, Value};

/// How deep values may be nested: a list in a list is two levels.
pub const NESTING_MAX: u32 = 64;

/// Reads an `AnyValue` message.
///
/// # Errors
/// See [`DecodeError`]; nothing that [`crate::decode_request`] stored is rejected.
pub fn decode_any_value(bytes: &[u8]) -> Result<AttributeValue, DecodeError> {
    let mut value = AttributeValue::Empty;
    merge_any_value(&mut value, bytes, 0)?;
    Ok(value)
}

/// Reads a `KeyValueList` message. Of duplicate keys the last value counts, at the place of the first.
///
/// # Errors
/// See [`DecodeError`]; nothing that [`crate::decode_request`] stored is rejected.
pub fn decode_key_value_list(bytes: &[u8]) -> Result<Vec<Attribute>, DecodeError> {
    let mut attributes = Vec::new();
    merge_key_value_list(&mut attributes, bytes, 0)?;
    Ok(keep_last_values(attributes))
}

/// Reads a `KeyValue` message.
pub(crate) fn decode_key_value(bytes: &[u8], depth: u32) -> Result<Attribute, DecodeError> {
    let mut attribute = Attribute { key: String::new(), value: AttributeValue::Empty };
    let mut reader = Reader::new(bytes, "KeyValue");
    while let Some((field, value)) = reader.next_field()? {
        match (field, value) {
            (1, Value::Bytes(key)) => attribute.key = text(key),
            (2, Value::Bytes(any)) => merge_any_value(&mut attribute.value, any, depth)?,
            (3, Value::Varint(_)) => {}
            (1..=3, _) => return Err(reader.wrong_wire_type(field)),
            _ => {}
        }
    }
    Ok(attribute)
}

/// A string field's value; invalid UTF-8 is replaced.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Leaves one attribute per key: the last value, at the place of the first.
pub(crate) fn keep_last_values(attributes: Vec<Attribute>) -> Vec<Attribute> {
    let mut keys: Vec<&str> = attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    keys.sort_unstable();
    if keys.array_windows().all(|[a, b]| a != b) {
        return attributes;
    }
    let mut places = BTreeMap::new();
    let mut kept = Vec::new();
    for attribute in attributes {
        match places.entry(attribute.key.clone()) {
            Entry::Occupied(place) => kept[*place.get()] = attribute,
            Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push(attribute);
            }
        }
    }
    kept
}

fn merge_any_value(into: &mut AttributeValue, bytes: &[u8], depth: u32) -> Result<(), DecodeError> {
    check_depth(depth)?;
    let mut reader = Reader::new(bytes, "AnyValue");
    while let Some((field, value)) = reader.next_field()? {
        *into = match (field, value) {
            (1, Value::Bytes(bytes)) => AttributeValue::String(text(bytes)),
            (2, Value::Varint(number)) => AttributeValue::Bool(number != 0),
            (3, Value::Varint(number)) => AttributeValue::Int(number.cast_signed()),
            (4, Value::Fixed64(bits)) => AttributeValue::Double(f64::from_bits(bits)),
            (5, Value::Bytes(list)) => {
                let mut values = match std::mem::replace(into, AttributeValue::Empty) {
                    AttributeValue::Array(values) => values,
                    _ => Vec::new(),
                };
                merge_array(&mut values, list, depth)?;
                AttributeValue::Array(values)
            }
            (6, Value::Bytes(list)) => {
                let mut values = match std::mem::replace(into, AttributeValue::Empty) {
                    AttributeValue::KeyValueList(values) => values,
                    _ => Vec::new(),
                };
                merge_key_value_list(&mut values, list, depth + 1)?;
                AttributeValue::KeyValueList(values)
            }
            (7, Value::Bytes(bytes)) => AttributeValue::Bytes(bytes.to_vec()),
            (8, Value::Varint(_)) => AttributeValue::Empty,
            (1..=8, _) => return Err(reader.wrong_wire_type(field)),
            _ => continue,
        };
    }
    Ok(())
}

fn merge_array(
    into: &mut Vec<AttributeValue>,
    bytes: &[u8],
    depth: u32,
) -> Result<(), DecodeError> {
    let mut reader = Reader::new(bytes, "ArrayValue");
    while let Some((field, value)) = reader.next_field()? {
        match (field, value) {
            (1, Value::Bytes(element)) => {
                let mut value = AttributeValue::Empty;
                merge_any_value(&mut value, element, depth + 1)?;
                into.push(value);
            }
            (1, _) => return Err(reader.wrong_wire_type(1)),
            _ => {}
        }
    }
    Ok(())
}

fn merge_key_value_list(
    into: &mut Vec<Attribute>,
    bytes: &[u8],
    depth: u32,
) -> Result<(), DecodeError> {
    let mut reader = Reader::new(bytes, "KeyValueList");
    while let Some((field, value)) = reader.next_field()? {
        match (field, value) {
            (1, Value::Bytes(pair)) => into.push(decode_key_value(pair, depth)?),
            (1, _) => return Err(reader.wrong_wire_type(1)),
            _ => {}
        }
    }
    Ok(())
}

fn check_depth(depth: u32) -> Result<(), DecodeError> {
    if depth > NESTING_MAX {
        return Err(DecodeError::TooDeep { message: "AnyValue", max: NESTING_MAX });
    }
    Ok(())
}

/// Whether a `KeyValue` message can be decoded, without decoding it.
pub(crate) fn check_key_value(bytes: &[u8], depth: u32) -> Result<(), DecodeError> {
    let mut reader = Reader::new(bytes, "KeyValue");
    while let Some((field, value)) = reader.next_field()? {
        match (field, value) {
            (1, Value::Bytes(_)) | (3, Value::Varint(_)) => {}
            (2, Value::Bytes(any)) => check_any_value(any, depth)?,
            (1..=3, _) => return Err(reader.wrong_wire_type(field)),
            _ => {}
        }
    }
    Ok(())
}

/// Whether an `AnyValue` message can be decoded, without decoding it.
pub(crate) fn check_any_value(bytes: &[u8], depth: u32) -> Result<(), DecodeError> {
    check_depth(depth)?;
    let mut reader = Reader::new(bytes, "AnyValue");
    while let Some((field, value)) = reader.next_field()? {
        match (field, value) {
            (1 | 7, Value::Bytes(_)) | (2 | 3 | 8, Value::Varint(_)) | (4, Value::Fixed64(_)) => {}
            (5 | 6, Value::Bytes(list)) => check_nested(field, list, depth + 1)?,
            (1..=8, _) => return Err(reader.wrong_wire_type(field)),
            _ => {}
        }
    }
    Ok(())
}

/// Whether the content of an `AnyValue`'s field 5 (list) or 6 (map) can be decoded.
pub(crate) fn check_nested(field: u32, bytes: &[u8], depth: u32) -> Result<(), DecodeError> {
    let mut reader = Reader::new(bytes, if field == 5 { "ArrayValue" } else { "KeyValueList" });
    while let Some((number, value)) = reader.next_field()? {
        match (number, value) {
            (1, Value::Bytes(element)) if field == 5 => check_any_value(element, depth)?,
            (1, Value::Bytes(pair)) => check_key_value(pair, depth)?,
            (1, _) => return Err(reader.wrong_wire_type(1)),
            _ => {}
        }
    }
    Ok(())
}

/// Appends the content of an `AnyValue` message.
pub fn encode_any_value(value: &AttributeValue, out: &mut Vec<u8>) {
    match value {
        AttributeValue::Empty => {}
        AttributeValue::String(text) => wire::put_bytes_field(out, 1, text.as_bytes()),
        AttributeValue::Bool(truth) => wire::put_varint_field(out, 2, u64::from(*truth)),
        AttributeValue::Int(number) => wire::put_varint_field(out, 3, number.cast_unsigned()),
        AttributeValue::Double(number) => wire::put_fixed64_field(out, 4, number.to_bits()),
        AttributeValue::Array(values) => wire::put_message_field(out, 5, |out| {
            for value in values {
                wire::put_message_field(out, 1, |out| encode_any_value(value, out));
            }
        }),
        AttributeValue::KeyValueList(attributes) => {
            wire::put_message_field(out, 6, |out| encode_key_value_list(attributes, out));
        }
        AttributeValue::Bytes(bytes) => wire::put_bytes_field(out, 7, bytes),
    }
}

/// Appends the content of a `KeyValue` message.
pub fn encode_key_value(attribute: &Attribute, out: &mut Vec<u8>) {
    wire::put_bytes_field(out, 1, attribute.key.as_bytes());
    wire::put_message_field(out, 2, |out| encode_any_value(&attribute.value, out));
}

/// Appends the content of a `KeyValueList` message.
pub fn encode_key_value_list(attributes: &[Attribute], out: &mut Vec<u8>) {
    encode_attributes(1, attributes, out);
}

/// Appends one `KeyValue` field with this number per attribute.
pub(crate) fn encode_attributes(field: u32, attributes: &[Attribute], out: &mut Vec<u8>) {
    for attribute in attributes {
        wire::put_message_field(out, field, |out| encode_key_value(attribute, out));
    }
}

#[cfg(test)]
mod tests;
