//! Values of a span that a filter looks at, and how they compare.

use std::borrow::Cow;
use std::cmp::Ordering;

use spandrel_model::{Attribute, AttributeValue, Event, Link, Span};

use super::super::printed::printed;
use super::field::Field;
use super::{Comparison, Level, Reference};
use crate::go_json;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    /// A constant that says nothing about its type.
    Any(&'a str),
    Text(Cow<'a, str>),
    Int(i64),
    Double(f64),
    Bool(bool),
    Duration(i64),
    Time(i64),
    /// Something else, as it is printed.
    Other(Cow<'a, str>),
}

impl<'a> Value<'a> {
    fn of(value: &'a AttributeValue) -> Self {
        match value {
            AttributeValue::String(text) => Self::Text(text.into()),
            AttributeValue::Int(number) => Self::Int(*number),
            AttributeValue::Double(number) => Self::Double(*number),
            AttributeValue::Bool(truth) => Self::Bool(*truth),
            other => Self::Other(printed(other)),
        }
    }

    /// As it is printed.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Any(text) => Cow::Borrowed(text),
            Self::Text(text) | Self::Other(text) => Cow::Borrowed(text),
            Self::Int(number) | Self::Duration(number) | Self::Time(number) => {
                Cow::Owned(number.to_string())
            }
            Self::Double(number) => Cow::Owned(go_json::float_text(*number)),
            Self::Bool(truth) => Cow::Owned(truth.to_string()),
        }
    }

    /// Whether both have the same type.
    pub(super) fn is_like(&self, other: &Value<'_>) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            Self::Any(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// How they come one after the other; none when nothing says so.
    fn order(&self, other: &Value<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Value::Int(b))
            | (Self::Duration(a), Value::Duration(b))
            | (Self::Time(a), Value::Time(b)) => Some(a.cmp(b)),
            (Self::Text(a), Value::Text(b)) => Some(str::cmp(a, b)),
            (Self::Text(a), Value::Any(b)) => Some(str::cmp(a, b)),
            (Self::Any(a), Value::Text(b)) => Some(str::cmp(a, b)),
            (a, b) => a.number()?.partial_cmp(&b.number()?),
        }
    }

    fn equals(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Self::Bool(a), Value::Bool(b)) => a == b,
            (Self::Other(a), Value::Other(b)) => a == b,
            (Self::Any(text), _) if other.text() == *text => true,
            (_, Value::Any(text)) if self.text() == *text => true,
            (a, b) => a.order(b) == Some(Ordering::Equal),
        }
    }

    fn compares(&self, op: Comparison, other: &Value<'_>) -> bool {
        let order = |wanted: fn(Ordering) -> bool| self.order(other).is_some_and(wanted);
        match op {
            Comparison::Equal | Comparison::NotEqual => self.equals(other),
            Comparison::Greater => order(Ordering::is_gt),
            Comparison::Less => order(Ordering::is_lt),
            Comparison::GreaterEqual => order(Ordering::is_ge),
            Comparison::LessEqual => order(Ordering::is_le),
        }
    }
}

/// Whether some of the values compare so; for [`Comparison::NotEqual`], that there are values and none are equal.
pub(super) fn compare(left: &[Value<'_>], op: Comparison, right: &[Value<'_>]) -> bool {
    let some = left.iter().any(|left| right.iter().any(|right| left.compares(op, right)));
    match op {
        Comparison::NotEqual => !left.is_empty() && !right.is_empty() && !some,
        _ => some,
    }
}

/// A span, and the event and the link that conditions are about where they are about one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound<'a> {
    pub(super) span: &'a Span,
    pub(super) event: Option<&'a Event>,
    pub(super) link: Option<&'a Link>,
}

impl<'a> Bound<'a> {
    fn events(self) -> &'a [Event] {
        self.event.map_or(&self.span.events, std::slice::from_ref)
    }

    fn links(self) -> &'a [Link] {
        self.link.map_or(&self.span.links, std::slice::from_ref)
    }

    /// The values of what is referred to; none when it is absent.
    pub(super) fn values(self, reference: &Reference) -> Vec<Value<'a>> {
        match reference {
            Reference::Attribute { key, level } => {
                let mut values = Vec::new();
                let mut of = |attributes: &'a [Attribute]| {
                    let named = attributes.iter().filter(|attribute| attribute.key == *key);
                    values.extend(named.map(|attribute| Value::of(&attribute.value)));
                };
                match level {
                    None => {
                        of(&self.span.attributes);
                        of(&self.span.resource.attributes);
                    }
                    Some(Level::Span) => of(&self.span.attributes),
                    Some(Level::Resource) => of(&self.span.resource.attributes),
                    Some(Level::Scope) => of(&self.span.scope.attributes),
                    Some(Level::Event) => self.events().iter().for_each(|e| of(&e.attributes)),
                    Some(Level::Link) => self.links().iter().for_each(|link| of(&link.attributes)),
                }
                values
            }
            Reference::Field(field) => self.field(*field),
        }
    }

    fn field(self, field: Field) -> Vec<Value<'a>> {
        let span = self.span;
        let time = |nanos: u64| Value::Time(i64::try_from(nanos).unwrap_or(i64::MAX));
        let since = |at: u64| Value::Duration(at.wrapping_sub(span.start_unix_nanos).cast_signed());
        let text = |text: &'a str| match text {
            "" => Vec::new(),
            text => vec![Value::Text(text.into())],
        };
        let id = |id: String| vec![Value::Text(id.into())];
        match field {
            Field::TraceId => id(span.trace_id.to_string()),
            Field::SpanId => id(span.span_id.to_string()),
            Field::ParentSpanId => {
                span.parent_span_id.map(|parent| id(parent.to_string())).unwrap_or_default()
            }
            Field::TraceState => text(&span.trace_state),
            Field::Name => vec![Value::Text((&span.name).into())],
            Field::Kind => vec![Value::Text(span.kind.as_str().into())],
            Field::StartTime => vec![time(span.start_unix_nanos)],
            Field::EndTime => vec![time(span.end_unix_nanos)],
            Field::Duration => vec![Value::Duration(span.duration_nanos())],
            Field::Status => vec![Value::Text(span.status_code.as_str().into())],
            Field::StatusMessage => text(&span.status_message),
            Field::Service => text(span.resource.service_name().unwrap_or_default()),
            Field::ResourceSchemaUrl => text(&span.resource.schema_url),
            Field::ScopeName => text(&span.scope.name),
            Field::ScopeVersion => text(&span.scope.version),
            Field::ScopeSchemaUrl => text(&span.scope.schema_url),
            Field::EventName => {
                self.events().iter().map(|event| Value::Text((&event.name).into())).collect()
            }
            Field::EventTime => self.events().iter().map(|e| time(e.time_unix_nanos)).collect(),
            Field::EventTimeSinceStart => {
                self.events().iter().map(|event| since(event.time_unix_nanos)).collect()
            }
            Field::LinkTraceId => {
                self.links().iter().flat_map(|l| id(l.trace_id.to_string())).collect()
            }
            Field::LinkSpanId => {
                self.links().iter().flat_map(|l| id(l.span_id.to_string())).collect()
            }
            Field::LinkTraceState => {
                self.links().iter().flat_map(|l| text(&l.trace_state)).collect()
            }
        }
    }
}
