//! What a waterfall marks besides the shape of a trace: what is wrong with it, where errors began, which clocks are off.

use serde::Serialize;
use spandrel_insight::{
    Finding, Section, SpanTree, correct_clocks, critical_path_of, error_origins, health,
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
    /// The critical path of the first span, by the times as they came.
    pub(super) sections: Vec<Section>,
    /// The same by the times with that correction; empty when it would move nothing.
    pub(super) adjusted_sections: Vec<Section>,
}

impl Facts {
    /// Of bare spans, in the order of the trace.
    pub(super) fn of(mut spans: Vec<Span>) -> Self {
        let tree = SpanTree::new(&spans);
        let mut origins: Vec<usize> =
            error_origins(&spans, &tree).into_iter().map(|origin| origin.span).collect();
        origins.sort_unstable();
        let health = by_problem(health(&spans, &tree));
        let sections = critical_path_of(&spans, &tree, 0);
        let skew = correct_clocks(&mut spans);
        // A call that seemed to run outside of its caller is what the caller waited for.
        let adjusted_sections =
            if skew.is_empty() { Vec::new() } else { critical_path_of(&spans, &tree, 0) };
        Self { health, error_origins: origins, skew, sections, adjusted_sections }
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

    #[test]
    fn the_path_is_by_both_clocks() {
        let mut spans = checkout().spans;
        let facts = Facts::of(spans.clone());
        assert_eq!((facts.skew.as_slice(), facts.adjusted_sections.as_slice()), (&[][..], &[][..]));
        // Its host's clock is an hour ahead: by the times as they came, nobody waited for it.
        let hour = 3_600_000_000_000;
        spans[1].start_unix_nanos += hour;
        spans[1].end_unix_nanos += hour;
        let took = spans[1].end_unix_nanos - spans[1].start_unix_nanos;
        let facts = Facts::of(spans);
        let [(1, moved)] = facts.skew[..] else { panic!("{:?}", facts.skew) };
        assert!(moved < 0, "{moved}");
        let of_callee = |sections: &[Section]| -> u64 {
            let own = sections.iter().filter(|section| section.span == 1);
            own.map(|section| section.end_unix_nanos - section.start_unix_nanos).sum()
        };
        assert_eq!(of_callee(&facts.sections), 0);
        assert_eq!(of_callee(&facts.adjusted_sections), took);
    }
}
