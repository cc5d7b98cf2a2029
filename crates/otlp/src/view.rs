//! Reading the spans of a request where they lie, without building a tree.
//!
//! For who looks at a few fields of every span and keeps none of them, as metrics that are made from spans
//! do: nothing is copied and, after the first spans, nothing allocated. Only what is read is checked.
//!
//! Of repeated keys the last one counts, as everywhere in this crate. Of each list of attributes, the first
//! [`ATTRIBUTES_MAX`] are seen, which bounds the memory that a hostile span can ask for.

use crate::DecodeError;
use crate::wire::{Reader, Value};

/// Attributes of one span, event, scope or resource that are seen.
pub const ATTRIBUTES_MAX: usize = 4096;

/// The value of an attribute. Text may be no UTF-8.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub enum ValueView<'a> {
    /// None, or of a kind that is not known.
    #[default]
    Empty,
    /// Text.
    String(&'a [u8]),
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// The `ArrayValue` message.
    Array(&'a [u8]),
    /// The `KeyValueList` message.
    Map(&'a [u8]),
}

/// One attribute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttributeView<'a> {
    /// Its key; may be no UTF-8.
    pub key: &'a [u8],
    /// Its value.
    pub value: ValueView<'a>,
}

/// Attributes in the order in which they lie; each is decoded when somebody looks at it, and one that is
/// damaged is not there.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct AttributesView<'a> {
    pairs: Vec<&'a [u8]>,
    /// The bits of all keys: most keys that are asked for and not there are told by that.
    key_bits: u64,
}

impl<'a> AttributesView<'a> {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<ValueView<'a>> {
        if self.key_bits & key_bit(key.as_bytes()) == 0 {
            return None;
        }
        let found = self.pairs.iter().rev().find_map(|pair| {
            // Nearly all attributes of a span are others.
            if has_another_key(pair, key.as_bytes()) {
                return None;
            }
            attribute(pair).ok().filter(|attribute| attribute.key == key.as_bytes())
        });
        found.map(|attribute| attribute.value)
    }

    /// All of them, repeated keys included.
    pub fn iter(&self) -> impl Iterator<Item = AttributeView<'a>> {
        self.pairs.iter().filter_map(|pair| attribute(pair).ok())
    }

    fn clear(&mut self) {
        self.pairs.clear();
        self.key_bits = 0;
    }

    fn push(&mut self, pair: &'a [u8]) {
        if self.pairs.len() >= ATTRIBUTES_MAX {
            return;
        }
        self.pairs.push(pair);
        self.key_bits |= match pair {
            [0x0a, key_bytes @ 0..0x80, rest @ ..] => {
                rest.get(..usize::from(*key_bytes)).map_or(u64::MAX, key_bit)
            }
            // As in `has_another_key`, of these nothing is known.
            _ => u64::MAX,
        };
    }
}

/// The bit of a key, by its length and the characters that keys of one length differ in most.
fn key_bit(key: &[u8]) -> u64 {
    let at = |from_end: usize| key.iter().rev().nth(from_end).map_or(0, |byte| usize::from(*byte));
    1 << ((key.len() + 5 * at(0) + 11 * at(3)) % 64)
}

/// A resource or an instrumentation scope.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct ProducerView<'a> {
    /// Name of the scope; empty for a resource.
    pub name: &'a [u8],
    /// Version of the scope; empty for a resource.
    pub version: &'a [u8],
    /// Its attributes.
    pub attributes: AttributesView<'a>,
}

/// One span.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct SpanView<'a> {
    /// 16 bytes, if it is valid.
    pub trace_id: &'a [u8],
    /// 8 bytes, if it is valid.
    pub span_id: &'a [u8],
    /// 8 bytes; none for a root.
    pub parent_span_id: &'a [u8],
    /// The `tracestate` header.
    pub trace_state: &'a [u8],
    /// Its name; may be no UTF-8.
    pub name: &'a [u8],
    /// `Span.SpanKind`.
    pub kind: i32,
    /// Nanoseconds since 1970.
    pub start_unix_nanos: u64,
    /// Nanoseconds since 1970; may lie before the start.
    pub end_unix_nanos: u64,
    /// `Status.StatusCode`.
    pub status_code: i32,
    /// Text of the status; may be no UTF-8.
    pub status_message: &'a [u8],
    /// Its attributes.
    pub attributes: AttributesView<'a>,
    /// The whole message.
    pub message: &'a [u8],
}

impl<'a> SpanView<'a> {
    /// From start to end; zero when it ended before it started.
    pub fn duration_nanos(&self) -> u64 {
        self.end_unix_nanos.saturating_sub(self.start_unix_nanos)
    }

    /// Calls `visit` with the name and the attributes of each event.
    ///
    /// # Errors
    /// [`DecodeError`] when an event is damaged.
    pub fn for_each_event(
        &self,
        mut visit: impl FnMut(&'a [u8], &AttributesView<'a>),
    ) -> Result<(), DecodeError> {
        let mut attributes = AttributesView::default();
        let mut reader = Reader::new(self.message, "Span");
        while let Some(field) = reader.next_field()? {
            let (11, Value::Bytes(event)) = field else { continue };
            attributes.clear();
            let mut name = <&[u8]>::default();
            let mut event = Reader::new(event, "Event");
            while let Some(field) = event.next_field()? {
                match field {
                    (2, Value::Bytes(bytes)) => name = bytes,
                    (3, Value::Bytes(pair)) => attributes.push(pair),
                    _ => {}
                }
            }
            visit(name, &attributes);
        }
        Ok(())
    }

    fn read(&mut self, message: &'a [u8]) -> Result<(), DecodeError> {
        let mut attributes = std::mem::take(&mut self.attributes);
        attributes.clear();
        *self = Self { message, attributes, ..Self::default() };
        let mut reader = Reader::new(message, "Span");
        while let Some(field) = reader.next_field()? {
            match field {
                (1, Value::Bytes(id)) => self.trace_id = id,
                (2, Value::Bytes(id)) => self.span_id = id,
                (3, Value::Bytes(text)) => self.trace_state = text,
                (4, Value::Bytes(id)) => self.parent_span_id = id,
                (5, Value::Bytes(name)) => self.name = name,
                (6, Value::Varint(kind)) => self.kind = kind as i32,
                (7, Value::Fixed64(nanos)) => self.start_unix_nanos = nanos,
                (8, Value::Fixed64(nanos)) => self.end_unix_nanos = nanos,
                (9, Value::Bytes(pair)) => self.attributes.push(pair),
                (15, Value::Bytes(status)) => self.read_status(status)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_status(&mut self, message: &'a [u8]) -> Result<(), DecodeError> {
        let mut reader = Reader::new(message, "Status");
        while let Some(field) = reader.next_field()? {
            match field {
                (2, Value::Bytes(text)) => self.status_message = text,
                (3, Value::Varint(code)) => self.status_code = code as i32,
                _ => {}
            }
        }
        Ok(())
    }
}

/// What [`visit_spans`] finds, in order: a resource, then its scopes, each followed by its spans.
pub trait SpanVisitor<'a> {
    /// Whether scopes are shown: to find one, all of its spans are passed by.
    const SEES_SCOPES: bool = true;

    /// Spans of this resource come next. Returns whether they are wanted.
    fn resource(&mut self, resource: &ProducerView<'a>) -> bool;

    /// Spans of this scope come next.
    fn scope(&mut self, _scope: &ProducerView<'a>) {}

    /// A span of the last resource and scope.
    fn span(&mut self, span: &SpanView<'a>);
}

/// Shows the spans of an `ExportTraceServiceRequest` to `visitor`.
///
/// # Errors
/// [`DecodeError`] when a message that was looked at is damaged; what came before it was shown.
pub fn visit_spans<'a, V: SpanVisitor<'a>>(
    request: &'a [u8],
    visitor: &mut V,
) -> Result<(), DecodeError> {
    let mut span = SpanView::default();
    let mut reader = Reader::new(request, "ExportTraceServiceRequest");
    while let Some(field) = reader.next_field()? {
        let (1, Value::Bytes(resource_spans)) = field else { continue };
        let resource = producer(resource_spans, "ResourceSpans", "Resource")?;
        if !visitor.resource(&resource) {
            continue;
        }
        let mut reader = Reader::new(resource_spans, "ResourceSpans");
        while let Some(field) = reader.next_field()? {
            let (2, Value::Bytes(scope_spans)) = field else { continue };
            if V::SEES_SCOPES {
                visitor.scope(&producer(scope_spans, "ScopeSpans", "InstrumentationScope")?);
            }
            let mut reader = Reader::new(scope_spans, "ScopeSpans");
            while let Some(field) = reader.next_field()? {
                if let (2, Value::Bytes(message)) = field {
                    span.read(message)?;
                    visitor.span(&span);
                }
            }
        }
    }
    Ok(())
}

/// The resource or scope, which is field 1 of `parent` and may lie behind what it produced.
fn producer<'a>(
    parent: &'a [u8],
    parent_name: &'static str,
    name: &'static str,
) -> Result<ProducerView<'a>, DecodeError> {
    let mut view = ProducerView::default();
    let is_resource = name == "Resource";
    let mut reader = Reader::new(parent, parent_name);
    while let Some(field) = reader.next_field()? {
        let (1, Value::Bytes(message)) = field else { continue };
        let mut reader = Reader::new(message, name);
        while let Some(field) = reader.next_field()? {
            match field {
                (1, Value::Bytes(pair)) if is_resource => view.attributes.push(pair),
                (1, Value::Bytes(name)) => view.name = name,
                (2, Value::Bytes(version)) => view.version = version,
                (3, Value::Bytes(pair)) if !is_resource => view.attributes.push(pair),
                _ => {}
            }
        }
    }
    Ok(view)
}

/// Whether the first bytes of a `KeyValue` say that it has another key. All encoders write the key first; of others,
/// and of long keys, nothing is said.
#[inline]
pub fn has_another_key(pair: &[u8], key: &[u8]) -> bool {
    match pair {
        [0x0a, key_bytes @ 0..0x80, rest @ ..] => {
            usize::from(*key_bytes) != key.len() || !rest.starts_with(key)
        }
        _ => false,
    }
}

fn attribute(pair: &[u8]) -> Result<AttributeView<'_>, DecodeError> {
    let mut attribute = AttributeView { key: &[], value: ValueView::Empty };
    let mut reader = Reader::new(pair, "KeyValue");
    while let Some(field) = reader.next_field()? {
        match field {
            // With several keys, which nobody writes, the first counts.
            (1, Value::Bytes(key)) if attribute.key.is_empty() => attribute.key = key,
            (2, Value::Bytes(any_value)) => {
                let mut reader = Reader::new(any_value, "AnyValue");
                while let Some(field) = reader.next_field()? {
                    attribute.value = match field {
                        (1, Value::Bytes(text)) => ValueView::String(text),
                        (2, Value::Varint(truth)) => ValueView::Bool(truth != 0),
                        (3, Value::Varint(number)) => ValueView::Int(number as i64),
                        (4, Value::Fixed64(bits)) => ValueView::Double(f64::from_bits(bits)),
                        (5, Value::Bytes(array)) => ValueView::Array(array),
                        (6, Value::Bytes(map)) => ValueView::Map(map),
                        (7, Value::Bytes(bytes)) => ValueView::Bytes(bytes),
                        _ => continue,
                    };
                }
            }
            _ => {}
        }
    }
    Ok(attribute)
}

#[cfg(test)]
mod tests;
