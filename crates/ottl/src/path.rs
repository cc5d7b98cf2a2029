//! Paths: names to the fields of spans and what is around them.

use crate::error::EvalError;
use crate::expression::{Env, Expression};
use crate::value::{Key, Value};

mod client;
mod edit;
mod get;
mod ids;
mod resolve;
mod set;
mod trace_state;

pub(crate) use resolve::resolve;

/// A field, and keys into what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) field: Field,
    pub(crate) keys: Vec<KeyExpression>,
}

/// What stands in brackets.
#[derive(Clone, Debug)]
pub(crate) enum KeyExpression {
    Constant(Key<'static>),
    Computed(Expression),
}

impl KeyExpression {
    /// The key, computed where it has to be.
    pub(crate) fn evaluate<'v>(&'v self, env: &Env<'v>) -> Result<Key<'v>, EvalError> {
        match self {
            Self::Constant(Key::Name(name)) => Ok(Key::Name(std::borrow::Cow::Borrowed(name))),
            Self::Constant(Key::Index(index)) => Ok(Key::Index(*index)),
            Self::Computed(expression) => match expression.evaluate(env)? {
                Value::String(name) => Ok(Key::Name(name)),
                Value::Int(index) => Ok(Key::Index(index)),
                other => Err(EvalError::Type {
                    place: "a key in brackets",
                    expected: "a string or int",
                    got: other.type_name(),
                }),
            },
        }
    }
}

/// A field of one of the contexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// The scratch map of the statement's own context.
    Cache,
    Resource(ResourceField),
    Scope(ScopeField),
    Span(SpanField),
    Event(EventField),
    Client(ClientField),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResourceField {
    Attributes,
    DroppedAttributesCount,
    SchemaUrl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeField {
    Name,
    Version,
    Attributes,
    DroppedAttributesCount,
    SchemaUrl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanField {
    TraceId,
    TraceIdText,
    SpanId,
    SpanIdText,
    ParentSpanId,
    ParentSpanIdText,
    TraceState,
    Flags,
    Name,
    Kind,
    KindText,
    KindDeprecatedText,
    StartTime,
    EndTime,
    StartTimeUnixNano,
    EndTimeUnixNano,
    Attributes,
    DroppedAttributesCount,
    Events,
    DroppedEventsCount,
    Links,
    DroppedLinksCount,
    Status,
    StatusCode,
    StatusMessage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventField {
    Name,
    Time,
    TimeUnixNano,
    Attributes,
    DroppedAttributesCount,
    Index,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientField {
    Address,
    Metadata,
    AuthAttributes,
}

impl Field {
    /// Whether keys may stand behind it.
    pub(crate) fn takes_keys(self) -> bool {
        matches!(
            self,
            Self::Cache
                | Self::Resource(ResourceField::Attributes)
                | Self::Scope(ScopeField::Attributes)
                | Self::Span(SpanField::Attributes | SpanField::TraceState)
                | Self::Event(EventField::Attributes)
                | Self::Client(ClientField::Metadata | ClientField::AuthAttributes)
        )
    }

    /// Whether it can be set.
    pub(crate) fn is_writable(self) -> bool {
        !matches!(self, Self::Client(_) | Self::Event(EventField::Index))
    }
}
