//! `+ - * / % ^` over two values.

use crate::ast::BinaryOp;
use crate::error::EvalError;
use crate::value::Static;

/// Applies an arithmetic operator. Two whole numbers stay whole, wrapping at the ends of the range
/// and truncating quotients; any other two numbers become floats, durations counted in nanoseconds.
/// Operands that are no numbers yield nil.
pub(super) fn apply(op: BinaryOp, lhs: &Static, rhs: &Static) -> Result<Static, EvalError> {
    if lhs.is_array() || rhs.is_array() {
        return Err(EvalError::ArrayArithmetic);
    }
    if let (Static::Int(a), Static::Int(b)) = (lhs, rhs) {
        return whole(op, *a, *b).map(Static::Int);
    }
    Ok(match (lhs.as_float(), rhs.as_float()) {
        (Some(a), Some(b)) => Static::Float(float(op, a, b)),
        _ => Static::Nil,
    })
}

fn whole(op: BinaryOp, a: i64, b: i64) -> Result<i64, EvalError> {
    Ok(match op {
        BinaryOp::Add => a.wrapping_add(b),
        BinaryOp::Sub => a.wrapping_sub(b),
        BinaryOp::Mul => a.wrapping_mul(b),
        BinaryOp::Div | BinaryOp::Mod if b == 0 => return Err(EvalError::DivisionByZero),
        BinaryOp::Div => a.wrapping_div(b),
        BinaryOp::Mod => a.wrapping_rem(b),
        _ => power(a, b),
    })
}

/// Computed in floats, as Tempo does, so exact up to 2^53; beyond the range it stays at its end.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "the language defines powers of whole numbers by way of floats"
)]
fn power(base: i64, exponent: i64) -> i64 {
    (base as f64).powf(exponent as f64) as i64
}

fn float(op: BinaryOp, a: f64, b: f64) -> f64 {
    match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div => a / b,
        BinaryOp::Mod => a % b,
        _ => a.powf(b),
    }
}
