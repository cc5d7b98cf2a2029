//! A spanset filter, compiled for columns.
//!
//! The filter becomes a tree of `&&`, `||` and `!` over *leaves*. A leaf is a condition that reads one
//! attribute: a function of one value, so it is computed once per distinct value of a column, and for a
//! whole block when the index lists the values. A condition that reads several attributes is a *row leaf*,
//! computed span by span. Both use the language's own evaluation, so there is one place that knows what
//! an operator means.

mod expected;
mod leaf;
mod number;
mod possible;
mod prune;
mod trace_facts;

use spandrel_trace_values::needs_shape;
use spandrel_traceql::ast::{BinaryOp, UnaryOp};
use spandrel_traceql::{Attribute, FieldExpr, Intrinsic, Static};

pub(crate) use expected::spans_max;
pub(crate) use leaf::{Layer, LeafColumn, Meaning, RowMask};
pub(crate) use number::NumberTest;
pub(crate) use possible::Possible;
pub(crate) use prune::{Evidence, Verdict, row_groups};

/// A node of a compiled filter.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// Constant.
    Const(bool),
    /// Both hold.
    And(Box<Node>, Box<Node>),
    /// One holds.
    Or(Box<Node>, Box<Node>),
    /// The operand does not hold.
    Not(Box<Node>),
    /// A condition on one attribute.
    Leaf(Leaf),
    /// A condition on several attributes.
    Rows {
        /// The condition.
        expr: FieldExpr,
        /// As [`Leaf::on_error`].
        on_error: bool,
    },
}

/// A condition on one attribute.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    /// What it reads, without `parent.`.
    pub(crate) attribute: Attribute,
    /// Whether it is the parent's value that counts, nil for the top of a tree.
    pub(crate) of_parent: bool,
    pub(crate) expr: FieldExpr,
    /// The same condition on plain numbers, when it is that simple.
    pub(crate) number: Option<NumberTest>,
    /// Whether a span passes for which the condition cannot be computed.
    pub(crate) on_error: bool,
}

impl Node {
    /// Compiles a validated filter. `on_error` says whether a span passes for which a condition cannot be
    /// computed. A search lets it pass: whether the error counts (it does not where `&&` or `||` has
    /// decided before) is found out when its trace is decided.
    pub(crate) fn compile(expr: &FieldExpr, on_error: bool) -> Self {
        match expr {
            FieldExpr::Static(value) => Self::Const(matches!(value, Static::Bool(true))),
            FieldExpr::Binary { op, lhs, rhs } if always_boolean(lhs) && always_boolean(rhs) => {
                let (left, right) = (Self::compile(lhs, on_error), Self::compile(rhs, on_error));
                match op {
                    BinaryOp::And => Self::And(Box::new(left), Box::new(right)),
                    BinaryOp::Or => Self::Or(Box::new(left), Box::new(right)),
                    _ => Self::leaf_or_rows(expr, on_error),
                }
            }
            FieldExpr::Unary { op: UnaryOp::Not, operand } if always_boolean(operand) => {
                Self::Not(Box::new(Self::compile(operand, !on_error)))
            }
            _ => Self::leaf_or_rows(expr, on_error),
        }
    }

    fn leaf_or_rows(expr: &FieldExpr, on_error: bool) -> Self {
        let mut attributes = expr.attributes();
        let Some(first) = attributes.next() else {
            return Self::Rows { expr: expr.clone(), on_error };
        };
        if attributes.any(|other| other != first) {
            return Self::Rows { expr: expr.clone(), on_error };
        }
        let number = NumberTest::of(expr);
        let (attribute, of_parent) = own_attribute(first);
        Self::Leaf(Leaf { attribute, of_parent, expr: expr.clone(), number, on_error })
    }
}

/// The attribute without `parent.`, and whether it had that.
pub(crate) fn own_attribute(attribute: &Attribute) -> (Attribute, bool) {
    match attribute {
        Attribute::Scoped { scope, parent: true, name } => {
            (Attribute::scoped(*scope, name.clone()), true)
        }
        attribute => (attribute.clone(), false),
    }
}

/// Whether the expression is a truth value for every span, so that `!`, `&&` and `||` over it are those of
/// sets of spans. A bare attribute may be of another type or absent.
fn always_boolean(expr: &FieldExpr) -> bool {
    match expr {
        FieldExpr::Static(value) => matches!(value, Static::Bool(_)),
        FieldExpr::Binary { op, .. } => !op.is_arithmetic(),
        FieldExpr::Unary { op, operand } => match op {
            UnaryOp::Exists | UnaryOp::NotExists => true,
            UnaryOp::Not => always_boolean(operand),
            UnaryOp::Neg => false,
        },
        FieldExpr::Attribute(_) | FieldExpr::Pattern(_) => false,
    }
}

/// Whether the attribute depends on other spans of the trace, so that a unit that holds only a part of
/// the trace cannot know its value.
pub(crate) fn needs_whole_trace(attribute: &Attribute) -> bool {
    let Attribute::Intrinsic(intrinsic) = attribute else { return attribute.is_parent() };
    let of_trace = [Intrinsic::RootName, Intrinsic::RootServiceName, Intrinsic::TraceDuration];
    of_trace.contains(intrinsic) || needs_shape(attribute)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(query: &str) -> String {
        let query = spandrel_traceql::compile(query).unwrap();
        show(&Node::compile(query.spanset_filter().unwrap(), true))
    }

    fn show(node: &Node) -> String {
        match node {
            Node::Const(value) => value.to_string(),
            Node::And(left, right) => format!("and({}, {})", show(left), show(right)),
            Node::Or(left, right) => format!("or({}, {})", show(left), show(right)),
            Node::Not(operand) => format!("not({})", show(operand)),
            Node::Leaf(leaf) => format!("leaf {}", leaf.attribute),
            Node::Rows { expr, .. } => format!("rows {}", expr.attributes().count()),
        }
    }

    #[test]
    fn conditions_on_one_attribute_become_leaves() {
        assert_eq!(compiled("{}"), "true");
        assert_eq!(
            compiled("{ span.a = 1 && !(.b =~ `x` || name != `y`) }"),
            "and(leaf span.a, not(or(leaf .b, leaf name)))"
        );
        assert_eq!(compiled("{ .a + .a > 3 }"), "leaf .a");
    }

    #[test]
    fn what_is_not_surely_boolean_is_not_taken_apart() {
        assert_eq!(compiled("{ .a || .b = 1 }"), "rows 2");
        assert_eq!(compiled("{ !.a }"), "leaf .a");
        assert_eq!(compiled("{ .a = .b && .c = 1 }"), "and(rows 2, leaf .c)");
    }
}
