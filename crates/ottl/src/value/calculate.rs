//! Calculation with numbers, times and durations.

use super::Value;
use crate::ast::MathOp;
use crate::error::EvalError;

/// `left op right`. Integers and floating-point numbers do not mix; integers wrap.
pub(crate) fn calculate<'a>(
    op: MathOp,
    left: &Value<'_>,
    right: &Value<'_>,
) -> Result<Value<'a>, EvalError> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => integers(op, *left, *right).map(Value::Int),
        (Value::Double(left), Value::Double(right)) => Ok(Value::Double(match op {
            MathOp::Add => left + right,
            MathOp::Subtract => left - right,
            MathOp::Multiply => left * right,
            MathOp::Divide => left / right,
        })),
        (Value::Time(time), Value::Duration(nanos)) => match op {
            MathOp::Add => Ok(Value::Time(time.plus(i128::from(*nanos)))),
            MathOp::Subtract => Ok(Value::Time(time.plus(-i128::from(*nanos)))),
            _ => Err(refused(op, left, right)),
        },
        (Value::Duration(nanos), Value::Time(time)) if op == MathOp::Add => {
            Ok(Value::Time(time.plus(i128::from(*nanos))))
        }
        (Value::Time(left), Value::Time(right)) if op == MathOp::Subtract => {
            let nanos = left.unix_nanos - right.unix_nanos;
            let least = i128::from(i64::MIN);
            let clamped = nanos.clamp(least, i128::from(i64::MAX));
            Ok(Value::Duration(i64::try_from(clamped).unwrap_or(i64::MAX)))
        }
        (Value::Duration(a), Value::Duration(b)) => match op {
            MathOp::Add => Ok(Value::Duration(a.wrapping_add(*b))),
            MathOp::Subtract => Ok(Value::Duration(a.wrapping_sub(*b))),
            _ => Err(refused(op, left, right)),
        },
        _ => Err(refused(op, left, right)),
    }
}

fn integers(op: MathOp, left: i64, right: i64) -> Result<i64, EvalError> {
    match op {
        MathOp::Add => Ok(left.wrapping_add(right)),
        MathOp::Subtract => Ok(left.wrapping_sub(right)),
        MathOp::Multiply => Ok(left.wrapping_mul(right)),
        MathOp::Divide if right == 0 => Err(EvalError::refused("division by zero")),
        MathOp::Divide => Ok(left.wrapping_div(right)),
    }
}

/// The value with the other sign.
pub(crate) fn negate<'a>(value: &Value<'_>) -> Result<Value<'a>, EvalError> {
    match value {
        Value::Int(value) => Ok(Value::Int(value.wrapping_neg())),
        Value::Double(value) => Ok(Value::Double(-value)),
        Value::Duration(value) => Ok(Value::Duration(value.wrapping_neg())),
        other => Err(EvalError::Type {
            place: "unary minus",
            expected: "a number or duration",
            got: other.type_name(),
        }),
    }
}

fn refused(op: MathOp, left: &Value<'_>, right: &Value<'_>) -> EvalError {
    let (left, right) = (left.type_name(), right.type_name());
    EvalError::refused(format_args!("cannot calculate {left} {} {right}", op.sign()))
}
