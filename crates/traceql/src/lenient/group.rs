//! Conditions as groups of which one must hold.

use crate::ast::{BinaryOp, FieldExpr, UnaryOp};

/// Comparisons of one attribute with a constant that must all hold.
pub type Group<'a> = Vec<&'a FieldExpr>;

/// A condition has more alternatives than are of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the conditions have more than {max} alternatives")]
pub struct TooManyGroups {
    /// How many there may be.
    pub max: usize,
}

/// The alternatives of each part of a conjunction; parts that rule nothing out are left out.
pub(super) fn factors(expr: &FieldExpr, max: usize) -> Result<Vec<Vec<Group<'_>>>, TooManyGroups> {
    let mut factors = Vec::new();
    let mut pending = vec![expr];
    while let Some(expr) = pending.pop() {
        if let FieldExpr::Binary { op: BinaryOp::And, lhs, rhs } = expr {
            pending.extend([&**rhs, &**lhs]);
        } else {
            factors.extend(alternatives(expr, max)?);
        }
    }
    Ok(factors)
}

/// Every choice of one alternative per factor; the choices for the first factor change fastest.
pub(super) fn groups<'a>(
    factors: &[Vec<Group<'a>>],
    max: usize,
) -> Result<Vec<Group<'a>>, TooManyGroups> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for factor in factors {
        groups = if groups.is_empty() { factor.clone() } else { product(&groups, factor, max)? };
    }
    Ok(groups)
}

/// The alternatives of an expression; none when it may hold without any of them.
fn alternatives(expr: &FieldExpr, max: usize) -> Result<Option<Vec<Group<'_>>>, TooManyGroups> {
    match expr {
        FieldExpr::Binary { op: BinaryOp::And, lhs, rhs } => {
            Ok(match (alternatives(lhs, max)?, alternatives(rhs, max)?) {
                (Some(lhs), Some(rhs)) => Some(product(&lhs, &rhs, max)?),
                (one, None) | (None, one) => one,
            })
        }
        FieldExpr::Binary { op: BinaryOp::Or, lhs, rhs } => {
            let (lhs, rhs) = (alternatives(lhs, max)?, alternatives(rhs, max)?);
            let (Some(mut all), Some(rhs)) = (lhs, rhs) else { return Ok(None) };
            for group in rhs {
                if !all.contains(&group) {
                    all.push(group);
                }
            }
            if all.len() > max { Err(TooManyGroups { max }) } else { Ok(Some(all)) }
        }
        _ if is_comparison(expr) => Ok(Some(vec![vec![expr]])),
        _ => Ok(None),
    }
}

fn product<'a>(
    lhs: &[Group<'a>],
    rhs: &[Group<'a>],
    max: usize,
) -> Result<Vec<Group<'a>>, TooManyGroups> {
    if lhs.len() * rhs.len() > max {
        return Err(TooManyGroups { max });
    }
    let pairs = rhs.iter().flat_map(|rhs| lhs.iter().map(move |lhs| (lhs, rhs)));
    Ok(pairs.map(|(lhs, rhs)| [lhs.as_slice(), rhs.as_slice()].concat()).collect())
}

/// Whether an expression compares one attribute with a constant.
fn is_comparison(expr: &FieldExpr) -> bool {
    let attribute = |expr: &FieldExpr| matches!(expr, FieldExpr::Attribute(_));
    let constant = |expr: &FieldExpr| matches!(expr, FieldExpr::Static(_) | FieldExpr::Pattern(_));
    match expr {
        FieldExpr::Unary { op: UnaryOp::Exists | UnaryOp::NotExists, operand } => {
            attribute(operand)
        }
        FieldExpr::Binary { op, lhs, rhs } if op.is_comparison() || op.is_regex() => {
            (attribute(lhs) && constant(rhs)) || (constant(lhs) && attribute(rhs))
        }
        _ => false,
    }
}
