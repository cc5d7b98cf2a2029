//! A search pipeline, compiled for columns.
//!
//! Its filters become trees of leaves; what is between them becomes *steps* over the rows that pass. Steps
//! over-estimate: of a trace that lies in one unit as a whole, they leave at least the spans that the
//! pipeline finds. Where the true answer could need fewer spans on one side to have more on the other (the
//! negated structural operators), the step keeps everything. What groups, selects or compares aggregates keeps
//! everything too, but for a least number of spans, which is counted.

mod rows;

use spandrel_trace_values::needs_shape;
use spandrel_traceql::ast::{
    Aggregate, BinaryOp, Pipeline, Relation, Root, ScalarExpr, ScalarFilter, SpansetExpr,
    SpansetOp, Stage, StructuralMode,
};
use spandrel_traceql::{FieldExpr, Static};

use crate::QueryError;
use crate::block_cache::OpenBlock;
use crate::filter::{Node, needs_whole_trace, spans_max};

pub(crate) use rows::Candidates;

/// Bytes that a span takes in spansets while its trace is decided: as one of a spanset that is taken apart and
/// put together, or as a spanset of its own.
const EVALUATED_SPAN_BYTES: usize = 16;
const EVALUATED_GROUP_BYTES: usize = 256;

/// A compiled pipeline.
pub(crate) struct Plan {
    /// Its filters, known by their number here.
    pub(crate) filters: Vec<Node>,
    steps: Step,
    /// Whether a part of a trace cannot tell that the whole may be found.
    pub(crate) needs_whole_traces: bool,
    /// Whether a filter reads numbers of the tree of spans.
    shape: bool,
    /// Whether spansets are taken apart, so that a trace may have as many of them as spans.
    groups: bool,
}

/// What is done with the rows that the step before has left.
#[derive(Debug, PartialEq)]
enum Step {
    /// Those that pass the filter of this number.
    Filter(usize),
    /// Those of both, in traces that have some of either.
    And(Box<Step>, Box<Step>),
    /// Those of both.
    Or(Box<Step>, Box<Step>),
    /// Those of the right that stand in the relation to one of the left.
    Related {
        relation: Relation,
        /// Also those of the left that take part.
        union: bool,
        left: Box<Step>,
        right: Box<Step>,
    },
    /// One after the other.
    Stages(Vec<Step>),
    /// All rows of traces that have at least so many.
    AtLeast(u64),
}

impl Plan {
    /// Compiles a validated query; a metrics query finds nothing.
    pub(crate) fn new(root: &Root) -> Self {
        let mut compile =
            Compile { filters: Vec::new(), whole: false, shape: false, groups: false };
        let steps = match root {
            Root::Pipeline(pipeline) => compile.pipeline(pipeline),
            Root::ScalarPipelines(filter) => compile.scalar_pipelines(filter),
            Root::Metrics(_) => compile.filter(&FieldExpr::Static(Static::Bool(false))),
        };
        let needs_whole_traces = compile.whole || !steps.is_decided_by_rows();
        let Compile { filters, shape, groups, .. } = compile;
        Self { filters, steps, needs_whole_traces, shape, groups }
    }

    /// Finds also traces with a span that passes this filter.
    pub(crate) fn or(&mut self, filter: Node) {
        let filtered = Step::Filter(self.filters.len());
        self.filters.push(filter);
        let steps = std::mem::replace(&mut self.steps, Step::Stages(Vec::new()));
        self.steps = Step::Or(Box::new(steps), Box::new(filtered));
    }

    /// Bytes that each span of a trace may take while the trace is decided.
    pub(crate) fn bytes_per_span(&self) -> usize {
        if self.groups { EVALUATED_GROUP_BYTES } else { EVALUATED_SPAN_BYTES }
    }

    /// About how many spans of a block may be found at most.
    pub(crate) fn spans_max(&self, block: &OpenBlock) -> Result<u64, QueryError> {
        let of_filters = self.filters.iter().map(|filter| spans_max(filter, block));
        let of_filters = of_filters.collect::<Result<Vec<_>, _>>()?;
        Ok(self.steps.spans_max(&of_filters))
    }

    /// Whether a trace may be found, given which filters may hold for one of its spans.
    pub(crate) fn possible(&self, may_hold: impl Fn(usize) -> bool) -> bool {
        self.steps.possible(&may_hold)
    }
}

impl Step {
    /// Whether of every trace that is found, some part alone shows that it may be.
    fn is_decided_by_rows(&self) -> bool {
        match self {
            Self::Filter(_) => true,
            Self::Or(left, right) => left.is_decided_by_rows() && right.is_decided_by_rows(),
            Self::Stages(steps) => steps.iter().all(Self::is_decided_by_rows),
            Self::And(..) | Self::Related { .. } | Self::AtLeast(_) => false,
        }
    }

    /// About how many spans pass at most, given how many pass each filter.
    fn spans_max(&self, of_filters: &[u64]) -> u64 {
        match self {
            Self::Filter(number) => of_filters[*number],
            Self::Or(left, right) => {
                left.spans_max(of_filters).saturating_add(right.spans_max(of_filters))
            }
            // As many traces as the rarer side has spans.
            Self::And(left, right) | Self::Related { left, right, .. } => {
                left.spans_max(of_filters).min(right.spans_max(of_filters))
            }
            Self::Stages(steps) => {
                steps.iter().map(|step| step.spans_max(of_filters)).min().unwrap_or(u64::MAX)
            }
            Self::AtLeast(_) => u64::MAX,
        }
    }

    fn possible(&self, may_hold: &impl Fn(usize) -> bool) -> bool {
        match self {
            Self::Filter(number) => may_hold(*number),
            Self::Or(left, right) => left.possible(may_hold) || right.possible(may_hold),
            Self::And(left, right) | Self::Related { left, right, .. } => {
                left.possible(may_hold) && right.possible(may_hold)
            }
            Self::Stages(steps) => steps.iter().all(|step| step.possible(may_hold)),
            Self::AtLeast(_) => true,
        }
    }
}

/// A plan in the making.
struct Compile {
    filters: Vec<Node>,
    whole: bool,
    shape: bool,
    groups: bool,
}

impl Compile {
    fn filter(&mut self, expr: &FieldExpr) -> Step {
        self.whole |= expr.attributes().any(needs_whole_trace);
        self.shape |= expr.attributes().any(needs_shape);
        self.filters.push(Node::compile(expr, true));
        Step::Filter(self.filters.len() - 1)
    }

    fn pipeline(&mut self, pipeline: &Pipeline) -> Step {
        let mut steps = Vec::new();
        for stage in &pipeline.stages {
            match stage {
                Stage::Spanset(expr) => steps.push(self.spanset(expr)),
                Stage::ScalarFilter(filter) => steps.extend(least_count(filter).map(Step::AtLeast)),
                Stage::Group(_) => self.groups = true,
                Stage::Coalesce | Stage::Select(_) => {}
            }
        }
        if !steps.iter().any(|step| !matches!(step, Step::AtLeast(_))) {
            steps.insert(0, self.filter(&FieldExpr::Static(Static::Bool(true))));
        }
        match steps.len() {
            1 => steps.remove(0),
            _ => Step::Stages(steps),
        }
    }

    fn spanset(&mut self, expr: &SpansetExpr) -> Step {
        match expr {
            SpansetExpr::Filter(expr) => self.filter(expr),
            SpansetExpr::Pipeline(pipeline) => self.pipeline(pipeline),
            SpansetExpr::Operation { op: SpansetOp::And, lhs, rhs } => {
                Step::And(Box::new(self.spanset(lhs)), Box::new(self.spanset(rhs)))
            }
            SpansetExpr::Operation { op: SpansetOp::Or, lhs, rhs } => {
                Step::Or(Box::new(self.spanset(lhs)), Box::new(self.spanset(rhs)))
            }
            SpansetExpr::Operation {
                op: SpansetOp::Structural { mode: StructuralMode::Not, .. },
                rhs,
                ..
            } => self.spanset(rhs),
            SpansetExpr::Operation { op: SpansetOp::Structural { relation, mode }, lhs, rhs } => {
                Step::Related {
                    relation: *relation,
                    union: *mode == StructuralMode::Union,
                    left: Box::new(self.spanset(lhs)),
                    right: Box::new(self.spanset(rhs)),
                }
            }
        }
    }

    /// Found are spans of any of the pipelines.
    fn scalar_pipelines(&mut self, filter: &ScalarFilter) -> Step {
        let mut steps = Vec::new();
        let mut open = vec![&filter.rhs, &filter.lhs];
        while let Some(scalar) = open.pop() {
            match scalar {
                ScalarExpr::Pipeline { pipeline, .. } => steps.push(self.pipeline(pipeline)),
                ScalarExpr::Operation { lhs, rhs, .. } => open.extend([&**rhs, &**lhs]),
                ScalarExpr::Static(_) | ScalarExpr::Aggregate(_) => {}
            }
        }
        let either = steps.into_iter().reduce(|a, b| Step::Or(Box::new(a), Box::new(b)));
        either.unwrap_or_else(|| self.filter(&FieldExpr::Static(Static::Bool(false))))
    }
}

/// The number of spans that a spanset must have at least for the comparison to hold, when that says anything.
fn least_count(filter: &ScalarFilter) -> Option<u64> {
    let count = |scalar: &ScalarExpr| *scalar == ScalarExpr::Aggregate(Aggregate::Count);
    let (op, bound) = match (&filter.lhs, &filter.rhs) {
        (lhs, ScalarExpr::Static(Static::Int(bound))) if count(lhs) => (filter.op, *bound),
        (ScalarExpr::Static(Static::Int(bound)), rhs) if count(rhs) => match filter.op {
            BinaryOp::Less => (BinaryOp::Greater, *bound),
            BinaryOp::LessEqual => (BinaryOp::GreaterEqual, *bound),
            BinaryOp::Equal => (BinaryOp::Equal, *bound),
            _ => return None,
        },
        _ => return None,
    };
    let least = match op {
        BinaryOp::Greater => bound.saturating_add(1),
        BinaryOp::GreaterEqual | BinaryOp::Equal => bound,
        _ => return None,
    };
    u64::try_from(least).ok().filter(|least| *least > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(query: &str) -> Plan {
        Plan::new(&spandrel_traceql::compile(query).unwrap().root)
    }

    fn show(step: &Step) -> String {
        match step {
            Step::Filter(number) => number.to_string(),
            Step::And(left, right) => format!("({} and {})", show(left), show(right)),
            Step::Or(left, right) => format!("({} or {})", show(left), show(right)),
            Step::Related { relation, union, left, right } => {
                let union = if *union { "&" } else { "" };
                format!("({} {union}{relation:?} {})", show(left), show(right))
            }
            Step::Stages(steps) => {
                format!("[{}]", steps.iter().map(show).collect::<Vec<_>>().join(" "))
            }
            Step::AtLeast(least) => format!("least {least}"),
        }
    }

    #[test]
    fn pipelines_become_steps() {
        for (query, steps) in [
            ("{ .a } | by(.b) | select(.c)", "0"),
            ("{ .a } && { .b } || { .c }", "((0 and 1) or 2)"),
            ("{ .a } >> { .b } | { .c }", "[(0 Descendant 1) 2]"),
            ("{ .a } &~ { .b }", "(0 &Sibling 1)"),
            ("{ .a } !<< { .b }", "0"),
            ("{ .a } | count() > 2 | avg(.b) > 3", "[0 least 3]"),
            ("{ } | 5 <= count()", "[0 least 5]"),
            ("{ } | count() < 2 | count() > 0", "0"),
            ("by(.a) | count() = 7", "[0 least 7]"),
            ("({ .a } | count() > 4) && ({ .b } | coalesce())", "([0 least 5] and 1)"),
            ("({ .a } | count()) > ({ .b } | count()) + ({ .c } | count())", "((0 or 1) or 2)"),
        ] {
            assert_eq!(show(&plan(query).steps), steps, "{query}");
        }
    }

    #[test]
    fn what_one_span_decides_needs_no_whole_trace() {
        for query in ["{ .a }", "{ .a } || { .b }", "{ .a } | { .b }", "{ .a } !> { .b }"] {
            assert!(!plan(query).needs_whole_traces, "{query}");
        }
        for query in
            ["{ .a } && { .b }", "{ .a } > { .b }", "{ rootName = `a` }", "{ parent.a = 1 }"]
        {
            assert!(plan(query).needs_whole_traces, "{query}");
        }
        assert!(plan("{ } | count() > 1").needs_whole_traces);
    }

    #[test]
    fn what_is_impossible_on_one_side_is_impossible_where_both_are_needed() {
        let possible = |query: &str, holds: &[usize]| plan(query).possible(|i| holds.contains(&i));
        assert!(!possible("{ .a } >> { .b }", &[0]));
        assert!(possible("{ .a } >> { .b }", &[0, 1]));
        assert!(possible("{ .a } || { .b }", &[1]));
        assert!(!possible("({ .a } || { .b }) && { .c }", &[0, 1]));
    }
}
