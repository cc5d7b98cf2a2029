//! What a leaf of a metrics query reads, and how much of a trace it has to see.

use spandrel_series::{Leaf, measured};
use spandrel_traceql::ast::{
    BinaryOp, MetricsAggregate, MetricsFunction, Pipeline, SpansetExpr, SpansetOp, Stage,
};
use spandrel_traceql::{Attribute, FieldExpr, Static};

use super::condition::Condition;
use super::hints::Settings;
use super::repeats::Reach;
use crate::filter::needs_whole_trace;
use crate::roots::is_of_root;

/// How a leaf is evaluated.
pub(super) struct Plan<'a> {
    pub(super) aggregate: &'a MetricsAggregate,
    pub(super) settings: &'a Settings,
    /// Where the spans come from.
    pub(super) pipeline: &'a Pipeline,
    /// What a span has to satisfy; `None` when the pipeline does not decide each span on its own.
    filter: Option<Condition>,
    /// What `compare` selects.
    pub(super) selection: Option<Condition>,
    pub(super) measured: Option<Attribute>,
    /// Attributes that are read, each once.
    pub(super) attributes: Vec<Attribute>,
    /// What of its trace has to be known of a span.
    pub(super) reach: Reach,
    /// Whether something is read of a parent, which has no column.
    reads_parents: bool,
}

impl<'a> Plan<'a> {
    pub(super) fn new(leaf: Leaf<'a>, settings: &'a Settings) -> Self {
        let aggregate = leaf.aggregate;
        let filter = filter_of(leaf.pipeline);
        let measured = measured(&aggregate.function).cloned();
        let selection = match &aggregate.function {
            MetricsFunction::Compare { selection, .. } => Some(selection),
            _ => None,
        };
        let of_pipeline = match &filter {
            Some(filter) => filter.attributes().collect(),
            None => leaf.pipeline.attributes(),
        };
        let selected = selection.into_iter().flat_map(FieldExpr::attributes);
        let deciding: Vec<&Attribute> = of_pipeline.into_iter().chain(selected).collect();
        let counted_by: Vec<&Attribute> = aggregate.by.iter().chain(&measured).collect();
        let needs_trace = deciding.iter().any(|attribute| needs_whole_trace(attribute))
            || counted_by.iter().any(|attr| needs_whole_trace(attr) && !is_of_root(attr));
        // A comparison counts by the root as well.
        let counts_by_root =
            selection.is_some() || counted_by.iter().any(|attribute| is_of_root(attribute));
        let reach = match (needs_trace, counts_by_root) {
            (true, _) => Reach::Trace,
            (false, true) => Reach::Root,
            (false, false) => Reach::Span,
        };
        let mut attributes: Vec<Attribute> = Vec::new();
        for attribute in deciding.into_iter().chain(counted_by) {
            if !attributes.contains(attribute) {
                attributes.push(attribute.clone());
            }
        }
        Self {
            aggregate,
            settings,
            pipeline: leaf.pipeline,
            reads_parents: attributes.iter().any(Attribute::is_parent),
            reach,
            selection: selection.cloned().map(Condition::new),
            filter: filter.map(Condition::new),
            measured,
            attributes,
        }
    }

    /// What a span has to satisfy, where columns alone can tell which spans count and for what.
    pub(super) fn columnar(&self) -> Option<&Condition> {
        self.filter.as_ref().filter(|_| !self.reads_parents)
    }

    /// What a span of a whole trace has to satisfy, where that decides on it.
    pub(super) fn filter(&self) -> Option<&FieldExpr> {
        self.filter.as_ref().map(|filter| &filter.expr)
    }
}

/// The condition on a span that a pipeline stands for, if it decides each span on its own.
fn filter_of(pipeline: &Pipeline) -> Option<FieldExpr> {
    let mut filter: Option<FieldExpr> = None;
    for stage in &pipeline.stages {
        match stage {
            Stage::Spanset(expr) => {
                let next = filter_of_spanset(expr)?;
                filter = Some(match filter {
                    None => next,
                    Some(before) => FieldExpr::binary(BinaryOp::And, before, next),
                });
            }
            // They change what is shown of spans, not which spans there are.
            Stage::Select(_) | Stage::Coalesce => {}
            Stage::Group(_) | Stage::ScalarFilter(_) => return None,
        }
    }
    Some(filter.unwrap_or(FieldExpr::Static(Static::Bool(true))))
}

fn filter_of_spanset(expr: &SpansetExpr) -> Option<FieldExpr> {
    match expr {
        SpansetExpr::Filter(filter) => Some(filter.clone()),
        SpansetExpr::Pipeline(pipeline) => filter_of(pipeline),
        SpansetExpr::Operation { op: SpansetOp::Or, lhs, rhs } => {
            let (left, right) = (filter_of_spanset(lhs)?, filter_of_spanset(rhs)?);
            // What is no truth value does not pass, and must not decide about the other side.
            let holds = |side| {
                FieldExpr::binary(BinaryOp::And, side, FieldExpr::Static(Static::Bool(true)))
            };
            Some(FieldExpr::binary(BinaryOp::Or, holds(left), holds(right)))
        }
        SpansetExpr::Operation { op: SpansetOp::And | SpansetOp::Structural { .. }, .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use spandrel_traceql::ast::{MetricsSource, Root};

    use super::*;

    fn filter(query: &str) -> Option<String> {
        let query = spandrel_traceql::compile(query).unwrap();
        let Root::Metrics(expr) = query.root else { panic!("not a metrics query") };
        let MetricsSource::Aggregate { pipeline, .. } = &expr.source else { panic!("math") };
        filter_of(pipeline).map(|filter| filter.to_string())
    }

    #[test]
    fn filters_are_joined() {
        let got = filter("{ .a = 1 } | select(.c) | { .b = 2 } | rate()");
        assert_eq!(got.as_deref(), Some("(.a = 1) && (.b = 2)"));
        let got = filter("{ .a = 1 } || { .b } | rate()");
        assert_eq!(got.as_deref(), Some("((.a = 1) && true) || (.b && true)"));
        for pipeline in ["{ .a = 1 } > { .b }", "{ .a } && { .b }", "{ .a } | by(name)"] {
            assert_eq!(filter(&format!("{pipeline} | rate()")), None, "{pipeline}");
        }
    }
}
