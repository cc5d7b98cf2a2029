//! What values are compared with.

use jiff::Timestamp;
use spandrel_model::{SpanKind, StatusCode};
use spandrel_proto::jaeger_expression::Scalar;

use super::super::span_query::go_bool;
use super::Comparison;
use super::value::{self, Value};
use crate::go_duration;

/// What kind of thing a value is. Only values of one kind compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Domain {
    Text,
    /// A text that is not checked.
    Id,
    /// The name of a kind of span.
    Kind,
    /// The name of a status.
    Status,
    Number,
    Bool,
    Duration,
    Time,
}

impl Domain {
    /// Whether values of the domain come one after the other.
    pub(super) fn is_ordered(self) -> bool {
        !matches!(self, Self::Bool | Self::Kind | Self::Status)
    }

    /// Whether values are texts.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Id | Self::Kind | Self::Status)
    }

    /// Whether values of both can be compared.
    pub(super) fn meets(self, other: Self) -> bool {
        self == other || (self.is_text() && other.is_text())
    }
}

/// A constant. All but [`Constant::Any`] match only values that are stored as their type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Constant {
    /// A text that matches whatever prints so, and numbers that are equal.
    Any(String),
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
    /// Nanoseconds.
    Duration(i64),
    /// Unix nanoseconds.
    Time(i64),
}

impl Constant {
    /// The constant that a scalar is.
    ///
    /// # Errors
    /// When it is not of the type that it declares.
    pub(super) fn of(scalar: &Scalar) -> Result<Self, String> {
        Self::typed(&scalar.value, &scalar.r#type)
    }

    /// The text read as the type, which may be empty.
    ///
    /// # Errors
    /// When the text is not of the type, or there is no such type.
    pub(super) fn typed(text: &str, kind: &str) -> Result<Self, String> {
        let constant = match kind {
            "" => Some(Self::Any(text.to_owned())),
            "string" => Some(Self::Text(text.to_owned())),
            "int" => text.parse().ok().map(Self::Int),
            "double" => text.parse().ok().map(Self::Double),
            "bool" => go_bool(text).map(Self::Bool),
            _ => {
                return Err(format!("filter constant {text:?} declares the unknown type {kind:?}"));
            }
        };
        constant.ok_or_else(|| format!("filter constant {text:?} is not the {kind:?} it declares"))
    }

    /// None when it may be anything.
    pub(super) fn domain(&self) -> Option<Domain> {
        match self {
            Self::Any(_) => None,
            Self::Text(_) => Some(Domain::Text),
            Self::Int(_) | Self::Double(_) => Some(Domain::Number),
            Self::Bool(_) => Some(Domain::Bool),
            Self::Duration(_) => Some(Domain::Duration),
            Self::Time(_) => Some(Domain::Time),
        }
    }

    /// The constant as a value of the domain, which is what a field declares.
    ///
    /// # Errors
    /// When it cannot be one.
    pub(super) fn resolved(self, domain: Domain) -> Result<Self, String> {
        let text = match self {
            Self::Any(text) => text,
            Self::Text(text) if domain.is_text() => text,
            other => return Ok(other),
        };
        match domain {
            Domain::Text => Ok(Self::Text(text)),
            Domain::Id => Ok(Self::Text(text.to_ascii_lowercase())),
            Domain::Kind => {
                let kinds = SpanKind::ALL.map(SpanKind::as_str);
                one_of(text, &kinds, "kind of span")
            }
            Domain::Status => {
                let statuses = StatusCode::ALL.map(StatusCode::as_str);
                one_of(text, &statuses, "status")
            }
            Domain::Duration => match go_duration::parse(&text) {
                Some(nanos) => Ok(Self::Duration(nanos)),
                None => Err(format!("filter constant {text:?} is no duration such as 1.5s")),
            },
            Domain::Time => {
                let nanos = text.parse::<Timestamp>().ok();
                let nanos = nanos.and_then(|time| i64::try_from(time.as_nanosecond()).ok());
                let malformed = || format!("filter constant {text:?} is no time in RFC 3339");
                nanos.map(Self::Time).ok_or_else(malformed)
            }
            // No field declares these.
            Domain::Number | Domain::Bool => Ok(Self::Any(text)),
        }
    }

    /// Whether one of the values compares so with it; for [`Comparison::NotEqual`], that there are values and
    /// none of them equals it.
    pub(super) fn compares(&self, values: &[Value<'_>], op: Comparison) -> bool {
        let constant = self.value();
        if matches!(self, Self::Any(_)) {
            return value::compare(values, op, &[constant]);
        }
        let same_type = |value: &&Value<'_>| value.is_like(&constant);
        let alike: Vec<Value<'_>> = values.iter().filter(same_type).cloned().collect();
        match op {
            Comparison::NotEqual => {
                !values.is_empty() && !value::compare(&alike, Comparison::Equal, &[constant])
            }
            op => value::compare(&alike, op, &[constant]),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Any(text) => Value::Any(text),
            Self::Text(text) => Value::Text(text.into()),
            Self::Int(number) => Value::Int(*number),
            Self::Double(number) => Value::Double(*number),
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Duration(nanos) => Value::Duration(*nanos),
            Self::Time(nanos) => Value::Time(*nanos),
        }
    }
}

fn one_of(text: String, words: &[&str], what: &str) -> Result<Constant, String> {
    match words.contains(&text.as_str()) {
        true => Ok(Constant::Text(text)),
        false => Err(format!("filter constant {text:?} is no {what}: {}", words.join(", "))),
    }
}
