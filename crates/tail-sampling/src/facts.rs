//! What policies ask of a trace, read from its bytes once for all policies.
//!
//! Only what some policy looks at is read: a processor with nothing but probabilistic policies reads nothing. Spans
//! were walked over when they arrived; what is damaged deeper inside counts as absent.

use hashbrown::HashMap;
use spandrel_otlp::wire::{Reader, Value};

use crate::fragment::Content;

/// Fields on the way to an attribute, and those of a span that policies look at.
const RESOURCE: u32 = 1;
const RESOURCE_ATTRIBUTES: u32 = 1;
const SCOPE_SPANS: u32 = 2;
const SPANS: u32 = 2;
const TRACE_STATE: u32 = 3;
const START: u32 = 7;
const END: u32 = 8;
const ATTRIBUTES: u32 = 9;
const STATUS: u32 = 15;
const FLAGS: u32 = 16;

/// What the policies of a processor look at.
#[derive(Debug, Default, Clone)]
pub(crate) struct Wanted {
    /// Keys of attributes; their place in here is how policies name them.
    keys: Vec<Vec<u8>>,
    by_key: HashMap<Vec<u8>, usize>,
    /// Bit `n` is set when some key has `n` bytes (63: or more), which rules most attributes out.
    key_lengths: u64,
    /// Times, statuses, flags or tracestates.
    pub(crate) spans: bool,
    /// Whole traces, decoded.
    pub(crate) decoded: bool,
}

/// A span as policies see it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SpanFacts<'t> {
    pub(crate) start_unix_nanos: u64,
    pub(crate) end_unix_nanos: u64,
    pub(crate) flags: u32,
    pub(crate) status_code: u64,
    pub(crate) trace_state: &'t [u8],
}

/// The value of an attribute that some policy looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum AttributeValue<'t> {
    /// Bytes that should be UTF-8.
    Text(&'t [u8]),
    Int(i64),
    Bool(bool),
}

/// An attribute that some policy looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attribute<'t> {
    /// As [`Wanted::key`] has numbered it.
    pub(crate) key: usize,
    pub(crate) value: AttributeValue<'t>,
    pub(crate) of_resource: bool,
}

/// Spans and attributes of one trace, in the order in which they lie.
#[derive(Debug, Default)]
pub(crate) struct Facts<'t> {
    pub(crate) spans: Vec<SpanFacts<'t>>,
    pub(crate) attributes: Vec<Attribute<'t>>,
}

impl Wanted {
    /// The number of a key, which is wanted from now on.
    pub(crate) fn key(&mut self, key: &str) -> usize {
        let fresh = self.keys.len();
        let number = *self.by_key.entry(key.as_bytes().to_vec()).or_insert(fresh);
        if number == fresh {
            self.keys.push(key.as_bytes().to_vec());
            self.key_lengths |= length_bit(key.len());
        }
        number
    }

    /// Whether a decision needs the bytes of the trace at all.
    pub(crate) fn any(&self) -> bool {
        self.spans || self.decoded || !self.keys.is_empty()
    }

    fn find(&self, key: &[u8]) -> Option<usize> {
        if self.key_lengths & length_bit(key.len()) == 0 {
            return None;
        }
        if self.keys.len() <= 8 {
            return self.keys.iter().position(|wanted| wanted == key);
        }
        self.by_key.get(key).copied()
    }
}

fn length_bit(length: usize) -> u64 {
    1 << length.min(63)
}

impl<'t> Facts<'t> {
    /// Reads what is wanted from the fragments of a trace.
    pub(crate) fn read(contents: &[&'t Content], wanted: &Wanted) -> Self {
        let mut facts = Self::default();
        if !wanted.spans && wanted.keys.is_empty() {
            return facts;
        }
        for content in contents {
            if !wanted.keys.is_empty() {
                each_message(&content.head, RESOURCE, |resource| {
                    each_message(resource, RESOURCE_ATTRIBUTES, |pair| {
                        facts.read_attribute(pair, wanted, true);
                    });
                });
            }
            each_message(&content.body, SCOPE_SPANS, |scope_spans| {
                each_message(scope_spans, SPANS, |span| facts.read_span(span, wanted));
            });
        }
        facts
    }

    fn read_span(&mut self, bytes: &'t [u8], wanted: &Wanted) {
        let mut span = SpanFacts::default();
        let mut fields = Reader::new(bytes, "Span");
        while let Ok(Some((number, value))) = fields.next_field() {
            match (number, value) {
                (ATTRIBUTES, Value::Bytes(pair)) => self.read_attribute(pair, wanted, false),
                (START, Value::Fixed64(nanos)) => span.start_unix_nanos = nanos,
                (END, Value::Fixed64(nanos)) => span.end_unix_nanos = nanos,
                (TRACE_STATE, Value::Bytes(text)) => span.trace_state = text,
                (FLAGS, Value::Fixed32(flags)) => span.flags = flags,
                (STATUS, Value::Bytes(status)) => span.status_code = status_code(status),
                _ => {}
            }
        }
        if wanted.spans {
            self.spans.push(span);
        }
    }

    #[inline]
    fn read_attribute(&mut self, pair: &'t [u8], wanted: &Wanted, of_resource: bool) {
        if wanted.keys.is_empty() || is_other_key(pair, wanted) {
            return;
        }
        let (mut key, mut value): (Option<&[u8]>, Option<&[u8]>) = (None, None);
        let mut fields = Reader::new(pair, "KeyValue");
        while let Ok(Some((number, found))) = fields.next_field() {
            match (number, found) {
                (1, Value::Bytes(bytes)) => key = Some(bytes),
                (2, Value::Bytes(bytes)) => value = Some(bytes),
                _ => {}
            }
        }
        let wanted_key = wanted.find(key.unwrap_or_default());
        if let (Some(key), Some(value)) = (wanted_key, value.and_then(any_value)) {
            self.attributes.push(Attribute { key, value, of_resource });
        }
    }
}

/// Visits the messages in the field `number` of a message that may be damaged: then those before the fault.
#[inline]
fn each_message<'a>(bytes: &'a [u8], number: u32, mut visit: impl FnMut(&'a [u8])) {
    let mut fields = Reader::new(bytes, "message");
    while let Ok(Some(message)) = fields.next_message(number) {
        visit(message);
    }
}

/// Whether a `KeyValue` of the usual form (a key and a value, both shorter than 128 bytes, and nothing else) has a key
/// of a length that nobody looks for. Most attributes end here.
#[inline]
fn is_other_key(pair: &[u8], wanted: &Wanted) -> bool {
    let [0x0a, key_len, rest @ ..] = pair else { return false };
    let Some([0x12, value_len, value @ ..]) = rest.get(usize::from(*key_len)..) else {
        return false;
    };
    *key_len < 0x80
        && *value_len < 0x80
        && value.len() == usize::from(*value_len)
        && wanted.key_lengths & length_bit(usize::from(*key_len)) == 0
}

/// The number of a status; unset when there is none.
fn status_code(status: &[u8]) -> u64 {
    let mut code = 0;
    let mut fields = Reader::new(status, "Status");
    while let Ok(Some((number, value))) = fields.next_field() {
        if let (3, Value::Varint(number)) = (number, value) {
            code = number;
        }
    }
    code
}

/// A text, whole number or truth value; of several, the last, as everywhere in protobuf.
fn any_value(bytes: &[u8]) -> Option<AttributeValue<'_>> {
    let mut last = None;
    let mut fields = Reader::new(bytes, "AnyValue");
    while let Ok(Some((number, value))) = fields.next_field() {
        last = match (number, value) {
            (1, Value::Bytes(text)) => Some(AttributeValue::Text(text)),
            (2, Value::Varint(truth)) => Some(AttributeValue::Bool(truth != 0)),
            (3, Value::Varint(int)) => Some(AttributeValue::Int(int.cast_signed())),
            (4..=7, _) => None,
            _ => last,
        };
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_numbered_once() {
        let mut wanted = Wanted::default();
        assert!(!wanted.any());
        let numbers = ["b", "long.key", "b"].map(|key| wanted.key(key));
        assert_eq!(numbers, [0, 1, 0]);
        assert_eq!(wanted.find(b"long.key"), Some(1));
        assert_eq!([wanted.find(b"c"), wanted.find(b""), wanted.find(&[7; 99])], [None; 3]);
        for i in 0..20 {
            assert_eq!(wanted.key(&format!("key{i}")), 2 + i);
        }
        assert_eq!(wanted.find(b"key19"), Some(21));
    }
}
