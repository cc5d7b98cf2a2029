//! `ExportTraceServiceRequest` bytes into columns, in one pass and without a tree in between.
//!
//! Fields may come in any order, so each level is walked twice: the first walk looks only at tags and
//! lengths and finds what the second one needs (the resource for its spans, a span's ids for its
//! attributes). Skipping costs a few nanoseconds per field, and a span is known to be valid before anything
//! of it is stored; otherwise a request of bad spans could make each of them roll back every column.
//!
//! What is accepted is what prost accepts, with these exceptions:
//! - Text that is not UTF-8 is accepted; its bad bytes are replaced.
//! - Attribute values may be nested [`crate::NESTING_MAX`] deep, which prost (100 messages from the
//!   request down) does not reach; groups in unknown fields 16 deep, prost about 95.
//! - The limits of [`DecodeLimits`].

mod producer;
mod span;

use std::borrow::Cow;

pub use span::push_key_value_list;
use spandrel_columns::SpanColumns;

use crate::DecodeError;
use crate::wire::{Reader, Value};

/// What one request may hold. Its size in bytes is bounded by whoever received it; these limits keep
/// the memory that it takes in proportion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Spans, rejected ones included.
    pub spans_max: u32,
    /// Events and links of all spans together; an empty one takes 2 bytes on the wire and 48 in memory.
    pub events_and_links_max: u32,
    /// Keys of span attributes that the columns did not have before; each takes half a kilobyte.
    pub new_keys_max: u32,
}

impl Default for DecodeLimits {
    /// Far above what a 64 MiB request of an honest sender holds.
    fn default() -> Self {
        Self { spans_max: 1 << 20, events_and_links_max: 1 << 22, new_keys_max: 1 << 16 }
    }
}

/// What became of a request's spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DecodeSummary {
    /// Accepted spans: this many rows were added.
    pub spans: u64,
    /// Rejected spans.
    pub rejected: Rejected,
    /// Accepted spans whose end lies before their start: worth a warning to the sender.
    pub ended_before_start: u64,
}

/// Spans that no trace can hold, by the first reason found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rejected {
    /// The trace id has not 16 bytes or is all zeros.
    pub invalid_trace_id: u64,
    /// The span id has not 8 bytes or is all zeros.
    pub invalid_span_id: u64,
    /// The parent span id has neither 0 nor 8 bytes.
    pub invalid_parent_span_id: u64,
    /// The start lies after the year 2262, the end of 64-bit signed nanoseconds.
    pub start_time_out_of_range: u64,
}

impl Rejected {
    /// All rejected spans.
    pub fn total(&self) -> u64 {
        self.reasons().iter().map(|(count, _)| count).sum()
    }

    /// The reasons in words, for the `error_message` of a partial success; empty when none was rejected.
    pub fn message(&self) -> String {
        let reasons: Vec<_> = self
            .reasons()
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, reason)| format!("{count} with {reason}"))
            .collect();
        if reasons.is_empty() {
            return String::new();
        }
        format!("rejected spans: {}", reasons.join(", "))
    }

    fn reasons(&self) -> [(u64, &'static str); 4] {
        [
            (self.invalid_trace_id, "invalid trace id"),
            (self.invalid_span_id, "invalid span id"),
            (self.invalid_parent_span_id, "invalid parent span id"),
            (self.start_time_out_of_range, "start time out of range"),
        ]
    }
}

/// Adds the spans of an `ExportTraceServiceRequest` (equally `TracesData`) behind those in `into`.
///
/// # Errors
/// [`DecodeError`] when the bytes are malformed or exceed a limit; `into` then has the rows that it had
/// before, though its dictionaries and tables may hold values that no row uses.
pub fn decode_request(
    bytes: &[u8],
    limits: &DecodeLimits,
    into: &mut SpanColumns,
) -> Result<DecodeSummary, DecodeError> {
    let rows_before = into.len();
    let mut decoder = Decoder {
        limits,
        keys_before: into.attributes.keys().len(),
        spans_seen: 0,
        events_and_links: 0,
        summary: DecodeSummary::default(),
        scratch: Vec::new(),
        into,
    };
    match decoder.request(bytes) {
        Ok(()) => Ok(decoder.summary),
        Err(error) => {
            into.truncate(rows_before);
            Err(error)
        }
    }
}

/// One request on its way into the columns.
struct Decoder<'c> {
    into: &'c mut SpanColumns,
    limits: &'c DecodeLimits,
    keys_before: usize,
    spans_seen: u32,
    events_and_links: u32,
    summary: DecodeSummary,
    /// Bytes that the columns want in one piece but the wire has in several.
    scratch: Vec<u8>,
}

impl Decoder<'_> {
    fn request(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut reader = Reader::new(bytes, "ExportTraceServiceRequest");
        while let Some((field, value)) = reader.next_field()? {
            match (field, value) {
                (1, Value::Bytes(resource_spans)) => self.resource_spans(resource_spans)?,
                (1, _) => return Err(reader.wrong_wire_type(1)),
                _ => {}
            }
        }
        Ok(())
    }

    fn resource_spans(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let (resource, schema_url) = producer_of(bytes, "ResourceSpans")?;
        let resource = self.intern_resource(&resource, schema_url)?;
        let mut reader = Reader::new(bytes, "ResourceSpans");
        while let Some(field) = reader.next_field()? {
            if let (2, Value::Bytes(scope_spans)) = field {
                self.scope_spans(scope_spans, resource)?;
            }
        }
        Ok(())
    }

    fn scope_spans(&mut self, bytes: &[u8], resource: u32) -> Result<(), DecodeError> {
        let (scope, schema_url) = producer_of(bytes, "ScopeSpans")?;
        let scope = self.intern_scope(&scope, schema_url)?;
        let mut reader = Reader::new(bytes, "ScopeSpans");
        while let Some(field) = reader.next_field()? {
            if let (2, Value::Bytes(span)) = field {
                self.span(span, resource, scope)?;
            }
        }
        Ok(())
    }
}

/// The resource or scope of a `ResourceSpans` or `ScopeSpans`, which agree in field numbers, and the
/// schema URL.
fn producer_of<'a>(
    bytes: &'a [u8],
    message: &'static str,
) -> Result<(Cow<'a, [u8]>, &'a [u8]), DecodeError> {
    let mut producer = Cow::default();
    let mut schema_url = <&[u8]>::default();
    let mut reader = Reader::new(bytes, message);
    while let Some((field, value)) = reader.next_field()? {
        match (field, value) {
            (1, Value::Bytes(bytes)) => merge_message(&mut producer, bytes),
            (2, Value::Bytes(_)) => {}
            (3, Value::Bytes(text)) => schema_url = text,
            (1..=3, _) => return Err(reader.wrong_wire_type(field)),
            _ => {}
        }
    }
    Ok((producer, schema_url))
}

/// Takes another occurrence of a message field that should occur once: protobuf merges them, and
/// decoding the bytes of both in a row is the same as merging.
#[inline]
fn merge_message<'a>(message: &mut Cow<'a, [u8]>, more: &'a [u8]) {
    if message.is_empty() {
        *message = Cow::Borrowed(more);
    } else {
        message.to_mut().extend_from_slice(more);
    }
}

#[cfg(test)]
mod tests;
