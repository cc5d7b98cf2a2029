//! The metrics page of `spandrel verify run`, which checks an installation from outside.
//!
//! It is a page of its own: the checker is another process than the one that it checks.

use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder, text};
use prometheus_client::registry::Registry;

use crate::instrument::{CounterFamily, Registrar};
use crate::label::label_enum;
use crate::metrics::process;
use crate::{Counter, Gauge};

label_enum! {
    /// A request of the checker.
    pub enum CheckRequest("request") {
        /// Sends a trace.
        Push = "push",
        /// Reads a trace by its id.
        TraceById = "trace_by_id",
        /// Finds a trace by its attributes.
        Search = "search",
    }
}

label_enum! {
    /// What is wrong with a trace that was acknowledged.
    pub enum CheckFault("fault") {
        /// No span of it was found.
        Missing = "missing",
        /// Some of its spans were found.
        Incomplete = "incomplete",
        /// A span is not what was sent, or was never sent.
        Wrong = "wrong",
        /// A fault of an earlier check was gone at a later one.
        Late = "late",
    }
}

/// Labels of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CheckLabels {
    /// How the trace was read.
    pub request: CheckRequest,
    /// What was wrong.
    pub fault: CheckFault,
}

impl EncodeLabelSet for CheckLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), std::fmt::Error> {
        ("request", self.request).encode(encoder.encode_label())?;
        ("fault", self.fault).encode(encoder.encode_label())
    }
}

/// The instruments; clones share the same series.
#[derive(Debug, Clone)]
pub struct CheckerMetrics {
    registry: Arc<Registry>,
    /// Traces that were acknowledged.
    pub written_traces: Counter,
    /// When the last trace was acknowledged, Unix seconds.
    pub last_write_unix_seconds: Gauge,
    /// Reads that got an answer.
    pub checks: CounterFamily<CheckRequest>,
    /// Faults, by what found them.
    pub faults: CounterFamily<CheckLabels>,
    /// Requests that got no answer, or a refusal.
    pub request_failures: CounterFamily<CheckRequest>,
}

impl CheckerMetrics {
    /// Creates every metric with value zero.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        process::register_build_info(&mut registry);
        let mut registrar = Registrar::new(&mut registry);
        let reads = [CheckRequest::TraceById, CheckRequest::Search];
        let faults: Vec<_> = reads
            .into_iter()
            .flat_map(|request| {
                CheckFault::ALL.iter().map(move |&fault| CheckLabels { request, fault })
            })
            .collect();
        let written_traces = registrar
            .counter("spandrel_verify_written_traces", "Traces that the installation acknowledged");
        let last_write_unix_seconds = registrar.gauge(
            "spandrel_verify_last_write_time_seconds",
            "When the last trace was acknowledged, in Unix time",
        );
        let checks = registrar.counters(
            "spandrel_verify_checks",
            "Reads of a written trace that got an answer",
            &reads,
        );
        let faults = registrar.counters(
            "spandrel_verify_faults",
            "Checks that found an acknowledged trace missing, incomplete or wrong, or found it late",
            &faults,
        );
        let request_failures = registrar.counters(
            "spandrel_verify_request_failures",
            "Requests without an answer, or with a refusal for one",
            CheckRequest::ALL,
        );
        Self {
            registry: Arc::new(registry),
            written_traces,
            last_write_unix_seconds,
            checks,
            faults,
            request_failures,
        }
    }

    /// The metrics page in OpenMetrics text format.
    #[expect(clippy::missing_panics_doc, reason = "the expect below states why it cannot")]
    pub fn encode(&self) -> String {
        let mut page = String::new();
        text::encode(&mut page, &self.registry)
            .expect("writing to a string fails only if an encoder does, and ours do not");
        page
    }
}

impl Default for CheckerMetrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_is_there_from_the_start() {
        let metrics = CheckerMetrics::new();
        let labels = CheckLabels { request: CheckRequest::Search, fault: CheckFault::Missing };
        metrics.faults.inc(&labels);
        let page = metrics.encode();
        let lines: Vec<&str> =
            page.lines().filter(|line| line.starts_with("spandrel_verify_")).collect();
        let faults = |request: &str, values: [u64; 4]| {
            let names = ["missing", "incomplete", "wrong", "late"];
            names
                .into_iter()
                .zip(values)
                .map(|(fault, n)| {
                    format!(
                        "spandrel_verify_faults_total{{request=\"{request}\",fault=\"{fault}\"}} {n}"
                    )
                })
                .collect::<Vec<_>>()
        };
        for line in [faults("trace_by_id", [0; 4]), faults("search", [1, 0, 0, 0])].concat() {
            assert!(lines.contains(&line.as_str()), "{line} in {page}");
        }
        for line in [
            "spandrel_verify_written_traces_total 0",
            "spandrel_verify_last_write_time_seconds 0",
            "spandrel_verify_checks_total{request=\"search\"} 0",
            "spandrel_verify_request_failures_total{request=\"push\"} 0",
        ] {
            assert!(lines.contains(&line), "{line} in {page}");
        }
        assert_eq!(lines.len(), 15);
    }
}
