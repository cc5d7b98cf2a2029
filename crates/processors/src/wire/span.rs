//! The fields of spans and scopes that conditions look at.

use prost::Message as _;
use spandrel_otlp::DecodeError;
use spandrel_otlp::wire::{Reader, Value};
use spandrel_proto::otlp::common::{AnyValue, any_value};

use super::SPAN_ATTRIBUTES;

/// One attribute: a `KeyValue`.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) struct Pair<'a> {
    /// Its key; may be no UTF-8.
    pub(crate) key: &'a [u8],
    /// Its `AnyValue`; empty when it has none.
    pub(crate) value: &'a [u8],
    /// The whole `KeyValue`.
    pub(crate) message: &'a [u8],
}

impl<'a> Pair<'a> {
    /// Reads a `KeyValue`.
    #[inline]
    pub(crate) fn read(message: &'a [u8]) -> Result<Self, DecodeError> {
        if let Some((key, value)) = short_pair(message) {
            return Ok(Self { key, value, message });
        }
        Self::read_any(message)
    }

    fn read_any(message: &'a [u8]) -> Result<Self, DecodeError> {
        let mut pair = Pair { message, ..Pair::default() };
        let mut fields = Reader::new(message, "KeyValue");
        while let Some(field) = fields.next_field()? {
            match field {
                (1, Value::Bytes(key)) => pair.key = key,
                (2, Value::Bytes(value)) => pair.value = value,
                _ => {}
            }
        }
        Ok(pair)
    }

    /// Its value; nothing when it has none or is damaged.
    pub(crate) fn decode(&self) -> Option<any_value::Value> {
        AnyValue::decode(self.value).ok()?.value
    }
}

/// Key and value of a `KeyValue` as nearly all are: the key, then the value, each shorter than 128 bytes, and nothing
/// else.
#[inline]
fn short_pair(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let [0x0a, key_bytes @ 0..0x80, rest @ ..] = message else { return None };
    let (key, rest) = rest.split_at_checked(usize::from(*key_bytes))?;
    let [0x12, value_bytes @ 0..0x80, value @ ..] = rest else { return None };
    (value.len() == usize::from(*value_bytes)).then_some((key, value))
}

/// The text of an `AnyValue` that is a string and nothing else.
pub(crate) fn text(any_value: &[u8]) -> Option<&str> {
    let mut fields = Reader::new(any_value, "AnyValue");
    let (1, Value::Bytes(text)) = fields.next_field().ok()?? else { return None };
    if fields.next_field().ok()?.is_some() {
        return None;
    }
    std::str::from_utf8(text).ok()
}

/// What conditions see of a span.
#[derive(Debug, Default)]
pub(crate) struct SpanFields<'a> {
    pub(crate) trace_id: &'a [u8],
    pub(crate) trace_state: &'a [u8],
    /// May be no UTF-8.
    pub(crate) name: &'a [u8],
    /// `Span.SpanKind`.
    pub(crate) kind: u64,
    pub(crate) attributes: Vec<Pair<'a>>,
}

impl<'a> SpanFields<'a> {
    /// Reads a `Span` into this, whose memory is used again.
    #[inline]
    pub(crate) fn read(&mut self, span: &'a [u8]) -> Result<(), DecodeError> {
        let mut attributes = std::mem::take(&mut self.attributes);
        attributes.clear();
        *self = Self { attributes, ..Self::default() };
        let mut fields = Reader::new(span, "Span");
        while let Some(field) = fields.next_field()? {
            match field {
                (1, Value::Bytes(id)) => self.trace_id = id,
                (3, Value::Bytes(trace_state)) => self.trace_state = trace_state,
                (5, Value::Bytes(name)) => self.name = name,
                (6, Value::Varint(kind)) => self.kind = kind,
                (SPAN_ATTRIBUTES, Value::Bytes(pair)) => self.attributes.push(Pair::read(pair)?),
                _ => {}
            }
        }
        Ok(())
    }

    /// The attribute of a key; of several the last.
    pub(crate) fn attribute(&self, key: &str) -> Option<Pair<'a>> {
        find(&self.attributes, key)
    }
}

/// The pair of a key; of several the last.
pub(crate) fn find<'a>(pairs: &[Pair<'a>], key: &str) -> Option<Pair<'a>> {
    pairs.iter().rfind(|pair| pair.key == key.as_bytes()).copied()
}

/// What conditions see of an `InstrumentationScope`.
#[derive(Debug, Default)]
pub(crate) struct ScopeFields<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) version: &'a [u8],
}

impl<'a> ScopeFields<'a> {
    /// Reads an `InstrumentationScope`.
    pub(crate) fn read(scope: &'a [u8]) -> Result<Self, DecodeError> {
        let mut read = Self::default();
        let mut fields = Reader::new(scope, "InstrumentationScope");
        while let Some(field) = fields.next_field()? {
            match field {
                (1, Value::Bytes(name)) => read.name = name,
                (2, Value::Bytes(version)) => read.version = version,
                _ => {}
            }
        }
        Ok(read)
    }
}

/// The attributes of a `Resource`.
pub(crate) fn resource_attributes<'a>(
    resource: &'a [u8],
    pairs: &mut Vec<Pair<'a>>,
) -> Result<(), DecodeError> {
    pairs.clear();
    let mut fields = Reader::new(resource, "Resource");
    while let Some(pair) = fields.next_message(super::RESOURCE_ATTRIBUTES)? {
        pairs.push(Pair::read(pair)?);
    }
    Ok(())
}
