//! What a policy would do, counted: by service, by rule, with examples.
//!
//! Memory is bounded by the rules, the examples and [`SERVICES_MAX`], not by the traces. The types are plain
//! and serializable, so that a report can be printed as a table or as JSON.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;
use spandrel_model::{Span, Trace};
use spandrel_trace_values::extent;

use crate::policy::{Decision, DropReason, Policy};
use crate::{Threshold, format_keep, threshold_of};

/// Services counted by name; further ones count together.
const SERVICES_MAX: usize = 2_000;
/// The name under which further services count.
const OTHER_SERVICES: &str = "(other services)";

/// An amount of traces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Traces, a part of a trace in a service included.
    pub traces: u64,
    /// Spans.
    pub spans: u64,
    /// Estimated bytes in the store.
    pub bytes: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.traces += other.traces;
        self.spans = self.spans.saturating_add(other.spans);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// Traces with the same fate.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// How much.
    #[serde(flatten)]
    pub tally: Tally,
    /// Some of them, the first ones.
    pub examples: Vec<Example>,
}

/// One trace of many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Example {
    /// 32 hex digits.
    pub trace_id: String,
    /// Service of its root, or of its first span when the root is missing.
    pub root_service: String,
    /// Name of the same span.
    pub root_name: String,
    /// From its first start to its last end.
    pub duration_nanos: i64,
    /// How many it has.
    pub spans: u64,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleReport {
    /// Its name.
    pub name: String,
    /// Its time as it would be written.
    pub keep: String,
    /// Its fraction.
    pub fraction: f64,
    /// Traces that it keeps longest.
    pub kept: Outcome,
    /// Traces that no rule keeps, and this one kept longest.
    pub expired: Outcome,
    /// Traces that no rule keeps, and this one would have if they had been sampled.
    pub not_sampled: Outcome,
}

/// What happens to the spans of a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceReport {
    /// What stays.
    pub kept: Tally,
    /// What goes.
    pub dropped: Tally,
}

/// What a policy does to a set of traces.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// What stays.
    pub kept: Tally,
    /// What goes.
    pub dropped: Tally,
    /// Traces that some rule keeps at this age, if only a fraction of them.
    pub in_force_traces: u64,
    /// The same number, as the weights of the kept traces estimate it.
    pub in_force_traces_estimated: f64,
    /// By service.
    pub services: BTreeMap<String, ServiceReport>,
    /// By rule, in the order of the policy.
    pub rules: Vec<RuleReport>,
    /// Traces that are kept because they are younger than the decision wait.
    pub waiting: Outcome,
    /// Traces that are dropped because no rule matches.
    pub unmatched: Outcome,
    #[serde(skip)]
    examples_max: usize,
}

impl Report {
    /// An empty report about a policy, with at most this many examples of everything.
    pub fn new(policy: &Policy, examples_max: usize) -> Self {
        let rules = policy.rules().iter().map(|rule| RuleReport {
            name: rule.name.clone(),
            keep: format_keep(rule.keep_nanos),
            fraction: rule.fraction,
            kept: Outcome::default(),
            expired: Outcome::default(),
            not_sampled: Outcome::default(),
        });
        Self {
            kept: Tally::default(),
            dropped: Tally::default(),
            in_force_traces: 0,
            in_force_traces_estimated: 0.0,
            services: BTreeMap::new(),
            rules: rules.collect(),
            waiting: Outcome::default(),
            unmatched: Outcome::default(),
            examples_max,
        }
    }

    /// Counts a trace that takes about `bytes` in the store.
    ///
    /// # Panics
    /// When the decision is of another policy, with more rules.
    pub fn add(&mut self, trace: &Trace, bytes: u64, decision: &Decision) {
        let tally = Tally { traces: 1, spans: trace.spans.len() as u64, bytes };
        let (kept, outcome) = match *decision {
            Decision::Keep { rule: Some(rule), threshold, .. } => {
                self.in_force_traces += 1;
                self.in_force_traces_estimated += added_weight(trace, threshold);
                (true, &mut self.rules[rule].kept)
            }
            Decision::Keep { rule: None, .. } => (true, &mut self.waiting),
            Decision::Drop { rule: Some(rule), reason: DropReason::NotSampled } => {
                self.in_force_traces += 1;
                (false, &mut self.rules[rule].not_sampled)
            }
            Decision::Drop { rule: Some(rule), .. } => (false, &mut self.rules[rule].expired),
            Decision::Drop { rule: None, .. } => (false, &mut self.unmatched),
        };
        outcome.tally.add(tally);
        if outcome.examples.len() < self.examples_max {
            outcome.examples.push(example(trace));
        }
        if kept { &mut self.kept } else { &mut self.dropped }.add(tally);
        self.add_services(trace, bytes, kept);
    }

    fn add_services(&mut self, trace: &Trace, bytes: u64, kept: bool) {
        let mut services: BTreeMap<&str, u64> = BTreeMap::new();
        for span in &trace.spans {
            *services.entry(service_of(span)).or_default() += 1;
        }
        let all = trace.spans.len().max(1) as u128;
        for (service, spans) in services {
            let known = self.services.contains_key(service) || self.services.len() < SERVICES_MAX;
            let name = if known { service } else { OTHER_SERVICES };
            let report = self.services.entry(name.to_owned()).or_default();
            // A share of it is not more than all of it.
            let bytes = (u128::from(bytes) * u128::from(spans) / all) as u64;
            let tally = if kept { &mut report.kept } else { &mut report.dropped };
            tally.add(Tally { traces: 1, spans, bytes });
        }
    }
}

/// By how much the weight of a trace grows.
fn added_weight(trace: &Trace, threshold: Option<Threshold>) -> f64 {
    let before = trace.spans.first().and_then(|span| threshold_of(&span.trace_state));
    let before = before.unwrap_or(Threshold::ALL);
    threshold.unwrap_or(Threshold::ALL).max(before).weight() / before.weight()
}

fn service_of(span: &Span) -> &str {
    span.resource.service_name().unwrap_or_default()
}

fn example(trace: &Trace) -> Example {
    let first = trace.spans.first();
    let (start, end) = extent(trace);
    Example {
        trace_id: trace.trace_id.to_string(),
        root_service: first.map(service_of).unwrap_or_default().to_owned(),
        root_name: first.map(|span| span.name.clone()).unwrap_or_default(),
        duration_nanos: end.saturating_sub(start),
        spans: trace.spans.len() as u64,
    }
}
