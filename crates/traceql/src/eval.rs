//! Evaluation of a field expression over one span.
//!
//! Operands whose types do not fit each other make a comparison false, never an error; nil equals
//! nothing, and is what arithmetic with an absent or unfit operand yields. Whole numbers and
//! durations compare exactly, anything with a float as floats. An error means that the query
//! cannot be answered: a division by zero, an operator on an impossible operand.

use std::borrow::Cow;

use crate::ast::{BinaryOp, FieldExpr, UnaryOp};
use crate::attribute::Attribute;
use crate::error::EvalError;
use crate::pattern::Pattern;
use crate::value::Static;

mod arithmetic;
mod compare;
#[cfg(test)]
mod tests;

pub use compare::compare_texts;

/// Where an expression reads a span's values from.
pub trait SpanValues {
    /// The span's value of `attribute`, [`Static::Nil`] when it has none.
    ///
    /// `.x` is the span's attribute when it has one, else the resource's. Array attributes are
    /// array values, of one element or none too. For whatever [`Attribute::is_several`] tells of,
    /// the value is [`Static::Several`] with one element per event or link of the span, nil for
    /// each that lacks it; so it is an empty `Several`, not nil, for a span without any: nothing
    /// is true of it, not even `= nil`.
    fn value(&self, attribute: &Attribute) -> Cow<'_, Static>;
}

/// The value of `expr` for `span`.
///
/// # Errors
/// See [`EvalError`]; which operands are evaluated at all follows the order of the text, with
/// `&&` and `||` stopping at the first operand that decides.
pub fn eval(expr: &FieldExpr, span: &dyn SpanValues) -> Result<Static, EvalError> {
    evaluate(expr, span).map(Cow::into_owned)
}

/// Whether `span` passes a filter of `expr`: whether the value is true.
///
/// # Errors
/// As [`eval`].
pub fn matches(expr: &FieldExpr, span: &dyn SpanValues) -> Result<bool, EvalError> {
    evaluate(expr, span).map(|value| is_true(&value))
}

fn evaluate<'a>(
    expr: &'a FieldExpr,
    span: &'a dyn SpanValues,
) -> Result<Cow<'a, Static>, EvalError> {
    Ok(match expr {
        FieldExpr::Static(value) => Cow::Borrowed(value),
        FieldExpr::Attribute(attribute) => span.value(attribute),
        FieldExpr::Unary { op, operand } => Cow::Owned(unary(*op, &*evaluate(operand, span)?)?),
        FieldExpr::Binary { op, lhs, rhs } => {
            Cow::Owned(evaluate_binary(*op, &*evaluate(lhs, span)?, rhs, span)?)
        }
        // Only reached when a tree was built by hand with a pattern in a wrong place.
        FieldExpr::Pattern(pattern) => Cow::Owned(Static::String(pattern.source().to_owned())),
    })
}

fn evaluate_binary(
    op: BinaryOp,
    lhs: &Static,
    rhs: &FieldExpr,
    span: &dyn SpanValues,
) -> Result<Static, EvalError> {
    match (op, rhs) {
        (BinaryOp::Regex | BinaryOp::NotRegex, FieldExpr::Pattern(pattern)) => {
            regex(op, lhs, pattern)
        }
        (BinaryOp::And, _) if !is_true(lhs) => Ok(Static::Bool(false)),
        (BinaryOp::Or, _) if is_true(lhs) => Ok(Static::Bool(true)),
        (BinaryOp::Or, _) if !is_boolean(lhs) => Ok(Static::Bool(false)),
        _ => binary(op, lhs, &*evaluate(rhs, span)?),
    }
}

/// Whether the value is true; of several, whether one is.
fn is_true(value: &Static) -> bool {
    match value {
        Static::Bool(b) => *b,
        Static::Several(values) => values.iter().any(is_true),
        _ => false,
    }
}

fn is_boolean(value: &Static) -> bool {
    matches!(value, Static::Bool(_) | Static::Several(_))
}

/// Applies an operator to one value.
pub(crate) fn unary(op: UnaryOp, operand: &Static) -> Result<Static, EvalError> {
    if let Static::Several(values) = operand {
        let results = values.iter().map(|value| unary(op, value));
        return match op {
            UnaryOp::Neg => results.collect::<Result<_, _>>().map(Static::Several),
            UnaryOp::Not | UnaryOp::Exists | UnaryOp::NotExists => any(results),
        };
    }
    let got = operand.static_type().as_str();
    Ok(match (op, operand) {
        (UnaryOp::Exists, operand) => Static::Bool(!operand.is_nil()),
        (UnaryOp::NotExists, operand) => Static::Bool(operand.is_nil()),
        (UnaryOp::Not | UnaryOp::Neg, Static::Nil) => Static::Nil,
        (UnaryOp::Not, Static::Bool(b)) => Static::Bool(!b),
        (UnaryOp::Not, _) => return Err(EvalError::NotBoolean { got }),
        (UnaryOp::Neg, Static::Int(n)) => Static::Int(n.wrapping_neg()),
        (UnaryOp::Neg, Static::Float(x)) => Static::Float(-x),
        (UnaryOp::Neg, Static::Duration(n)) => Static::Duration(n.wrapping_neg()),
        (UnaryOp::Neg, _) => return Err(EvalError::NotNumeric { got }),
    })
}

/// Applies an operator other than a regular expression match to two values.
///
/// # Errors
/// [`EvalError`] when the result has no value although the types fit.
pub fn binary(op: BinaryOp, lhs: &Static, rhs: &Static) -> Result<Static, EvalError> {
    if op.is_logical() {
        let (left, right) = (is_true(lhs), is_true(rhs));
        let typed = is_boolean(lhs) && is_boolean(rhs);
        return Ok(Static::Bool(
            typed && if op == BinaryOp::And { left && right } else { left || right },
        ));
    }
    match (lhs, rhs) {
        (Static::Several(values), rhs) => {
            several(op, values.iter().map(|lhs| binary(op, lhs, rhs)))
        }
        (lhs, Static::Several(values)) => {
            several(op, values.iter().map(|rhs| binary(op, lhs, rhs)))
        }
        _ if op.is_arithmetic() => arithmetic::apply(op, lhs, rhs),
        _ => compare::compare(op, lhs, rhs).map(Static::Bool),
    }
}

/// `lhs =~ pattern` or `lhs !~ pattern`.
pub(crate) fn regex(op: BinaryOp, lhs: &Static, pattern: &Pattern) -> Result<Static, EvalError> {
    let negated = op == BinaryOp::NotRegex;
    let matches = |text: &String| pattern.matches(text).ok_or(EvalError::Pattern);
    Ok(Static::Bool(match lhs {
        Static::String(text) => matches(text)? != negated,
        Static::StringArray(texts) => {
            let mut found = false;
            for text in texts {
                found |= matches(text)?;
            }
            !texts.is_empty() && found != negated
        }
        Static::Several(values) => {
            return any(values.iter().map(|value| regex(op, value, pattern)));
        }
        _ => false,
    }))
}

/// What an operator yields when one operand is several values.
fn several(
    op: BinaryOp,
    results: impl Iterator<Item = Result<Static, EvalError>>,
) -> Result<Static, EvalError> {
    if op.is_arithmetic() {
        results.collect::<Result<_, _>>().map(Static::Several)
    } else {
        any(results)
    }
}

fn any(results: impl Iterator<Item = Result<Static, EvalError>>) -> Result<Static, EvalError> {
    let mut found = false;
    for result in results {
        found |= is_true(&result?);
    }
    Ok(Static::Bool(found))
}
