//! What policies said about one trace after the other, added up.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;
use spandrel_model::{StatusCode, Trace};
use spandrel_otlp::encode_trace;
use spandrel_tail_sampling::{Said, Simulated, Simulation, TailSamplingSettings};

/// Examples of each outcome, the newest.
const EXAMPLES: usize = 10;

/// Policies at work, and what came of it.
pub(super) struct Tally {
    simulation: Simulation,
    policies: Vec<PolicyTally>,
    /// When time begins.
    start_unix_nanos: u64,
    /// How fast it passes.
    pace: f64,
    wait: Duration,
    pub(super) kept: Kept,
    pub(super) examples: Outcome,
    pub(super) longer_than_wait: u64,
    pub(super) too_large: u64,
    /// Of all spans, as they arrive.
    pub(super) bytes: u64,
}

/// Traces and spans that are kept, and how many there are.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) traces: u64,
    pub(super) spans: u64,
    pub(super) of_traces: u64,
    pub(super) of_spans: u64,
}

#[derive(Debug, Default)]
struct PolicyTally {
    name: String,
    kept: Kept,
    /// Traces that no other policy kept.
    alone: u64,
    dropped: u64,
    failed: u64,
    not_asked: u64,
    examples: Outcome,
}

/// The newest traces of either kind.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    kept: VecDeque<Example>,
    not_kept: VecDeque<Example>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Example {
    trace_id: String,
    /// Null when the root has not been received.
    root: Option<Root>,
    start_unix_nanos: String,
    duration_nanos: u64,
    spans: usize,
    errors: usize,
}

#[derive(Debug, Clone, Serialize)]
struct Root {
    service: String,
    name: String,
}

impl Tally {
    /// Time begins at `start_unix_nanos`, and passes at `pace`.
    pub(super) fn new(settings: &TailSamplingSettings, start_unix_nanos: u64, pace: f64) -> Self {
        let names = settings.policies.iter().map(|policy| policy.name.clone());
        Self {
            simulation: Simulation::new(settings),
            policies: names.map(|name| PolicyTally { name, ..PolicyTally::default() }).collect(),
            start_unix_nanos,
            pace,
            wait: settings.decision_wait,
            kept: Kept::default(),
            examples: Outcome::default(),
            longer_than_wait: 0,
            too_large: 0,
            bytes: 0,
        }
    }

    /// Asks about a trace.
    pub(super) fn add(&mut self, trace: &Trace) {
        let mut request = Vec::new();
        encode_trace(trace, &mut request);
        let example = Example::of(trace);
        let (start, duration) = (start_of(trace), example.duration_nanos);
        let now = Duration::from_nanos(start.saturating_sub(self.start_unix_nanos));
        // What was written just now can be read.
        let Ok(asked) = self.simulation.ask(&request, now.mul_f64(self.pace)) else { return };
        self.bytes += asked.bytes;
        self.too_large += u64::from(asked.is_too_large);
        let waited = Duration::from_nanos(duration);
        self.longer_than_wait += u64::from(waited > self.wait);
        self.kept.add(asked.is_sampled, asked.spans);
        self.examples.add(asked.is_sampled, &example);
        let n_keep = asked.said.iter().filter(|said| **said == Said::Sampled).count();
        for (policy, said) in self.policies.iter_mut().zip(&asked.said) {
            policy.add(*said, &asked, n_keep == 1, &example);
        }
    }

    /// In the order of the settings.
    pub(super) fn policies(&self) -> Vec<PolicyJson> {
        self.policies.iter().map(PolicyJson::from).collect()
    }
}

impl PolicyTally {
    fn add(&mut self, said: Said, asked: &Simulated, is_only_one: bool, example: &Example) {
        let keeps = said == Said::Sampled;
        self.kept.add(keeps, asked.spans);
        self.alone += u64::from(keeps && is_only_one && asked.is_sampled);
        match said {
            Said::Sampled | Said::NotSampled => {}
            Said::Dropped => self.dropped += 1,
            Said::Failed => self.failed += 1,
            Said::NotAsked => self.not_asked += 1,
        }
        if said != Said::NotAsked {
            self.examples.add(keeps, example);
        }
    }
}

impl Kept {
    fn add(&mut self, is_kept: bool, spans: u64) {
        self.of_traces += 1;
        self.of_spans += spans;
        if is_kept {
            self.traces += 1;
            self.spans += spans;
        }
    }
}

impl Outcome {
    fn add(&mut self, is_kept: bool, example: &Example) {
        let examples = if is_kept { &mut self.kept } else { &mut self.not_kept };
        examples.push_front(example.clone());
        examples.truncate(EXAMPLES);
    }
}

impl Example {
    fn of(trace: &Trace) -> Self {
        let start = start_of(trace);
        let ends = trace.spans.iter().map(|span| span.end_unix_nanos);
        let root = trace.spans.iter().find(|span| span.parent_span_id.is_none());
        Self {
            trace_id: trace.trace_id.to_string(),
            root: root.map(|root| Root {
                service: root.resource.service_name().unwrap_or_default().to_owned(),
                name: root.name.clone(),
            }),
            start_unix_nanos: start.to_string(),
            duration_nanos: ends.max().unwrap_or(start).saturating_sub(start),
            spans: trace.spans.len(),
            errors: trace.spans.iter().filter(|span| span.status_code == StatusCode::Error).count(),
        }
    }
}

fn start_of(trace: &Trace) -> u64 {
    trace.spans.iter().map(|span| span.start_unix_nanos).min().unwrap_or_default()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeptJson {
    traces: u64,
    spans: u64,
    /// Of those that were looked at, 0 to 1.
    share_of_traces: f64,
    share_of_spans: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PolicyJson {
    name: String,
    kept: KeptJson,
    /// Traces that no other policy kept.
    alone: u64,
    dropped: u64,
    failed: u64,
    not_asked: u64,
    examples: OutcomeJson,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutcomeJson {
    kept: Vec<Example>,
    not_kept: Vec<Example>,
}

impl From<&Kept> for KeptJson {
    fn from(kept: &Kept) -> Self {
        let share =
            |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        Self {
            traces: kept.traces,
            spans: kept.spans,
            share_of_traces: share(kept.traces, kept.of_traces),
            share_of_spans: share(kept.spans, kept.of_spans),
        }
    }
}

impl From<&PolicyTally> for PolicyJson {
    fn from(tally: &PolicyTally) -> Self {
        Self {
            name: tally.name.clone(),
            kept: KeptJson::from(&tally.kept),
            alone: tally.alone,
            dropped: tally.dropped,
            failed: tally.failed,
            not_asked: tally.not_asked,
            examples: OutcomeJson::from(&tally.examples),
        }
    }
}

impl From<&Outcome> for OutcomeJson {
    fn from(outcome: &Outcome) -> Self {
        let list = |examples: &VecDeque<Example>| examples.iter().cloned().collect();
        Self { kept: list(&outcome.kept), not_kept: list(&outcome.not_kept) }
    }
}
