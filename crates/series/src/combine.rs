//! A whole metrics query: its leaves, and what is done to their series.

use spandrel_traceql::ast::{MetricsAggregate, MetricsExpr, MetricsSource, Pipeline};

use crate::{Series, apply, math};

/// A part of a query that reads spans.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leaf<'a> {
    /// Which spans.
    pub pipeline: &'a Pipeline,
    /// What of them.
    pub aggregate: &'a MetricsAggregate,
}

/// The leaves of a query from left to right, equal ones once.
pub fn leaves(query: &MetricsExpr) -> Vec<Leaf<'_>> {
    fn collect<'a>(query: &'a MetricsExpr, found: &mut Vec<Leaf<'a>>) {
        match &query.source {
            MetricsSource::Aggregate { pipeline, aggregate } => {
                let leaf = Leaf { pipeline, aggregate };
                if !found.contains(&leaf) {
                    found.push(leaf);
                }
            }
            MetricsSource::Math { lhs, rhs, .. } => {
                collect(lhs, found);
                collect(rhs, found);
            }
            MetricsSource::ScalarMath { operand, .. } => collect(operand, found),
        }
    }
    let mut found = Vec::new();
    collect(query, &mut found);
    found
}

/// The series of a query from those of its leaves.
pub fn combine(
    query: &MetricsExpr,
    of_leaf: &mut dyn FnMut(Leaf<'_>) -> Vec<Series>,
) -> Vec<Series> {
    let series = match &query.source {
        MetricsSource::Aggregate { pipeline, aggregate } => of_leaf(Leaf { pipeline, aggregate }),
        MetricsSource::Math { op, lhs, rhs } => {
            let left = combine(lhs, of_leaf);
            let right = combine(rhs, of_leaf);
            math::with_series(*op, &left, &right)
        }
        MetricsSource::ScalarMath { op, scalar, scalar_on_left, operand } => {
            math::with_scalar(*op, *scalar, *scalar_on_left, combine(operand, of_leaf))
        }
    };
    query.stages.iter().fold(series, |series, stage| apply(*stage, series))
}
