//! Values while something is evaluated: borrowed from spans where they can be.

use std::borrow::Cow;

use spandrel_proto::otlp::common::any_value::Value as Any;
use spandrel_proto::otlp::common::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use spandrel_proto::otlp::trace::span::{Event, Link};

use crate::error::EvalError;
use crate::time::Time;

mod calculate;
mod compare;
mod convert;
mod json;

pub(crate) use calculate::{calculate, negate};
pub(crate) use compare::{compare, equal, order};
pub(crate) use convert::{double_text, text_of};
pub(crate) use json::write as write_json;

/// A value of OTTL.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing: a key that is not there, or `nil`.
    Nil,
    /// True or false.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// Text.
    String(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// Attributes, or what was parsed to look like them.
    Map(Cow<'a, [KeyValue]>),
    /// A list.
    List(Cow<'a, [AnyValue]>),
    /// A point in time.
    Time(Time),
    /// A length of time in nanoseconds.
    Duration(i64),
    /// A trace id.
    TraceId([u8; 16]),
    /// A span id.
    SpanId([u8; 8]),
    /// The events of a span, as a whole.
    Events(Cow<'a, [Event]>),
    /// The links of a span, as a whole.
    Links(Cow<'a, [Link]>),
}

impl<'a> Value<'a> {
    /// The text, borrowed.
    pub(crate) fn text(text: &'a str) -> Self {
        Self::String(Cow::Borrowed(text))
    }

    /// The text, owned.
    pub(crate) fn owned(text: impl Into<String>) -> Self {
        Self::String(Cow::Owned(text.into()))
    }

    pub(crate) fn list(members: Vec<AnyValue>) -> Self {
        Self::List(Cow::Owned(members))
    }

    pub(crate) fn map(entries: Vec<KeyValue>) -> Self {
        Self::Map(Cow::Owned(entries))
    }

    pub(crate) fn strings<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::list(texts.into_iter().map(any_text).collect())
    }

    /// The value of an attribute, borrowed.
    pub(crate) fn of(any: &'a AnyValue) -> Self {
        match &any.value {
            None => Self::Nil,
            Some(Any::BoolValue(value)) => Self::Bool(*value),
            Some(Any::IntValue(value)) => Self::Int(*value),
            Some(Any::DoubleValue(value)) => Self::Double(*value),
            Some(Any::StringValue(text)) => Self::text(text),
            Some(Any::BytesValue(bytes)) => Self::Bytes(Cow::Borrowed(bytes)),
            Some(Any::ArrayValue(list)) => Self::List(Cow::Borrowed(&list.values)),
            Some(Any::KvlistValue(map)) => Self::Map(Cow::Borrowed(&map.values)),
        }
    }

    /// The value of an attribute that nobody else has.
    pub(crate) fn of_owned(any: AnyValue) -> Self {
        match any.value {
            None => Self::Nil,
            Some(Any::BoolValue(value)) => Self::Bool(value),
            Some(Any::IntValue(value)) => Self::Int(value),
            Some(Any::DoubleValue(value)) => Self::Double(value),
            Some(Any::StringValue(text)) => Self::owned(text),
            Some(Any::BytesValue(bytes)) => Self::Bytes(Cow::Owned(bytes.to_vec())),
            Some(Any::ArrayValue(list)) => Self::list(list.values),
            Some(Any::KvlistValue(map)) => Self::map(map.values),
        }
    }

    /// What is stored for it in an attribute; none for times, durations, ids, events and links, which
    /// attributes cannot hold.
    #[must_use]
    pub fn into_any(self) -> Option<AnyValue> {
        let value = match self {
            Self::Nil => None,
            Self::Bool(value) => Some(Any::BoolValue(value)),
            Self::Int(value) => Some(Any::IntValue(value)),
            Self::Double(value) => Some(Any::DoubleValue(value)),
            Self::String(text) => Some(Any::StringValue(text.into_owned())),
            Self::Bytes(bytes) => Some(Any::BytesValue(bytes.into_owned().into())),
            Self::List(members) => {
                Some(Any::ArrayValue(ArrayValue { values: members.into_owned() }))
            }
            Self::Map(entries) => {
                Some(Any::KvlistValue(KeyValueList { values: entries.into_owned() }))
            }
            Self::Time(_)
            | Self::Duration(_)
            | Self::TraceId(_)
            | Self::SpanId(_)
            | Self::Events(_)
            | Self::Links(_) => return None,
        };
        Some(AnyValue { value })
    }

    /// [`Value::into_any`], or an error that names the type.
    pub(crate) fn storable(self, place: &'static str) -> Result<AnyValue, EvalError> {
        let got = self.type_name();
        let expected = "a value that attributes can hold";
        self.into_any().ok_or(EvalError::Type { place, expected, got })
    }

    /// A value that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Nil => Value::Nil,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Double(value) => Value::Double(value),
            Self::String(text) => Value::String(Cow::Owned(text.into_owned())),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            Self::Map(entries) => Value::Map(Cow::Owned(entries.into_owned())),
            Self::List(members) => Value::List(Cow::Owned(members.into_owned())),
            Self::Time(time) => Value::Time(time),
            Self::Duration(nanos) => Value::Duration(nanos),
            Self::TraceId(id) => Value::TraceId(id),
            Self::SpanId(id) => Value::SpanId(id),
            Self::Events(events) => Value::Events(Cow::Owned(events.into_owned())),
            Self::Links(links) => Value::Links(Cow::Owned(links.into_owned())),
        }
    }

    /// The type, for messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Map(_) => "map",
            Self::List(_) => "list",
            Self::Time(_) => "time",
            Self::Duration(_) => "duration",
            Self::TraceId(_) => "trace id",
            Self::SpanId(_) => "span id",
            Self::Events(_) => "events",
            Self::Links(_) => "links",
        }
    }

    /// The member that `key` names; nil when a map has no such key, or there is no map at all.
    pub(crate) fn get(self, key: &Key<'_>) -> Result<Value<'a>, EvalError> {
        match (self, key) {
            (Self::Nil, _) => Ok(Value::Nil),
            (Self::Map(Cow::Borrowed(entries)), Key::Name(name)) => Ok(find(entries, name)),
            (Self::Map(Cow::Owned(entries)), Key::Name(name)) => {
                let found = entries.into_iter().find(|entry| entry.key == **name);
                Ok(found.and_then(|entry| entry.value).map_or(Value::Nil, Value::of_owned))
            }
            (Self::List(members), Key::Index(index)) => {
                let place = usize::try_from(*index).ok().filter(|place| *place < members.len());
                let Some(place) = place else {
                    return Err(out_of_bounds(*index, members.len()));
                };
                match members {
                    Cow::Borrowed(members) => Ok(members.get(place).map_or(Value::Nil, Value::of)),
                    Cow::Owned(mut members) => Ok(Value::of_owned(members.swap_remove(place))),
                }
            }
            (other, Key::Name(_)) => Err(EvalError::Type {
                place: "a string in brackets",
                expected: "a map",
                got: other.type_name(),
            }),
            (other, Key::Index(_)) => Err(EvalError::Type {
                place: "a number in brackets",
                expected: "a list",
                got: other.type_name(),
            }),
        }
    }
}

/// What stands in brackets behind a path or converter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Key<'a> {
    Name(Cow<'a, str>),
    Index(i64),
}

/// The value at `name`, nil when there is none.
pub(crate) fn find<'a>(entries: &'a [KeyValue], name: &str) -> Value<'a> {
    let found = entries.iter().find(|entry| entry.key == name);
    found.and_then(|entry| entry.value.as_ref()).map_or(Value::Nil, Value::of)
}

pub(crate) fn out_of_bounds(index: i64, length: usize) -> EvalError {
    EvalError::refused(format_args!("index {index} is outside of a list of {length}"))
}

/// An attribute value of text.
pub(crate) fn any_text(text: impl Into<String>) -> AnyValue {
    AnyValue { value: Some(Any::StringValue(text.into())) }
}

/// An attribute.
pub(crate) fn entry(key: impl Into<String>, value: AnyValue) -> KeyValue {
    KeyValue { key: key.into(), value: Some(value) }
}

/// Sets `key`, keeping its place when it is there already.
pub(crate) fn put(entries: &mut Vec<KeyValue>, key: &str, value: AnyValue) {
    match entries.iter_mut().find(|entry| entry.key == key) {
        Some(entry) => entry.value = Some(value),
        None => entries.push(entry(key, value)),
    }
}
