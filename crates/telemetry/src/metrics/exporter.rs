//! Exporters of the Collector: what left, what was lost, what waits.
//!
//! Names and labels are those of the OpenTelemetry Collector, whose users alert on them. The label `exporter`
//! is a component id of the configuration, so the number of series is bounded by it.

use prometheus_client::encoding::EncodeLabelSet;

use crate::instrument::{BareCounterFamily, CounterFamily, GaugeFamily, Registrar};
use crate::{Counter, Gauge};

/// Series of one exporter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ExporterLabels {
    exporter: String,
    data_type: &'static str,
}

/// Instruments of all exporters.
#[derive(Debug, Clone)]
pub struct ExporterMetrics {
    sent_spans: BareCounterFamily<ExporterLabels>,
    send_failed_spans: BareCounterFamily<ExporterLabels>,
    enqueue_failed_spans: BareCounterFamily<ExporterLabels>,
    rejected_spans: CounterFamily<ExporterLabels>,
    queue_size: GaugeFamily<ExporterLabels>,
    queue_capacity: GaugeFamily<ExporterLabels>,
    in_flight_requests: GaugeFamily<ExporterLabels>,
    sent_points: BareCounterFamily<ExporterLabels>,
    send_failed_points: BareCounterFamily<ExporterLabels>,
    enqueue_failed_points: BareCounterFamily<ExporterLabels>,
    rejected_points: CounterFamily<ExporterLabels>,
}

impl ExporterMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            sent_spans: registrar.bare_counters(
                ["otelcol_exporter_sent_spans", "otelcol_exporter_sent_spans_total"],
                "Spans that the destination of an exporter took",
                &[],
            ),
            send_failed_spans: registrar.bare_counters(
                ["otelcol_exporter_send_failed_spans", "otelcol_exporter_send_failed_spans_total"],
                "Spans that an exporter could not send and will not try again",
                &[],
            ),
            enqueue_failed_spans: registrar.bare_counters(
                [
                    "otelcol_exporter_enqueue_failed_spans",
                    "otelcol_exporter_enqueue_failed_spans_total",
                ],
                "Spans that the sending queue of an exporter did not take",
                &[],
            ),
            rejected_spans: registrar.counters(
                "spandrel_exporter_rejected_spans",
                "Spans that the destination left out of a request that it took (OTLP partial success)",
                &[],
            ),
            queue_size: registrar.gauges(
                "otelcol_exporter_queue_size",
                "What the sending queue of an exporter holds, in units of its sizer",
                &[],
            ),
            queue_capacity: registrar.gauges(
                "otelcol_exporter_queue_capacity",
                "What the sending queue of an exporter may hold, in units of its sizer",
                &[],
            ),
            in_flight_requests: registrar.gauges(
                "otelcol_exporter_in_flight_requests",
                "Requests that an exporter has sent and not seen the end of",
                &[],
            ),
            sent_points: registrar.bare_counters(
                [
                    "otelcol_exporter_sent_metric_points",
                    "otelcol_exporter_sent_metric_points_total",
                ],
                "Data points that the destination of an exporter took",
                &[],
            ),
            send_failed_points: registrar.bare_counters(
                [
                    "otelcol_exporter_send_failed_metric_points",
                    "otelcol_exporter_send_failed_metric_points_total",
                ],
                "Data points that an exporter could not send and will not try again",
                &[],
            ),
            enqueue_failed_points: registrar.bare_counters(
                [
                    "otelcol_exporter_enqueue_failed_metric_points",
                    "otelcol_exporter_enqueue_failed_metric_points_total",
                ],
                "Data points that the sending queue of an exporter did not take",
                &[],
            ),
            rejected_points: registrar.counters(
                "spandrel_exporter_rejected_metric_points",
                "Data points that an exporter cannot write, or that the destination left out of a request",
                &[],
            ),
        }
    }

    /// The series of the exporter with this component id; those of spans are on the page from now on.
    pub fn exporter(&self, component: &str) -> ExporterSeries {
        let labels = ExporterLabels { exporter: component.to_owned(), data_type: "traces" };
        ExporterSeries {
            sent_spans: self.sent_spans.series(&labels),
            send_failed_spans: self.send_failed_spans.series(&labels),
            enqueue_failed_spans: self.enqueue_failed_spans.series(&labels),
            rejected_spans: self.rejected_spans.series(&labels),
            in_flight_requests: self.in_flight_requests.series(&labels),
            metrics: self.clone(),
            labels,
        }
    }

    /// The series of the exporter of metrics with this component id: data points stand in the place of spans.
    pub fn exporter_of_metrics(&self, component: &str) -> ExporterSeries {
        let labels = ExporterLabels { exporter: component.to_owned(), data_type: "metrics" };
        ExporterSeries {
            sent_spans: self.sent_points.series(&labels),
            send_failed_spans: self.send_failed_points.series(&labels),
            enqueue_failed_spans: self.enqueue_failed_points.series(&labels),
            rejected_spans: self.rejected_points.series(&labels),
            in_flight_requests: self.in_flight_requests.series(&labels),
            metrics: self.clone(),
            labels,
        }
    }
}

/// The series of one exporter; clones are the same series. What is said of spans is, of an exporter of metrics, about
/// data points.
#[derive(Debug, Clone)]
pub struct ExporterSeries {
    /// Spans that the destination took.
    pub sent_spans: Counter,
    /// Spans that were given up.
    pub send_failed_spans: Counter,
    /// Spans that the queue did not take.
    pub enqueue_failed_spans: Counter,
    /// Spans that the destination left out of requests that it took.
    pub rejected_spans: Counter,
    /// Requests that are on their way now.
    pub in_flight_requests: Gauge,
    metrics: ExporterMetrics,
    labels: ExporterLabels,
}

impl ExporterSeries {
    /// Size and capacity of the exporter's queue, in units of its sizer; only exporters with a queue have them.
    /// Several queues may have one name, so each adds and subtracts its own.
    pub fn queue(&self) -> [Gauge; 2] {
        let Self { metrics, labels, .. } = self;
        [metrics.queue_size.series(labels), metrics.queue_capacity.series(labels)]
    }
}

/// Where the backends of a load balancer come from, and whether that worked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResolutionLabels {
    resolver: &'static str,
    success: bool,
}

/// The resolver of a load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResolverLabels {
    resolver: &'static str,
}

/// Instruments of `load_balancing`. Those of single backends are not there: with addresses from a name server their
/// number has no bound.
#[derive(Debug, Clone)]
pub struct LoadBalancerMetrics {
    resolutions: BareCounterFamily<ResolutionLabels>,
    backends: GaugeFamily<ResolverLabels>,
    backend_updates: BareCounterFamily<ResolverLabels>,
}

impl LoadBalancerMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            resolutions: registrar.bare_counters(
                [
                    "otelcol_loadbalancer_num_resolutions",
                    "otelcol_loadbalancer_num_resolutions_total",
                ],
                "How often the backends of a load balancer were looked up",
                &[],
            ),
            backends: registrar.gauges(
                "otelcol_loadbalancer_num_backends",
                "Backends of a load balancer",
                &[],
            ),
            backend_updates: registrar.bare_counters(
                [
                    "otelcol_loadbalancer_num_backend_updates",
                    "otelcol_loadbalancer_num_backend_updates_total",
                ],
                "How often the backends of a load balancer changed",
                &[],
            ),
        }
    }

    /// The backends were looked up.
    pub fn record_resolution(&self, resolver: &'static str, success: bool) {
        self.resolutions.add(&ResolutionLabels { resolver, success }, 1);
    }

    /// There are other backends now, so many.
    pub fn record_update(&self, resolver: &'static str, backends: u64) {
        let labels = ResolverLabels { resolver };
        self.backend_updates.add(&labels, 1);
        self.backends.set(&labels, backends);
    }
}
