//! Structured filters of searches: conditions on one span with and, or, not, ranges, lists and regular expressions,
//! over attributes and fields of the span, its resource, scope, events and links.
//!
//! What a filter means is Jaeger's RFC 0005. A comparison of what is absent is false, and only `not` turns that
//! around; of several values one has to satisfy a comparison, and none may equal what `ne` and `not_in` name.

mod check;
mod constant;
mod field;
mod json;
mod pattern;
mod value;
mod wide;

use spandrel_model::Span;
use spandrel_proto::jaeger_expression::Call;

use self::constant::Constant;
use self::field::Field;
use self::pattern::Pattern;
use self::value::Bound;
use super::search_filter::Wide;

/// Levels that a filter may name.
pub(super) const LEVELS: [&str; 5] = ["span", "resource", "scope", "event", "link"];
/// What a filter may do.
pub(super) const OPERATORS: [&str; 14] = [
    "and", "or", "not", "eq", "ne", "gt", "lt", "gte", "lte", "regex", "exists", "in", "not_in",
    "some",
];

/// A filter that makes sense.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter {
    root: Node,
}

impl Filter {
    /// The filter in this JSON.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn from_json(json: &str) -> Result<Self, String> {
        Self::from_call(&json::call(json)?)
    }

    /// The filter that this call is.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn from_call(call: &Call) -> Result<Self, String> {
        Ok(Self { root: check::check(call)? })
    }

    /// Whether the span satisfies it.
    pub(super) fn accepts(&self, span: &Span) -> bool {
        self.root.holds(Bound { span, event: None, link: None })
    }

    /// A TraceQL filter that passes every span that satisfies it, and often others.
    pub(super) fn wide(&self) -> Wide {
        Wide { filter: wide::wide(&self.root), is_exact: false }
    }
}

/// A condition.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    All(Vec<Node>),
    AnyOf(Vec<Node>),
    Not(Box<Node>),
    Compare {
        left: Reference,
        op: Comparison,
        right: Operand,
    },
    Matches {
        subject: Reference,
        pattern: Pattern,
    },
    Exists(Reference),
    Among {
        subject: Reference,
        values: Vec<Constant>,
        negated: bool,
    },
    /// One event or link of the span satisfies the condition.
    Some {
        level: Level,
        condition: Box<Node>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
}

impl Comparison {
    /// The same question with the operands the other way around.
    fn reversed(self) -> Self {
        match self {
            Self::Equal | Self::NotEqual => self,
            Self::Greater => Self::Less,
            Self::Less => Self::Greater,
            Self::GreaterEqual => Self::LessEqual,
            Self::LessEqual => Self::GreaterEqual,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Reference(Reference),
    Constant(Constant),
}

/// Where values come from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reference {
    /// An attribute; without a level of the span or its resource.
    Attribute {
        key: String,
        level: Option<Level>,
    },
    Field(Field),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Span,
    Resource,
    Scope,
    Event,
    Link,
}

impl Level {
    fn of(name: &str) -> Option<Self> {
        let levels = [Self::Span, Self::Resource, Self::Scope, Self::Event, Self::Link];
        levels.into_iter().zip(LEVELS).find(|(_, known)| *known == name).map(|(level, _)| level)
    }
}

impl Node {
    fn holds(&self, at: Bound<'_>) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.holds(at)),
            Self::AnyOf(nodes) => nodes.iter().any(|node| node.holds(at)),
            Self::Not(node) => !node.holds(at),
            Self::Compare { left, op, right } => {
                let left = at.values(left);
                match right {
                    Operand::Constant(constant) => constant.compares(&left, *op),
                    Operand::Reference(right) => value::compare(&left, *op, &at.values(right)),
                }
            }
            Self::Matches { subject, pattern } => {
                at.values(subject).iter().any(|value| pattern.is_match(&value.text()))
            }
            Self::Exists(subject) => !at.values(subject).is_empty(),
            Self::Among { subject, values, negated } => {
                let found = at.values(subject);
                let is_among = values.iter().any(|value| value.compares(&found, Comparison::Equal));
                !found.is_empty() && is_among != *negated
            }
            Self::Some { level, condition } => match level {
                Level::Event => {
                    let bound = |event| Bound { event: Some(event), ..at };
                    at.span.events.iter().any(|event| condition.holds(bound(event)))
                }
                _ => {
                    let bound = |link| Bound { link: Some(link), ..at };
                    at.span.links.iter().any(|link| condition.holds(bound(link)))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests;
