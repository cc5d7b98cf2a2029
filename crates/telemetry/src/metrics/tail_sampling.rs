//! Tail sampling: decisions, late spans, and how the buffer is doing.
//!
//! Names and labels are those of the OpenTelemetry Collector, whose users alert on them, with the id of the processor
//! besides; ours start with `spandrel_`. Policies and processors are named by the configuration, so the number of
//! series is bounded by it.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;

use crate::instrument::{
    BareCounterFamily, Buckets, CounterFamily, DurationFamily, GaugeFamily, HistogramFamily,
    Registrar,
};
use crate::label::label_enum;
use crate::{Counter, Gauge, Histogram};

label_enum! {
    /// What was decided about a trace.
    pub enum SamplingDecision("decision") {
        /// It goes on.
        Sampled = "sampled",
        /// No policy wanted it.
        NotSampled = "not_sampled",
        /// A policy of type `drop` matched.
        Dropped = "dropped",
    }
}

label_enum! {
    /// Why a trace was decided before its time.
    pub enum EarlyReason("reason") {
        /// Buffered spans have reached their memory limit.
        Memory = "memory",
        /// The journal has reached its size limit.
        Disk = "disk",
        /// There were more traces than `num_traces`.
        NumTraces = "num_traces",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProcessorLabels {
    processor: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    processor: Arc<str>,
    sampled: &'static str,
    decision: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PolicyDecisionLabels {
    processor: Arc<str>,
    policy: Arc<str>,
    sampled: &'static str,
    decision: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PolicyLabels {
    processor: Arc<str>,
    policy: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SampledLabels {
    processor: Arc<str>,
    sampled: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    processor: Arc<str>,
    reason: &'static str,
}

/// The Collector's name of a counter, with and without `_total`.
macro_rules! upstream {
    ($name:literal) => {
        [
            concat!("otelcol_processor_tail_sampling_", $name),
            concat!("otelcol_processor_tail_sampling_", $name, "_total"),
        ]
    };
}

/// Instruments of all `tail_sampling` processors.
#[derive(Debug, Clone)]
pub struct TailSamplingMetrics {
    by_policy: [BareCounterFamily<PolicyDecisionLabels>; 3],
    decisions: BareCounterFamily<DecisionLabels>,
    early_releases: BareCounterFamily<SampledLabels>,
    executions: BareCounterFamily<PolicyLabels>,
    execution_time: BareCounterFamily<PolicyLabels>,
    new_traces: BareCounterFamily<ProcessorLabels>,
    evaluation_errors: BareCounterFamily<ProcessorLabels>,
    dropped_too_early: BareCounterFamily<ProcessorLabels>,
    too_large: BareCounterFamily<ProcessorLabels>,
    decision_timer_latency: HistogramFamily<ProcessorLabels>,
    late_span_age: DurationFamily<ProcessorLabels>,
    trace_removal_age: DurationFamily<ProcessorLabels>,
    traces_on_memory: GaugeFamily<ProcessorLabels>,
    early_decisions: CounterFamily<ReasonLabels>,
    buffered_bytes: GaugeFamily<ProcessorLabels>,
    spilled_bytes: GaugeFamily<ProcessorLabels>,
    journal_full: CounterFamily<ProcessorLabels>,
    journal_failures: CounterFamily<ProcessorLabels>,
    recovered_spans: CounterFamily<ProcessorLabels>,
    retries: CounterFamily<ProcessorLabels>,
}

/// The series of one processor.
#[derive(Debug, Clone)]
pub struct TailSamplingSeries {
    /// All of them.
    all: TailSamplingMetrics,
    processor: Arc<str>,
    decisions: [Counter; 3],
    early_releases: [Counter; 2],
    /// Traces whose first span came.
    pub new_traces: Counter,
    /// Policies that could not tell.
    pub evaluation_errors: Counter,
    /// Traces that were not sampled because they had become too large.
    pub too_large: Counter,
    /// One round of decisions, in milliseconds.
    pub decision_timer_latency: Histogram,
    /// From the decision to a span that came after.
    pub late_span_age: Histogram,
    /// From the first span to the decision.
    pub trace_removal_age: Histogram,
    /// Traces that wait.
    pub traces_on_memory: Gauge,
    /// Bytes of spans in memory.
    pub buffered_bytes: Gauge,
    /// Bytes of the journal on disk.
    pub spilled_bytes: Gauge,
    /// Fragments that are in memory alone because the journal was full.
    pub journal_full: Counter,
    /// Reads and writes of the journal and of the log of decisions that failed.
    pub journal_failures: Counter,
    /// Spans that were found in the journal at the start.
    pub recovered_spans: Counter,
    /// Batches that the next component could not take at once.
    pub retries: Counter,
}

impl TailSamplingMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        let ours = Ours::register(registrar);
        Self {
            by_policy: register_by_policy(registrar),
            decisions: registrar.bare_counters(
                upstream!("global_count_traces_sampled"),
                "Traces by decision",
                &[],
            ),
            early_releases: registrar.bare_counters(
                upstream!("early_releases_from_cache_decision"),
                "Late spans that followed a decision",
                &[],
            ),
            executions: registrar.bare_counters(
                upstream!("sampling_policy_execution_count"),
                "Evaluations of a policy",
                &[],
            ),
            execution_time: registrar.bare_counters(
                upstream!("sampling_policy_execution_time_sum"),
                "Microseconds in evaluations of a policy, estimated from one in 64",
                &[],
            ),
            new_traces: {
                let names = upstream!("new_trace_id_received");
                registrar.bare_counters(names, "Traces whose first span came", &[])
            },
            evaluation_errors: registrar.bare_counters(
                upstream!("sampling_policy_evaluation_error"),
                "Evaluations that failed",
                &[],
            ),
            dropped_too_early: registrar.bare_counters(
                upstream!("sampling_trace_dropped_too_early"),
                "Traces that left before their time, decided on what was there",
                &[],
            ),
            too_large: {
                let names = upstream!("traces_dropped_too_large");
                registrar.bare_counters(names, "Traces above maximum_trace_size_bytes", &[])
            },
            decision_timer_latency: registrar.histograms(
                "otelcol_processor_tail_sampling_sampling_decision_timer_latency",
                "Milliseconds of one round of decisions",
                Buckets::MILLIS,
            ),
            late_span_age: registrar.durations(
                "otelcol_processor_tail_sampling_sampling_late_span_age",
                "Seconds from a decision to a span that came after",
                Buckets::AGE,
            ),
            trace_removal_age: registrar.durations(
                "otelcol_processor_tail_sampling_sampling_trace_removal_age",
                "Seconds from the first span of a trace to its decision",
                Buckets::AGE,
            ),
            traces_on_memory: registrar.gauges(
                "otelcol_processor_tail_sampling_sampling_traces_on_memory",
                "Traces that wait for their decision",
                &[],
            ),
            early_decisions: ours.early_decisions,
            buffered_bytes: ours.buffered_bytes,
            spilled_bytes: ours.spilled_bytes,
            journal_full: ours.journal_full,
            journal_failures: ours.journal_failures,
            recovered_spans: ours.recovered_spans,
            retries: ours.retries,
        }
    }

    /// The series of the processor `id`; those without further labels exist from then on.
    pub fn of_processor(&self, id: &Arc<str>) -> TailSamplingSeries {
        let processor = || ProcessorLabels { processor: Arc::clone(id) };
        let decision = |decision: SamplingDecision| {
            let (sampled, decision) = (sampled_label(decision), decision.as_str());
            self.decisions.series(&DecisionLabels { processor: Arc::clone(id), sampled, decision })
        };
        let early = |sampled| {
            self.early_releases.series(&SampledLabels { processor: Arc::clone(id), sampled })
        };
        // The reason is known only when it happens, the sum should be there before.
        self.dropped_too_early.add(&processor(), 0);
        TailSamplingSeries {
            decisions: [
                decision(SamplingDecision::Sampled),
                decision(SamplingDecision::NotSampled),
                decision(SamplingDecision::Dropped),
            ],
            early_releases: [early("false"), early("true")],
            new_traces: self.new_traces.series(&processor()),
            evaluation_errors: self.evaluation_errors.series(&processor()),
            too_large: self.too_large.series(&processor()),
            decision_timer_latency: self.decision_timer_latency.series(&processor()),
            late_span_age: self.late_span_age.series(&processor()),
            trace_removal_age: self.trace_removal_age.series(&processor()),
            traces_on_memory: self.traces_on_memory.series(&processor()),
            buffered_bytes: self.buffered_bytes.series(&processor()),
            spilled_bytes: self.spilled_bytes.series(&processor()),
            journal_full: self.journal_full.series(&processor()),
            journal_failures: self.journal_failures.series(&processor()),
            recovered_spans: self.recovered_spans.series(&processor()),
            retries: self.retries.series(&processor()),
            all: self.clone(),
            processor: Arc::clone(id),
        }
    }
}

/// Traces, spans and bytes, by what a policy said about them.
fn register_by_policy(
    registrar: &mut Registrar<'_>,
) -> [BareCounterFamily<PolicyDecisionLabels>; 3] {
    [
        registrar.bare_counters(
            upstream!("count_traces_sampled"),
            "Traces by what a policy said",
            &[],
        ),
        registrar.bare_counters(
            upstream!("count_spans_sampled"),
            "Spans of traces by what a policy said",
            &[],
        ),
        registrar.bare_counters(
            upstream!("count_bytes_sampled"),
            "Bytes of traces by what a policy said",
            &[],
        ),
    ]
}

/// The counters that the Collector does not have.
struct Ours {
    early_decisions: CounterFamily<ReasonLabels>,
    buffered_bytes: GaugeFamily<ProcessorLabels>,
    spilled_bytes: GaugeFamily<ProcessorLabels>,
    journal_full: CounterFamily<ProcessorLabels>,
    journal_failures: CounterFamily<ProcessorLabels>,
    recovered_spans: CounterFamily<ProcessorLabels>,
    retries: CounterFamily<ProcessorLabels>,
}

impl Ours {
    fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            early_decisions: registrar.counters(
                "spandrel_tail_sampling_early_decisions",
                "Traces decided before their time, by what was short",
                &[],
            ),
            buffered_bytes: registrar.gauges(
                "spandrel_tail_sampling_buffered_bytes",
                "Spans in memory, waiting for a decision or for the next component",
                &[],
            ),
            spilled_bytes: registrar.gauges(
                "spandrel_tail_sampling_spilled_bytes",
                "The journal on disk",
                &[],
            ),
            journal_full: registrar.counters(
                "spandrel_tail_sampling_journal_full_fragments",
                "Fragments kept in memory alone because the journal was full",
                &[],
            ),
            journal_failures: registrar.counters(
                "spandrel_tail_sampling_journal_failures",
                "Reads and writes on disk that failed",
                &[],
            ),
            recovered_spans: registrar.counters(
                "spandrel_tail_sampling_recovered_spans",
                "Spans found in the journal at the start",
                &[],
            ),
            retries: registrar.counters(
                "spandrel_tail_sampling_retries",
                "Batches that the next component could not take at once",
                &[],
            ),
        }
    }
}

impl TailSamplingSeries {
    /// Counts traces by decision: sampled, not sampled, dropped.
    pub fn count_decisions(&self, traces: [u64; 3]) {
        for (counter, n) in self.decisions.iter().zip(traces) {
            counter.add(n);
        }
    }

    /// Counts late spans of one trace that followed its decision.
    pub fn early_release(&self, sampled: bool) {
        if let Some(counter) = self.early_releases.get(usize::from(sampled)) {
            counter.inc();
        }
    }

    /// Counts what a policy said: traces, spans and bytes, each as sampled, not sampled, dropped.
    pub fn count_policy(&self, policy: &Arc<str>, amounts: [[u64; 3]; 3]) {
        for (family, by_decision) in self.all.by_policy.iter().zip(amounts) {
            for (decision, amount) in SamplingDecision::ALL.iter().zip(by_decision) {
                if amount > 0 {
                    let (processor, policy) = (Arc::clone(&self.processor), Arc::clone(policy));
                    let (sampled, decision) = (sampled_label(*decision), decision.as_str());
                    let labels = PolicyDecisionLabels { processor, policy, sampled, decision };
                    family.add(&labels, amount);
                }
            }
        }
    }

    /// Counts evaluations of a policy and the time that they took.
    pub fn count_executions(&self, policy: &Arc<str>, executions: u64, busy: Duration) {
        let (processor, policy) = (Arc::clone(&self.processor), Arc::clone(policy));
        let labels = PolicyLabels { processor, policy };
        self.all.executions.add(&labels, executions);
        self.all.execution_time.add(&labels, busy.as_micros() as u64);
    }

    /// Counts traces that were decided before their time.
    pub fn count_early(&self, reason: EarlyReason, traces: u64) {
        let processor = Arc::clone(&self.processor);
        self.all.dropped_too_early.add(&ProcessorLabels { processor }, traces);
        let (processor, reason) = (Arc::clone(&self.processor), reason.as_str());
        self.all.early_decisions.add(&ReasonLabels { processor, reason }, traces);
    }

    /// Traces that were decided before their time, for this reason.
    pub fn early(&self, reason: EarlyReason) -> u64 {
        let (processor, reason) = (Arc::clone(&self.processor), reason.as_str());
        self.all.early_decisions.get(&ReasonLabels { processor, reason })
    }
}

fn sampled_label(decision: SamplingDecision) -> &'static str {
    if decision == SamplingDecision::Sampled { "true" } else { "false" }
}
