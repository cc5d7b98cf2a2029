//! OTLP data points of series.

use spandrel_proto::otlp::collector_metrics::ExportMetricsServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, InstrumentationScope, KeyValue};
use spandrel_proto::otlp::metrics::exponential_histogram_data_point::Buckets as DataPointBuckets;
use spandrel_proto::otlp::metrics::metric::Data;
use spandrel_proto::otlp::metrics::{
    AggregationTemporality, Exemplar as DataPointExemplar, ExponentialHistogram,
    ExponentialHistogramDataPoint, Histogram as HistogramMetric, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, exemplar, number_data_point,
};
use spandrel_proto::otlp::resource::Resource;
use spandrel_span_aggregation::{Exemplar, Histogram, Series, SeriesLabels};

/// The label of the series that counts what found no room elsewhere, as the metrics SDK calls it.
const OVERFLOW: &str = "otel.metric.overflow";

/// A label with text.
pub(crate) fn text_label(key: &str, text: impl Into<String>) -> KeyValue {
    let value = Some(Value::StringValue(text.into()));
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value }) }
}

/// A label that is true or false.
pub(crate) fn bool_label(key: &str, truth: bool) -> KeyValue {
    let value = Some(Value::BoolValue(truth));
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value }) }
}

/// The label of an overflow series.
pub(crate) fn overflow_label() -> KeyValue {
    bool_label(OVERFLOW, true)
}

/// When the data points of one flush are, and what they mean.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) unix_nanos: u64,
    pub(crate) temporality: AggregationTemporality,
}

/// Data points of series that are shown together.
pub(crate) struct Points<'a> {
    pub(crate) series: Vec<(SeriesLabels<'a, Vec<KeyValue>>, &'a Series)>,
    pub(crate) moment: Moment,
}

impl Points<'_> {
    /// A counter of observations.
    pub(crate) fn counter(&self, name: String) -> Metric {
        let points = self.series.iter().map(|(labels, series)| NumberDataPoint {
            attributes: attributes(*labels),
            start_time_unix_nano: self.start(series),
            time_unix_nano: self.moment.unix_nanos,
            exemplars: series.exemplars.iter().map(data_point_exemplar).collect(),
            value: Some(number_data_point::Value::AsInt(
                i64::try_from(series.count).unwrap_or(i64::MAX),
            )),
            ..NumberDataPoint::default()
        });
        let sum = Sum {
            data_points: points.collect(),
            aggregation_temporality: self.moment.temporality.into(),
            is_monotonic: true,
        };
        Metric { name, data: Some(Data::Sum(sum)), ..Metric::default() }
    }

    /// The histograms with this number of each series.
    pub(crate) fn histogram(&self, name: String, unit: &str, number: usize) -> Metric {
        let temporality = self.moment.temporality.into();
        let (mut explicit, mut exponential) = (Vec::new(), Vec::new());
        for (labels, series) in &self.series {
            match series.histograms.get(number) {
                Some(Histogram::Explicit(histogram)) => explicit.push(HistogramDataPoint {
                    attributes: attributes(*labels),
                    start_time_unix_nano: self.start(series),
                    time_unix_nano: self.moment.unix_nanos,
                    count: histogram.count,
                    sum: Some(histogram.sum),
                    bucket_counts: histogram.counts.clone(),
                    explicit_bounds: histogram.bounds.to_vec(),
                    exemplars: series.exemplars.iter().map(data_point_exemplar).collect(),
                    ..HistogramDataPoint::default()
                }),
                Some(Histogram::Exponential(histogram)) => {
                    let (min, max) = histogram.range().unzip();
                    exponential.push(ExponentialHistogramDataPoint {
                        attributes: attributes(*labels),
                        start_time_unix_nano: self.start(series),
                        time_unix_nano: self.moment.unix_nanos,
                        count: histogram.count(),
                        sum: Some(histogram.sum()),
                        scale: histogram.scale(),
                        zero_count: histogram.zeros(),
                        positive: Some(DataPointBuckets {
                            offset: histogram.offset(),
                            bucket_counts: histogram.counts().to_vec(),
                        }),
                        exemplars: series.exemplars.iter().map(data_point_exemplar).collect(),
                        min,
                        max,
                        ..ExponentialHistogramDataPoint::default()
                    });
                }
                None => {}
            }
        }
        let data = if exponential.is_empty() {
            Data::Histogram(HistogramMetric {
                data_points: explicit,
                aggregation_temporality: temporality,
            })
        } else {
            Data::ExponentialHistogram(ExponentialHistogram {
                data_points: exponential,
                aggregation_temporality: temporality,
            })
        };
        Metric { name, unit: unit.to_owned(), data: Some(data), ..Metric::default() }
    }

    /// A series never begins after its data point, not even when data points are dated back.
    fn start(&self, series: &Series) -> u64 {
        series.start_unix_nanos.min(self.moment.unix_nanos)
    }
}

fn attributes(labels: SeriesLabels<'_, Vec<KeyValue>>) -> Vec<KeyValue> {
    match labels {
        SeriesLabels::Own(labels) => labels.clone(),
        SeriesLabels::Overflow => vec![overflow_label()],
    }
}

fn data_point_exemplar(exemplar: &Exemplar) -> DataPointExemplar {
    DataPointExemplar {
        time_unix_nano: exemplar.unix_nanos,
        trace_id: exemplar.trace_id.to_vec().into(),
        span_id: exemplar.span_id.to_vec().into(),
        value: Some(exemplar::Value::AsDouble(exemplar.value)),
        ..DataPointExemplar::default()
    }
}

/// Metrics of one resource and scope.
pub(crate) fn resource_metrics(
    attributes: Vec<KeyValue>,
    scope: &str,
    metrics: Vec<Metric>,
) -> ResourceMetrics {
    let scope = InstrumentationScope { name: scope.to_owned(), ..InstrumentationScope::default() };
    ResourceMetrics {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_metrics: vec![ScopeMetrics {
            scope: Some(scope),
            metrics,
            ..ScopeMetrics::default()
        }],
        ..ResourceMetrics::default()
    }
}

/// Whether there is nothing in it.
pub(crate) fn is_empty(request: &ExportMetricsServiceRequest) -> bool {
    request.resource_metrics.is_empty()
}
