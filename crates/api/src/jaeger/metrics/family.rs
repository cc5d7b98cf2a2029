//! Series of figures as the messages of OpenMetrics that Jaeger answers with, in protobuf's JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use spandrel_query::{Figures, RedKey, RedSeries};

use super::Asked;
use super::window::Window;
use crate::go_json;

const NANOS_PER_MILLI: f64 = 1e6;

/// What is told of a service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Figure {
    /// A quantile of the duration of spans, in milliseconds.
    Latency { quantile: f64 },
    /// Spans a second.
    CallRate,
    /// The share of spans that failed.
    ErrorRate,
}

impl Figure {
    fn name(self, by_operation: bool) -> &'static str {
        match (self, by_operation) {
            (Self::Latency { .. }, false) => "service_latencies",
            (Self::Latency { .. }, true) => "service_operation_latencies",
            (Self::CallRate, false) => "service_call_rate",
            (Self::CallRate, true) => "service_operation_call_rate",
            (Self::ErrorRate, false) => "service_error_rate",
            (Self::ErrorRate, true) => "service_operation_error_rate",
        }
    }

    fn help(self, by_operation: bool) -> String {
        let operation = if by_operation { " & operation" } else { "" };
        let what = match self {
            Self::Latency { quantile } => {
                return format!("{quantile:.2}th quantile latency, grouped by service{operation}");
            }
            Self::CallRate => "calls/sec",
            Self::ErrorRate => "error rate, computed as a fraction of errors/sec over calls/sec",
        };
        format!("{what}, grouped by service{operation}")
    }

    /// None where there is nothing to tell.
    fn of(self, figures: &Figures, seconds: f64) -> Option<f64> {
        match self {
            Self::Latency { quantile } => {
                Some(figures.durations.quantile(quantile)? as f64 / NANOS_PER_MILLI)
            }
            Self::CallRate => Some(figures.counts.weighted_calls() / seconds),
            Self::ErrorRate => (figures.counts.calls > 0).then(|| figures.counts.error_share()),
        }
    }
}

/// A metric and all its series.
#[derive(Debug, Serialize)]
pub(super) struct Family {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    help: String,
    metrics: Vec<Metric>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    labels: Vec<Label>,
    metric_points: Vec<Point>,
}

#[derive(Debug, Serialize)]
struct Label {
    name: &'static str,
    value: Arc<str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Point {
    gauge_value: Gauge,
    timestamp: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Gauge {
    double_value: f64,
}

/// A service and, where figures are by operation, one of its operations.
type Measured = (Arc<str>, Option<Arc<str>>);

impl Family {
    /// The series of a question. Kinds of an operation are one series, as in Jaeger.
    pub(super) fn new(figure: Figure, asked: &Asked, series: Vec<RedSeries>) -> Self {
        let mut merged: BTreeMap<Measured, Vec<Figures>> = BTreeMap::new();
        for RedSeries { key, points, .. } in series {
            let key = match key {
                RedKey::Service(service) => (service, None),
                RedKey::Operation { service, name, .. } => (service, Some(name)),
                RedKey::Edge { server, .. } => (server, None),
            };
            let into = merged.entry(key).or_default();
            if into.len() < points.len() {
                into.resize(points.len(), Figures::default());
            }
            into.iter_mut().zip(&points).for_each(|(into, point)| into.merge(point));
        }
        let metrics = merged.into_iter().map(|((service, operation), points)| Metric {
            labels: labels(service, operation),
            metric_points: points_of(figure, asked, &points),
        });
        let metrics = metrics.filter(|metric| !metric.metric_points.is_empty()).collect();
        Self {
            name: figure.name(asked.by_operation),
            kind: "GAUGE",
            help: figure.help(asked.by_operation),
            metrics,
        }
    }

    pub(super) fn body(&self, pretty: bool) -> Vec<u8> {
        if pretty { go_json::to_vec_pretty(self) } else { go_json::to_vec(self) }
    }
}

fn labels(service: Arc<str>, operation: Option<Arc<str>>) -> Vec<Label> {
    let operation = operation.map(|value| Label { name: "operation", value });
    operation.into_iter().chain([Label { name: "service_name", value: service }]).collect()
}

/// A point at the end of every step of the range that was asked for, from what lies in the steps before it.
fn points_of(figure: Figure, asked: &Asked, steps: &[Figures]) -> Vec<Point> {
    let seconds = asked.step.as_secs_f64() * asked.steps_per_point as f64;
    let mut window = Window::new(asked.steps_per_point);
    let mut points = Vec::new();
    let mut first_seen = false;
    for (i, entering) in steps.iter().enumerate() {
        let window = window.push(entering);
        first_seen |= window.counts.calls > 0;
        if i + 1 < asked.steps_per_point || !first_seen {
            continue;
        }
        let n_steps = i64::try_from(i + 1 - asked.steps_per_point).unwrap_or(i64::MAX);
        let nanos = n_steps.saturating_mul(asked.step_nanos());
        let at = asked.range.start_unix_nanos.saturating_add(nanos);
        let timestamp = Timestamp::from_nanosecond(i128::from(at));
        let double_value = figure.of(&window, seconds);
        if let (Some(double_value), Ok(timestamp)) = (double_value, timestamp) {
            let timestamp = timestamp.to_string();
            points.push(Point { gauge_value: Gauge { double_value }, timestamp });
        }
    }
    points
}
