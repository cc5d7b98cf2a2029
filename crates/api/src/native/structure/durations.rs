//! A roll-up that knows how long the spans of each path take, and which of them to look at.

use std::cmp::Reverse;

use spandrel_insight::{Path, PathFigures, RollUp};
use spandrel_model::{SpanId, Trace, TraceId};
use spandrel_query::Durations;

/// Paths of one answer: what a page can draw, and more.
const NODES_MAX: usize = 20_000;
/// Spans of each path that are named.
const EXAMPLES: usize = 3;

/// A span to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Example {
    nanos: Reverse<u64>,
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
}

/// Times of the spans of one path.
#[derive(Debug, Clone, Default)]
pub(super) struct Times {
    pub(super) durations: Durations,
    /// The longest spans, in order.
    pub(super) longest: Vec<Example>,
}

/// Traces, merged by path, with times.
#[derive(Debug)]
pub(super) struct TimedRollUp {
    pub(super) roll_up: RollUp,
    times: Vec<Times>,
}

impl Default for TimedRollUp {
    fn default() -> Self {
        Self { roll_up: RollUp::new(NODES_MAX), times: Vec::new() }
    }
}

impl TimedRollUp {
    /// Adds a trace.
    pub(super) fn add(&mut self, trace: &Trace) {
        let places = self.roll_up.add(&trace.spans);
        for (span, place) in trace.spans.iter().zip(places) {
            let Some(place) = place else { continue };
            if self.times.len() <= place {
                self.times.resize(place + 1, Times::default());
            }
            let times = &mut self.times[place];
            let nanos = span.end_unix_nanos.saturating_sub(span.start_unix_nanos);
            times.durations.record(nanos);
            let example =
                Example { nanos: Reverse(nanos), trace_id: trace.trace_id, span_id: span.span_id };
            let rank = times.longest.partition_point(|longer| *longer < example);
            if rank < EXAMPLES {
                times.longest.insert(rank, example);
                times.longest.truncate(EXAMPLES);
            }
        }
    }

    /// The paths, parents before their children.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (&Path, &PathFigures, &Times)> {
        self.roll_up.nodes().zip(&self.times).map(|((path, figures), times)| (path, figures, times))
    }
}
