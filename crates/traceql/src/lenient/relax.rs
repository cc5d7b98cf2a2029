//! Leaving out of a condition what is unfinished or makes no sense.

use super::is_hole;
use crate::ast::{BinaryOp, FieldExpr, UnaryOp};
use crate::validate::check_filter;

/// A condition that holds wherever `expr` does however its unfinished parts end; none when that is
/// everywhere.
///
/// A lone attribute counts as unfinished: it is more often the beginning of a comparison than a
/// truth value. So does a constant, and what validation refuses.
pub(super) fn relax(expr: &FieldExpr) -> Option<FieldExpr> {
    match expr {
        FieldExpr::Binary { op: BinaryOp::And, lhs, rhs } => match (relax(lhs), relax(rhs)) {
            (Some(lhs), Some(rhs)) => Some(FieldExpr::binary(BinaryOp::And, lhs, rhs)),
            (one, None) | (None, one) => one,
        },
        FieldExpr::Binary { op: BinaryOp::Or, lhs, rhs } => {
            Some(FieldExpr::binary(BinaryOp::Or, relax(lhs)?, relax(rhs)?))
        }
        _ => {
            let finished = !is_lone(expr) && !expr.attributes().any(is_hole);
            (finished && check_filter(expr).is_ok()).then(|| expr.clone())
        }
    }
}

/// A constant or an attribute, negated or not.
fn is_lone(mut expr: &FieldExpr) -> bool {
    while let FieldExpr::Unary { op: UnaryOp::Not, operand } = expr {
        expr = operand;
    }
    matches!(expr, FieldExpr::Static(_) | FieldExpr::Attribute(_))
}
