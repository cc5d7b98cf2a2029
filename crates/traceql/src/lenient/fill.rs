//! Putting `true` where a query has a hole.

use super::is_hole;
use crate::ast::{
    FieldExpr, MetricsExpr, MetricsFunction, MetricsSource, Pipeline, Query, Root, ScalarExpr,
    SpansetExpr, Stage,
};
use crate::value::Static;

pub(super) fn fill_query(query: &mut Query) {
    match &mut query.root {
        Root::Pipeline(pipeline) => fill_pipeline(pipeline),
        Root::ScalarPipelines(filter) => {
            fill_scalar(&mut filter.lhs);
            fill_scalar(&mut filter.rhs);
        }
        Root::Metrics(expr) => fill_metrics(expr),
    }
}

fn fill_pipeline(pipeline: &mut Pipeline) {
    for stage in &mut pipeline.stages {
        if let Stage::Spanset(expr) = stage {
            fill_spanset(expr);
        }
    }
}

fn fill_spanset(expr: &mut SpansetExpr) {
    match expr {
        SpansetExpr::Filter(expr) => fill_field(expr),
        SpansetExpr::Pipeline(pipeline) => fill_pipeline(pipeline),
        SpansetExpr::Operation { lhs, rhs, .. } => {
            fill_spanset(lhs);
            fill_spanset(rhs);
        }
    }
}

fn fill_scalar(expr: &mut ScalarExpr) {
    match expr {
        ScalarExpr::Static(_) | ScalarExpr::Aggregate(_) => {}
        ScalarExpr::Pipeline { pipeline, .. } => fill_pipeline(pipeline),
        ScalarExpr::Operation { lhs, rhs, .. } => {
            fill_scalar(lhs);
            fill_scalar(rhs);
        }
    }
}

fn fill_metrics(expr: &mut MetricsExpr) {
    match &mut expr.source {
        MetricsSource::Aggregate { pipeline, aggregate } => {
            fill_pipeline(pipeline);
            if let MetricsFunction::Compare { selection, .. } = &mut aggregate.function {
                fill_field(selection);
            }
        }
        MetricsSource::Math { lhs, rhs, .. } => {
            fill_metrics(lhs);
            fill_metrics(rhs);
        }
        MetricsSource::ScalarMath { operand, .. } => fill_metrics(operand),
    }
}

fn fill_field(expr: &mut FieldExpr) {
    if expr.attributes().any(is_hole) {
        let holey = std::mem::replace(expr, FieldExpr::Static(Static::Nil));
        *expr = filled(holey);
    }
}

/// Built anew, because what has no hole any more may fold.
fn filled(expr: FieldExpr) -> FieldExpr {
    match expr {
        FieldExpr::Attribute(attribute) if is_hole(&attribute) => {
            FieldExpr::Static(Static::Bool(true))
        }
        FieldExpr::Unary { op, operand } => FieldExpr::unary(op, filled(*operand)),
        FieldExpr::Binary { op, lhs, rhs } => FieldExpr::binary(op, filled(*lhs), filled(*rhs)),
        expr => expr,
    }
}
