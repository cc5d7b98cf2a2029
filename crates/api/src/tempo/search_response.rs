//! Answers of the engine as Tempo's search response.

use std::collections::BTreeMap;

use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, ArrayValue, KeyValue};
use spandrel_proto::tempo::{
    SearchMetrics, SearchResponse, ServiceStats, Span, SpanSet, TraceSearchMetadata,
};
use spandrel_query::{MatchedSpan, SearchAnswer, SearchInspected, Spanset, TraceMatch};
use spandrel_traceql::{Attribute, Intrinsic, Static};

use crate::trace_ids;

/// What Tempo calls the service of a trace whose root is missing; Grafana shows it as it is.
const ROOT_NOT_RECEIVED: &str = "<root span not yet received>";
const NANOS_PER_MILLI: i64 = 1_000_000;

/// The response message.
pub(super) fn search_response(answer: &SearchAnswer) -> SearchResponse {
    SearchResponse {
        traces: answer.traces.iter().map(trace_metadata).collect(),
        metrics: Some(search_metrics(&answer.inspected)),
    }
}

fn trace_metadata(found: &TraceMatch) -> TraceSearchMetadata {
    let span_sets: Vec<SpanSet> = found.spansets.iter().map(span_set).collect();
    let root_service = match (&found.root_service, &found.root_name) {
        (Some(service), _) => service.as_str(),
        (None, Some(_)) => "",
        (None, None) => ROOT_NOT_RECEIVED,
    };
    let stats = found.services.iter().map(|(service, stats)| {
        let stats = ServiceStats { span_count: stats.n_spans, error_count: stats.n_errors };
        (service.clone(), stats)
    });
    TraceSearchMetadata {
        trace_id: trace_ids::in_search_results(found.trace_id),
        root_service_name: root_service.to_owned(),
        root_trace_name: found.root_name.clone().unwrap_or_default(),
        start_time_unix_nano: not_negative(found.start_unix_nanos),
        duration_ms: saturate(not_negative(found.duration_nanos / NANOS_PER_MILLI)),
        // Deprecated in favor of the list, but read first by Grafana.
        span_set: span_sets.first().cloned(),
        span_sets,
        service_stats: stats.collect(),
    }
}

fn span_set(spanset: &Spanset) -> SpanSet {
    let attributes = spanset.attributes.iter().map(|(name, value)| {
        // The group of spans that lack the attribute has to be told from the others.
        let value = any_value(value).unwrap_or_else(|| Value::StringValue("nil".to_owned()));
        KeyValue { key: name.to_string(), value: Some(AnyValue { value: Some(value) }) }
    });
    SpanSet {
        spans: spanset.spans.iter().map(span).collect(),
        matched: spanset.matched,
        attributes: attributes.collect(),
    }
}

/// The name is there only when the query looked at it, as in Tempo.
fn span(span: &MatchedSpan) -> Span {
    let name = Attribute::Intrinsic(Intrinsic::Name);
    let asks_name = span.attributes.iter().any(|(attribute, _)| *attribute == name);
    Span {
        span_id: span.span_id.to_string(),
        name: if asks_name { span.name.clone() } else { String::new() },
        start_time_unix_nano: not_negative(span.start_unix_nanos),
        duration_nanos: not_negative(span.duration_nanos),
        attributes: span.attributes.iter().filter_map(key_value).collect(),
    }
}

/// None for what the response has a field of its own for.
fn key_value((attribute, value): &(Attribute, Static)) -> Option<KeyValue> {
    let key = match attribute {
        Attribute::Intrinsic(
            Intrinsic::Name
            | Intrinsic::Duration
            | Intrinsic::TraceDuration
            | Intrinsic::RootName
            | Intrinsic::RootServiceName
            | Intrinsic::TraceId
            | Intrinsic::SpanId,
        ) => return None,
        Attribute::Intrinsic(intrinsic) => intrinsic.as_str().to_owned(),
        Attribute::Scoped { parent: true, name, .. } => format!("parent.{name}"),
        Attribute::Scoped { name, .. } => name.clone(),
    };
    Some(KeyValue { key, value: Some(AnyValue { value: Some(any_value(value)?) }) })
}

/// None for nil and for several values that are all nil. One of several stands for itself.
pub(super) fn any_value(value: &Static) -> Option<Value> {
    Some(match value {
        Static::Nil => return None,
        Static::Int(number) => Value::IntValue(*number),
        Static::Float(number) => Value::DoubleValue(*number),
        Static::String(text) => Value::StringValue(text.clone()),
        Static::Bool(truth) => Value::BoolValue(*truth),
        Static::Duration(_) => Value::StringValue(value.to_string()),
        Static::Status(status) => Value::StringValue(status.as_str().to_owned()),
        Static::Kind(kind) => Value::StringValue(kind.as_str().to_owned()),
        Static::IntArray(_)
        | Static::FloatArray(_)
        | Static::StringArray(_)
        | Static::BoolArray(_) => Value::ArrayValue(array(&value.elements())),
        Static::Several(values) => {
            let present: Vec<_> = values.iter().filter(|value| !value.is_nil()).cloned().collect();
            match present.as_slice() {
                [] => return None,
                [value] => any_value(value)?,
                values => Value::ArrayValue(array(values)),
            }
        }
    })
}

fn array(values: &[Static]) -> ArrayValue {
    let values = values.iter().filter_map(any_value);
    ArrayValue { values: values.map(|value| AnyValue { value: Some(value) }).collect() }
}

/// A query is one job that is done when the answer is sent.
pub(super) fn search_metrics(inspected: &SearchInspected) -> SearchMetrics {
    // The first two are Tempo's names; the others say in the same way what they are made of.
    let counts = [
        ("rowGroupsInspected", inspected.row_groups_read),
        ("rowGroupsSkipped", inspected.row_groups_pruned()),
        ("rowGroupsSkippedByFilter", inspected.row_groups_ruled_out_by_filter),
        ("rowGroupsSkippedByStatistics", inspected.row_groups_ruled_out_by_statistics),
        ("blocksOutOfRange", inspected.blocks_out_of_range),
        ("blocksNotReached", inspected.blocks_not_reached),
        ("liveRunsInspected", inspected.live_runs),
        ("splitTraces", inspected.split_traces),
    ];
    let additional: BTreeMap<_, _> = counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| (name.to_owned(), i64::try_from(count).unwrap_or(i64::MAX)))
        .collect();
    SearchMetrics {
        inspected_traces: saturate(inspected.traces),
        inspected_bytes: inspected.bytes,
        total_blocks: saturate(inspected.blocks),
        completed_jobs: 1,
        total_jobs: 1,
        total_block_bytes: inspected.block_bytes,
        inspected_spans: inspected.spans,
        backend_reads: 0,
        backend_bytes: 0,
        additional_metrics: additional,
    }
}

fn not_negative(nanos: i64) -> u64 {
    u64::try_from(nanos).unwrap_or(0)
}

fn saturate(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
