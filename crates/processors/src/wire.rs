//! OTLP requests read and rewritten where they lie, without a tree.
//!
//! A processor that changes one attribute of a span copies the rest of the span as it came, fields that we do not
//! know included. Everything here was written by a stranger: a length is checked before it is used, and the memory
//! taken is in proportion to the request.

mod attributes;
mod build;
mod edit;
mod span;

use prost::encoding::{
    DecodeContext, WireType, decode_key, decode_varint, encode_varint, skip_field,
};
use spandrel_pipeline::ConsumeError;

pub(crate) use attributes::{Attributes, ResourceEditor, key_value};
pub(crate) use build::{RequestBuilder, count_spans, for_each_span, split};
pub(crate) use edit::{Edit, Editor, edit};
pub(crate) use span::{Pair, ScopeFields, SpanFields, find, resource_attributes, text};

/// `ExportTraceServiceRequest.resource_spans`.
pub(crate) const RESOURCE_SPANS: u32 = 1;
/// `ResourceSpans.resource`.
pub(crate) const RESOURCE: u32 = 1;
/// `Resource.attributes`.
pub(crate) const RESOURCE_ATTRIBUTES: u32 = 1;
/// `ResourceSpans.scope_spans`.
pub(crate) const SCOPE_SPANS: u32 = 2;
/// `ScopeSpans.scope`.
pub(crate) const SCOPE: u32 = 1;
/// `ScopeSpans.spans`.
pub(crate) const SPANS: u32 = 2;
/// `Span.attributes`.
pub(crate) const SPAN_ATTRIBUTES: u32 = 9;

/// Bytes that are not the message they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

impl From<Malformed> for ConsumeError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed.to_string())
    }
}

/// The value of a field, by wire type.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Of a type that no field has that we look at.
    Other,
}

/// A field of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) value: Value<'a>,
    /// The whole field: tag, length and content.
    pub(crate) raw: &'a [u8],
}

impl<'a> Field<'a> {
    /// The content when this is the message (or text) with that number.
    pub(crate) fn message(&self, number: u32) -> Option<&'a [u8]> {
        match self.value {
            Value::Bytes(bytes) if self.number == number => Some(bytes),
            _ => None,
        }
    }
}

/// Reads the fields of one message in the order in which they lie.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    message: &'static str,
}

impl<'a> Fields<'a> {
    /// The fields of `bytes`; `message` is its name, for errors.
    pub(crate) fn of(bytes: &'a [u8], message: &'static str) -> Self {
        Self { rest: bytes, message }
    }

    /// The next field; `None` at the end of the message.
    #[inline]
    pub(crate) fn next_field(&mut self) -> Result<Option<Field<'a>>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let before = self.rest;
        let malformed = Malformed(self.message);
        let (number, wire_type) = decode_key(&mut self.rest).map_err(|_| malformed)?;
        let value = match wire_type {
            WireType::Varint => {
                Value::Varint(decode_varint(&mut self.rest).map_err(|_| malformed)?)
            }
            WireType::LengthDelimited => {
                let length = decode_varint(&mut self.rest).map_err(|_| malformed)?;
                let length = usize::try_from(length).map_err(|_| malformed)?;
                let (bytes, rest) = self.rest.split_at_checked(length).ok_or(malformed)?;
                self.rest = rest;
                Value::Bytes(bytes)
            }
            _ => {
                skip_field(wire_type, number, &mut self.rest, DecodeContext::default())
                    .map_err(|_| malformed)?;
                Value::Other
            }
        };
        let n_bytes = before.len() - self.rest.len();
        Ok(Some(Field { number, value, raw: before.get(..n_bytes).unwrap_or_default() }))
    }
}

/// Appends a field of bytes, text or a message.
pub(crate) fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    encode_varint(u64::from(number << 3 | 2), out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// A message that is being appended; its length is not known yet.
pub(crate) struct Open {
    /// Where the length stands.
    start: usize,
    /// How many bytes are left free for it.
    reserved: usize,
}

/// Begins a message field that will be about as long as `expected`, so that its length will fit into the room that
/// is left for it and nothing has to be moved.
pub(crate) fn begin(out: &mut Vec<u8>, number: u32, expected: usize) -> Open {
    encode_varint(u64::from(number << 3 | 2), out);
    let start = out.len();
    encode_varint(expected as u64, out);
    Open { start, reserved: out.len() - start }
}

/// Ends what [`begin`] began.
pub(crate) fn end(out: &mut Vec<u8>, open: &Open) {
    let content_start = open.start + open.reserved;
    let length = out.len() - content_start;
    let mut bytes = [0; 10];
    let mut free = &mut bytes[..];
    encode_varint(length as u64, &mut free);
    let needed = 10 - free.len();
    let bytes = bytes.get(..needed).unwrap_or_default();
    match out.get_mut(open.start..content_start) {
        Some(room) if room.len() == needed => room.copy_from_slice(bytes),
        _ => out.splice(open.start..content_start, bytes.iter().copied()).for_each(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_put_in_front_whatever_was_expected() {
        for (expected, length) in [(3, 3), (3, 300), (300, 3), (0, 0), (20_000, 20_001)] {
            let mut out = vec![7];
            let open = begin(&mut out, 1, expected);
            out.extend(std::iter::repeat_n(9, length));
            end(&mut out, &open);
            let mut wanted = vec![7];
            put_bytes(&mut wanted, 1, &vec![9; length]);
            assert_eq!(out, wanted, "{expected} {length}");
        }
    }

    #[test]
    fn a_length_beyond_the_end_is_malformed() {
        let mut fields = Fields::of(&[0x0a, 5, 1], "Span");
        assert_eq!(fields.next_field().map(|field| field.is_some()), Err(Malformed("Span")));
        assert_eq!(Malformed("Span").to_string(), "malformed Span");
    }
}
