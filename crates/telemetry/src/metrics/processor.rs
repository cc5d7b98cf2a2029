//! Processors of the Collector: what went in and out of each, and what single types count besides.
//!
//! Names and labels are those of the OpenTelemetry Collector, whose users alert on them. The label `processor` is
//! a component id of the configuration, so the number of series is bounded by it.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;

use crate::instrument::{
    BareCounterFamily, Buckets, DurationFamily, GaugeFamily, HistogramFamily, Registrar,
};

/// Series of one processor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProcessorLabels {
    processor: String,
}

/// Series of one processor and a signal, which is always traces.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SignalLabels {
    processor: String,
    otel_signal: &'static str,
}

/// Decisions of a sampler.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SampledLabels {
    processor: String,
    policy: &'static str,
    sampled: &'static str,
}

/// Results of a detector.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DetectorLabels {
    processor: String,
    detector: &'static str,
    outcome: &'static str,
}

/// Whether a resource was found to be of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AssociationLabels {
    processor: String,
    status: &'static str,
}

/// The name of a counter with and without `_total`.
macro_rules! both {
    ($name:literal) => {
        [$name, concat!($name, "_total")]
    };
}

/// Instruments of all processors.
#[derive(Debug, Clone)]
pub struct ProcessorMetrics {
    incoming: BareCounterFamily<SignalLabels>,
    outgoing: BareCounterFamily<SignalLabels>,
    limiter: LimiterMetrics,
    batch: BatchMetrics,
    filtered: BareCounterFamily<ProcessorLabels>,
    sampled: BareCounterFamily<SampledLabels>,
    grouping: GroupingMetrics,
    detector_duration: DurationFamily<DetectorLabels>,
    detector_results: BareCounterFamily<DetectorLabels>,
    pods: GaugeFamily<ProcessorLabels>,
    associations: BareCounterFamily<AssociationLabels>,
}

/// `memory_limiter`, under the names since 0.156 and before.
#[derive(Debug, Clone)]
struct LimiterMetrics {
    accepted: [BareCounterFamily<ProcessorLabels>; 2],
    refused: [BareCounterFamily<ProcessorLabels>; 2],
}

/// `batch`.
#[derive(Debug, Clone)]
struct BatchMetrics {
    spans: HistogramFamily<ProcessorLabels>,
    bytes: HistogramFamily<ProcessorLabels>,
    size_triggers: BareCounterFamily<ProcessorLabels>,
    timeout_triggers: BareCounterFamily<ProcessorLabels>,
    cardinality: GaugeFamily<ProcessorLabels>,
}

/// `groupbyattrs` and `groupbytrace`.
#[derive(Debug, Clone)]
struct GroupingMetrics {
    grouped: BareCounterFamily<ProcessorLabels>,
    not_grouped: BareCounterFamily<ProcessorLabels>,
    span_groups: HistogramFamily<ProcessorLabels>,
    traces_max: GaugeFamily<ProcessorLabels>,
    traces_held: GaugeFamily<ProcessorLabels>,
    spans_released: BareCounterFamily<ProcessorLabels>,
    traces_released: BareCounterFamily<ProcessorLabels>,
    traces_evicted: BareCounterFamily<ProcessorLabels>,
    incomplete_releases: BareCounterFamily<ProcessorLabels>,
}

impl ProcessorMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            incoming: registrar.bare_counters(
                both!("otelcol_processor_incoming_items"),
                "Spans that a processor was given",
                &[],
            ),
            outgoing: registrar.bare_counters(
                both!("otelcol_processor_outgoing_items"),
                "Spans that a processor handed on",
                &[],
            ),
            limiter: LimiterMetrics::register(registrar),
            batch: BatchMetrics::register(registrar),
            filtered: registrar.bare_counters(
                both!("otelcol_processor_filter_spans_filtered"),
                "Spans that a filter removed",
                &[],
            ),
            sampled: registrar.bare_counters(
                both!("otelcol_processor_probabilistic_sampler_count_traces_sampled"),
                "Decisions of a sampler about spans",
                &[],
            ),
            grouping: GroupingMetrics::register(registrar),
            detector_duration: registrar.durations(
                "otelcol_resourcedetection_detector_duration_seconds",
                "How long a detector of resources took",
                Buckets::REQUEST,
            ),
            detector_results: registrar.bare_counters(
                both!("otelcol_resourcedetection_detector_results"),
                "Runs of a detector of resources",
                &[],
            ),
            pods: registrar.gauges(
                "otelcol_k8s_watcher_pod_cache_size",
                "Pods that are known",
                &[],
            ),
            associations: registrar.bare_counters(
                both!("otelcol_k8s_pod_association"),
                "Resources for which a pod was looked up",
                &[],
            ),
        }
    }

    /// The series of the processor with this component id.
    pub fn processor(&self, component: &str) -> ProcessorSeries {
        let processor = component.to_owned();
        let labels = ProcessorLabels { processor: processor.clone() };
        let signal = SignalLabels { processor, otel_signal: "traces" };
        ProcessorSeries { metrics: self.clone(), labels, signal }
    }
}

impl LimiterMetrics {
    fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            accepted: [
                registrar.bare_counters(
                    both!("otelcol_processor_memory_limiter_accepted_spans"),
                    "Spans that a memory limiter let pass",
                    &[],
                ),
                registrar.bare_counters(
                    both!("otelcol_processor_accepted_spans"),
                    "Spans that a memory limiter let pass, under the name until 0.155",
                    &[],
                ),
            ],
            refused: [
                registrar.bare_counters(
                    both!("otelcol_processor_memory_limiter_refused_spans"),
                    "Spans that a memory limiter refused",
                    &[],
                ),
                registrar.bare_counters(
                    both!("otelcol_processor_refused_spans"),
                    "Spans that a memory limiter refused, under the name until 0.155",
                    &[],
                ),
            ],
        }
    }
}

impl BatchMetrics {
    fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            spans: registrar.histograms(
                "otelcol_processor_batch_batch_send_size",
                "Spans in a batch that was sent",
                Buckets::SPANS,
            ),
            bytes: registrar.histograms(
                "otelcol_processor_batch_batch_send_size_bytes",
                "Size of a batch that was sent",
                Buckets::BYTES,
            ),
            size_triggers: registrar.bare_counters(
                both!("otelcol_processor_batch_batch_size_trigger_send"),
                "Batches that were sent because they were full",
                &[],
            ),
            timeout_triggers: registrar.bare_counters(
                both!("otelcol_processor_batch_timeout_trigger_send"),
                "Batches that were sent although they were not full",
                &[],
            ),
            cardinality: registrar.gauges(
                "otelcol_processor_batch_metadata_cardinality",
                "Combinations of tenant and metadata that have a batch of their own",
                &[],
            ),
        }
    }
}

impl GroupingMetrics {
    fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            grouped: registrar.bare_counters(
                both!("otelcol_processor_groupbyattrs_num_grouped_spans"),
                "Spans that had attributes to group by",
                &[],
            ),
            not_grouped: registrar.bare_counters(
                both!("otelcol_processor_groupbyattrs_num_non_grouped_spans"),
                "Spans that had no attribute to group by",
                &[],
            ),
            span_groups: registrar.histograms(
                "otelcol_processor_groupbyattrs_span_groups",
                "Resources that a batch was grouped into",
                Buckets::COUNT,
            ),
            traces_max: registrar.gauges(
                "otelcol_processor_groupbytrace_conf_num_traces",
                "Traces that may be held",
                &[],
            ),
            traces_held: registrar.gauges(
                "otelcol_processor_groupbytrace_num_traces_in_memory",
                "Traces that are held",
                &[],
            ),
            spans_released: registrar.bare_counters(
                both!("otelcol_processor_groupbytrace_spans_released"),
                "Spans that were handed on",
                &[],
            ),
            traces_released: registrar.bare_counters(
                both!("otelcol_processor_groupbytrace_traces_released"),
                "Traces that were handed on",
                &[],
            ),
            traces_evicted: registrar.bare_counters(
                both!("otelcol_processor_groupbytrace_traces_evicted"),
                "Traces that were handed on early because there were too many",
                &[],
            ),
            incomplete_releases: registrar.bare_counters(
                both!("otelcol_processor_groupbytrace_incomplete_releases"),
                "Traces that could not be handed on",
                &[],
            ),
        }
    }
}

/// The series of one processor; clones are the same series.
#[derive(Debug, Clone)]
pub struct ProcessorSeries {
    metrics: ProcessorMetrics,
    labels: ProcessorLabels,
    signal: SignalLabels,
}

impl ProcessorSeries {
    /// The processor was given spans.
    pub fn record_incoming(&self, spans: u64) {
        self.metrics.incoming.add(&self.signal, spans);
    }

    /// The processor handed spans on.
    pub fn record_outgoing(&self, spans: u64) {
        self.metrics.outgoing.add(&self.signal, spans);
    }

    /// A memory limiter let spans pass.
    pub fn record_admitted(&self, spans: u64) {
        self.metrics.limiter.accepted.iter().for_each(|family| family.add(&self.labels, spans));
    }

    /// A memory limiter refused spans.
    pub fn record_refused(&self, spans: u64) {
        self.metrics.limiter.refused.iter().for_each(|family| family.add(&self.labels, spans));
    }

    /// A batch was sent, because it was full or for another reason.
    pub fn record_batch(&self, spans: u64, bytes: u64, is_full: bool) {
        let batch = &self.metrics.batch;
        batch.spans.observe_count(&self.labels, spans);
        batch.bytes.observe_count(&self.labels, bytes);
        let triggers = if is_full { &batch.size_triggers } else { &batch.timeout_triggers };
        triggers.add(&self.labels, 1);
    }

    /// So many combinations of tenant and metadata have a batch of their own.
    pub fn set_batch_cardinality(&self, combinations: u64) {
        self.metrics.batch.cardinality.set(&self.labels, combinations);
    }

    /// A filter removed spans.
    pub fn record_filtered(&self, spans: u64) {
        self.metrics.filtered.add(&self.labels, spans);
    }

    /// A sampler decided about a span.
    pub fn record_sampled(&self, policy: &'static str, sampled: bool, spans: u64) {
        let labels = SampledLabels {
            processor: self.labels.processor.clone(),
            policy,
            sampled: if sampled { "true" } else { "false" },
        };
        self.metrics.sampled.add(&labels, spans);
    }

    /// Spans of a batch were grouped by attributes.
    pub fn record_grouped(&self, grouped: u64, not_grouped: u64, groups: u64) {
        let grouping = &self.metrics.grouping;
        grouping.grouped.add(&self.labels, grouped);
        grouping.not_grouped.add(&self.labels, not_grouped);
        grouping.span_groups.observe_count(&self.labels, groups);
    }

    /// How many traces may be held.
    pub fn set_traces_max(&self, traces: u64) {
        self.metrics.grouping.traces_max.set(&self.labels, traces);
    }

    /// How many traces are held.
    pub fn set_traces_held(&self, traces: u64) {
        self.metrics.grouping.traces_held.set(&self.labels, traces);
    }

    /// A trace was handed on; `evicted` before its time.
    pub fn record_trace_released(&self, spans: u64, evicted: bool) {
        let grouping = &self.metrics.grouping;
        grouping.spans_released.add(&self.labels, spans);
        grouping.traces_released.add(&self.labels, 1);
        grouping.traces_evicted.add(&self.labels, u64::from(evicted));
    }

    /// A trace could not be handed on.
    pub fn record_incomplete_release(&self) {
        self.metrics.grouping.incomplete_releases.add(&self.labels, 1);
    }

    /// A detector of resources ended.
    pub fn record_detection(&self, detector: &'static str, outcome: &'static str, took: Duration) {
        let processor = self.labels.processor.clone();
        let labels = DetectorLabels { processor, detector, outcome };
        self.metrics.detector_duration.observe(&labels, took);
        self.metrics.detector_results.add(&labels, 1);
    }

    /// How many pods are known.
    pub fn set_pods(&self, pods: u64) {
        self.metrics.pods.set(&self.labels, pods);
    }

    /// A pod was looked up for a resource.
    pub fn record_association(&self, found: bool) {
        let status = if found { "success" } else { "failure" };
        let labels = AssociationLabels { processor: self.labels.processor.clone(), status };
        self.metrics.associations.add(&labels, 1);
    }
}

#[cfg(test)]
mod tests {
    use crate::Metrics;

    #[test]
    fn names_are_those_of_the_collector() {
        let metrics = Metrics::new();
        let series = metrics.processors().processor("p/1");
        series.record_incoming(5);
        series.record_outgoing(4);
        series.record_admitted(3);
        series.record_refused(2);
        series.record_batch(9, 100, true);
        series.record_batch(9, 100, false);
        series.set_batch_cardinality(7);
        series.record_filtered(6);
        series.record_sampled("trace_id_hash", true, 8);
        series.record_grouped(1, 2, 3);
        series.set_traces_max(10);
        series.set_traces_held(11);
        series.record_trace_released(12, true);
        series.record_incomplete_release();
        series.record_detection("env", "success", std::time::Duration::from_millis(1));
        series.set_pods(13);
        series.record_association(true);
        let page = metrics.encode();
        for line in [
            r#"processor_incoming_items{processor="p/1",otel_signal="traces"} 5"#,
            r#"processor_incoming_items_total{processor="p/1",otel_signal="traces"} 5"#,
            r#"processor_outgoing_items{processor="p/1",otel_signal="traces"} 4"#,
            r#"processor_memory_limiter_accepted_spans{processor="p/1"} 3"#,
            r#"processor_accepted_spans_total{processor="p/1"} 3"#,
            r#"processor_memory_limiter_refused_spans_total{processor="p/1"} 2"#,
            r#"processor_refused_spans{processor="p/1"} 2"#,
            r#"processor_batch_batch_send_size_sum{processor="p/1"} 18.0"#,
            r#"processor_batch_batch_send_size_bytes_sum{processor="p/1"} 200.0"#,
            r#"processor_batch_batch_size_trigger_send{processor="p/1"} 1"#,
            r#"processor_batch_timeout_trigger_send{processor="p/1"} 1"#,
            r#"processor_batch_metadata_cardinality{processor="p/1"} 7"#,
            r#"processor_filter_spans_filtered{processor="p/1"} 6"#,
            r#"processor_probabilistic_sampler_count_traces_sampled{processor="p/1",policy="trace_id_hash",sampled="true"} 8"#,
            r#"processor_groupbyattrs_num_grouped_spans{processor="p/1"} 1"#,
            r#"processor_groupbyattrs_num_non_grouped_spans{processor="p/1"} 2"#,
            r#"processor_groupbyattrs_span_groups_sum{processor="p/1"} 3.0"#,
            r#"processor_groupbytrace_conf_num_traces{processor="p/1"} 10"#,
            r#"processor_groupbytrace_num_traces_in_memory{processor="p/1"} 11"#,
            r#"processor_groupbytrace_spans_released{processor="p/1"} 12"#,
            r#"processor_groupbytrace_traces_released{processor="p/1"} 1"#,
            r#"processor_groupbytrace_traces_evicted{processor="p/1"} 1"#,
            r#"processor_groupbytrace_incomplete_releases{processor="p/1"} 1"#,
            r#"resourcedetection_detector_results{processor="p/1",detector="env",outcome="success"} 1"#,
            r#"resourcedetection_detector_duration_seconds_count{processor="p/1",detector="env",outcome="success"} 1"#,
            r#"k8s_watcher_pod_cache_size{processor="p/1"} 13"#,
            r#"k8s_pod_association{processor="p/1",status="success"} 1"#,
        ] {
            assert!(page.contains(&format!("\notelcol_{line}\n")), "{line}\n{page}");
        }
    }
}
