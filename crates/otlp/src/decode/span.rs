//! One span into the columns: first its scalar fields, then its attributes, events and links.

use std::borrow::Cow;

use spandrel_columns::{AttributeColumns, RawEvent, RawLink, RawSpan, RawValue, TEXT_BYTES_MAX};
use spandrel_model::{SpanId, TraceId};

use super::{Decoder, Rejected, merge_message};
use crate::DecodeError;
use crate::value::{check_key_value, check_nested};
use crate::wire::{self, Reader, Value};

/// The scalar fields of a `Span` as they lie on the wire.
#[derive(Default)]
struct Scalars<'a> {
    trace_id: &'a [u8],
    span_id: &'a [u8],
    parent_span_id: &'a [u8],
    end_unix_nanos: u64,
    start_unix_nanos: u64,
    /// What does not need checking.
    raw: RawSpan<'a>,
    /// The span from its first attribute, event or link on.
    elements: &'a [u8],
}

impl Decoder<'_> {
    pub(super) fn span(
        &mut self,
        bytes: &[u8],
        resource: u32,
        scope: u32,
    ) -> Result<(), DecodeError> {
        self.spans_seen = count_up(self.spans_seen, "spans", self.limits.spans_max)?;
        let scalars = scalars(bytes)?;
        let Some(span) = accept(&scalars, &mut self.summary.rejected) else {
            return check_elements(scalars.elements, &mut self.scratch);
        };
        let mut reader = Reader::new(scalars.elements, "Span");
        while let Some(field) = reader.next_field()? {
            match field {
                (9, Value::Bytes(pair)) => self.attribute(pair)?,
                (11, Value::Bytes(event)) => self.event(event)?,
                (13, Value::Bytes(link)) => self.link(link)?,
                _ => {}
            }
        }
        self.into.push(RawSpan { resource, scope, ..span });
        self.summary.spans += 1;
        self.summary.ended_before_start += u64::from(span.duration_nanos < 0);
        Ok(())
    }

    fn attribute(&mut self, pair: &[u8]) -> Result<(), DecodeError> {
        let (key, any_value) = key_and_value(pair)?;
        let attributes = &mut self.into.attributes;
        attributes.push(self.into.trace_ids.len() as u32, key, raw_value(&any_value)?);
        if attributes.keys().len() - self.keys_before > self.limits.new_keys_max as usize {
            return Err(too_many("new attribute keys", self.limits.new_keys_max));
        }
        Ok(())
    }

    fn event(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.count_event_or_link()?;
        let event = event(bytes, &mut self.scratch)?;
        self.into.push_event(event);
        Ok(())
    }

    fn link(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.count_event_or_link()?;
        let link = link(bytes, &mut self.scratch)?;
        self.into.push_link(link);
        Ok(())
    }

    fn count_event_or_link(&mut self) -> Result<(), DecodeError> {
        let max = self.limits.events_and_links_max;
        self.events_and_links = count_up(self.events_and_links, "events and links", max)?;
        Ok(())
    }
}

/// Sets the attributes of a `KeyValueList` message in `row`, the row in work.
///
/// # Errors
/// See [`DecodeError`]; nothing that [`crate::decode_request`] stored is rejected.
pub fn push_key_value_list(
    list: &[u8],
    row: u32,
    into: &mut AttributeColumns,
) -> Result<(), DecodeError> {
    let mut reader = Reader::new(list, "KeyValueList");
    while let Some((field, value)) = reader.next_field()? {
        match (field, value) {
            (1, Value::Bytes(pair)) => {
                let (key, any_value) = key_and_value(pair)?;
                into.push(row, key, raw_value(&any_value)?);
            }
            (1, _) => return Err(reader.wrong_wire_type(1)),
            _ => {}
        }
    }
    Ok(())
}

/// Key and `AnyValue` of a `KeyValue` message.
fn key_and_value(pair: &[u8]) -> Result<(&[u8], Cow<'_, [u8]>), DecodeError> {
    let mut key = <&[u8]>::default();
    let mut any_value = Cow::default();
    let mut reader = Reader::new(pair, "KeyValue");
    while let Some((field, value)) = reader.next_field()? {
        match (field, value) {
            (1, Value::Bytes(bytes)) => key = bytes,
            (2, Value::Bytes(bytes)) => merge_message(&mut any_value, bytes),
            (3, Value::Varint(_)) => {}
            (1..=3, _) => return Err(reader.wrong_wire_type(field)),
            _ => {}
        }
    }
    Ok((key, any_value))
}

fn count_up(count: u32, what: &'static str, max: u32) -> Result<u32, DecodeError> {
    if count < max { Ok(count + 1) } else { Err(too_many(what, max)) }
}

#[cold]
fn too_many(what: &'static str, max: u32) -> DecodeError {
    DecodeError::TooMany { what, max }
}

fn scalars(bytes: &[u8]) -> Result<Scalars<'_>, DecodeError> {
    let mut scalars = Scalars::default();
    let raw = &mut scalars.raw;
    let mut reader = Reader::new(bytes, "Span");
    loop {
        let rest = reader.rest();
        let Some((field, value)) = reader.next_field()? else { return Ok(scalars) };
        match (field, value) {
            (1, Value::Bytes(id)) => scalars.trace_id = id,
            (2, Value::Bytes(id)) => scalars.span_id = id,
            (3, Value::Bytes(text)) => raw.trace_state = text,
            (4, Value::Bytes(id)) => scalars.parent_span_id = id,
            (5, Value::Bytes(text)) => raw.name = text,
            (6, Value::Varint(number)) => raw.kind = enum_number(number),
            (7, Value::Fixed64(time)) => scalars.start_unix_nanos = time,
            (8, Value::Fixed64(time)) => scalars.end_unix_nanos = time,
            (9 | 11 | 13, Value::Bytes(_)) if !scalars.elements.is_empty() => {}
            (9 | 11 | 13, Value::Bytes(_)) => scalars.elements = rest,
            (10, Value::Varint(count)) => raw.dropped_attributes_count = count as u32,
            (12, Value::Varint(count)) => raw.dropped_events_count = count as u32,
            (14, Value::Varint(count)) => raw.dropped_links_count = count as u32,
            (15, Value::Bytes(status)) => merge_status(status, raw)?,
            (16, Value::Fixed32(flags)) => raw.flags = flags,
            (1..=16, _) => return Err(reader.wrong_wire_type(field)),
            _ => {}
        }
    }
}

fn merge_status<'a>(bytes: &'a [u8], into: &mut RawSpan<'a>) -> Result<(), DecodeError> {
    let mut reader = Reader::new(bytes, "Status");
    while let Some((field, value)) = reader.next_field()? {
        match (field, value) {
            (2, Value::Bytes(text)) => into.status_message = text,
            (3, Value::Varint(number)) => into.status_code = enum_number(number),
            (2 | 3, _) => return Err(reader.wrong_wire_type(field)),
            _ => {}
        }
    }
    Ok(())
}

/// An enum's number, of which protobuf keeps 32 bits; those that no enum of ours has become 0.
fn enum_number(number: u64) -> u8 {
    u8::try_from(number as u32).unwrap_or_default()
}

/// The span without resource and scope, or `None` when a trace cannot hold it.
fn accept<'a>(scalars: &Scalars<'a>, rejected: &mut Rejected) -> Option<RawSpan<'a>> {
    let (start, end) = (scalars.start_unix_nanos, scalars.end_unix_nanos);
    let trace_id = TraceId(scalars.trace_id.try_into().unwrap_or_default());
    let span_id = SpanId(scalars.span_id.try_into().unwrap_or_default());
    let parent_span_id = scalars.parent_span_id.try_into().ok();
    if trace_id.is_zero() {
        rejected.invalid_trace_id += 1;
    } else if span_id.is_zero() {
        rejected.invalid_span_id += 1;
    } else if parent_span_id.is_none() && !scalars.parent_span_id.is_empty() {
        rejected.invalid_parent_span_id += 1;
    } else if let Ok(start_unix_nanos) = i64::try_from(start) {
        return Some(RawSpan {
            trace_id,
            span_id,
            parent_span_id: SpanId(parent_span_id.unwrap_or_default()),
            start_unix_nanos,
            duration_nanos: i64::try_from(i128::from(end) - i128::from(start)).unwrap_or(i64::MAX),
            ..scalars.raw
        });
    } else {
        rejected.start_time_out_of_range += 1;
    }
    None
}

/// The value of a span attribute; nested values are checked and stay as they are.
fn raw_value(any_value: &[u8]) -> Result<RawValue<'_>, DecodeError> {
    let mut raw = RawValue::Other(any_value);
    let mut reader = Reader::new(any_value, "AnyValue");
    while let Some((field, value)) = reader.next_field()? {
        raw = match (field, value) {
            (1, Value::Bytes(text)) if text.len() <= TEXT_BYTES_MAX => RawValue::String(text),
            (1 | 7, Value::Bytes(_)) | (8, Value::Varint(_)) => RawValue::Other(any_value),
            (2, Value::Varint(number)) => RawValue::Bool(number != 0),
            (3, Value::Varint(number)) => RawValue::Int(number.cast_signed()),
            (4, Value::Fixed64(bits)) => RawValue::Double(f64::from_bits(bits)),
            (5 | 6, Value::Bytes(list)) => {
                check_nested(field, list, 1)?;
                RawValue::Other(any_value)
            }
            (1..=8, _) => return Err(reader.wrong_wire_type(field)),
            _ => continue,
        };
    }
    Ok(raw)
}

/// Whether the attributes, events and links of a rejected span can be decoded.
fn check_elements(bytes: &[u8], scratch: &mut Vec<u8>) -> Result<(), DecodeError> {
    let mut reader = Reader::new(bytes, "Span");
    while let Some(field) = reader.next_field()? {
        match field {
            (9, Value::Bytes(pair)) => check_key_value(pair, 0)?,
            (11, Value::Bytes(bytes)) => event(bytes, scratch).map(drop)?,
            (13, Value::Bytes(bytes)) => link(bytes, scratch).map(drop)?,
            _ => {}
        }
    }
    Ok(())
}

/// An event; its attributes are checked and collected in `scratch`.
fn event<'a>(bytes: &'a [u8], scratch: &'a mut Vec<u8>) -> Result<RawEvent<'a>, DecodeError> {
    scratch.clear();
    let (mut time_unix_nanos, mut name, mut dropped_attributes_count) = (0, <&[u8]>::default(), 0);
    let mut reader = Reader::new(bytes, "Event");
    while let Some((field, value)) = reader.next_field()? {
        match (field, value) {
            (1, Value::Fixed64(time)) => time_unix_nanos = time,
            (2, Value::Bytes(text)) => name = text,
            (3, Value::Bytes(pair)) => collect_attribute(pair, scratch)?,
            (4, Value::Varint(count)) => dropped_attributes_count = count as u32,
            (1..=4, _) => return Err(reader.wrong_wire_type(field)),
            _ => {}
        }
    }
    Ok(RawEvent { time_unix_nanos, name, attributes: scratch, dropped_attributes_count })
}

/// A link; its attributes are checked and collected in `scratch`.
fn link<'a>(bytes: &'a [u8], scratch: &'a mut Vec<u8>) -> Result<RawLink<'a>, DecodeError> {
    scratch.clear();
    let (mut trace_id, mut span_id, mut trace_state) = <(&[u8], &[u8], &[u8])>::default();
    let (mut flags, mut dropped_attributes_count) = (0, 0);
    let mut reader = Reader::new(bytes, "Link");
    while let Some((field, value)) = reader.next_field()? {
        match (field, value) {
            (1, Value::Bytes(id)) => trace_id = id,
            (2, Value::Bytes(id)) => span_id = id,
            (3, Value::Bytes(text)) => trace_state = text,
            (4, Value::Bytes(pair)) => collect_attribute(pair, scratch)?,
            (5, Value::Varint(count)) => dropped_attributes_count = count as u32,
            (6, Value::Fixed32(bits)) => flags = bits,
            (1..=6, _) => return Err(reader.wrong_wire_type(field)),
            _ => {}
        }
    }
    Ok(RawLink {
        trace_id: TraceId(trace_id.try_into().unwrap_or_default()),
        span_id: SpanId(span_id.try_into().unwrap_or_default()),
        trace_state,
        flags,
        attributes: scratch,
        dropped_attributes_count,
    })
}

/// Appends the attribute as field 1 of a `KeyValueList`, whatever number it had where it came from.
fn collect_attribute(pair: &[u8], list: &mut Vec<u8>) -> Result<(), DecodeError> {
    check_key_value(pair, 0)?;
    wire::put_bytes_field(list, 1, pair);
    Ok(())
}
