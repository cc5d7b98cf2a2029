//! What a leaf of a metrics query reads, and how much of a trace it has to see.

use spandrel_series::{Leaf, measured};
use spandrel_traceql::ast::{
    BinaryOp, MetricsAggregate, MetricsFunction, Pipeline, SpansetExpr, SpansetOp, Stage,
};
use spandrel_traceql::{Attribute, FieldExpr, Static};

use super::condition::Condition;
use super::hints::Settings;
use crate::QueryError;
use crate::filter::needs_whole_trace;

/// How a leaf is evaluated.
pub(super) struct Plan<'a> {
    pub(super) aggregate: &'a MetricsAggregate,
    pub(super) settings: &'a Settings,
    /// What a span has to satisfy.
    pub(super) filter: Condition,
    /// What `compare` selects.
    pub(super) selection: Option<Condition>,
    pub(super) measured: Option<Attribute>,
    /// Attributes that are read, each once.
    pub(super) attributes: Vec<Attribute>,
    /// Whether something that is read depends on other spans of the trace.
    pub(super) needs_trace: bool,
}

impl<'a> Plan<'a> {
    pub(super) fn new(leaf: Leaf<'a>, settings: &'a Settings) -> Result<Self, QueryError> {
        let aggregate = leaf.aggregate;
        let filter = filter_of(leaf.pipeline)?;
        let measured = measured(&aggregate.function).cloned();
        let selection = match &aggregate.function {
            MetricsFunction::Compare { selection, .. } => Some(selection),
            _ => None,
        };
        let conditions = std::iter::once(&filter).chain(selection);
        let mut attributes: Vec<Attribute> = Vec::new();
        let read = conditions.flat_map(FieldExpr::attributes).chain(&aggregate.by).chain(&measured);
        for attribute in read {
            if !attributes.contains(attribute) {
                attributes.push(attribute.clone());
            }
        }
        Ok(Self {
            aggregate,
            settings,
            // A comparison counts by the root of the trace as well.
            needs_trace: selection.is_some() || attributes.iter().any(needs_whole_trace),
            selection: selection.cloned().map(Condition::new),
            filter: Condition::new(filter),
            measured,
            attributes,
        })
    }
}

/// The condition on a span that a pipeline stands for, as far as it decides each span on its own.
fn filter_of(pipeline: &Pipeline) -> Result<FieldExpr, QueryError> {
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
            Stage::Group(_) => return Err(QueryError::NotExecuted("metrics behind by()")),
            Stage::ScalarFilter(_) => {
                return Err(QueryError::NotExecuted("metrics behind aggregates"));
            }
        }
    }
    Ok(filter.unwrap_or(FieldExpr::Static(Static::Bool(true))))
}

fn filter_of_spanset(expr: &SpansetExpr) -> Result<FieldExpr, QueryError> {
    match expr {
        SpansetExpr::Filter(filter) => Ok(filter.clone()),
        SpansetExpr::Pipeline(pipeline) => filter_of(pipeline),
        SpansetExpr::Operation { op: SpansetOp::Or, lhs, rhs } => {
            let (left, right) = (filter_of_spanset(lhs)?, filter_of_spanset(rhs)?);
            // What is no truth value does not pass, and must not decide about the other side.
            let holds = |side| {
                FieldExpr::binary(BinaryOp::And, side, FieldExpr::Static(Static::Bool(true)))
            };
            Ok(FieldExpr::binary(BinaryOp::Or, holds(left), holds(right)))
        }
        SpansetExpr::Operation { op: SpansetOp::And, .. } => {
            Err(QueryError::NotExecuted("metrics behind spanset operators"))
        }
        SpansetExpr::Operation { op: SpansetOp::Structural { .. }, .. } => {
            Err(QueryError::NotExecuted("metrics behind structural operators"))
        }
    }
}

#[cfg(test)]
mod tests {
    use spandrel_traceql::ast::{MetricsSource, Root};

    use super::*;

    fn filter(query: &str) -> Result<String, String> {
        let query = spandrel_traceql::compile(query).unwrap();
        let Root::Metrics(expr) = query.root else { panic!("not a metrics query") };
        let MetricsSource::Aggregate { pipeline, .. } = &expr.source else { panic!("math") };
        filter_of(pipeline).map(|filter| filter.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn filters_are_joined() {
        let got = filter("{ .a = 1 } | select(.c) | { .b = 2 } | rate()");
        assert_eq!(got.as_deref(), Ok("(.a = 1) && (.b = 2)"));
        let got = filter("{ .a = 1 } || { .b } | rate()");
        assert_eq!(got.as_deref(), Ok("((.a = 1) && true) || (.b && true)"));
        assert!(filter("{ .a = 1 } > { .b } | rate()").unwrap_err().contains("structural"));
        assert!(filter("{ .a = 1 } | by(name) | rate()").is_err());
    }
}
