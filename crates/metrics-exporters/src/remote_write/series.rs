//! Metrics of OpenTelemetry as series of Prometheus.
//!
//! Nothing is kept from one batch to the next: what is cumulative can be written as it is, and what is not is
//! rejected, as the Collector does. Data points that come to look the same (attributes of their resources that are
//! not shown) are added up.

use std::collections::BTreeMap;
use std::sync::Arc;

use spandrel_pipeline::MetricBatch;
use spandrel_proto::otlp::common::{InstrumentationScope, KeyValue};
use spandrel_proto::otlp::metrics::metric::Data;
use spandrel_proto::otlp::metrics::{
    AggregationTemporality, Exemplar as OtlpExemplar, ExponentialHistogramDataPoint,
    HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint, number_data_point,
};

use super::RemoteWriteSettings;
use super::owner::Owner;
use crate::prometheus::exponential::Exponential;
use crate::prometheus::family::{Labels, add_label};
use crate::prometheus::naming::MetricType;
use crate::prometheus::point::{PointExemplar, point_exemplar};

/// The flag of a data point that says that its series has ended.
const NO_RECORDED_VALUE: u32 = 1;
/// What Prometheus takes for the end of a series, which is one certain NaN.
pub(super) const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);
/// Schemas of native histograms.
const SCHEMA_MIN: i32 = -4;
const SCHEMA_MAX: i32 = 8;

/// What is known of all series under one name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) kind: FamilyKind,
    pub(super) help: String,
    pub(super) unit: String,
}

/// Numbers of `MetricType` in both versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FamilyKind {
    Counter = 1,
    Gauge = 2,
    Histogram = 3,
    Summary = 5,
    Info = 6,
}

/// A value of a series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// Since 1970.
    pub(super) millis: i64,
    /// Since when it counts; 0 when it does not count.
    pub(super) start_millis: i64,
    pub(super) value: f64,
}

/// A native histogram of a series; `None` when the series has ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NativeSample {
    pub(super) millis: i64,
    pub(super) start_millis: i64,
    pub(super) histogram: Option<Exponential>,
}

/// One series.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) family: Arc<Family>,
    pub(super) samples: Vec<Sample>,
    pub(super) histograms: Vec<NativeSample>,
    pub(super) exemplars: Vec<PointExemplar>,
}

/// Labels with `__name__`, in the order of their names.
pub(super) type Key = Vec<(String, String)>;

/// A batch as series.
#[derive(Debug, Default)]
pub(super) struct Translated {
    pub(super) series: BTreeMap<Key, Series>,
    /// Data points that are written.
    pub(super) accepted: u64,
    /// Data points that cannot be.
    pub(super) rejected: u64,
    /// Why.
    pub(super) message: &'static str,
}

/// The data points of one resource and scope.
struct Context<'a> {
    settings: &'a RemoteWriteSettings,
    resource: &'a [KeyValue],
    owner: &'a Owner,
    scope: Option<&'a InstrumentationScope>,
    scope_schema_url: &'a str,
}

/// When a data point is, and whether it ends its series.
#[derive(Clone, Copy)]
struct At {
    millis: i64,
    start_millis: i64,
    ended: bool,
}

impl At {
    fn new(unix_nanos: u64, start_unix_nanos: u64, flags: u32) -> Self {
        let millis = |nanos: u64| i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX);
        Self {
            millis: millis(unix_nanos),
            start_millis: millis(start_unix_nanos),
            ended: flags & NO_RECORDED_VALUE != 0,
        }
    }
}

/// The series of a batch.
pub(super) fn translate(settings: &RemoteWriteSettings, batch: &MetricBatch) -> Translated {
    let mut translated = Translated::default();
    for resource in &batch.metrics.resource_metrics {
        let attributes = resource.resource.as_ref().map_or(&[][..], |r| r.attributes.as_slice());
        let owner = Owner::of(attributes);
        let mut newest = 0;
        for scope in &resource.scope_metrics {
            let context = Context {
                settings,
                resource: attributes,
                owner: &owner,
                scope: scope.scope.as_ref(),
                scope_schema_url: &scope.schema_url,
            };
            for metric in &scope.metrics {
                newest = newest.max(translated.add_metric(&context, metric));
            }
        }
        if settings.target_info && newest > 0 {
            translated.add_target(settings, attributes, &owner, newest);
        }
    }
    translated
}

impl Translated {
    /// Adds the data points of a metric; returns the time of the newest.
    fn add_metric(&mut self, context: &Context<'_>, metric: &Metric) -> i64 {
        let (kind, is_cumulative, n_points) = match &metric.data {
            None => return 0,
            Some(Data::Gauge(gauge)) => (FamilyKind::Gauge, true, gauge.data_points.len()),
            Some(Data::Sum(sum)) => {
                let kind = if sum.is_monotonic { FamilyKind::Counter } else { FamilyKind::Gauge };
                (kind, is_cumulative(sum.aggregation_temporality), sum.data_points.len())
            }
            Some(Data::Histogram(histogram)) => (
                FamilyKind::Histogram,
                is_cumulative(histogram.aggregation_temporality),
                histogram.data_points.len(),
            ),
            Some(Data::ExponentialHistogram(histogram)) => (
                FamilyKind::Histogram,
                is_cumulative(histogram.aggregation_temporality),
                histogram.data_points.len(),
            ),
            Some(Data::Summary(summary)) => (FamilyKind::Summary, true, summary.data_points.len()),
        };
        let metric_type = match kind {
            FamilyKind::Counter => MetricType::Counter,
            FamilyKind::Gauge | FamilyKind::Info => MetricType::Gauge,
            FamilyKind::Histogram => MetricType::Histogram,
            FamilyKind::Summary => MetricType::Summary,
        };
        let name = context.settings.naming.metric(&metric.name, &metric.unit, metric_type);
        let (Some(name), true) = (name, is_cumulative) else {
            self.reject(n_points, "only cumulative metrics with a name can be written");
            return 0;
        };
        let (help, unit) = (metric.description.clone(), metric.unit.clone());
        let family = Arc::new(Family { name, kind, help, unit });
        self.add_points(context, metric, &family)
    }

    fn add_points(&mut self, context: &Context<'_>, metric: &Metric, family: &Arc<Family>) -> i64 {
        let mut newest = 0;
        match &metric.data {
            None => {}
            Some(Data::Gauge(gauge)) => {
                for point in &gauge.data_points {
                    newest = newest.max(self.add_number(context, family, point));
                }
            }
            Some(Data::Sum(sum)) => {
                for point in &sum.data_points {
                    newest = newest.max(self.add_number(context, family, point));
                }
            }
            Some(Data::Histogram(histogram)) => {
                for point in &histogram.data_points {
                    newest = newest.max(self.add_classic(context, family, point));
                }
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                for point in &histogram.data_points {
                    newest = newest.max(self.add_native(context, family, point));
                }
            }
            Some(Data::Summary(summary)) => {
                for point in &summary.data_points {
                    newest = newest.max(self.add_summary(context, family, point));
                }
            }
        }
        newest
    }

    fn reject(&mut self, points: usize, message: &'static str) {
        self.rejected += points as u64;
        self.message = message;
    }

    fn add_number(
        &mut self,
        context: &Context<'_>,
        family: &Arc<Family>,
        point: &NumberDataPoint,
    ) -> i64 {
        let mut at = At::new(point.time_unix_nano, point.start_time_unix_nano, point.flags);
        if family.kind == FamilyKind::Gauge {
            at.start_millis = 0;
        }
        let value = match point.value {
            Some(number_data_point::Value::AsInt(number)) => number as f64,
            Some(number_data_point::Value::AsDouble(number)) => number,
            None if at.ended => 0.0,
            None => {
                self.reject(1, "a data point without a value");
                return 0;
            }
        };
        let labels = context.labels(&point.attributes);
        self.add_sample(family, (&family.name, &labels, None), at, value);
        if !point.exemplars.is_empty() {
            let key = key(&family.name, &labels, None);
            self.series_of(family, key).exemplars.extend(exemplars(&point.exemplars));
        }
        self.accepted += 1;
        at.millis
    }

    fn add_classic(
        &mut self,
        context: &Context<'_>,
        family: &Arc<Family>,
        point: &HistogramDataPoint,
    ) -> i64 {
        let at = At::new(point.time_unix_nano, point.start_time_unix_nano, point.flags);
        let labels = context.labels(&point.attributes);
        let name = format!("{}_bucket", family.name);
        let all: Vec<PointExemplar> = exemplars(&point.exemplars).collect();
        let (mut below, mut added_up) = (f64::NEG_INFINITY, 0_u64);
        let bounds = point.explicit_bounds.iter().copied().filter(|bound| bound.is_finite());
        let counts = point.bucket_counts.iter().copied().chain(std::iter::repeat(0));
        let buckets = bounds.zip(counts).map(|(bound, count)| {
            added_up = added_up.saturating_add(count);
            (bound, added_up)
        });
        for (bound, count) in buckets.chain([(f64::INFINITY, point.count)]).collect::<Vec<_>>() {
            let le = if bound == f64::INFINITY { "+Inf".to_owned() } else { bound.to_string() };
            let key = key(&name, &labels, Some(("le", &le)));
            let series = self.series_of(family, key);
            series.add(at, count as f64);
            let inside = all.iter().filter(|e| below < e.value && e.value <= bound);
            series.exemplars.extend(inside.cloned());
            below = bound;
        }
        let sum = point.sum.unwrap_or(0.0);
        self.add_sample(family, (&format!("{}_sum", family.name), &labels, None), at, sum);
        let count = point.count as f64;
        self.add_sample(family, (&format!("{}_count", family.name), &labels, None), at, count);
        self.accepted += 1;
        at.millis
    }

    fn add_native(
        &mut self,
        context: &Context<'_>,
        family: &Arc<Family>,
        point: &ExponentialHistogramDataPoint,
    ) -> i64 {
        let at = At::new(point.time_unix_nano, point.start_time_unix_nano, point.flags);
        let mut histogram = Exponential::of(point);
        histogram.coarsen(SCHEMA_MAX);
        if histogram.scale < SCHEMA_MIN {
            self.reject(1, "an exponential histogram that is too coarse for Prometheus");
            return 0;
        }
        let labels = context.labels(&point.attributes);
        let series = self.series_of(family, key(&family.name, &labels, None));
        series.add_native(at, (!at.ended).then_some(histogram));
        series.exemplars.extend(exemplars(&point.exemplars));
        self.accepted += 1;
        at.millis
    }

    fn add_summary(
        &mut self,
        context: &Context<'_>,
        family: &Arc<Family>,
        point: &SummaryDataPoint,
    ) -> i64 {
        let at = At::new(point.time_unix_nano, point.start_time_unix_nano, point.flags);
        let labels = context.labels(&point.attributes);
        for value in &point.quantile_values {
            let quantile = value.quantile.to_string();
            let place = (family.name.as_str(), &labels, Some(("quantile", quantile.as_str())));
            self.add_sample(family, place, At { start_millis: 0, ..at }, value.value);
        }
        let (sum, count) = (format!("{}_sum", family.name), format!("{}_count", family.name));
        self.add_sample(family, (&sum, &labels, None), at, point.sum);
        self.add_sample(family, (&count, &labels, None), at, point.count as f64);
        self.accepted += 1;
        at.millis
    }

    /// What a resource has besides what makes its job and instance, once.
    fn add_target(
        &mut self,
        settings: &RemoteWriteSettings,
        attributes: &[KeyValue],
        owner: &Owner,
        millis: i64,
    ) {
        let mut labels = Labels::new();
        for pair in attributes.iter().filter(|pair| !Owner::KEYS.contains(&pair.key.as_str())) {
            add_label(&mut labels, &settings.naming, &pair.key, pair);
        }
        if labels.is_empty() || owner.is_nobody() {
            return;
        }
        owner.add_to(&mut labels);
        settings.add_external(&mut labels);
        let (name, help) = (settings.naming.target_info(), "Target metadata".to_owned());
        let kind = FamilyKind::Info;
        let family = Arc::new(Family { name, kind, help, unit: String::new() });
        let series = self.series_of(&family, key(&family.name, &labels, None));
        series.samples = vec![Sample { millis, start_millis: 0, value: 1.0 }];
    }

    fn add_sample(
        &mut self,
        family: &Arc<Family>,
        (name, labels, more): (&str, &Labels, Option<(&str, &str)>),
        at: At,
        value: f64,
    ) {
        self.series_of(family, key(name, labels, more)).add(at, value);
    }

    fn series_of(&mut self, family: &Arc<Family>, key: Key) -> &mut Series {
        self.series.entry(key).or_insert_with(|| Series {
            family: Arc::clone(family),
            samples: Vec::new(),
            histograms: Vec::new(),
            exemplars: Vec::new(),
        })
    }
}

impl Series {
    fn add(&mut self, at: At, value: f64) {
        let value = if at.ended { STALE } else { value };
        let At { millis, start_millis, ended } = at;
        let sample = Sample { millis, start_millis, value };
        match self.samples.iter_mut().find(|sample| sample.millis == millis) {
            None => self.samples.push(sample),
            // Another one goes on.
            Some(_) if ended => {}
            Some(before) if is_stale(before.value) => *before = sample,
            Some(before) if self.family.kind == FamilyKind::Gauge => before.value = value,
            Some(before) => before.value += value,
        }
    }

    fn add_native(&mut self, at: At, histogram: Option<Exponential>) {
        let At { millis, start_millis, .. } = at;
        match self.histograms.iter_mut().find(|sample| sample.millis == millis) {
            None => self.histograms.push(NativeSample { millis, start_millis, histogram }),
            Some(before) => match (&mut before.histogram, histogram) {
                (Some(sum), Some(more)) => {
                    sum.add(&more);
                    sum.coarsen(SCHEMA_MAX);
                }
                (None, more) => before.histogram = more,
                (Some(_), None) => {}
            },
        }
    }
}

impl Context<'_> {
    fn labels(&self, attributes: &[KeyValue]) -> Labels {
        let settings = self.settings;
        let of_resource =
            self.resource.iter().filter(|pair| settings.resource_labels.wants(&pair.key));
        let mut all: BTreeMap<&str, &KeyValue> =
            attributes.iter().map(|pair| (pair.key.as_str(), pair)).collect();
        all.extend(of_resource.map(|pair| (pair.key.as_str(), pair)));
        let mut labels = Labels::new();
        for pair in all.into_values() {
            add_label(&mut labels, &settings.naming, &pair.key, pair);
        }
        if let Some(scope) = self.scope.filter(|_| !settings.disable_scope_info) {
            for pair in &scope.attributes {
                let name = format!("otel_scope_{}", pair.key);
                add_label(&mut labels, &settings.naming, &name, pair);
            }
            for (name, value) in [
                ("otel_scope_name", &scope.name[..]),
                ("otel_scope_version", &scope.version),
                ("otel_scope_schema_url", self.scope_schema_url),
            ] {
                labels.insert(name.to_owned(), value.to_owned());
            }
        }
        self.owner.add_to(&mut labels);
        settings.add_external(&mut labels);
        // To Prometheus, a label without a value is none.
        labels.retain(|_, value| !value.is_empty());
        labels
    }
}

fn key(name: &str, labels: &Labels, more: Option<(&str, &str)>) -> Key {
    let own = [Some(("__name__", name)), more].into_iter().flatten();
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut key: Key = labels
        .iter()
        .filter(|(name, _)| more.is_none_or(|(own, _)| own != name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .chain(own)
        .collect();
    key.sort();
    key
}

fn exemplars(of_point: &[OtlpExemplar]) -> impl Iterator<Item = PointExemplar> {
    of_point.iter().filter_map(point_exemplar)
}

/// Whether a value is the end of a series and no measurement.
pub(super) fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE.to_bits()
}

fn is_cumulative(temporality: i32) -> bool {
    temporality == AggregationTemporality::Cumulative as i32
}
