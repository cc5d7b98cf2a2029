//! Filters as TraceQL that passes at least the same spans. What TraceQL has no equal for passes all.

use spandrel_model::{SpanKind, StatusCode};
use spandrel_traceql::ast::BinaryOp;
use spandrel_traceql::{Attribute, FieldExpr, Intrinsic, Scope, Static};

use super::super::search_filter::{service_name, traceql_kind, traceql_status};
use super::constant::Constant;
use super::field::Field;
use super::{Comparison, Level, Node, Operand, Reference};
use crate::value_match::{all_of, any_of, compare, is_string, prints_as};

/// The filter.
pub(super) fn wide(node: &Node) -> FieldExpr {
    match node {
        Node::All(nodes) => all_of(nodes.iter().map(wide)),
        Node::AnyOf(nodes) => any_of(nodes.iter().map(wide)),
        // What passes too much passes too little when it is negated.
        Node::Not(_) => everything(),
        Node::Compare { left, op, right: Operand::Constant(constant) } => {
            comparison(left, *op, constant)
        }
        Node::Compare { left, right: Operand::Reference(right), .. } => {
            all_of([exists(left), exists(right)])
        }
        Node::Matches { subject, .. } | Node::Exists(subject) => exists(subject),
        Node::Among { subject, values, negated: false } => {
            any_of(values.iter().map(|value| comparison(subject, Comparison::Equal, value)))
        }
        Node::Among { subject, .. } => exists(subject),
        Node::Some { condition, .. } => wide(condition),
    }
}

fn everything() -> FieldExpr {
    FieldExpr::Static(Static::Bool(true))
}

/// Where an attribute may be.
fn places(key: &str, level: Option<Level>) -> Vec<Attribute> {
    let scopes: &[Scope] = match level {
        None => &[Scope::Span, Scope::Resource],
        Some(Level::Span) => &[Scope::Span],
        Some(Level::Resource) => &[Scope::Resource],
        Some(Level::Scope) => &[Scope::Instrumentation],
        Some(Level::Event) => &[Scope::Event],
        Some(Level::Link) => &[Scope::Link],
    };
    scopes.iter().map(|scope| Attribute::scoped(*scope, key)).collect()
}

fn exists(reference: &Reference) -> FieldExpr {
    match reference {
        Reference::Attribute { key, level } => any_of(
            places(key, *level)
                .into_iter()
                .map(|attribute| compare(attribute, BinaryOp::NotEqual, Static::Nil)),
        ),
        Reference::Field(Field::Service) => {
            compare(service_name(), BinaryOp::NotEqual, Static::Nil)
        }
        Reference::Field(_) => everything(),
    }
}

fn comparison(reference: &Reference, op: Comparison, constant: &Constant) -> FieldExpr {
    match reference {
        Reference::Attribute { key, level } if op == Comparison::Equal => {
            let equals = |attribute: Attribute| attribute_equals(&attribute, constant);
            any_of(places(key, *level).into_iter().map(equals))
        }
        Reference::Attribute { .. } => exists(reference),
        Reference::Field(field) => {
            field_comparison(*field, op, constant).unwrap_or_else(everything)
        }
    }
}

fn attribute_equals(attribute: &Attribute, constant: &Constant) -> FieldExpr {
    let equals = |value| compare(attribute.clone(), BinaryOp::Equal, value);
    match constant {
        Constant::Any(text) => {
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            let number = number.map(|number| equals(Static::Float(number)));
            any_of([prints_as(attribute, text)].into_iter().chain(number))
        }
        Constant::Text(text) => is_string(attribute.clone(), text),
        Constant::Int(number) => equals(Static::Int(*number)),
        Constant::Double(number) if number.is_finite() => equals(Static::Float(*number)),
        Constant::Bool(truth) => equals(Static::Bool(*truth)),
        _ => compare(attribute.clone(), BinaryOp::NotEqual, Static::Nil),
    }
}

/// None where TraceQL has no such field, or does not compare it so.
fn field_comparison(field: Field, op: Comparison, constant: &Constant) -> Option<FieldExpr> {
    if let (Field::Duration, Constant::Duration(nanos)) = (field, constant) {
        let op = match op {
            Comparison::Equal => BinaryOp::Equal,
            Comparison::NotEqual => BinaryOp::NotEqual,
            Comparison::Greater => BinaryOp::Greater,
            Comparison::Less => BinaryOp::Less,
            Comparison::GreaterEqual => BinaryOp::GreaterEqual,
            Comparison::LessEqual => BinaryOp::LessEqual,
        };
        return Some(compare(Intrinsic::Duration, op, Static::Duration(*nanos)));
    }
    let (Comparison::Equal, Constant::Text(text)) = (op, constant) else { return None };
    let equals = |intrinsic, value| Some(compare(intrinsic, BinaryOp::Equal, value));
    match field {
        Field::Name => Some(is_string(Intrinsic::Name, text)),
        Field::StatusMessage => Some(is_string(Intrinsic::StatusMessage, text)),
        Field::Service => Some(is_string(service_name(), text)),
        Field::ScopeName => Some(is_string(Intrinsic::InstrumentationName, text)),
        Field::ScopeVersion => Some(is_string(Intrinsic::InstrumentationVersion, text)),
        Field::EventName => Some(is_string(Intrinsic::EventName, text)),
        Field::Kind => {
            let kind = SpanKind::ALL.into_iter().find(|kind| kind.as_str() == text)?;
            equals(Intrinsic::Kind, Static::Kind(traceql_kind(kind)))
        }
        Field::Status => {
            let status = StatusCode::ALL.into_iter().find(|status| status.as_str() == text)?;
            equals(Intrinsic::Status, Static::Status(traceql_status(status)))
        }
        _ => None,
    }
}
