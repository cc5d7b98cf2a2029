//! Series as Tempo's responses.

use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_proto::tempo::{
    Exemplar, InstantSeries, PartialStatus, QueryInstantResponse, QueryRangeResponse, Sample,
    TimeSeries,
};
use spandrel_query::MetricsAnswer;
use spandrel_series::{Intervals, Labels, Series};
use spandrel_traceql::Static;

use crate::tempo::search_response::{any_value, search_metrics};

const NANOS_PER_MILLI: i64 = 1_000_000;

/// The response to a query for values over time.
pub(in crate::tempo) fn query_range(
    answer: &MetricsAnswer,
    intervals: &Intervals,
) -> QueryRangeResponse {
    let (status, message) = status(answer);
    QueryRangeResponse {
        series: answer.series.iter().map(|series| time_series(series, intervals)).collect(),
        metrics: Some(search_metrics(&answer.inspected)),
        status,
        message,
    }
}

/// The response to a query for one value.
pub(in crate::tempo) fn query_instant(answer: &MetricsAnswer) -> QueryInstantResponse {
    let (status, message) = status(answer);
    let series = answer.series.iter().filter_map(|series| {
        let value = *series.values.first()?;
        Some(InstantSeries { labels: labels(&series.labels), value })
    });
    QueryInstantResponse {
        series: series.collect(),
        metrics: Some(search_metrics(&answer.inspected)),
        status,
        message,
    }
}

fn status(answer: &MetricsAnswer) -> (i32, String) {
    match &answer.left_out {
        Some(left_out) => (PartialStatus::Partial as i32, left_out.to_string()),
        None => (PartialStatus::Complete as i32, String::new()),
    }
}

fn time_series(series: &Series, intervals: &Intervals) -> TimeSeries {
    let values = series.values.iter().enumerate().filter(|(_, value)| !value.is_nan());
    let samples = values.map(|(interval, value)| Sample {
        timestamp_ms: intervals.end_of(interval) / NANOS_PER_MILLI,
        value: *value,
    });
    let exemplars = series.exemplars.iter().map(|exemplar| Exemplar {
        labels: vec![
            text("trace:id", exemplar.span.trace_id.to_string()),
            text("span:id", exemplar.span.span_id.to_string()),
        ],
        value: exemplar.value,
        timestamp_ms: exemplar.span.start_unix_nanos / NANOS_PER_MILLI,
    });
    TimeSeries {
        labels: labels(&series.labels),
        samples: samples.collect(),
        exemplars: exemplars.collect(),
    }
}

fn labels(labels: &Labels) -> Vec<KeyValue> {
    let label = |label: &spandrel_series::Label| {
        // Clients know an absent value by this word.
        let value = match &label.value {
            Static::Nil => Some(Value::StringValue("nil".to_owned())),
            value => any_value(value),
        };
        KeyValue { key: label.name.clone(), value: Some(AnyValue { value }) }
    };
    labels.0.iter().map(label).collect()
}

fn text(key: &str, text: String) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(text)) });
    KeyValue { key: key.to_owned(), value }
}
