//! The page as Prometheus' protobuf messages (`io.prometheus.client`), each behind its length: the only format
//! that has exponential histograms, which Prometheus calls native.

use std::collections::BTreeMap;

use prost::Message;

use super::exponential::{Exponential, Side};
use super::family::{Family, Labels};
use super::naming::MetricType;
use super::page::{Look, readable};
use super::point::{Point, PointExemplar, PointValue};

/// The finest scale that native histograms have, and the coarsest.
const SCHEMAS: std::ops::RangeInclusive<i32> = -4..=8;
/// Up to which distance from zero values count as zero, unless the histogram says it.
const ZERO_THRESHOLD: f64 = 1e-128;

/// All families.
pub(super) fn render(families: &BTreeMap<String, Family>, look: Look) -> Vec<u8> {
    let mut page = Vec::new();
    for (name, family) in families {
        page.extend_from_slice(&message(name, family, look).encode_length_delimited_to_vec());
    }
    page
}

fn message(name: &str, family: &Family, look: Look) -> MetricFamily {
    let kind = match family.kind {
        MetricType::Counter => 0,
        MetricType::Gauge => 1,
        MetricType::Summary => 2,
        MetricType::Histogram => 4,
    };
    let metrics = family.points.iter().map(|(labels, point)| metric(labels, point, look));
    MetricFamily {
        name: Some(readable(name, look.escape).into_owned()),
        help: Some(family.help.clone()),
        kind: Some(kind),
        metric: metrics.collect(),
    }
}

fn metric(labels: &Labels, point: &Point, look: Look) -> Metric {
    let label = |(name, value): (&String, &String)| LabelPair {
        name: Some(readable(name, look.escape).into_owned()),
        value: Some(value.clone()),
    };
    let timed = look.timestamps && point.unix_nanos > 0;
    let mut metric = Metric {
        label: labels.iter().map(label).collect(),
        timestamp_ms: timed.then_some((point.unix_nanos / 1_000_000) as i64),
        ..Metric::default()
    };
    match &point.value {
        PointValue::Gauge(value) => metric.gauge = Some(Gauge { value: Some(*value) }),
        PointValue::Counter(value) => {
            let exemplar = point.exemplars.last().map(exemplar);
            metric.counter = Some(Counter { value: Some(*value), exemplar });
        }
        PointValue::Summary { count, sum, quantiles } => {
            let quantile = |(quantile, value): &(f64, f64)| Quantile {
                quantile: Some(*quantile),
                value: Some(*value),
            };
            metric.summary = Some(Summary {
                sample_count: Some(*count),
                sample_sum: Some(*sum),
                quantile: quantiles.iter().map(quantile).collect(),
            });
        }
        PointValue::Histogram { count, sum, bounds, counts } => {
            metric.histogram = Some(Histogram {
                sample_count: Some(*count),
                sample_sum: Some(*sum),
                bucket: buckets(bounds, counts, &point.exemplars),
                ..Histogram::default()
            });
        }
        PointValue::Exponential(histogram) => metric.histogram = Some(native(histogram, point)),
    }
    metric
}

fn buckets(bounds: &[f64], counts: &[u64], exemplars: &[PointExemplar]) -> Vec<Bucket> {
    let mut added_up = 0_u64;
    let mut below = f64::NEG_INFINITY;
    let bucket = |(bound, count): (&f64, &u64)| {
        added_up = added_up.saturating_add(*count);
        let inside = exemplars.iter().rfind(|e| below < e.value && e.value <= *bound);
        below = *bound;
        Bucket {
            cumulative_count: Some(added_up),
            upper_bound: Some(*bound),
            exemplar: inside.map(exemplar),
        }
    };
    bounds.iter().zip(counts).map(bucket).collect()
}

/// A histogram that is too coarse for Prometheus shows only how many values there were and their sum.
fn native(histogram: &Exponential, point: &Point) -> Histogram {
    let mut histogram = histogram.clone();
    histogram.coarsen(*SCHEMAS.end());
    let mut native = Histogram {
        sample_count: Some(histogram.count),
        sample_sum: Some(histogram.sum),
        ..Histogram::default()
    };
    if !SCHEMAS.contains(&histogram.scale) {
        return native;
    }
    let threshold = histogram.zero_threshold;
    native.schema = Some(histogram.scale);
    native.zero_threshold = Some(if threshold > 0.0 { threshold } else { ZERO_THRESHOLD });
    native.zero_count = Some(histogram.zeros);
    (native.positive_span, native.positive_delta) = span_and_deltas(&histogram.positive);
    (native.negative_span, native.negative_delta) = span_and_deltas(&histogram.negative);
    if native.positive_span.is_empty() && native.negative_span.is_empty() {
        // Without any span, it would be taken for a histogram with bounds.
        native.positive_span.push(BucketSpan { offset: Some(0), length: Some(0) });
    }
    native.exemplars = point.exemplars.iter().map(exemplar).collect();
    native
}

/// Prometheus numbers a bucket by its upper bound, OTLP by its lower one.
fn span_and_deltas(side: &Side) -> (Vec<BucketSpan>, Vec<i64>) {
    if side.counts.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let offset = side.offset.saturating_add(1);
    let span = BucketSpan { offset: Some(offset), length: Some(side.counts.len() as u32) };
    let mut before = 0_i64;
    let delta = |count: &u64| {
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        let delta = count - before;
        before = count;
        delta
    };
    (vec![span], side.counts.iter().map(delta).collect())
}

fn exemplar(exemplar: &PointExemplar) -> Exemplar {
    let label = exemplar
        .labels
        .iter()
        .map(|(name, value)| LabelPair { name: Some(name.clone()), value: Some(value.clone()) });
    let timestamp = (exemplar.unix_nanos > 0).then_some(prost_types::Timestamp {
        seconds: (exemplar.unix_nanos / 1_000_000_000) as i64,
        nanos: (exemplar.unix_nanos % 1_000_000_000) as i32,
    });
    Exemplar { label: label.collect(), value: Some(exemplar.value), timestamp }
}

#[derive(Clone, PartialEq, Message)]
struct MetricFamily {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    help: Option<String>,
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
    #[prost(message, repeated, tag = "4")]
    metric: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelPair {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    value: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Gauge>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Counter>,
    #[prost(message, optional, tag = "4")]
    summary: Option<Summary>,
    #[prost(int64, optional, tag = "6")]
    timestamp_ms: Option<i64>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
struct Gauge {
    #[prost(double, optional, tag = "1")]
    value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct Counter {
    #[prost(double, optional, tag = "1")]
    value: Option<f64>,
    #[prost(message, optional, tag = "2")]
    exemplar: Option<Exemplar>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(uint64, optional, tag = "1")]
    sample_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    sample_sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    quantile: Vec<Quantile>,
}

#[derive(Clone, PartialEq, Message)]
struct Quantile {
    #[prost(double, optional, tag = "1")]
    quantile: Option<f64>,
    #[prost(double, optional, tag = "2")]
    value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(uint64, optional, tag = "1")]
    sample_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    sample_sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    bucket: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    schema: Option<i32>,
    #[prost(double, optional, tag = "6")]
    zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    zero_count: Option<u64>,
    #[prost(message, repeated, tag = "9")]
    negative_span: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "10")]
    negative_delta: Vec<i64>,
    #[prost(message, repeated, tag = "12")]
    positive_span: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "13")]
    positive_delta: Vec<i64>,
    #[prost(message, repeated, tag = "16")]
    exemplars: Vec<Exemplar>,
}

#[derive(Clone, PartialEq, Message)]
struct Bucket {
    #[prost(uint64, optional, tag = "1")]
    cumulative_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    upper_bound: Option<f64>,
    #[prost(message, optional, tag = "3")]
    exemplar: Option<Exemplar>,
}

#[derive(Clone, PartialEq, Message)]
struct BucketSpan {
    #[prost(sint32, optional, tag = "1")]
    offset: Option<i32>,
    #[prost(uint32, optional, tag = "2")]
    length: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct Exemplar {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(double, optional, tag = "2")]
    value: Option<f64>,
    #[prost(message, optional, tag = "3")]
    timestamp: Option<prost_types::Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(scale: i32, offset: i32, counts: &[u64]) -> Histogram {
        let histogram = Exponential {
            count: counts.iter().sum::<u64>() + 2,
            sum: 12.5,
            scale,
            zeros: 2,
            zero_threshold: 0.0,
            positive: Side { offset, counts: counts.to_vec() },
            negative: Side::default(),
        };
        let value = PointValue::Exponential(histogram);
        let point = Point { unix_nanos: 0, value, exemplars: Vec::new() };
        let look = Look { timestamps: true, escape: true };
        metric(&Labels::new(), &point, look).histogram.unwrap()
    }

    #[test]
    fn exponential_histograms_are_native_ones() {
        let native = shown(3, -2, &[1, 0, 4]);
        assert_eq!((native.sample_count, native.sample_sum), (Some(7), Some(12.5)));
        assert_eq!((native.schema, native.zero_count), (Some(3), Some(2)));
        assert_eq!(native.zero_threshold, Some(1e-128));
        assert_eq!(native.positive_span, [BucketSpan { offset: Some(-1), length: Some(3) }]);
        assert_eq!(native.positive_delta, [1, -1, 4]);
        assert_eq!(native.negative_span, []);
    }

    #[test]
    fn too_fine_ones_get_coarser_and_too_coarse_ones_have_no_buckets() {
        let native = shown(10, 3, &[1, 1, 1, 1, 1]);
        assert_eq!(native.schema, Some(8));
        // 3 to 7 at scale 10 are 0 and 1 at scale 8, numbered from 1.
        assert_eq!(native.positive_span, [BucketSpan { offset: Some(1), length: Some(2) }]);
        assert_eq!(native.positive_delta, [1, 3]);
        let coarse = shown(-5, 0, &[3]);
        assert_eq!((coarse.schema, coarse.sample_count), (None, Some(5)));
        let empty = shown(0, 0, &[]);
        assert_eq!(empty.positive_span, [BucketSpan { offset: Some(0), length: Some(0) }]);
    }
}
