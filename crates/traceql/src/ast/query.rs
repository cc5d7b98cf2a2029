//! Questions about a whole query and about the attributes an expression reads.

use std::collections::HashSet;

use super::{
    Aggregate, FieldExpr, MetricsExpr, MetricsSource, Pipeline, Query, Root, ScalarExpr,
    SpansetExpr, SpansetOp, Stage,
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

    /// The attributes that a search reads or selects, each once, in order of appearance. None for a
    /// metrics query.
    #[must_use]
    pub fn attributes(&self) -> Vec<&Attribute> {
        let mut all = Vec::new();
        match &self.root {
            Root::Pipeline(pipeline) => all = pipeline.attributes(),
            Root::ScalarPipelines(filter) => {
                add_scalar(&filter.lhs, &mut all);
                add_scalar(&filter.rhs, &mut all);
            }
            Root::Metrics(_) => {}
        }
        once(all)
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

impl Pipeline {
    /// The attributes that its stages read or select, each once, in order of appearance.
    #[must_use]
    pub fn attributes(&self) -> Vec<&Attribute> {
        let mut all = Vec::new();
        add_pipeline(self, &mut all);
        once(all)
    }
}

fn once(mut attributes: Vec<&Attribute>) -> Vec<&Attribute> {
    let mut seen = HashSet::new();
    attributes.retain(|attribute| seen.insert(*attribute));
    attributes
}

fn add_pipeline<'a>(pipeline: &'a Pipeline, all: &mut Vec<&'a Attribute>) {
    for stage in &pipeline.stages {
        match stage {
            Stage::Spanset(expr) => add_spanset(expr, all),
            Stage::ScalarFilter(filter) => {
                add_scalar(&filter.lhs, all);
                add_scalar(&filter.rhs, all);
            }
            Stage::Group(expr) => all.extend(expr.attributes()),
            Stage::Coalesce => {}
            Stage::Select(attributes) => all.extend(attributes),
        }
    }
}

fn add_spanset<'a>(expr: &'a SpansetExpr, all: &mut Vec<&'a Attribute>) {
    match expr {
        SpansetExpr::Filter(expr) => all.extend(expr.attributes()),
        SpansetExpr::Pipeline(pipeline) => add_pipeline(pipeline, all),
        SpansetExpr::Operation { lhs, rhs, .. } => {
            add_spanset(lhs, all);
            add_spanset(rhs, all);
        }
    }
}

fn add_scalar<'a>(scalar: &'a ScalarExpr, all: &mut Vec<&'a Attribute>) {
    match scalar {
        ScalarExpr::Static(_) | ScalarExpr::Aggregate(Aggregate::Count) => {}
        ScalarExpr::Aggregate(Aggregate::Field { field, .. }) => all.extend(field.attributes()),
        ScalarExpr::Pipeline { pipeline, aggregate } => {
            add_pipeline(pipeline, all);
            if let Aggregate::Field { field, .. } = aggregate {
                all.extend(field.attributes());
            }
        }
        ScalarExpr::Operation { lhs, rhs, .. } => {
            add_scalar(lhs, all);
            add_scalar(rhs, all);
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
