//! Constructors that bring expressions into the form the parser produces.
//!
//! Constant subexpressions are folded when their types fit and they have a value; what does not
//! fit is kept, so that validation can say what is wrong. Comparisons with nil become existence
//! checks.

use super::{BinaryOp, FieldExpr, ScalarExpr, UnaryOp};
use crate::attribute::{Attribute, Intrinsic};
use crate::eval;
use crate::pattern::Pattern;
use crate::value::Static;

impl FieldExpr {
    /// An operator applied to one operand.
    #[must_use]
    pub fn unary(op: UnaryOp, operand: Self) -> Self {
        if let Self::Static(value) = &operand {
            let folds = match op {
                UnaryOp::Not => matches!(value, Static::Bool(_)),
                UnaryOp::Neg => value.static_type().is_numeric(),
                UnaryOp::Exists | UnaryOp::NotExists => true,
            };
            if folds && let Ok(folded) = eval::unary(op, value) {
                return Self::Static(folded);
            }
        }
        Self::Unary { op, operand: Box::new(operand) }
    }

    /// An operator applied to two operands.
    #[must_use]
    pub fn binary(op: BinaryOp, lhs: Self, rhs: Self) -> Self {
        let existence = match op {
            BinaryOp::Equal => Some(UnaryOp::NotExists),
            BinaryOp::NotEqual => Some(UnaryOp::Exists),
            _ => None,
        };
        if let Some(existence) = existence {
            match (lhs.is_nil(), rhs.is_nil()) {
                (true, true) => return Self::Static(Static::Bool(false)),
                (true, false) => return Self::unary(existence, rhs),
                (false, true) => return Self::unary(existence, lhs),
                (false, false) => {}
            }
        }
        let (lhs, rhs) = operands(op, lhs, rhs);
        if let Some(folded) = fold(op, &lhs, &rhs) {
            return Self::Static(folded);
        }
        Self::Binary { op, lhs: Box::new(lhs), rhs: Box::new(rhs) }
    }

    fn is_nil(&self) -> bool {
        matches!(self, Self::Static(Static::Nil))
    }
}

/// Gives literal operands the form their counterpart asks for.
fn operands(op: BinaryOp, mut lhs: FieldExpr, mut rhs: FieldExpr) -> (FieldExpr, FieldExpr) {
    if op.is_regex() {
        if let FieldExpr::Static(Static::String(source)) = rhs {
            rhs = FieldExpr::Pattern(Pattern::new(source));
        }
    } else if op.is_comparison() {
        match (&lhs, &mut rhs) {
            (trace_id, FieldExpr::Static(Static::String(literal))) if is_trace_id(trace_id) => {
                trim_zeros(literal);
            }
            _ => {}
        }
        match (&mut lhs, &rhs) {
            (FieldExpr::Static(Static::String(literal)), trace_id) if is_trace_id(trace_id) => {
                trim_zeros(literal);
            }
            _ => {}
        }
    }
    (lhs, rhs)
}

fn is_trace_id(expr: &FieldExpr) -> bool {
    *expr == FieldExpr::Attribute(Attribute::Intrinsic(Intrinsic::TraceId))
}

fn trim_zeros(literal: &mut String) {
    let zeros = literal.len() - literal.trim_start_matches('0').len();
    literal.drain(..zeros);
}

fn fold(op: BinaryOp, lhs: &FieldExpr, rhs: &FieldExpr) -> Option<Static> {
    let FieldExpr::Static(lhs) = lhs else { return None };
    match rhs {
        FieldExpr::Static(rhs) if op.accepts(lhs.static_type(), rhs.static_type()) => {
            eval::binary(op, lhs, rhs).ok()
        }
        // What takes long to compile stays, to be counted.
        FieldExpr::Pattern(pattern) if matches!(lhs, Static::String(_)) && !pattern.is_large() => {
            eval::regex(op, lhs, pattern).ok()
        }
        _ => None,
    }
}

impl ScalarExpr {
    /// Arithmetic of two scalars, folded when both are constant; none when that has no value.
    #[must_use]
    pub fn operation(op: BinaryOp, lhs: Self, rhs: Self) -> Option<Self> {
        if let (Self::Static(lhs), Self::Static(rhs)) = (&lhs, &rhs) {
            return eval::binary(op, lhs, rhs).ok().map(Self::Static);
        }
        Some(Self::Operation { op, lhs: Box::new(lhs), rhs: Box::new(rhs) })
    }

    /// The constant that series can be combined with; durations have no place there.
    pub(crate) fn series_operand(&self) -> Option<f64> {
        match self {
            Self::Static(value @ (Static::Int(_) | Static::Float(_))) => value.as_float(),
            _ => None,
        }
    }
}
