//! Version 1 in Thrift: `zipkinCore.thrift`, a list of spans in the binary protocol.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_translate::thrift::{Kind, Protocol, Reader};
use spandrel_translate::{NoRoom, Room, Translated, string};

use super::{BinaryAnnotation, Translation, V1Annotation, V1Span};
use crate::{Endpoint, Options, ZipkinError};

/// What an annotation takes besides its texts, with the growth of its list and its translation.
const ANNOTATION_BYTES: usize = 4 * size_of::<BinaryAnnotation>();

/// Translates a list of spans.
///
/// # Errors
/// [`ZipkinError`] when it is none or too large for the room.
pub fn v1_thrift(
    body: &[u8],
    options: Options,
    room: &mut Room<'_>,
) -> Result<Translated, ZipkinError> {
    // Spans without a time keep none: only in JSON the Collector gives them one.
    let mut translation = Translation::new(options, 0);
    let mut reader = Reader::new(body, Protocol::Binary);
    let list = reader.list()?;
    for _ in 0..list.len {
        let span = read_span(&mut reader, room)?;
        translation.add(span, room)?;
    }
    Ok(translation.builder.finish())
}

fn read_span(reader: &mut Reader<'_>, room: &mut Room<'_>) -> Result<V1Span, ZipkinError> {
    let (mut span, mut low, mut high, mut last) = (V1Span::default(), 0, 0, 0);
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Kind::I64) => low = reader.i64()?.cast_unsigned(),
            (3, Kind::String) => span.name = owned(&reader.text()?, room)?,
            (4, Kind::I64) => span.id = reader.i64()?.cast_unsigned(),
            (5, Kind::I64) => span.parent_id = reader.i64()?.cast_unsigned(),
            (6, Kind::List) => span.annotations = read_list(reader, room, read_annotation)?,
            (8, Kind::List) => span.binary_annotations = read_list(reader, room, read_binary)?,
            (10, Kind::I64) => span.timestamp_micros = Some(reader.i64()?),
            (11, Kind::I64) => span.duration_micros = reader.i64()?,
            (12, Kind::I64) => high = reader.i64()?.cast_unsigned(),
            _ => reader.skip(field)?,
        }
    }
    span.trace_id = u128::from(high) << 64 | u128::from(low);
    Ok(span)
}

fn read_list<'a, T>(
    reader: &mut Reader<'a>,
    room: &mut Room<'_>,
    read: impl Fn(&mut Reader<'a>, &mut Room<'_>) -> Result<T, ZipkinError>,
) -> Result<Vec<T>, ZipkinError> {
    let list = reader.list()?;
    let mut items = Vec::new();
    for _ in 0..list.len {
        match list.kind {
            Kind::Struct => {
                room.take(ANNOTATION_BYTES)?;
                items.push(read(reader, room)?);
            }
            other => reader.skip_element(other)?,
        }
    }
    Ok(items)
}

fn read_annotation(
    reader: &mut Reader<'_>,
    room: &mut Room<'_>,
) -> Result<V1Annotation, ZipkinError> {
    let (mut timestamp_micros, mut value, mut endpoint, mut last) = (0, String::new(), None, 0);
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Kind::I64) => timestamp_micros = reader.i64()?,
            (2, Kind::String) => value = owned(&reader.text()?, room)?,
            (3, Kind::Struct) => endpoint = Some(read_endpoint(reader, room)?),
            _ => reader.skip(field)?,
        }
    }
    Ok(V1Annotation { timestamp_micros, value, endpoint })
}

fn read_binary(
    reader: &mut Reader<'_>,
    room: &mut Room<'_>,
) -> Result<BinaryAnnotation, ZipkinError> {
    let (mut key, mut bytes, mut kind, mut endpoint) = (String::new(), &[] as &[u8], 0, None);
    let mut last = 0;
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Kind::String) => key = owned(&reader.text()?, room)?,
            (2, Kind::String) => bytes = reader.bytes()?,
            (3, Kind::I32) => kind = reader.i32()?,
            (4, Kind::Struct) => endpoint = Some(read_endpoint(reader, room)?),
            _ => reader.skip(field)?,
        }
    }
    room.take(2 * bytes.len())?;
    Ok(BinaryAnnotation { key, value: value_of(kind, bytes), endpoint })
}

/// The value of a binary annotation by its type; what does not fit the type says so, as in the Collector.
fn value_of(kind: i32, bytes: &[u8]) -> Value {
    let too_short = || string("<not enough bytes representing the number>");
    let integer = |number: Option<i64>| number.map_or_else(too_short, Value::IntValue);
    match kind {
        0 => Value::BoolValue(bytes == [1]),
        1 => string(STANDARD.encode(bytes)),
        2 => integer(bytes.first_chunk().map(|chunk| i64::from(i16::from_be_bytes(*chunk)))),
        3 => integer(bytes.first_chunk().map(|chunk| i64::from(i32::from_be_bytes(*chunk)))),
        4 => integer(bytes.first_chunk().map(|chunk| i64::from_be_bytes(*chunk))),
        5 => {
            let number = bytes.first_chunk().map(|chunk| f64::from_be_bytes(*chunk));
            number.map_or_else(too_short, Value::DoubleValue)
        }
        6 => string(String::from_utf8_lossy(bytes)),
        _ => string(format!("<unknown zipkin v1 binary annotation type ({kind})>")),
    }
}

fn read_endpoint(reader: &mut Reader<'_>, room: &mut Room<'_>) -> Result<Endpoint, ZipkinError> {
    let (mut endpoint, mut last) = (Endpoint::default(), 0);
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Kind::I32) => {
                let address = Ipv4Addr::from(reader.i32()?.cast_unsigned());
                endpoint.ipv4 = Some(address).filter(|address| !address.is_unspecified());
            }
            (2, Kind::I16) => endpoint.port = reader.i16()?.cast_unsigned(),
            (3, Kind::String) => endpoint.service_name = owned(&reader.text()?, room)?,
            (4, Kind::String) => {
                let bytes = <[u8; 16]>::try_from(reader.bytes()?).ok();
                endpoint.ipv6 = bytes.map(Ipv6Addr::from);
            }
            _ => reader.skip(field)?,
        }
    }
    Ok(endpoint)
}

fn owned(text: &str, room: &mut Room<'_>) -> Result<String, NoRoom> {
    room.take(2 * text.len())?;
    Ok(text.to_owned())
}
