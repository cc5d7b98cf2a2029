//! Pipelines by definition: relations are looked for among all pairs of spans, and sets are lists.

use spandrel_traceql::ast::{
    Pipeline, Relation, Root, ScalarExpr, ScalarFilter, SpansetExpr, SpansetOp, Stage,
    StructuralMode,
};
use spandrel_traceql::{EvalError, FieldExpr, Static, binary, eval, matches};

use crate::naive::NaiveTrace;
use crate::naive_aggregate::aggregate;

/// Spans by index, in the order of the trace, and what is known of them together.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) spans: Vec<usize>,
    pub(crate) attributes: Vec<(String, Static)>,
}

/// What a query finds in a trace.
pub(crate) fn query(trace: &NaiveTrace, root: &Root) -> Result<Vec<Found>, EvalError> {
    match root {
        Root::Pipeline(pipeline) => stages(trace, pipeline, vec![everything(trace)]),
        Root::ScalarPipelines(filter) => {
            let mut found = Found { spans: Vec::new(), attributes: Vec::new() };
            let left = scalar(trace, &filter.lhs, &mut found)?;
            let right = scalar(trace, &filter.rhs, &mut found)?;
            let holds = binary(filter.op, &left, &right)? == Static::Bool(true);
            Ok(if holds && !found.spans.is_empty() { vec![found] } else { Vec::new() })
        }
        Root::Metrics(_) => unreachable!("no search"),
    }
}

/// The spans that a pipeline yields, by index.
pub(crate) fn spans_of(trace: &NaiveTrace, pipeline: &Pipeline) -> Result<Vec<usize>, EvalError> {
    let sets = stages(trace, pipeline, vec![everything(trace)])?;
    let any = |span: &usize| sets.iter().any(|set| set.spans.contains(span));
    Ok((0..trace.spans.len()).filter(any).collect())
}

fn everything(trace: &NaiveTrace) -> Found {
    Found { spans: (0..trace.spans.len()).collect(), attributes: Vec::new() }
}

fn stages(
    trace: &NaiveTrace,
    pipeline: &Pipeline,
    mut sets: Vec<Found>,
) -> Result<Vec<Found>, EvalError> {
    for stage in &pipeline.stages {
        sets = match stage {
            Stage::Spanset(SpansetExpr::Pipeline(inner)) => stages(trace, inner, sets)?,
            Stage::Spanset(expr) => {
                let mut kept = Vec::new();
                for set in sets {
                    let spans = spanset(trace, expr, &set.spans)?;
                    kept.push(Found { spans, ..set });
                }
                kept
            }
            Stage::ScalarFilter(filter) => {
                let mut kept = Vec::new();
                for mut set in sets {
                    if scalar_holds(trace, filter, &mut set)? {
                        kept.push(set);
                    }
                }
                kept
            }
            Stage::Group(expr) => {
                let mut groups = Vec::new();
                for set in sets {
                    groups.extend(group(trace, expr, &set)?);
                }
                groups
            }
            Stage::Coalesce => {
                let spans = (0..trace.spans.len())
                    .filter(|span| sets.iter().any(|set| set.spans.contains(span)));
                vec![Found { spans: spans.collect(), attributes: Vec::new() }]
            }
            Stage::Select(_) => sets,
        };
        sets.retain(|set| !set.spans.is_empty());
    }
    Ok(sets)
}

/// The spans that the expression yields out of some.
fn spanset(
    trace: &NaiveTrace,
    expr: &SpansetExpr,
    spans: &[usize],
) -> Result<Vec<usize>, EvalError> {
    match expr {
        SpansetExpr::Filter(filter) => {
            let mut passing = Vec::new();
            for &span in spans {
                if matches(filter, &trace.span(span))? {
                    passing.push(span);
                }
            }
            Ok(passing)
        }
        SpansetExpr::Pipeline(pipeline) => {
            let input = Found { spans: spans.to_vec(), attributes: Vec::new() };
            let sets = stages(trace, pipeline, vec![input])?;
            let any = |span: &&usize| sets.iter().any(|set| set.spans.contains(span));
            Ok(spans.iter().filter(any).copied().collect())
        }
        SpansetExpr::Operation { op, lhs, rhs } => {
            let left = spanset(trace, lhs, spans)?;
            let right = spanset(trace, rhs, spans)?;
            let is_in = |span: usize| match op {
                SpansetOp::And => {
                    !left.is_empty()
                        && !right.is_empty()
                        && (left.contains(&span) || right.contains(&span))
                }
                SpansetOp::Or => left.contains(&span) || right.contains(&span),
                SpansetOp::Structural { relation, mode } => {
                    let of_right = right.contains(&span);
                    let to_left = left.iter().any(|&a| stands(trace, *relation, span, a));
                    match mode {
                        StructuralMode::Matching => of_right && to_left,
                        StructuralMode::Not => of_right && !to_left,
                        StructuralMode::Union => {
                            let takes_part = left.contains(&span)
                                && right.iter().any(|&b| stands(trace, *relation, b, span));
                            takes_part || of_right && to_left
                        }
                    }
                }
            };
            Ok(spans.iter().copied().filter(|span| is_in(*span)).collect())
        }
    }
}

/// Whether span `b` stands in the relation to span `a`.
fn stands(trace: &NaiveTrace, relation: Relation, b: usize, a: usize) -> bool {
    match relation {
        Relation::Child => trace.parent(b) == Some(a),
        Relation::Parent => trace.parent(a) == Some(b),
        Relation::Descendant => ancestors(trace, b).contains(&a),
        Relation::Ancestor => ancestors(trace, a).contains(&b),
        Relation::Sibling => a != b && same_parent(trace, a, b),
    }
}

fn ancestors(trace: &NaiveTrace, span: usize) -> Vec<usize> {
    let mut ancestors = Vec::new();
    let mut at = span;
    while let Some(parent) = trace.parent(at) {
        ancestors.push(parent);
        at = parent;
    }
    ancestors
}

/// The parent may be missing.
fn same_parent(trace: &NaiveTrace, a: usize, b: usize) -> bool {
    match (trace.parent(a), trace.parent(b)) {
        (None, None) => trace.spans[a].parent_span_id == trace.spans[b].parent_span_id,
        (a, b) => a == b,
    }
}

fn group(trace: &NaiveTrace, expr: &FieldExpr, set: &Found) -> Result<Vec<Found>, EvalError> {
    let mut values: Vec<Static> = Vec::new();
    for &span in &set.spans {
        values.push(match eval(expr, &trace.span(span))? {
            Static::Several(all) => {
                let present: Vec<Static> = all.into_iter().filter(|v| *v != Static::Nil).collect();
                match present.as_slice() {
                    [] => Static::Nil,
                    [only] => only.clone(),
                    _ => Static::Several(present),
                }
            }
            value => value,
        });
    }
    let mut groups: Vec<Found> = Vec::new();
    for (i, value) in values.iter().enumerate() {
        if values[..i].contains(value) {
            continue;
        }
        let same = set.spans.iter().zip(&values).filter(|(_, other)| *other == value);
        let spans = same.map(|(span, _)| *span).collect();
        let mut group = Found { spans, attributes: set.attributes.clone() };
        put(&mut group, format!("by({expr})"), value.clone());
        groups.push(group);
    }
    Ok(groups)
}

fn put(set: &mut Found, name: String, value: Static) {
    match set.attributes.iter().position(|(known, _)| *known == name) {
        Some(i) => set.attributes[i].1 = value,
        None => set.attributes.push((name, value)),
    }
}

fn scalar_holds(
    trace: &NaiveTrace,
    filter: &ScalarFilter,
    set: &mut Found,
) -> Result<bool, EvalError> {
    let left = scalar(trace, &filter.lhs, set)?;
    let right = scalar(trace, &filter.rhs, set)?;
    Ok(binary(filter.op, &left, &right)? == Static::Bool(true))
}

fn scalar(trace: &NaiveTrace, expr: &ScalarExpr, set: &mut Found) -> Result<Static, EvalError> {
    match expr {
        ScalarExpr::Static(value) => Ok(value.clone()),
        ScalarExpr::Operation { op, lhs, rhs } => {
            let left = scalar(trace, lhs, set)?;
            let right = scalar(trace, rhs, set)?;
            binary(*op, &left, &right)
        }
        ScalarExpr::Aggregate(wanted) => {
            let value = aggregate(trace, wanted, &set.spans)?;
            put(set, wanted.to_string(), value.clone());
            Ok(value)
        }
        ScalarExpr::Pipeline { pipeline, aggregate: wanted } => {
            let sets = stages(trace, pipeline, vec![everything(trace)])?;
            let own = |span: &usize| sets.iter().any(|set| set.spans.contains(span));
            let own: Vec<usize> = (0..trace.spans.len()).filter(own).collect();
            let value = aggregate(trace, wanted, &own)?;
            set.spans.extend(own);
            set.spans.sort();
            set.spans.dedup();
            put(set, expr.to_string(), value.clone());
            Ok(value)
        }
    }
}
