//! What of a span texts look at, so that whoever has spans as bytes need not decode the rest.

use crate::context::Context;
use crate::expression::{Call, Expression, Test};
use crate::functions::Argument;
use crate::path::{Field, KeyExpression, Path, SpanField};
use crate::value::Key;

/// Number of the field `Span.events`.
const EVENTS: u32 = 11;
/// Number of the field `Span.attributes`.
const ATTRIBUTES: u32 = 9;
/// Number of the field `Span.parent_span_id`.
const PARENT_SPAN_ID: u32 = 4;

/// Fields of the message `Span`, and keys of its attributes. A span of which only these are decoded looks the same
/// to the texts as the whole one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Bit `n` is set when field `n` is looked at.
    fields: u32,
    /// The attributes that are looked at, unless all are.
    attribute_keys: Vec<String>,
    all_attributes: bool,
}

impl Reads {
    /// Whether the field of that number is looked at, of the attributes at least one.
    #[must_use]
    pub fn field(&self, number: u32) -> bool {
        1_u32.checked_shl(number).is_some_and(|bit| self.fields & bit != 0)
    }

    /// The keys of the attributes that are looked at; none when all are.
    #[must_use]
    pub fn attribute_keys(&self) -> Option<&[String]> {
        (!self.all_attributes).then_some(&self.attribute_keys)
    }

    /// Adds what other texts look at.
    pub fn add(&mut self, other: &Self) {
        self.fields |= other.fields;
        self.all_attributes |= other.all_attributes;
        for key in &other.attribute_keys {
            self.add_key(key);
        }
    }

    pub(crate) fn of<'t>(tests: impl Iterator<Item = &'t Test>, context: Context) -> Self {
        let mut reads = Self::default();
        if context == Context::SpanEvent {
            reads.add_field(EVENTS);
        }
        tests.for_each(|test| reads.test(test));
        reads
    }

    fn everything(&mut self) {
        self.fields = u32::MAX;
        self.all_attributes = true;
    }

    fn add_field(&mut self, number: u32) {
        self.fields |= 1 << number;
    }

    fn add_key(&mut self, key: &str) {
        self.add_field(ATTRIBUTES);
        if !self.attribute_keys.iter().any(|known| known == key) {
            self.attribute_keys.push(key.to_owned());
        }
    }

    fn test(&mut self, test: &Test) {
        match test {
            Test::Constant(_) => {}
            Test::Value(expression) => self.expression(expression),
            Test::Compare(_, left, right) => {
                self.expression(left);
                self.expression(right);
            }
            Test::Not(inner) => self.test(inner),
            Test::And(members) | Test::Or(members) => {
                members.iter().for_each(|member| self.test(member));
            }
        }
    }

    fn expression(&mut self, expression: &Expression) {
        match expression {
            Expression::Constant(_) => {}
            Expression::Path(path) => self.path(path),
            Expression::Local(_, keys) => self.keys(keys),
            Expression::Call(call) => self.call(call),
            Expression::List(members) => members.iter().for_each(|member| self.expression(member)),
            Expression::Map(entries) => {
                entries.iter().for_each(|(_, value)| self.expression(value));
            }
            Expression::Math(_, left, right) => {
                self.expression(left);
                self.expression(right);
            }
            Expression::Negate(inner) => self.expression(inner),
            Expression::Test(test) => self.test(test),
        }
    }

    /// A function without arguments may look at the span itself.
    fn call(&mut self, call: &Call) {
        if call.name == "IsRootSpan" {
            self.add_field(PARENT_SPAN_ID);
        } else if call.arguments.is_empty() {
            self.everything();
        }
        self.keys(&call.keys);
        for argument in &call.arguments {
            match argument {
                Argument::Absent | Argument::Pattern(_) => {}
                Argument::Value(expression) => self.expression(expression),
                Argument::Place(path) => self.path(path),
                Argument::Function(_) => self.everything(),
                Argument::Lambda(lambda) => self.expression(&lambda.body),
            }
        }
    }

    fn keys(&mut self, keys: &[KeyExpression]) {
        for key in keys {
            if let KeyExpression::Computed(expression) = key {
                self.expression(expression);
            }
        }
    }

    fn path(&mut self, path: &Path) {
        self.keys(&path.keys);
        match path.field {
            Field::Cache | Field::Resource(_) | Field::Scope(_) | Field::Client(_) => {}
            Field::Event(_) => self.add_field(EVENTS),
            Field::Span(SpanField::Attributes) => match path.keys.first() {
                Some(KeyExpression::Constant(Key::Name(key))) => self.add_key(key),
                _ => {
                    self.add_field(ATTRIBUTES);
                    self.all_attributes = true;
                }
            },
            Field::Span(field) => self.add_field(number_of(field)),
        }
    }
}

/// The number of a field in the message `Span`.
fn number_of(field: SpanField) -> u32 {
    match field {
        SpanField::TraceId | SpanField::TraceIdText => 1,
        SpanField::SpanId | SpanField::SpanIdText => 2,
        SpanField::TraceState => 3,
        SpanField::ParentSpanId | SpanField::ParentSpanIdText => PARENT_SPAN_ID,
        SpanField::Name => 5,
        SpanField::Kind | SpanField::KindText | SpanField::KindDeprecatedText => 6,
        SpanField::StartTime | SpanField::StartTimeUnixNano => 7,
        SpanField::EndTime | SpanField::EndTimeUnixNano => 8,
        SpanField::Attributes => ATTRIBUTES,
        SpanField::DroppedAttributesCount => 10,
        SpanField::Events => EVENTS,
        SpanField::DroppedEventsCount => 12,
        SpanField::Links => 13,
        SpanField::DroppedLinksCount => 14,
        SpanField::Status | SpanField::StatusCode | SpanField::StatusMessage => 15,
        SpanField::Flags => 16,
    }
}
