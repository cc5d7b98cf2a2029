//! A filter over one span, without copying texts where the condition is plain.

use spandrel_traceql::ast::{BinaryOp, UnaryOp};
use spandrel_traceql::{Attribute, EvalError, FieldExpr, Static, compare_texts, matches};

use crate::SpanOfTrace;

/// Whether a span passes, as `spandrel_traceql::matches` has it.
///
/// # Errors
/// [`EvalError`] when the filter has no value for the span although its types fit.
pub(crate) fn passes(filter: &FieldExpr, span: &SpanOfTrace<'_>) -> Result<bool, EvalError> {
    let FieldExpr::Binary { op, lhs, rhs } = filter else { return matches(filter, span) };
    match (op, &**lhs, &**rhs) {
        (BinaryOp::And, left, right) if is_condition(left) && is_condition(right) => {
            Ok(passes(left, span)? && passes(right, span)?)
        }
        (BinaryOp::Or, left, right) if is_condition(left) && is_condition(right) => {
            Ok(passes(left, span)? || passes(right, span)?)
        }
        (op, FieldExpr::Attribute(attribute), right) => {
            match text_passes(*op, attribute, right, span) {
                Some(passes) => passes,
                None => matches(filter, span),
            }
        }
        _ => matches(filter, span),
    }
}

/// Whether the expression is true or false for every span.
fn is_condition(expr: &FieldExpr) -> bool {
    match expr {
        FieldExpr::Static(value) => matches!(value, Static::Bool(_)),
        FieldExpr::Binary { op, .. } => !op.is_arithmetic(),
        FieldExpr::Unary { op, .. } => matches!(op, UnaryOp::Exists | UnaryOp::NotExists),
        FieldExpr::Attribute(_) | FieldExpr::Pattern(_) => false,
    }
}

/// A comparison of a text with a literal; `None` when it is something else.
fn text_passes(
    op: BinaryOp,
    attribute: &Attribute,
    right: &FieldExpr,
    span: &SpanOfTrace<'_>,
) -> Option<Result<bool, EvalError>> {
    match right {
        FieldExpr::Static(Static::String(literal)) if op.is_comparison() => {
            Some(Ok(compare_texts(op, span.text(attribute)?, literal)))
        }
        FieldExpr::Pattern(pattern) if op.is_regex() => {
            let found = pattern.matches(span.text(attribute)?).ok_or(EvalError::Pattern);
            Some(found.map(|found| found != (op == BinaryOp::NotRegex)))
        }
        _ => None,
    }
}
