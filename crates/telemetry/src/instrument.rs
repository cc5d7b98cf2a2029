//! The instruments that other crates touch: counters, gauges and histograms, plain or by label.
//!
//! They wrap `prometheus-client` so that no other crate needs it, and they are cheap to clone: a
//! clone updates the same series. Every update is one or two atomic operations, except that
//! a histogram takes a short lock; call them per request or per file, not per span.
//!
//! A name given to [`Registrar`] is the full name, so that a search for it finds this crate; only
//! the `_total` of counters is added by the encoder. A name that ends in `_seconds` or `_bytes`
//! gets a `# UNIT` line.

use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::{MetricType, TypedMetric, counter, gauge, histogram};
use prometheus_client::registry::{Metric, Registry, Unit};

/// A number that only grows.
#[derive(Debug, Clone, Default)]
pub struct Counter(counter::Counter);

impl Counter {
    /// Adds one.
    pub fn inc(&self) {
        self.0.inc();
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.inc_by(n);
    }

    /// The value now.
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

/// A number that goes up and down.
#[derive(Debug, Clone, Default)]
pub struct Gauge(gauge::Gauge);

impl Gauge {
    /// Sets the value; what does not fit into an `i64` is shown as `i64::MAX`.
    pub fn set(&self, value: u64) {
        self.0.set(to_i64(value));
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.inc_by(to_i64(n));
    }

    /// Subtracts `n`.
    pub fn sub(&self, n: u64) {
        self.0.dec_by(to_i64(n));
    }

    /// The value now; negative only when more was subtracted than added.
    pub fn get(&self) -> i64 {
        self.0.get()
    }
}

fn to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// How values are distributed over fixed buckets.
#[derive(Debug, Clone)]
pub struct Histogram(histogram::Histogram);

impl Histogram {
    /// Counts a duration; the metric is in seconds.
    pub fn observe(&self, duration: Duration) {
        self.0.observe(duration.as_secs_f64());
    }

    /// Counts a size or a number of things; above 2^53 it is rounded.
    pub fn observe_count(&self, count: u64) {
        self.0.observe(count as f64);
    }
}

/// What a label set must be able to do.
pub trait Labels: EncodeLabelSet + Debug + Clone + Hash + Eq + Send + Sync + 'static {}

impl<T: EncodeLabelSet + Debug + Clone + Hash + Eq + Send + Sync + 'static> Labels for T {}

/// Counters of one name, by label set.
#[derive(Debug, Clone)]
pub struct CounterFamily<L: Labels>(Family<L, counter::Counter>);

impl<L: Labels> CounterFamily<L> {
    /// Adds one to the series of these labels.
    pub fn inc(&self, labels: &L) {
        self.add(labels, 1);
    }

    /// Adds `n` to the series of these labels, which exists from then on.
    pub fn add(&self, labels: &L, n: u64) {
        self.0.get_or_create(labels).inc_by(n);
    }

    /// The series of these labels, for who updates it often; it exists from then on.
    pub fn series(&self, labels: &L) -> Counter {
        Counter(self.0.get_or_create(labels).clone())
    }

    /// The value now; zero when the series does not exist.
    pub fn get(&self, labels: &L) -> u64 {
        self.0.get(labels).map_or(0, |counter| counter.get())
    }

    /// The sum over the given label sets.
    pub fn sum<'a>(&self, labels: impl IntoIterator<Item = &'a L>) -> u64 {
        labels.into_iter().fold(0, |sum, labels| sum.wrapping_add(self.get(labels)))
    }
}

/// Gauges of one name, by label set.
#[derive(Debug, Clone)]
pub struct GaugeFamily<L: Labels>(Family<L, gauge::Gauge>);

impl<L: Labels> GaugeFamily<L> {
    /// Sets the value of the series of these labels; what does not fit into an `i64` is shown as `i64::MAX`.
    pub fn set(&self, labels: &L, value: u64) {
        self.0.get_or_create(labels).set(to_i64(value));
    }

    /// The series of these labels, for who updates it often; it exists from then on.
    pub fn series(&self, labels: &L) -> Gauge {
        Gauge(self.0.get_or_create(labels).clone())
    }

    /// The value now; zero when the series does not exist.
    pub fn get(&self, labels: &L) -> i64 {
        self.0.get(labels).map_or(0, |gauge| gauge.get())
    }
}

/// Histograms of durations under one name, by label set.
#[derive(Debug, Clone)]
pub struct DurationFamily<L: Labels>(Family<L, histogram::Histogram, Buckets>);

impl<L: Labels> DurationFamily<L> {
    /// Counts a duration under these labels.
    pub fn observe(&self, labels: &L, duration: Duration) {
        self.0.get_or_create(labels).observe(duration.as_secs_f64());
    }

    /// The series of these labels, for who updates it often; it exists from then on.
    pub fn series(&self, labels: &L) -> Histogram {
        Histogram(self.0.get_or_create(labels).clone())
    }
}

/// Histograms of sizes or counts under one name, by label set.
#[derive(Debug, Clone)]
pub(crate) struct HistogramFamily<L: Labels>(Family<L, histogram::Histogram, Buckets>);

impl<L: Labels> HistogramFamily<L> {
    /// Counts a size or a number of things under these labels.
    pub(crate) fn observe_count(&self, labels: &L, count: u64) {
        self.0.get_or_create(labels).observe(count as f64);
    }

    /// The series of these labels, for who updates it often; it exists from then on.
    pub(crate) fn series(&self, labels: &L) -> Histogram {
        Histogram(self.0.get_or_create(labels).clone())
    }
}

/// Upper bounds of a histogram's buckets, ascending; `+Inf` is added by the encoder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Buckets(&'static [f64]);

impl Buckets {
    /// Seconds, for work on the local disk and in memory: 50 us to 10 s.
    pub(crate) const LOCAL_IO: Self = Self(&[
        0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
        0.5, 1.0, 2.5, 5.0, 10.0,
    ]);
    /// Seconds, for requests and for work that ends in object storage: 1 ms to 60 s.
    pub(crate) const REQUEST: Self = Self(&[
        0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    ]);
    /// Seconds, for how old traces are: 100 ms to 30 min.
    pub(crate) const AGE: Self = Self(&[
        0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 300.0, 600.0, 1_800.0,
    ]);
    /// Milliseconds: 1 ms to 50 s.
    pub(crate) const MILLIS: Self = Self(&[
        1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 400.0, 500.0, 750.0,
        1_000.0, 2_000.0, 3_000.0, 5_000.0, 10_000.0, 20_000.0, 50_000.0,
    ]);
    /// Small counts: powers of two up to 1024.
    pub(crate) const COUNT: Self =
        Self(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0]);
    /// Bytes: powers of four from 1 KiB to 64 MiB.
    pub(crate) const BYTES: Self = Self(&[
        1_024.0,
        4_096.0,
        16_384.0,
        65_536.0,
        262_144.0,
        1_048_576.0,
        4_194_304.0,
        16_777_216.0,
        67_108_864.0,
    ]);
    /// Spans per file: powers of four from 256 to 4 Mi.
    pub(crate) const SPANS: Self =
        Self(&[256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0]);
}

impl MetricConstructor<histogram::Histogram> for Buckets {
    fn new_metric(&self) -> histogram::Histogram {
        histogram::Histogram::new(self.0.iter().copied())
    }
}

/// A counter on the page under exactly its name, without `_total`.
///
/// OpenMetrics knows no such counter, so its type is `unknown`; `rate()` works on it all the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct BareCounter(counter::Counter);

impl TypedMetric for BareCounter {
    const TYPE: MetricType = MetricType::Unknown;
}

impl EncodeMetric for BareCounter {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        encoder.encode_gauge(&self.0.get())
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

/// Counters by label set that are shown both with and without `_total`.
#[derive(Debug, Clone)]
pub(crate) struct BareCounterFamily<L: Labels>(Family<L, BareCounter>);

impl<L: Labels> BareCounterFamily<L> {
    /// Adds `n` to the series of these labels.
    pub(crate) fn add(&self, labels: &L, n: u64) {
        self.0.get_or_create(labels).0.inc_by(n);
    }

    /// The series of these labels, for who updates it often; it exists from then on.
    pub(crate) fn series(&self, labels: &L) -> Counter {
        Counter(self.0.get_or_create(labels).0.clone())
    }
}

/// Creates instruments and puts them on the metrics page under their full name.
pub(crate) struct Registrar<'a>(&'a mut Registry);

impl<'a> Registrar<'a> {
    pub(crate) fn new(registry: &'a mut Registry) -> Self {
        Self(registry)
    }

    /// `name` without `_total`; `help` without full stop.
    pub(crate) fn counter(&mut self, name: &'static str, help: &'static str) -> Counter {
        let counter = Counter::default();
        self.register(name, help, counter.0.clone());
        counter
    }

    pub(crate) fn gauge(&mut self, name: &'static str, help: &'static str) -> Gauge {
        let gauge = Gauge::default();
        self.register(name, help, gauge.0.clone());
        gauge
    }

    pub(crate) fn histogram(
        &mut self,
        name: &'static str,
        help: &'static str,
        buckets: Buckets,
    ) -> Histogram {
        let histogram = buckets.new_metric();
        self.register(name, help, histogram.clone());
        Histogram(histogram)
    }

    /// The series of `known` exist from the start, so that a query for a rate sees the first event.
    pub(crate) fn counters<L: Labels>(
        &mut self,
        name: &'static str,
        help: &'static str,
        known: &[L],
    ) -> CounterFamily<L> {
        let family = Family::<L, counter::Counter>::default();
        for labels in known {
            drop(family.get_or_create(labels));
        }
        self.register(name, help, family.clone());
        CounterFamily(family)
    }

    /// The series of `known` exist from the start.
    pub(crate) fn gauges<L: Labels>(
        &mut self,
        name: &'static str,
        help: &'static str,
        known: &[L],
    ) -> GaugeFamily<L> {
        let family = Family::<L, gauge::Gauge>::default();
        for labels in known {
            drop(family.get_or_create(labels));
        }
        self.register(name, help, family.clone());
        GaugeFamily(family)
    }

    pub(crate) fn durations<L: Labels>(
        &mut self,
        name: &'static str,
        help: &'static str,
        buckets: Buckets,
    ) -> DurationFamily<L> {
        let family = Family::new_with_constructor(buckets);
        self.register(name, help, family.clone());
        DurationFamily(family)
    }

    pub(crate) fn histograms<L: Labels>(
        &mut self,
        name: &'static str,
        help: &'static str,
        buckets: Buckets,
    ) -> HistogramFamily<L> {
        let family = Family::new_with_constructor(buckets);
        self.register(name, help, family.clone());
        HistogramFamily(family)
    }

    /// Registers the same series under `name` and under `total_name`, which must be
    /// `name` with `_total`: dashboards for the OpenTelemetry Collector use both.
    pub(crate) fn bare_counters<L: Labels>(
        &mut self,
        [name, total_name]: [&'static str; 2],
        help: &'static str,
        known: &[L],
    ) -> BareCounterFamily<L> {
        let family = Family::<L, BareCounter>::default();
        for labels in known {
            drop(family.get_or_create(labels));
        }
        self.register(name, help, family.clone());
        self.register(total_name, help, family.clone());
        BareCounterFamily(family)
    }

    fn register(&mut self, name: &'static str, help: &'static str, metric: impl Metric) {
        for unit in [Unit::Seconds, Unit::Bytes] {
            let stem = name.strip_suffix(unit.as_str()).and_then(|stem| stem.strip_suffix('_'));
            if let Some(stem) = stem {
                self.0.register_with_unit(stem, help, unit, metric);
                return;
            }
        }
        self.0.register(name, help, metric);
    }
}
