//! Questions about a whole query and about the attributes an expression reads.

use super::{
    FieldExpr, MetricsExpr, MetricsSource, Pipeline, Query, Root, ScalarExpr, SpansetExpr,
    SpansetOp, Stage,
};
use crate::attribute::Attribute;

impl Query {
    /// The expression of a query that is exactly one spanset filter, constant true for `{ }`.
    #[must_use]
    pub fn spanset_filter(&self) -> Option<&FieldExpr> {
        let Root::Pipeline(pipeline) = &self.root else { return None };
        match pipeline.stages.as_slice() {
            [Stage::Spanset(SpansetExpr::Filter(expr))] => Some(expr),
            _ => None,
        }
    }

    /// The expression of the spanset filter that comes first in the text.
    #[must_use]
    pub fn first_filter(&self) -> Option<&FieldExpr> {
        match &self.root {
            Root::Pipeline(pipeline) => first_in_pipeline(pipeline),
            Root::ScalarPipelines(filter) => {
                first_in_scalar(&filter.lhs).or_else(|| first_in_scalar(&filter.rhs))
            }
            Root::Metrics(expr) => first_in_metrics(expr),
        }
    }

    /// What the query uses beyond a single spanset filter, in a word for a message; none when
    /// [`Self::spanset_filter`] serves the whole query.
    #[must_use]
    pub fn first_unexecuted(&self) -> Option<&'static str> {
        match &self.root {
            Root::Metrics(expr) => Some(match expr.source {
                MetricsSource::Aggregate { .. } => "metrics queries",
                MetricsSource::Math { .. } | MetricsSource::ScalarMath { .. } => "metrics math",
            }),
            Root::ScalarPipelines(_) => Some("comparisons of pipelines"),
            Root::Pipeline(pipeline) => {
                let stage = pipeline.stages.iter().find_map(unexecuted_stage);
                stage.or((pipeline.stages.len() > 1).then_some("pipelines of several filters"))
            }
        }
    }
}

fn first_in_pipeline(pipeline: &Pipeline) -> Option<&FieldExpr> {
    pipeline.stages.iter().find_map(|stage| match stage {
        Stage::Spanset(expr) => first_in_spanset(expr),
        _ => None,
    })
}

fn first_in_spanset(expr: &SpansetExpr) -> Option<&FieldExpr> {
    match expr {
        SpansetExpr::Filter(expr) => Some(expr),
        SpansetExpr::Pipeline(pipeline) => first_in_pipeline(pipeline),
        SpansetExpr::Operation { lhs, rhs, .. } => {
            first_in_spanset(lhs).or_else(|| first_in_spanset(rhs))
        }
    }
}

fn first_in_scalar(expr: &ScalarExpr) -> Option<&FieldExpr> {
    match expr {
        ScalarExpr::Static(_) | ScalarExpr::Aggregate(_) => None,
        ScalarExpr::Pipeline { pipeline, .. } => first_in_pipeline(pipeline),
        ScalarExpr::Operation { lhs, rhs, .. } => {
            first_in_scalar(lhs).or_else(|| first_in_scalar(rhs))
        }
    }
}

fn first_in_metrics(expr: &MetricsExpr) -> Option<&FieldExpr> {
    match &expr.source {
        MetricsSource::Aggregate { pipeline, .. } => first_in_pipeline(pipeline),
        MetricsSource::Math { lhs, rhs, .. } => {
            first_in_metrics(lhs).or_else(|| first_in_metrics(rhs))
        }
        MetricsSource::ScalarMath { operand, .. } => first_in_metrics(operand),
    }
}

fn unexecuted_stage(stage: &Stage) -> Option<&'static str> {
    match stage {
        Stage::Spanset(expr) => unexecuted_spanset(expr),
        Stage::ScalarFilter(_) => Some("aggregates"),
        Stage::Group(_) => Some("by()"),
        Stage::Coalesce => Some("coalesce()"),
        Stage::Select(_) => Some("select()"),
    }
}

fn unexecuted_spanset(expr: &SpansetExpr) -> Option<&'static str> {
    match expr {
        SpansetExpr::Filter(_) => None,
        SpansetExpr::Pipeline(_) => Some("pipelines as operands"),
        SpansetExpr::Operation { op: SpansetOp::Structural { .. }, .. } => {
            Some("structural operators")
        }
        SpansetExpr::Operation { lhs, rhs, .. } => Some(
            unexecuted_spanset(lhs)
                .or_else(|| unexecuted_spanset(rhs))
                .unwrap_or("spanset operators"),
        ),
    }
}

impl FieldExpr {
    /// The attributes it reads, in order of appearance, with repetitions.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'_> {
        Attributes { pending: vec![self] }
    }
}

/// Iterator over the attributes of an expression, from [`FieldExpr::attributes`].
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    pending: Vec<&'a FieldExpr>,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = &'a Attribute;

    fn next(&mut self) -> Option<&'a Attribute> {
        loop {
            match self.pending.pop()? {
                FieldExpr::Attribute(attribute) => return Some(attribute),
                FieldExpr::Static(_) | FieldExpr::Pattern(_) => {}
                FieldExpr::Unary { operand, .. } => self.pending.push(operand),
                FieldExpr::Binary { lhs, rhs, .. } => self.pending.extend([&**rhs, &**lhs]),
            }
        }
    }
}
