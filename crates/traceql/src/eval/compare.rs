//! `= != < <= > >=` over two values.

use std::cmp::Ordering;

use crate::ast::BinaryOp;
use crate::error::EvalError;
use crate::value::Static;

/// Compares two values. An array stands for its elements: for `!=` all of them must differ, for
/// the others one must satisfy; an empty one satisfies nothing.
pub(super) fn compare(op: BinaryOp, lhs: &Static, rhs: &Static) -> Result<bool, EvalError> {
    let all = op == BinaryOp::NotEqual;
    let over = |array: &Static, test: &dyn Fn(&Static) -> bool| {
        let elements = array.elements();
        if all {
            !elements.is_empty() && elements.iter().all(test)
        } else {
            elements.iter().any(test)
        }
    };
    match (lhs.is_array(), rhs.is_array()) {
        (true, true) => Err(EvalError::TwoArrays),
        (true, false) => Ok(over(lhs, &|element| scalars(op, element, rhs))),
        (false, true) => Ok(over(rhs, &|element| scalars(op, lhs, element))),
        (false, false) => Ok(scalars(op, lhs, rhs)),
    }
}

fn scalars(op: BinaryOp, lhs: &Static, rhs: &Static) -> bool {
    let ordering = match (lhs, rhs) {
        (Static::Int(a) | Static::Duration(a), Static::Int(b) | Static::Duration(b)) => {
            Some(a.cmp(b))
        }
        (Static::String(a), Static::String(b)) => Some(a.cmp(b)),
        (Static::Bool(a), Static::Bool(b)) => return equality(op, a == b),
        (Static::Status(a), Static::Status(b)) => return equality(op, a == b),
        (Static::Kind(a), Static::Kind(b)) => return equality(op, a == b),
        (Static::Status(status), Static::Int(n)) | (Static::Int(n), Static::Status(status)) => {
            return equality(op, *status as i64 == *n);
        }
        _ => match (lhs.as_float(), rhs.as_float()) {
            // NaN differs from every number and is on no side of it.
            (Some(a), Some(b)) => match a.partial_cmp(&b) {
                None => return op == BinaryOp::NotEqual,
                ordering => ordering,
            },
            _ => None,
        },
    };
    ordering.is_some_and(|ordering| holds(op, ordering))
}

/// `lhs op rhs` for two texts, which compare by their bytes; false for what is no comparison.
#[must_use]
pub fn compare_texts(op: BinaryOp, lhs: &str, rhs: &str) -> bool {
    holds(op, lhs.cmp(rhs))
}

fn holds(op: BinaryOp, ordering: Ordering) -> bool {
    match op {
        BinaryOp::Equal => ordering == Ordering::Equal,
        BinaryOp::NotEqual => ordering != Ordering::Equal,
        BinaryOp::Less => ordering == Ordering::Less,
        BinaryOp::LessEqual => ordering != Ordering::Greater,
        BinaryOp::Greater => ordering == Ordering::Greater,
        BinaryOp::GreaterEqual => ordering != Ordering::Less,
        _ => false,
    }
}

/// The verdict for types that have no order.
fn equality(op: BinaryOp, equal: bool) -> bool {
    match op {
        BinaryOp::Equal => equal,
        BinaryOp::NotEqual => !equal,
        _ => false,
    }
}
