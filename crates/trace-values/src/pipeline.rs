//! A pipeline over one whole trace.
//!
//! It begins with one spanset, all spans of the trace, and each stage makes spansets of spansets. No spanset is
//! ever empty, and its spans are in the order of the trace. An operator between spansets takes the spans of its
//! operands: groups and attributes that an operand has made inside of its parentheses do not leave them.

use std::sync::Arc;

use hashbrown::HashMap;
use spandrel_traceql::ast::{
    Pipeline, Relation, Root, SpansetExpr, SpansetOp, Stage, StructuralMode,
};
use spandrel_traceql::{EvalError, FieldExpr, Static, eval};

use crate::TraceValues;
use crate::filter::passes;
use crate::forest::inverse;

/// Some spans of a trace, with what the query has found out about them.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanset {
    /// By index, ascending; never empty.
    pub spans: Vec<u32>,
    /// Values of `by(...)` and of aggregates, by their text, in the order of the query.
    pub attributes: Vec<(Arc<str>, Static)>,
}

impl Spanset {
    /// Sets an attribute, in its place if it is there already.
    pub(crate) fn set(&mut self, name: Arc<str>, value: Static) {
        match self.attributes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.attributes.push((name, value)),
        }
    }
}

impl TraceValues<'_> {
    /// The spansets that a query finds in the trace, in the order of their first spans as far as groups are
    /// concerned. A metrics query finds nothing here: its pipeline can be asked with
    /// [`TraceValues::pipeline`].
    ///
    /// # Errors
    /// [`EvalError`] when an expression has no value for a span although its types fit.
    pub fn query(&self, root: &Root) -> Result<Vec<Spanset>, EvalError> {
        match root {
            Root::Pipeline(pipeline) => self.pipeline(pipeline),
            Root::ScalarPipelines(filter) => self.scalar_pipelines(filter),
            Root::Metrics(_) => Ok(Vec::new()),
        }
    }

    /// The spansets of a pipeline over all spans of the trace.
    ///
    /// # Errors
    /// As [`TraceValues::query`].
    pub fn pipeline(&self, pipeline: &Pipeline) -> Result<Vec<Spanset>, EvalError> {
        if self.n_spans() == 0 {
            return Ok(Vec::new());
        }
        let all = (0..self.n_spans() as u32).collect();
        self.stages(pipeline, vec![Spanset { spans: all, attributes: Vec::new() }])
    }

    fn stages(
        &self,
        pipeline: &Pipeline,
        mut spansets: Vec<Spanset>,
    ) -> Result<Vec<Spanset>, EvalError> {
        for stage in &pipeline.stages {
            if spansets.is_empty() {
                break;
            }
            spansets = match stage {
                Stage::Spanset(SpansetExpr::Pipeline(inner)) => self.stages(inner, spansets)?,
                Stage::Spanset(expr) => self.restricted(expr, spansets)?,
                Stage::ScalarFilter(filter) => self.scalar_filter(filter, spansets)?,
                Stage::Group(expr) => self.grouped(expr, spansets)?,
                Stage::Coalesce => vec![coalesced(spansets)],
                // What is selected shows in the answer; it does not change what is found.
                Stage::Select(_) => spansets,
            };
        }
        Ok(spansets)
    }

    /// Each spanset with only those of its spans that the expression yields for it.
    fn restricted(
        &self,
        expr: &SpansetExpr,
        spansets: Vec<Spanset>,
    ) -> Result<Vec<Spanset>, EvalError> {
        let mut restricted = Vec::with_capacity(spansets.len());
        for Spanset { spans, attributes } in spansets {
            let spans = self.spans_of(expr, &spans)?;
            if !spans.is_empty() {
                restricted.push(Spanset { spans, attributes });
            }
        }
        Ok(restricted)
    }

    /// The spans that an expression yields, given some spans of the trace.
    fn spans_of(&self, expr: &SpansetExpr, spans: &[u32]) -> Result<Vec<u32>, EvalError> {
        match expr {
            SpansetExpr::Filter(filter) => self.filtered(filter, spans),
            SpansetExpr::Pipeline(pipeline) => {
                let input = Spanset { spans: spans.to_vec(), attributes: Vec::new() };
                let spansets = self.stages(pipeline, vec![input])?;
                Ok(if spansets.is_empty() { Vec::new() } else { coalesced(spansets).spans })
            }
            SpansetExpr::Operation { op, lhs, rhs } => {
                let left = self.spans_of(lhs, spans)?;
                let decided = match op {
                    SpansetOp::Or => false,
                    SpansetOp::Structural { mode: StructuralMode::Not, .. } => false,
                    SpansetOp::And | SpansetOp::Structural { .. } => left.is_empty(),
                };
                if decided {
                    return Ok(Vec::new());
                }
                let right = self.spans_of(rhs, spans)?;
                Ok(match op {
                    SpansetOp::And if right.is_empty() => Vec::new(),
                    SpansetOp::And | SpansetOp::Or => union(&left, &right),
                    SpansetOp::Structural { relation, mode } => {
                        self.structural(*relation, *mode, &left, &right)
                    }
                })
            }
        }
    }

    fn filtered(&self, filter: &FieldExpr, spans: &[u32]) -> Result<Vec<u32>, EvalError> {
        if let FieldExpr::Static(Static::Bool(all)) = filter {
            return Ok(if *all { spans.to_vec() } else { Vec::new() });
        }
        let mut passing = Vec::new();
        for &index in spans {
            if passes(filter, &self.span(index as usize))? {
                passing.push(index);
            }
        }
        Ok(passing)
    }

    fn structural(
        &self,
        relation: Relation,
        mode: StructuralMode,
        left: &[u32],
        right: &[u32],
    ) -> Vec<u32> {
        if right.is_empty() {
            return Vec::new();
        }
        let related = self.tree().related(relation, &self.marks(left));
        let of_right = |wanted: bool| -> Vec<u32> {
            right.iter().copied().filter(|span| related[*span as usize] == wanted).collect()
        };
        match mode {
            StructuralMode::Matching => of_right(true),
            StructuralMode::Not => of_right(false),
            StructuralMode::Union => {
                let back = self.tree().related(inverse(relation), &self.marks(right));
                let of_left = left.iter().copied().filter(|span| back[*span as usize]);
                union(&of_left.collect::<Vec<_>>(), &of_right(true))
            }
        }
    }

    fn marks(&self, spans: &[u32]) -> Vec<bool> {
        let mut marks = vec![false; self.n_spans()];
        spans.iter().for_each(|span| marks[*span as usize] = true);
        marks
    }

    /// Each spanset taken apart by the value of an expression; absence is a value.
    fn grouped(&self, expr: &FieldExpr, spansets: Vec<Spanset>) -> Result<Vec<Spanset>, EvalError> {
        let name: Arc<str> = format!("by({expr})").into();
        let mut groups: Vec<Spanset> = Vec::new();
        for Spanset { spans, attributes } in spansets {
            let mut by_value: HashMap<Static, usize> = HashMap::new();
            for index in spans {
                let value = grouping_value(eval(expr, &self.span(index as usize))?);
                match by_value.get(&value) {
                    Some(group) => groups[*group].spans.push(index),
                    None => {
                        let mut group =
                            Spanset { spans: vec![index], attributes: attributes.clone() };
                        group.set(Arc::clone(&name), value.clone());
                        by_value.insert(value, groups.len());
                        groups.push(group);
                    }
                }
            }
        }
        Ok(groups)
    }
}

/// Of several values only those that are there count. One that is the only one stands for itself, so that a span
/// without events or links is like one without the attribute.
fn grouping_value(value: Static) -> Static {
    let Static::Several(mut values) = value else { return value };
    values.retain(|value| !value.is_nil());
    match values.len() {
        0 | 1 => values.pop().unwrap_or(Static::Nil),
        _ => Static::Several(values),
    }
}

/// All spans of some spansets in one.
pub(crate) fn coalesced(spansets: Vec<Spanset>) -> Spanset {
    let mut spans: Vec<u32> = Vec::new();
    for spanset in spansets {
        match spans.is_empty() {
            true => spans = spanset.spans,
            false => spans.extend(spanset.spans),
        }
    }
    // Runs that are in order already are merged.
    spans.sort();
    spans.dedup();
    Spanset { spans, attributes: Vec::new() }
}

/// Both, ascending, each span once.
pub(crate) fn union(left: &[u32], right: &[u32]) -> Vec<u32> {
    let mut all = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.iter().copied().peekable(), right.iter().copied().peekable());
    loop {
        let next = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) => (*a).min(*b),
            (Some(one), None) | (None, Some(one)) => *one,
            (None, None) => return all,
        };
        left.next_if_eq(&next);
        right.next_if_eq(&next);
        all.push(next);
    }
}
