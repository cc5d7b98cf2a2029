//! Whether one rule makes another one pointless.
//!
//! What is claimed is sure; what is not claimed may still be so, because filters are compared by what they
//! say and not by what they mean.

use spandrel_traceql::FieldExpr;
use spandrel_traceql::Static;
use spandrel_traceql::ast::BinaryOp;

use crate::Rule;

/// Whether every trace that `inner` keeps is kept by `outer` as long and with at least the same fraction.
pub(crate) fn covers(outer: &Rule, inner: &Rule) -> bool {
    outer.keep_nanos >= inner.keep_nanos
        && outer.threshold <= inner.threshold
        && implies(&inner.filter, &outer.filter)
}

/// Whether no span can pass.
pub(crate) fn never_passes(filter: &FieldExpr) -> bool {
    conjuncts(filter).iter().any(|part| matches!(part, FieldExpr::Static(Static::Bool(false))))
}

/// Whether a span that passes `inner` surely passes `outer`: every condition of `outer` is one of `inner`'s.
fn implies(inner: &FieldExpr, outer: &FieldExpr) -> bool {
    let inner = conjuncts(inner);
    let given = |part: &&FieldExpr| {
        matches!(part, FieldExpr::Static(Static::Bool(true))) || inner.contains(part)
    };
    conjuncts(outer).iter().all(given)
}

/// The parts of a filter that all have to hold.
fn conjuncts(filter: &FieldExpr) -> Vec<&FieldExpr> {
    let mut parts = Vec::new();
    let mut open = vec![filter];
    while let Some(filter) = open.pop() {
        match filter {
            FieldExpr::Binary { op: BinaryOp::And, lhs, rhs } => open.extend([&**rhs, &**lhs]),
            part => parts.push(part),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> FieldExpr {
        spandrel_traceql::compile(text).unwrap().spanset_filter().unwrap().clone()
    }

    #[test]
    fn more_conditions_imply_fewer() {
        for (inner, outer) in [
            ("{ status = error }", "{}"),
            ("{ status = error }", "{status=error}"),
            ("{ status = error && duration > 1s }", "{ duration > 1s }"),
            ("{ .a = 1 && (.b = 2 && .c = 3) }", "{ .c = 3 && .a = 1 }"),
        ] {
            assert!(implies(&filter(inner), &filter(outer)), "{inner} {outer}");
        }
        for (inner, outer) in [
            ("{}", "{ status = error }"),
            ("{ .a = 1 || .b = 2 }", "{ .a = 1 }"),
            ("{ .a = 1 }", "{ .a = 2 }"),
        ] {
            assert!(!implies(&filter(inner), &filter(outer)), "{inner} {outer}");
        }
        assert!(never_passes(&filter("{ false }")));
        assert!(!never_passes(&filter("{ .a = 1 }")));
    }
}
