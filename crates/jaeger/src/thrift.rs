//! `jaeger.thrift`: a batch of spans.
//!
//! Fields that the definition calls required must be there, as in Thrift's own readers. It also means that
//! the shortest span takes some bytes.

mod tag;

use spandrel_proto::otlp::common::InstrumentationScope;
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::Event;
use spandrel_translate::thrift::{Field, Kind, Protocol, Reader};
use spandrel_translate::{Attributes, RequestBuilder, Room, ScopeId, Translated};

use crate::JaegerError;
use crate::process::resource;
use crate::span::{JaegerSpan, Reference, ReferenceKind, event};
use tag::{read_tags, required};

/// What a decoded span takes besides its texts.
const SPAN_BYTES: usize = size_of::<JaegerSpan>();

/// Translates a bare `Batch`, as senders over HTTP write it.
///
/// # Errors
/// [`JaegerError`] when it is damaged or too large for the room.
pub fn thrift_batch(
    body: &[u8],
    protocol: Protocol,
    room: &mut Room<'_>,
) -> Result<Translated, JaegerError> {
    read_batch(&mut Reader::new(body, protocol), room)
}

pub(crate) fn read_batch(
    reader: &mut Reader<'_>,
    room: &mut Room<'_>,
) -> Result<Translated, JaegerError> {
    let mut builder = RequestBuilder::new();
    let scope = builder.add_resource(Resource::default(), InstrumentationScope::default());
    let (mut process, mut has_spans, mut last) = (None, false, 0);
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Kind::Struct) => process = Some(read_process(reader, room)?),
            (2, Kind::List) => {
                read_spans(reader, &mut builder, scope, room)?;
                has_spans = true;
            }
            _ => reader.skip(field)?,
        }
    }
    builder.set_resource(scope, required(process, "Batch", "process")?);
    required(has_spans.then_some(()), "Batch", "spans")?;
    Ok(builder.finish())
}

fn read_process(reader: &mut Reader<'_>, room: &mut Room<'_>) -> Result<Resource, JaegerError> {
    let (mut service_name, mut tags, mut last) = (None, Attributes::new(), 0);
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Kind::String) => service_name = Some(reader.text()?),
            (2, Kind::List) => read_tags(reader, &mut tags, room)?,
            _ => reader.skip(field)?,
        }
    }
    let service_name = required(service_name, "Process", "serviceName")?;
    room.take(service_name.len())?;
    Ok(resource(&service_name, tags))
}

fn read_spans(
    reader: &mut Reader<'_>,
    builder: &mut RequestBuilder,
    scope: ScopeId,
    room: &mut Room<'_>,
) -> Result<(), JaegerError> {
    let list = reader.list()?;
    for _ in 0..list.len {
        if list.kind != Kind::Struct {
            reader.skip_element(list.kind)?;
            continue;
        }
        let span = read_span(reader, room)?;
        if span != JaegerSpan::default() {
            builder.add_span(scope, &span.translate(String::new()), room)?;
        }
    }
    Ok(())
}

/// The required fields of a span, in the order of their ids.
const REQUIRED: [(i16, &str); 8] = [
    (1, "traceIdLow"),
    (2, "traceIdHigh"),
    (3, "spanId"),
    (4, "parentSpanId"),
    (5, "operationName"),
    (7, "flags"),
    (8, "startTime"),
    (9, "duration"),
];

fn read_span(reader: &mut Reader<'_>, room: &mut Room<'_>) -> Result<JaegerSpan, JaegerError> {
    room.take(SPAN_BYTES)?;
    let mut span = JaegerSpan::default();
    let (mut low, mut high, mut start, mut duration) = (0, 0, 0_i64, 0_i64);
    let (mut seen, mut last) = (0_u32, 0);
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Kind::I64) => low = reader.i64()?.cast_unsigned(),
            (2, Kind::I64) => high = reader.i64()?.cast_unsigned(),
            (3, Kind::I64) => span.span_id = reader.i64()?.cast_unsigned(),
            (4, Kind::I64) => span.parent_span_id = reader.i64()?.cast_unsigned(),
            (5, Kind::String) => {
                let name = reader.text()?;
                room.take(name.len())?;
                span.operation_name = name.into_owned();
            }
            (7, Kind::I32) => span.flags = reader.i32()?.cast_unsigned(),
            (8, Kind::I64) => start = reader.i64()?,
            (9, Kind::I64) => duration = reader.i64()?,
            _ => {
                read_lists(reader, field, &mut span, room)?;
                continue;
            }
        }
        seen |= 1 << field.id;
    }
    for (id, name) in REQUIRED {
        required((seen & (1 << id) != 0).then_some(()), "Span", name)?;
    }
    span.trace_id = u128::from(high) << 64 | u128::from(low);
    span.start_unix_nanos = nanos(start);
    span.end_unix_nanos = nanos(start.saturating_add(duration));
    Ok(span)
}

fn read_lists(
    reader: &mut Reader<'_>,
    field: Field,
    span: &mut JaegerSpan,
    room: &mut Room<'_>,
) -> Result<(), JaegerError> {
    match (field.id, field.kind) {
        (6, Kind::List) => span.references = read_references(reader, room)?,
        (10, Kind::List) => read_tags(reader, &mut span.tags, room)?,
        (11, Kind::List) => span.logs = read_logs(reader, room)?,
        _ => reader.skip(field)?,
    }
    Ok(())
}

fn read_references(
    reader: &mut Reader<'_>,
    room: &mut Room<'_>,
) -> Result<Vec<Reference>, JaegerError> {
    let list = reader.list()?;
    let mut references = Vec::new();
    for _ in 0..list.len {
        match list.kind {
            Kind::Struct => {
                // A link takes more than a reference.
                room.take(size_of::<Reference>() + 512)?;
                references.push(read_reference(reader)?);
            }
            other => reader.skip_element(other)?,
        }
    }
    Ok(references)
}

fn read_reference(reader: &mut Reader<'_>) -> Result<Reference, JaegerError> {
    let (mut kind, mut low, mut high, mut span_id, mut last) = (None, None, None, None, 0);
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Kind::I32) => kind = Some(reader.i32()?),
            (2, Kind::I64) => low = Some(reader.i64()?.cast_unsigned()),
            (3, Kind::I64) => high = Some(reader.i64()?.cast_unsigned()),
            (4, Kind::I64) => span_id = Some(reader.i64()?.cast_unsigned()),
            _ => reader.skip(field)?,
        }
    }
    let kind = match required(kind, "SpanRef", "refType")? {
        0 => ReferenceKind::ChildOf,
        _ => ReferenceKind::FollowsFrom,
    };
    let high = u128::from(required(high, "SpanRef", "traceIdHigh")?);
    let low = u128::from(required(low, "SpanRef", "traceIdLow")?);
    let span_id = required(span_id, "SpanRef", "spanId")?;
    Ok(Reference { trace_id: high << 64 | low, span_id, kind })
}

fn read_logs(reader: &mut Reader<'_>, room: &mut Room<'_>) -> Result<Vec<Event>, JaegerError> {
    let list = reader.list()?;
    let mut logs = Vec::new();
    for _ in 0..list.len {
        if list.kind != Kind::Struct {
            reader.skip_element(list.kind)?;
            continue;
        }
        room.take(2 * size_of::<Event>())?;
        let (mut time, mut has_fields, mut fields, mut last) = (None, false, Attributes::new(), 0);
        while let Some(field) = reader.field(&mut last)? {
            match (field.id, field.kind) {
                (1, Kind::I64) => time = Some(reader.i64()?),
                (2, Kind::List) => {
                    read_tags(reader, &mut fields, room)?;
                    has_fields = true;
                }
                _ => reader.skip(field)?,
            }
        }
        required(has_fields.then_some(()), "Log", "fields")?;
        logs.push(event(nanos(required(time, "Log", "timestamp")?), fields));
    }
    Ok(logs)
}

fn nanos(micros: i64) -> u64 {
    u64::try_from(micros).unwrap_or(0).saturating_mul(1_000)
}
