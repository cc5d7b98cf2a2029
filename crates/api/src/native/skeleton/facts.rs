//! What a waterfall marks besides the shape of a trace: what is wrong with it, where errors began, which clocks are off.

use serde::Serialize;
use spandrel_insight::{
    Finding, Section, SpanTree, clock_skew, critical_path_of, error_origins, health,
};
use spandrel_model::Span;

/// Positions of spans that have a problem.
const POSITIONS_MAX: usize = 100;

/// All spans of one problem.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct ProblemJson {
    problem: &'static str,
    n: usize,
    /// The first of them.
    positions: Vec<usize>,
}

/// What follows from all spans of a trace together.
#[derive(Debug, PartialEq)]
pub(super) struct Facts {
    pub(super) health: Vec<ProblemJson>,
    /// Spans that failed although nothing below them did.
    pub(super) error_origins: Vec<usize>,
    /// How far a correction would move spans, nanoseconds.
    pub(super) skew: Vec<(usize, i64)>,
    /// The critical path of the first span.
    pub(super) sections: Vec<Section>,
}

impl Facts {
    /// Of bare spans, in the order of the trace.
    pub(super) fn of(spans: Vec<Span>) -> Self {
        let tree = SpanTree::new(&spans);
        let mut origins: Vec<usize> =
            error_origins(&spans, &tree).into_iter().map(|origin| origin.span).collect();
        origins.sort_unstable();
        Self {
            health: by_problem(health(&spans, &tree)),
            error_origins: origins,
            sections: critical_path_of(&spans, &tree, 0),
            skew: clock_skew(spans),
        }
    }
}

fn by_problem(findings: Vec<Finding>) -> Vec<ProblemJson> {
    let mut problems: Vec<ProblemJson> = Vec::new();
    for Finding { span, problem } in findings {
        let word = problem.as_str();
        let place = problems.iter().position(|known| known.problem == word);
        let place = place.unwrap_or_else(|| {
            problems.push(ProblemJson { problem: word, n: 0, positions: Vec::new() });
            problems.len() - 1
        });
        let known = &mut problems[place];
        known.n += 1;
        if known.positions.len() < POSITIONS_MAX {
            known.positions.push(span);
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_trace::checkout;

    #[test]
    fn a_trace_is_looked_at_as_a_whole() {
        let mut spans = checkout().spans;
        let mut late = spans[1].clone();
        late.parent_span_id = Some(spandrel_model::SpanId([9; 8]));
        late.span_id = spandrel_model::SpanId([8; 8]);
        late.resource = std::sync::Arc::default();
        spans.push(late);
        let facts = Facts::of(spans);
        assert_eq!(facts.error_origins, [1, 2]);
        let of = |problem: &str| facts.health.iter().find(|known| known.problem == problem);
        let one = |problem| Some(ProblemJson { problem, n: 1, positions: vec![2] });
        assert_eq!(of("missing_parent"), one("missing_parent").as_ref());
        // The other one of the trace has none either.
        assert_eq!(of("no_service").map(|known| known.positions.as_slice()), Some(&[1, 2][..]));
        assert!(!facts.sections.is_empty());
    }
}
