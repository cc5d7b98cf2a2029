//! What a checker has seen, for its metrics and its summary.

use serde_json::{Value, json};
use spandrel_telemetry::{CheckFault, CheckLabels, CheckRequest, CheckerMetrics};

use super::slots::Plan;
use crate::output::{counted, grouped};
use crate::table::{self, Align};

const READS: [CheckRequest; 2] = [CheckRequest::TraceById, CheckRequest::Search];

/// The summary; all numbers are those of the metrics.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub(super) plan: Plan,
    pub(super) metrics: CheckerMetrics,
    /// Traces that were acknowledged and not read yet.
    pub(super) unread: u64,
}

impl Tally {
    fn faults(&self, request: CheckRequest, fault: CheckFault) -> u64 {
        self.metrics.faults.get(&CheckLabels { request, fault })
    }

    /// Whether traces were written, and every read found what it should. A trace that is late was missing
    /// before.
    pub(super) fn is_good(&self) -> bool {
        let faults = [CheckFault::Missing, CheckFault::Incomplete, CheckFault::Wrong];
        let count: u64 =
            READS.iter().flat_map(|read| faults.map(|fault| self.faults(*read, fault))).sum();
        let checks: u64 = READS.iter().map(|read| self.metrics.checks.get(read)).sum();
        count == 0 && checks > 0
    }

    pub(super) fn json(&self) -> Value {
        let of = |request| {
            let fault = |fault| self.faults(request, fault);
            json!({
                "checks": self.metrics.checks.get(&request),
                "missing": fault(CheckFault::Missing),
                "incomplete": fault(CheckFault::Incomplete),
                "wrong": fault(CheckFault::Wrong),
                "late": fault(CheckFault::Late),
                "requestFailures": self.metrics.request_failures.get(&request),
            })
        };
        json!({
            "run": self.plan.run.name(),
            "seed": self.plan.run.seed,
            "writtenTraces": self.metrics.written_traces.get(),
            "pushFailures": self.metrics.request_failures.get(&CheckRequest::Push),
            "unreadTraces": self.unread,
            "traceById": of(CheckRequest::TraceById),
            "search": of(CheckRequest::Search),
        })
    }

    pub(super) fn text(&self) -> String {
        let checks: u64 = READS.iter().map(|read| self.metrics.checks.get(read)).sum();
        let verdict = match (self.is_good(), checks) {
            (true, _) => "every trace was there when it was read",
            (false, 0) => "NOTHING WAS READ",
            (false, _) => "FAULT",
        };
        let written = self.metrics.written_traces.get();
        let mut text = format!(
            "run {}: {verdict}\n{} of {} written, {} not acknowledged, {} not read yet\n",
            self.plan.run.name(),
            counted(written, "trace"),
            counted(u64::from(self.plan.run.spans_per_trace), "span"),
            grouped(self.metrics.request_failures.get(&CheckRequest::Push)),
            grouped(self.unread),
        );
        let headings = [
            ("READ", Align::Left),
            ("CHECKS", Align::Right),
            ("MISSING", Align::Right),
            ("INCOMPLETE", Align::Right),
            ("WRONG", Align::Right),
            ("LATE", Align::Right),
            ("REQUEST FAILURES", Align::Right),
        ];
        let row = |(name, request)| {
            let fault = |fault| grouped(self.faults(request, fault));
            [
                String::from(name),
                grouped(self.metrics.checks.get(&request)),
                fault(CheckFault::Missing),
                fault(CheckFault::Incomplete),
                fault(CheckFault::Wrong),
                fault(CheckFault::Late),
                grouped(self.metrics.request_failures.get(&request)),
            ]
        };
        let rows = [("by id", READS[0]), ("by search", READS[1])].map(row);
        text.push_str(&table::render(headings, &rows, usize::MAX));
        text
    }
}
