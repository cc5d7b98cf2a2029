//! The last value of one series, and how the next one changes it.

use spandrel_proto::otlp::metrics::{
    Exemplar as DataPointExemplar, ExponentialHistogramDataPoint, HistogramDataPoint,
    NumberDataPoint, SummaryDataPoint, exemplar, number_data_point,
};
use spandrel_span_aggregation::value_text;

use super::exponential::Exponential;
use super::naming::MetricType;

/// The flag of a data point that says that its series has ended.
const NO_RECORDED_VALUE: u32 = 1;

/// What a series shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    /// When it was measured, nanoseconds since 1970.
    pub(crate) unix_nanos: u64,
    pub(crate) value: PointValue,
    pub(crate) exemplars: Vec<PointExemplar>,
}

/// A number, or many.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PointValue {
    Gauge(f64),
    Counter(f64),
    /// Counts by bucket, not added up; the last is of what is above all bounds.
    Histogram {
        count: u64,
        sum: f64,
        bounds: Vec<f64>,
        counts: Vec<u64>,
    },
    /// Counts by exponential bucket.
    Exponential(Exponential),
    /// Values by quantile.
    Summary {
        count: u64,
        sum: f64,
        quantiles: Vec<(f64, f64)>,
    },
}

/// A span that stands for the others.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PointExemplar {
    /// Ids and attributes by label name, those that are empty left out.
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
    pub(crate) unix_nanos: u64,
}

impl PointValue {
    pub(crate) fn metric_type(&self) -> MetricType {
        match self {
            Self::Gauge(_) => MetricType::Gauge,
            Self::Counter(_) => MetricType::Counter,
            Self::Histogram { .. } | Self::Exponential(_) => MetricType::Histogram,
            Self::Summary { .. } => MetricType::Summary,
        }
    }

    /// Adds what another series, or a later interval, has counted. A histogram over other bounds takes the
    /// place of this one; so does what is no count.
    pub(crate) fn add(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Counter(mine), Self::Counter(other)) => *mine += other,
            (
                Self::Histogram { count, sum, bounds, counts },
                Self::Histogram {
                    count: other_count,
                    sum: other_sum,
                    bounds: other_bounds,
                    counts: other_counts,
                },
            ) if *bounds == other_bounds && counts.len() == other_counts.len() => {
                *count = count.saturating_add(other_count);
                *sum += other_sum;
                for (mine, other) in counts.iter_mut().zip(other_counts) {
                    *mine = mine.saturating_add(other);
                }
            }
            (Self::Exponential(mine), Self::Exponential(other)) => mine.add(&other),
            (mine, other) => *mine = other,
        }
    }
}

impl Point {
    /// Bytes that it takes in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        let value = match &self.value {
            PointValue::Gauge(_) | PointValue::Counter(_) => 0,
            PointValue::Histogram { bounds, counts, .. } => 8 * (bounds.len() + counts.len()),
            PointValue::Exponential(histogram) => {
                8 * (histogram.positive.counts.len() + histogram.negative.counts.len())
            }
            PointValue::Summary { quantiles, .. } => 16 * quantiles.len(),
        };
        size_of::<Self>() + value + self.exemplars.len() * (size_of::<PointExemplar>() + 48)
    }

    /// A counter or a gauge; `None` when the series has ended.
    pub(crate) fn of_number(point: &NumberDataPoint, counter: bool) -> Option<Self> {
        let value = match point.value {
            Some(number_data_point::Value::AsInt(number)) => number as f64,
            Some(number_data_point::Value::AsDouble(number)) => number,
            None => return None,
        };
        let value = if counter { PointValue::Counter(value) } else { PointValue::Gauge(value) };
        Self::new(point.flags, point.time_unix_nano, value, &point.exemplars)
    }

    pub(crate) fn of_histogram(point: &HistogramDataPoint) -> Option<Self> {
        let value = PointValue::Histogram {
            count: point.count,
            sum: point.sum.unwrap_or(0.0),
            bounds: point.explicit_bounds.clone(),
            counts: point.bucket_counts.clone(),
        };
        Self::new(point.flags, point.time_unix_nano, value, &point.exemplars)
    }

    pub(crate) fn of_exponential(point: &ExponentialHistogramDataPoint) -> Option<Self> {
        let value = PointValue::Exponential(Exponential::of(point));
        Self::new(point.flags, point.time_unix_nano, value, &point.exemplars)
    }

    pub(crate) fn of_summary(point: &SummaryDataPoint) -> Option<Self> {
        let quantiles = point.quantile_values.iter().map(|at| (at.quantile, at.value));
        let value = PointValue::Summary {
            count: point.count,
            sum: point.sum,
            quantiles: quantiles.collect(),
        };
        Self::new(point.flags, point.time_unix_nano, value, &[])
    }

    fn new(
        flags: u32,
        unix_nanos: u64,
        value: PointValue,
        exemplars: &[DataPointExemplar],
    ) -> Option<Self> {
        let exemplars = exemplars.iter().filter_map(point_exemplar).collect();
        (flags & NO_RECORDED_VALUE == 0).then_some(Self { unix_nanos, value, exemplars })
    }
}

pub(crate) fn point_exemplar(exemplar: &DataPointExemplar) -> Option<PointExemplar> {
    let value = match exemplar.value? {
        exemplar::Value::AsDouble(number) => number,
        exemplar::Value::AsInt(number) => number as f64,
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let ids = [("span_id", hex(&exemplar.span_id)), ("trace_id", hex(&exemplar.trace_id))];
    let ids = ids.into_iter().map(|(name, id): (_, String)| (name.to_owned(), id));
    let attributes = exemplar.filtered_attributes.iter();
    let attributes = attributes
        .map(|pair| (pair.key.clone(), pair.value.as_ref().map(value_text).unwrap_or_default()));
    Some(PointExemplar {
        labels: ids.chain(attributes).filter(|(_, value)| !value.is_empty()).collect(),
        value,
        unix_nanos: exemplar.time_unix_nano,
    })
}
