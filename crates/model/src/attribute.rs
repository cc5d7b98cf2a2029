//! Attributes: a key and a typed value, attached to a span, its resource, its scope, an event or a link.

/// A key and its value. Keys are unique within one owner; of duplicates the last one counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// The key, for example `http.route`.
    pub key: String,
    /// The value.
    pub value: AttributeValue,
}

/// A value as OTLP's `AnyValue` has it.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeValue {
    /// The key is present without a value.
    Empty,
    /// UTF-8 text.
    String(String),
    /// A truth value.
    Bool(bool),
    /// A signed 64-bit integer.
    Int(i64),
    /// A 64-bit float; NaN and infinities are kept.
    Double(f64),
    /// Opaque bytes.
    Bytes(Vec<u8>),
    /// A list; elements may have different types.
    Array(Vec<AttributeValue>),
    /// A nested map in the order in which it came.
    KeyValueList(Vec<Attribute>),
}

/// What an attribute is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttributeScope {
    /// The span itself.
    Span,
    /// The resource that produced the span.
    Resource,
    /// The instrumentation scope.
    Instrumentation,
    /// An event of the span.
    Event,
    /// A link of the span.
    Link,
}

impl AttributeScope {
    /// The word that TraceQL, column names and the tag APIs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Span => "span",
            Self::Resource => "resource",
            Self::Instrumentation => "instrumentation",
            Self::Event => "event",
            Self::Link => "link",
        }
    }
}
