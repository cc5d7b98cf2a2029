//! The last value of every series, by what tells it from others.
//!
//! Series are told apart by all attributes of their resource, not only by those that will be shown: two
//! instances of a service keep their counts apart, and the page adds them up where they look the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use spandrel_base::memory::{MemoryBudget, Reservation};
use spandrel_model::TenantId;
use spandrel_pipeline::{Accepted, MetricBatch};
use spandrel_proto::otlp::common::{InstrumentationScope, KeyValue};
use spandrel_proto::otlp::metrics::metric::Data;
use spandrel_proto::otlp::metrics::{AggregationTemporality, Metric};

use super::naming::MetricType;
use super::point::Point;

/// What a series takes beside its key and value.
const SERIES_BYTES: usize = 256;
/// How often expired series are looked for without anybody who asks for the page.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// Who made the values of a series.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) tenant: TenantId,
    pub(super) resource: Vec<KeyValue>,
    pub(super) scope: InstrumentationScope,
    pub(super) scope_schema_url: String,
}

/// What a series is called.
#[derive(Debug)]
pub(super) struct Title {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) unit: String,
}

/// One series.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) origin: Arc<Origin>,
    pub(super) title: Arc<Title>,
    pub(super) attributes: Vec<KeyValue>,
    pub(super) point: Point,
    updated: Duration,
    bytes: usize,
}

/// All series.
#[derive(Debug)]
pub(super) struct Accumulator {
    series: BTreeMap<Vec<u8>, Series>,
    expiration: Duration,
    swept: Duration,
    reservation: Reservation,
}

impl Accumulator {
    pub(super) fn new(expiration: Duration, memory: &MemoryBudget) -> Self {
        let reservation = memory.reservation();
        Self { series: BTreeMap::new(), expiration, swept: Duration::ZERO, reservation }
    }

    /// All of them, in an order that does not depend on when they came.
    pub(super) fn series(&self) -> impl Iterator<Item = &Series> {
        self.series.values()
    }

    /// Forgets what was not updated in time; `now` is monotonic.
    pub(super) fn expire(&mut self, now: Duration) {
        let mut bytes = self.reservation.bytes();
        self.series.retain(|_, series| {
            let kept = now.saturating_sub(series.updated) <= self.expiration;
            if !kept {
                bytes = bytes.saturating_sub(series.bytes);
            }
            kept
        });
        self.reservation.shrink_to(bytes);
        self.swept = now;
    }

    /// As [`Accumulator::expire`], if that is some time ago.
    pub(super) fn expire_sometimes(&mut self, now: Duration) {
        if now.saturating_sub(self.swept) >= SWEEP_INTERVAL {
            self.expire(now);
        }
    }

    /// Takes the values of a batch; those for which there is no memory are rejected.
    pub(super) fn add(&mut self, batch: &MetricBatch, now: Duration) -> Accepted {
        let mut accepted = Accepted::default();
        for resource in &batch.metrics.resource_metrics {
            let attributes = resource.resource.as_ref().map(|r| r.attributes.clone());
            let attributes = attributes.unwrap_or_default();
            for scope in &resource.scope_metrics {
                let origin = Origin {
                    tenant: batch.tenant.clone(),
                    resource: attributes.clone(),
                    scope: scope.scope.clone().unwrap_or_default(),
                    scope_schema_url: scope.schema_url.clone(),
                };
                let mut into = Into { key: origin_key(&origin), origin: Arc::new(origin), now };
                for metric in &scope.metrics {
                    self.add_metric(metric, &mut into, &mut accepted);
                }
            }
        }
        accepted
    }

    fn add_metric(&mut self, metric: &Metric, into: &mut Into, accepted: &mut Accepted) {
        let title = Arc::new(Title {
            name: metric.name.clone(),
            description: metric.description.clone(),
            unit: metric.unit.clone(),
        });
        let mut add = |attributes: &[KeyValue], kind, delta, point: Option<Point>| {
            let key = into.series_key(&title, kind, attributes);
            if self.add_point(key, (into, &title, attributes), delta, point) {
                accepted.accepted_spans += 1;
            } else {
                accepted.rejected_spans += 1;
                accepted.message = "no memory for another series".to_owned();
            }
        };
        match &metric.data {
            Some(Data::Gauge(gauge)) => {
                for point in &gauge.data_points {
                    let value = Point::of_number(point, false);
                    add(&point.attributes, MetricType::Gauge, false, value);
                }
            }
            Some(Data::Sum(sum)) => {
                let Some(delta) = is_delta(sum.aggregation_temporality) else { return };
                // A difference of what goes up and down has no beginning to be added to.
                if delta && !sum.is_monotonic {
                    return;
                }
                let counter = sum.is_monotonic;
                let kind = if counter { MetricType::Counter } else { MetricType::Gauge };
                for point in &sum.data_points {
                    add(&point.attributes, kind, delta, Point::of_number(point, counter));
                }
            }
            Some(Data::Histogram(histogram)) => {
                let Some(delta) = is_delta(histogram.aggregation_temporality) else { return };
                for point in &histogram.data_points {
                    let value = Point::of_histogram(point);
                    add(&point.attributes, MetricType::Histogram, delta, value);
                }
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                let Some(delta) = is_delta(histogram.aggregation_temporality) else { return };
                for point in &histogram.data_points {
                    let value = Point::of_exponential(point);
                    add(&point.attributes, MetricType::Histogram, delta, value);
                }
            }
            Some(Data::Summary(summary)) => {
                for point in &summary.data_points {
                    let value = Point::of_summary(point);
                    add(&point.attributes, MetricType::Summary, false, value);
                }
            }
            None => {}
        }
    }

    /// Whether the value was taken; older ones than what is there are, and change nothing.
    fn add_point(
        &mut self,
        key: Vec<u8>,
        (into, title, attributes): (&Into, &Arc<Title>, &[KeyValue]),
        delta: bool,
        point: Option<Point>,
    ) -> bool {
        let Some(mut point) = point else {
            // The series has ended.
            if let Some(series) = self.series.remove(&key) {
                let left = self.reservation.bytes().saturating_sub(series.bytes);
                self.reservation.shrink_to(left);
            }
            return true;
        };
        let before = self.series.get(&key).map_or(0, |series| series.bytes);
        let bytes = SERIES_BYTES + 2 * key.len() + point.bytes();
        if self.reservation.try_grow(bytes.saturating_sub(before)).is_err() {
            return false;
        }
        let bytes = bytes.max(before);
        if let Some(series) = self.series.get_mut(&key) {
            series.bytes = bytes;
            if point.unix_nanos < series.point.unix_nanos {
                return true;
            }
            if delta {
                let mut sum = series.point.value.clone();
                sum.add(point.value);
                point.value = sum;
            }
            series.point = point;
            series.updated = into.now;
            series.title = Arc::clone(title);
            return true;
        }
        let series = Series {
            origin: Arc::clone(&into.origin),
            title: Arc::clone(title),
            attributes: attributes.to_vec(),
            point,
            updated: into.now,
            bytes,
        };
        self.series.insert(key, series);
        true
    }
}

/// Where the values of one resource and scope go.
struct Into {
    key: Vec<u8>,
    origin: Arc<Origin>,
    now: Duration,
}

impl Into {
    /// What tells a series from all others. The name comes first, so that the metrics of one name are together.
    fn series_key(&self, title: &Title, kind: MetricType, attributes: &[KeyValue]) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.key.len() + title.name.len() + 64);
        push(&mut key, title.name.as_bytes());
        key.push(kind as u8);
        key.extend_from_slice(&self.key);
        push_attributes(&mut key, attributes);
        key
    }
}

fn origin_key(origin: &Origin) -> Vec<u8> {
    let mut key = Vec::new();
    push(&mut key, origin.tenant.as_str().as_bytes());
    push_attributes(&mut key, &origin.resource);
    push(&mut key, origin.scope.name.as_bytes());
    push(&mut key, origin.scope.version.as_bytes());
    push(&mut key, origin.scope_schema_url.as_bytes());
    push_attributes(&mut key, &origin.scope.attributes);
    key
}

/// Attributes in the order of their keys.
fn push_attributes(key: &mut Vec<u8>, attributes: &[KeyValue]) {
    let mut sorted: Vec<&KeyValue> = attributes.iter().collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    key.extend_from_slice(&(sorted.len() as u32).to_be_bytes());
    for attribute in sorted {
        push(key, &attribute.encode_to_vec());
    }
}

/// Bytes that end where their length, which stands in front, says.
fn push(key: &mut Vec<u8>, bytes: &[u8]) {
    key.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    key.extend_from_slice(bytes);
}

/// `None` when nobody said what the numbers mean.
fn is_delta(temporality: i32) -> Option<bool> {
    match AggregationTemporality::try_from(temporality) {
        Ok(AggregationTemporality::Delta) => Some(true),
        Ok(AggregationTemporality::Cumulative) => Some(false),
        _ => None,
    }
}
