//! What is kept of one tenant's traces, and the decision about each of them.

#[cfg(test)]
pub(crate) mod test_trace;
#[cfg(test)]
mod tests;

use spandrel_model::Trace;
use spandrel_trace_values::{TraceValues, extent};
use spandrel_traceql::Attribute;

use crate::rule::Rule;
use crate::{FOREVER_NANOS, Threshold, trace_randomness};

/// A trace cannot have happened after it was received; clocks are allowed to disagree by this much. Without a
/// limit, a sender whose clock is in another century would make its traces immortal.
const CLOCK_SKEW_NANOS_MAX: i64 = 86_400 * 1_000_000_000;

/// The rules of one tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    rules: Vec<Rule>,
    decision_wait_nanos: i64,
    /// Everything that rules read, each once.
    attributes: Vec<Attribute>,
    /// Ages at which it can change what is kept and with which threshold, ascending, each once; none is
    /// forever.
    boundaries_nanos: Vec<i64>,
}

/// What becomes of a trace. Rules are given by their place in [`Policy::rules`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It stays.
    Keep {
        /// The first moment at which it will not, if neither trace nor policy change; [`FOREVER_NANOS`] for
        /// never.
        until_unix_nanos: i64,
        /// What it had to pass, when traces like it were dropped: to be recorded on its spans.
        threshold: Option<Threshold>,
        /// The rule that keeps it longest, the first of several; `None` while nobody decides yet because
        /// the trace may still be incomplete.
        rule: Option<usize>,
    },
    /// It goes.
    Drop {
        /// The rule that kept it longest, or that sampled it out; `None` when no rule matches.
        rule: Option<usize>,
        /// Why.
        reason: DropReason,
    },
}

/// Why a trace goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// No rule matches.
    Unmatched,
    /// The time of every matching rule is over.
    Expired,
    /// The matching rules whose time is not over keep a fraction, and the trace is not in it.
    NotSampled,
}

/// When a trace began to age: when it happened or was received, whichever is later. `received_unix_nanos` is
/// `None` when nobody knows. Traces that claim to have happened long after they were received are cut back.
pub fn reference_unix_nanos(trace: &Trace, received_unix_nanos: Option<i64>) -> i64 {
    let (_, happened) = extent(trace);
    match received_unix_nanos {
        Some(received) => happened.clamp(received, received.saturating_add(CLOCK_SKEW_NANOS_MAX)),
        None => happened,
    }
}

impl Policy {
    /// A policy of these rules. Whatever they say, traces younger than `decision_wait_nanos` are kept.
    pub fn new(rules: Vec<Rule>, decision_wait_nanos: i64) -> Self {
        let mut attributes: Vec<Attribute> =
            rules.iter().flat_map(|rule| rule.filter.attributes().cloned()).collect();
        attributes.sort_unstable();
        attributes.dedup();
        // Below this age everything is kept, whatever else ends there.
        let everything = rules.iter().filter(|rule| rule.keeps_everything());
        let floor = everything.map(|rule| rule.keep_nanos).fold(decision_wait_nanos, i64::max);
        let mut boundaries_nanos: Vec<i64> = rules.iter().map(|rule| rule.keep_nanos).collect();
        boundaries_nanos.push(decision_wait_nanos);
        boundaries_nanos.retain(|age| *age >= floor && *age != FOREVER_NANOS);
        boundaries_nanos.sort_unstable();
        boundaries_nanos.dedup();
        Self { rules, decision_wait_nanos, attributes, boundaries_nanos }
    }

    /// The rules in the order of the file.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Age below which every trace is kept.
    pub fn decision_wait_nanos(&self) -> i64 {
        self.decision_wait_nanos
    }

    /// The age at which no trace is kept anymore, [`FOREVER_NANOS`] when there is none.
    pub fn max_keep_nanos(&self) -> i64 {
        let keeps = self.rules.iter().map(|rule| rule.keep_nanos);
        keeps.fold(self.decision_wait_nanos, i64::max)
    }

    /// The first moment after `after_unix_nanos` at which it can change whether a trace is kept, or with which
    /// threshold, if it began to age at `reference_unix_nanos`; `None` when it never does again.
    ///
    /// Of the earliest trace of a block it is the first moment at which rewriting the block can change
    /// anything; of the latest trace it is the moment from which on no trace of the block waits for this
    /// boundary.
    pub fn next_deadline(&self, reference_unix_nanos: i64, after_unix_nanos: i64) -> Option<i64> {
        let boundaries = self.boundaries_nanos.iter();
        let mut deadlines = boundaries.map(|age| reference_unix_nanos.saturating_add(*age));
        deadlines.find(|deadline| *deadline > after_unix_nanos)
    }

    /// Decides about a complete trace whose spans are in depth-first order.
    ///
    /// `reference_unix_nanos` is when it began to age ([`reference_unix_nanos`]).
    pub fn decide(
        &self,
        trace: &Trace,
        reference_unix_nanos: i64,
        now_unix_nanos: i64,
    ) -> Decision {
        let randomness = trace_randomness(trace);
        let matching = self.matching(trace);
        let end = |i: usize| self.rules[i].end_unix_nanos(reference_unix_nanos);
        let longest = |rules: &[usize]| {
            let ends = rules.iter().rev().map(|i| (end(*i), *i));
            ends.max_by_key(|(end, _)| *end)
        };
        let in_force: Vec<usize> =
            matching.iter().copied().filter(|i| now_unix_nanos < end(*i)).collect();
        let samples = |i: &usize| self.rules[*i].threshold.samples(randomness);
        let sampling: Vec<usize> = in_force.iter().copied().filter(samples).collect();

        let waits_until = reference_unix_nanos.saturating_add(self.decision_wait_nanos);
        if now_unix_nanos < waits_until {
            let until = longest(&sampling).map_or(waits_until, |(end, _)| end.max(waits_until));
            return Decision::Keep { until_unix_nanos: until, threshold: None, rule: None };
        }
        let least = in_force.iter().min_by_key(|i| self.rules[**i].threshold);
        match (longest(&sampling), least) {
            (Some((until_unix_nanos, rule)), Some(least)) => {
                let threshold = self.rules[*least].threshold;
                let threshold = (threshold > Threshold::ALL).then_some(threshold);
                Decision::Keep { until_unix_nanos, threshold, rule: Some(rule) }
            }
            (None, Some(least)) => {
                Decision::Drop { rule: Some(*least), reason: DropReason::NotSampled }
            }
            _ => match longest(&matching) {
                Some((_, rule)) => Decision::Drop { rule: Some(rule), reason: DropReason::Expired },
                None => Decision::Drop { rule: None, reason: DropReason::Unmatched },
            },
        }
    }

    /// The rules that match, in their order.
    fn matching(&self, trace: &Trace) -> Vec<usize> {
        let values = TraceValues::new(trace, self.attributes.iter());
        let matches =
            |(i, rule): (usize, &Rule)| rule.matches(&values, trace.spans.len()).then_some(i);
        self.rules.iter().enumerate().filter_map(matches).collect()
    }
}
