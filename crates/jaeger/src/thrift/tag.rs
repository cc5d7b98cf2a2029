//! Tags: keys with typed values.

use spandrel_proto::otlp::common::KeyValue;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_translate::thrift::{Kind, Reader};
use spandrel_translate::{Attributes, Room, string};

use crate::JaegerError;

/// What an attribute takes besides its texts, with the growth of its list.
const TAG_BYTES: usize = 2 * size_of::<KeyValue>();

/// Reads a list of tags.
pub(crate) fn read_tags(
    reader: &mut Reader<'_>,
    tags: &mut Attributes,
    room: &mut Room<'_>,
) -> Result<(), JaegerError> {
    let list = reader.list()?;
    for _ in 0..list.len {
        match list.kind {
            Kind::Struct => read_tag(reader, tags, room)?,
            other => reader.skip_element(other)?,
        }
    }
    Ok(())
}

fn read_tag(
    reader: &mut Reader<'_>,
    tags: &mut Attributes,
    room: &mut Room<'_>,
) -> Result<(), JaegerError> {
    let (mut key, mut kind, mut last) = (None, None, 0);
    let (mut text, mut double, mut truth, mut long, mut binary) =
        (None, 0.0, false, 0, &[] as &[u8]);
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Kind::String) => key = Some(reader.text()?),
            (2, Kind::I32) => kind = Some(reader.i32()?),
            (3, Kind::String) => text = Some(reader.text()?),
            (4, Kind::Double) => double = reader.double()?,
            (5, Kind::Bool) => truth = reader.bool(field)?,
            (6, Kind::I64) => long = reader.i64()?,
            (7, Kind::String) => binary = reader.bytes()?,
            _ => reader.skip(field)?,
        }
    }
    let key = required(key, "Tag", "key")?;
    let text = text.unwrap_or_default();
    room.take(TAG_BYTES + key.len() + text.len() + binary.len())?;
    let value = match required(kind, "Tag", "vType")? {
        0 => string(text),
        1 => Value::DoubleValue(double),
        2 => Value::BoolValue(truth),
        3 => Value::IntValue(long),
        4 => Value::BytesValue(bytes::Bytes::copy_from_slice(binary)),
        // The Collector's words, which users may search for.
        _ => string("<Unknown Jaeger TagType \"<UNSET>\">"),
    };
    tags.put(key, value);
    Ok(())
}

/// The value of a field that must be there.
pub(crate) fn required<T>(
    value: Option<T>,
    structure: &'static str,
    field: &'static str,
) -> Result<T, JaegerError> {
    value.ok_or(JaegerError::MissingField { structure, field })
}
