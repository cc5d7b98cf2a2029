//! Data points of series, as exporters of metrics take them.

use spandrel_proto::otlp::common::KeyValue;
use spandrel_proto::otlp::metrics::exponential_histogram_data_point::Buckets as DataPointBuckets;
use spandrel_proto::otlp::metrics::metric::Data;
use spandrel_proto::otlp::metrics::{
    AggregationTemporality, Exemplar as DataPointExemplar, ExponentialHistogram,
    ExponentialHistogramDataPoint, Gauge, Histogram as HistogramMetric, HistogramDataPoint, Metric,
    NumberDataPoint, Sum, exemplar, number_data_point,
};
use spandrel_span_aggregation::{
    Buckets, Exemplar, ExplicitHistogram, ExponentialHistogram as Native, Histogram, Series,
    SeriesLabels,
};

use crate::label::label;
use crate::plan::Plan;
use crate::state::{Labels, Table};

/// The flag of a data point that says that its series has ended.
const NO_RECORDED_VALUE: u32 = 1;
/// The label of the series that counts what found no room elsewhere, as Tempo calls it.
const OVERFLOW: &str = "metric_overflow";

/// When data points are; series that began after `since_unix_nanos` get a zero at their beginning.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) unix_nanos: u64,
    pub(crate) since_unix_nanos: u64,
}

/// A series that is shown, or the end of one.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    labels: Vec<KeyValue>,
    series: Option<&'a Series>,
}

/// Makes data points.
pub(crate) struct Points<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) moment: Moment,
}

impl Points<'_> {
    pub(crate) fn rows<'a>(&self, table: &'a Table, ended: &[Labels]) -> Vec<Row<'a>> {
        let shared = &self.plan.shared_labels;
        let with_shared = |mut labels: Labels| {
            labels.extend(shared.iter().cloned());
            labels
        };
        let live = table.iter().map(|(labels, series)| {
            let labels = match labels {
                SeriesLabels::Own(labels) => labels.clone(),
                SeriesLabels::Overflow => vec![label(OVERFLOW, "true")],
            };
            Row { labels: with_shared(labels), series: Some(series) }
        });
        let ended =
            ended.iter().map(|labels| Row { labels: with_shared(labels.clone()), series: None });
        live.chain(ended).collect()
    }

    pub(crate) fn counter(
        &self,
        name: &str,
        rows: &[Row<'_>],
        value: fn(&Series) -> u64,
    ) -> Metric {
        let mut points = Vec::with_capacity(rows.len());
        for row in rows {
            let point = |unix_nanos, value: Option<u64>, exemplars| NumberDataPoint {
                attributes: row.labels.clone(),
                start_time_unix_nano: self.start(row),
                time_unix_nano: unix_nanos,
                value: value.map(|value| {
                    number_data_point::Value::AsInt(i64::try_from(value).unwrap_or(i64::MAX))
                }),
                flags: if value.is_none() { NO_RECORDED_VALUE } else { 0 },
                exemplars,
            };
            points.extend(self.zero_at(row).map(|at| point(at, Some(0), Vec::new())));
            points.push(point(self.moment.unix_nanos, row.series.map(value), Vec::new()));
        }
        let data = (!points.is_empty()).then_some(Data::Sum(Sum {
            data_points: points,
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
            is_monotonic: true,
        }));
        Metric { name: name.to_owned(), description: help(name), data, ..Metric::default() }
    }

    /// A one for each row.
    pub(crate) fn info(&self, name: &str, rows: &[Row<'_>]) -> Metric {
        let points = rows.iter().map(|row| NumberDataPoint {
            attributes: row.labels.clone(),
            time_unix_nano: self.moment.unix_nanos,
            value: row.series.map(|_| number_data_point::Value::AsInt(1)),
            flags: if row.series.is_none() { NO_RECORDED_VALUE } else { 0 },
            ..NumberDataPoint::default()
        });
        let data_points: Vec<_> = points.collect();
        let data = (!data_points.is_empty()).then_some(Data::Gauge(Gauge { data_points }));
        Metric { name: name.to_owned(), description: help(name), data, ..Metric::default() }
    }

    /// The histograms of one value, of which the first has this number among those of the table: a classic one, a
    /// native one, or both.
    pub(crate) fn histograms(
        &self,
        name: &str,
        rows: &[Row<'_>],
        (kinds, first): (&[Buckets], usize),
    ) -> Vec<Metric> {
        let temporality = AggregationTemporality::Cumulative.into();
        let (mut classic, mut native) = (Vec::new(), Vec::new());
        for row in rows {
            for number in first..first + self.plan.copies {
                match row.series {
                    Some(series) => match series.histograms.get(number) {
                        Some(Histogram::Explicit(histogram)) => {
                            let zero =
                                self.zero_at(row).map(|at| self.explicit(row, at, None, histogram));
                            classic.extend(zero);
                            let at = self.moment.unix_nanos;
                            classic.push(self.explicit(row, at, Some(series), histogram));
                        }
                        Some(Histogram::Exponential(histogram)) => {
                            let zero = self.zero_at(row).map(|at| self.exponential(row, at, None));
                            native.extend(zero);
                            let at = self.moment.unix_nanos;
                            native.push(self.exponential(row, at, Some((series, histogram))));
                        }
                        None => {}
                    },
                    None => self.end(row, kinds.get(number), &mut classic, &mut native),
                }
            }
        }
        let metric = |data| Metric {
            name: name.to_owned(),
            description: help(name),
            data: Some(data),
            ..Metric::default()
        };
        let mut metrics = Vec::new();
        if !classic.is_empty() {
            let data =
                HistogramMetric { data_points: classic, aggregation_temporality: temporality };
            metrics.push(metric(Data::Histogram(data)));
        }
        if !native.is_empty() {
            let data =
                ExponentialHistogram { data_points: native, aggregation_temporality: temporality };
            metrics.push(metric(Data::ExponentialHistogram(data)));
        }
        metrics
    }

    fn end(
        &self,
        row: &Row<'_>,
        kind: Option<&Buckets>,
        classic: &mut Vec<HistogramDataPoint>,
        native: &mut Vec<ExponentialHistogramDataPoint>,
    ) {
        match kind {
            // The bounds name the series that end.
            Some(Buckets::Explicit(bounds)) => classic.push(HistogramDataPoint {
                attributes: row.labels.clone(),
                time_unix_nano: self.moment.unix_nanos,
                explicit_bounds: bounds.to_vec(),
                flags: NO_RECORDED_VALUE,
                ..HistogramDataPoint::default()
            }),
            Some(Buckets::Exponential { .. }) => native.push(ExponentialHistogramDataPoint {
                attributes: row.labels.clone(),
                time_unix_nano: self.moment.unix_nanos,
                flags: NO_RECORDED_VALUE,
                ..ExponentialHistogramDataPoint::default()
            }),
            None => {}
        }
    }

    /// With no series, nothing has been counted yet.
    fn explicit(
        &self,
        row: &Row<'_>,
        unix_nanos: u64,
        series: Option<&Series>,
        histogram: &ExplicitHistogram,
    ) -> HistogramDataPoint {
        let counts = &histogram.counts;
        HistogramDataPoint {
            attributes: row.labels.clone(),
            start_time_unix_nano: self.start(row),
            time_unix_nano: unix_nanos,
            count: if series.is_some() { histogram.count } else { 0 },
            sum: Some(if series.is_some() { histogram.sum } else { 0.0 }),
            bucket_counts: if series.is_some() { counts.clone() } else { vec![0; counts.len()] },
            explicit_bounds: histogram.bounds.to_vec(),
            exemplars: self.exemplars(series),
            ..HistogramDataPoint::default()
        }
    }

    fn exponential(
        &self,
        row: &Row<'_>,
        unix_nanos: u64,
        counted: Option<(&Series, &Native)>,
    ) -> ExponentialHistogramDataPoint {
        let mut point = ExponentialHistogramDataPoint {
            attributes: row.labels.clone(),
            start_time_unix_nano: self.start(row),
            time_unix_nano: unix_nanos,
            sum: Some(0.0),
            exemplars: self.exemplars(counted.map(|(series, _)| series)),
            ..ExponentialHistogramDataPoint::default()
        };
        if let Some((_, histogram)) = counted {
            point.count = histogram.count();
            point.sum = Some(histogram.sum());
            point.scale = histogram.scale();
            point.zero_count = histogram.zeros();
            point.positive = Some(DataPointBuckets {
                offset: histogram.offset(),
                bucket_counts: histogram.counts().to_vec(),
            });
        }
        point
    }

    fn exemplars(&self, series: Option<&Series>) -> Vec<DataPointExemplar> {
        let name = &self.plan.settings.trace_id_label_name;
        let exemplar = |exemplar: &Exemplar| {
            let trace_id: String =
                exemplar.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
            DataPointExemplar {
                filtered_attributes: vec![label(name, trace_id)],
                time_unix_nano: exemplar.unix_nanos,
                value: Some(exemplar::Value::AsDouble(exemplar.value)),
                ..DataPointExemplar::default()
            }
        };
        series.map(|series| series.exemplars.iter().map(exemplar).collect()).unwrap_or_default()
    }

    fn start(&self, row: &Row<'_>) -> u64 {
        row.series.map_or(0, |series| series.start_unix_nanos.min(self.moment.unix_nanos))
    }

    /// When a series that is shown for the first time was zero: a millisecond before it is shown at the latest.
    fn zero_at(&self, row: &Row<'_>) -> Option<u64> {
        let start = row.series?.start_unix_nanos;
        let latest = self.moment.unix_nanos.saturating_sub(1_000_000);
        (start > self.moment.since_unix_nanos).then_some(start.min(latest))
    }
}

fn help(name: &str) -> String {
    let help = match name {
        "traces_spanmetrics_calls_total" => "Spans",
        "traces_spanmetrics_latency" => "How long spans took, in seconds",
        "traces_spanmetrics_size_total" => "Bytes of spans as OTLP",
        "traces_target_info" => "Attributes of resources",
        "traces_service_graph_request_total" => "Requests between two services",
        "traces_service_graph_request_failed_total" => {
            "Requests whose client or server span failed"
        }
        "traces_service_graph_request_server_seconds" => "How long requests took the server",
        "traces_service_graph_request_client_seconds" => "How long requests took the client",
        "traces_service_graph_request_messaging_system_seconds" => {
            "From the end of sending a message to the begin of receiving it"
        }
        "traces_service_graph_unpaired_spans_total" => {
            "Spans whose other half was not seen in time"
        }
        "traces_service_graph_dropped_spans_total" => "Spans for whose edge there was no room",
        _ => "Hosts that spans came from",
    };
    help.to_owned()
}
