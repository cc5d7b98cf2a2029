//! A condition over the rows of a unit, exact also where it cannot be computed for some of them.

use std::borrow::Cow;

use arrow_buffer::BooleanBuffer;
use spandrel_traceql::ast::UnaryOp;
use spandrel_traceql::{Attribute, FieldExpr, SpanValues, Static};

use super::rows::Rows;
use crate::QueryError;
use crate::block_cache::OpenBlock;
use crate::filter::{LeafColumn, Node, RowMask, row_groups};
use crate::scan::{Counters, passing_rows};
use crate::unit::Unit;

/// What a span means for which the condition cannot be computed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Failing {
    /// The query has no answer.
    Query,
    /// The span does not pass.
    Span,
}

/// A compiled condition.
pub(super) struct Condition {
    pub(super) expr: FieldExpr,
    pub(super) node: Node,
    /// Parts that cannot be computed for some values, each with both answers where that is so.
    fallible: Vec<[Node; 2]>,
}

impl Condition {
    pub(super) fn new(expr: FieldExpr) -> Self {
        let node = Node::compile(&expr, true);
        let mut fallible = Vec::new();
        collect_fallible(&node, &mut fallible);
        Self { expr, node, fallible }
    }

    /// Row groups of a block that may have a span that passes, or one for which the condition cannot be computed.
    pub(super) fn row_groups(&self, block: &OpenBlock) -> Result<Vec<usize>, QueryError> {
        if self.fallible.is_empty() {
            return row_groups(&self.node, block);
        }
        Ok((0..block.file.n_row_groups()).collect())
    }

    /// Those of the rows that pass.
    pub(super) async fn passing(
        &self,
        unit: &Unit,
        rows: Rows,
        failing: Failing,
        counters: &Counters,
    ) -> Result<Rows, QueryError> {
        if matches!(self.node, Node::Const(true)) {
            return Ok(rows);
        }
        let mut unsure = RowMask::new_unset(rows.len());
        for [pass, fail] in &self.fallible {
            let pass = passing_rows(pass, unit, counters).await?;
            unsure = &unsure | &(&pass ^ &passing_rows(fail, unit, counters).await?);
        }
        let mask = passing_rows(&self.node, unit, counters).await?;
        let unsure = rows.clone().and(&unsure);
        let rows = rows.and(&mask);
        if unsure.is_empty() {
            return Ok(rows);
        }
        let values = RowValues::load(&self.expr, unit).await?;
        let mut decided: Vec<bool> = (0..rows.len()).map(|row| rows.contains(row)).collect();
        for row in unsure.iter() {
            let passes = spandrel_traceql::matches(&self.expr, &Row { values: &values, row });
            decided[row] = match failing {
                Failing::Query => passes?,
                Failing::Span => passes.unwrap_or(false),
            };
        }
        Ok(Rows::of(BooleanBuffer::from(decided)))
    }
}

/// Adds the parts of a node that cannot be computed for some values, each with both answers where that is so.
pub(super) fn collect_fallible(node: &Node, found: &mut Vec<[Node; 2]>) {
    match node {
        Node::Const(_) => {}
        Node::And(left, right) | Node::Or(left, right) => {
            collect_fallible(left, found);
            collect_fallible(right, found);
        }
        Node::Not(operand) => collect_fallible(operand, found),
        Node::Leaf(leaf) if may_fail(&leaf.expr) => {
            let answer = |on_error| {
                let mut leaf = leaf.clone();
                leaf.on_error = on_error;
                Node::Leaf(leaf)
            };
            found.push([answer(true), answer(false)]);
        }
        Node::Rows { expr, .. } if may_fail(expr) => {
            found.push([true, false].map(|on_error| Node::Rows { expr: expr.clone(), on_error }));
        }
        Node::Leaf(_) | Node::Rows { .. } => {}
    }
}

/// Whether there may be spans for which the condition cannot be computed.
pub(super) fn may_fail(expr: &FieldExpr) -> bool {
    match expr {
        FieldExpr::Static(_) | FieldExpr::Attribute(_) | FieldExpr::Pattern(_) => false,
        FieldExpr::Unary { op: UnaryOp::Exists | UnaryOp::NotExists, operand } => may_fail(operand),
        FieldExpr::Unary { op: UnaryOp::Not, operand } => {
            matches!(**operand, FieldExpr::Attribute(_)) || may_fail(operand)
        }
        FieldExpr::Unary { op: UnaryOp::Neg, .. } => true,
        FieldExpr::Binary { op, lhs, rhs } => {
            let reads = |side: &FieldExpr| side.attributes().next().is_some();
            // Arrays have no arithmetic and do not compare with each other.
            let fails = op.is_arithmetic() || op.is_comparison() && reads(lhs) && reads(rhs);
            fails || may_fail(lhs) || may_fail(rhs)
        }
    }
}

/// Attributes of a unit, for conditions that are decided row by row.
struct RowValues {
    columns: Vec<(Attribute, LeafColumn)>,
}

impl RowValues {
    async fn load(expr: &FieldExpr, unit: &Unit) -> Result<Self, QueryError> {
        let mut columns: Vec<(Attribute, LeafColumn)> = Vec::new();
        for attribute in expr.attributes() {
            if columns.iter().all(|(known, _)| known != attribute) {
                columns.push((attribute.clone(), unit.column(attribute).await?));
            }
        }
        Ok(Self { columns })
    }
}

struct Row<'a> {
    values: &'a RowValues,
    row: usize,
}

impl SpanValues for Row<'_> {
    fn value(&self, attribute: &Attribute) -> Cow<'_, Static> {
        let column = self.values.columns.iter().find(|(known, _)| known == attribute);
        Cow::Owned(column.map_or(Static::Nil, |(_, column)| column.value(self.row)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_conditions_can_fail() {
        let fails = |query: &str| {
            let query = spandrel_traceql::compile(query).unwrap();
            let condition = Condition::new(query.spanset_filter().unwrap().clone());
            condition.fallible.len()
        };
        for query in ["{}", "{ .a = 1 && !(.b =~ `x`) }", "{ .a != nil }", "{ .a }"] {
            assert_eq!(fails(query), 0, "{query}");
        }
        for query in ["{ !.a }", "{ -.a = 1 && .b = 2 }", "{ .a = .b }", "{ .a / 2 = 1 || .b = 1 }"]
        {
            assert_eq!(fails(query), 1, "{query}");
        }
    }
}
