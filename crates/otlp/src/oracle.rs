//! What a request means according to prost and the published OTLP definitions: the yardstick for the decoder.

pub(crate) mod arbitrary;
pub(crate) mod scramble;

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
use opentelemetry_proto::tonic::trace::v1 as proto;
use proptest::test_runner::{Config as ProptestConfig, RngSeed};
use spandrel_columns::SpanColumns;
use spandrel_model::{
    Attribute, AttributeValue, Event, Link, Resource, Scope, Span, SpanId, SpanKind, StatusCode,
    TraceId,
};

use crate::{DecodeSummary, span_at};

/// Every run of a property test takes the same cases.
pub(crate) fn proptest_config() -> ProptestConfig {
    ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x0071_0a1d),
        ..ProptestConfig::default()
    }
}

/// The spans that must be accepted, and the summary.
pub(crate) fn expected(request: &ExportTraceServiceRequest) -> (Vec<Span>, DecodeSummary) {
    let mut spans = Vec::new();
    let mut summary = DecodeSummary::default();
    for resource_spans in &request.resource_spans {
        let resource = Arc::new(resource(resource_spans));
        for scope_spans in &resource_spans.scope_spans {
            let scope = Arc::new(scope(scope_spans));
            for raw in &scope_spans.spans {
                let Some(span) = span(raw, &resource, &scope, &mut summary) else { continue };
                summary.spans += 1;
                summary.ended_before_start += u64::from(span.duration_nanos() < 0);
                spans.push(span);
            }
        }
    }
    (spans, summary)
}

/// All rows as plain values.
pub(crate) fn all_spans(columns: &SpanColumns) -> Vec<Span> {
    (0..columns.len()).map(|row| span_at(columns, row).unwrap()).collect()
}

/// Text that is equal when two lists of spans are, NaN included, whatever the order of their attributes.
pub(crate) fn canonical(spans: &[Span]) -> String {
    let mut spans = spans.to_vec();
    for span in &mut spans {
        span.attributes.sort_by(|a, b| a.key.cmp(&b.key));
    }
    format!("{spans:#?}")
}

fn span(
    raw: &proto::Span,
    resource: &Arc<Resource>,
    scope: &Arc<Scope>,
    summary: &mut DecodeSummary,
) -> Option<Span> {
    let count = &mut summary.rejected;
    let (start, end) = (raw.start_time_unix_nano, raw.end_time_unix_nano);
    let reason = if raw.trace_id.len() != 16 || raw.trace_id == [0; 16] {
        &mut count.invalid_trace_id
    } else if raw.span_id.len() != 8 || raw.span_id == [0; 8] {
        &mut count.invalid_span_id
    } else if !matches!(raw.parent_span_id.len(), 0 | 8) {
        &mut count.invalid_parent_span_id
    } else if start > i64::MAX as u64 {
        &mut count.start_time_out_of_range
    } else {
        let status = raw.status.clone().unwrap_or_default();
        return Some(Span {
            trace_id: TraceId(raw.trace_id.as_slice().try_into().unwrap()),
            span_id: SpanId(raw.span_id.as_slice().try_into().unwrap()),
            parent_span_id: Some(SpanId(id(&raw.parent_span_id))).filter(|id| !id.is_zero()),
            trace_state: raw.trace_state.clone(),
            flags: raw.flags,
            name: raw.name.clone(),
            kind: SpanKind::from_number(raw.kind.try_into().unwrap_or(0)),
            start_unix_nanos: start,
            end_unix_nanos: end.min(start.saturating_add(i64::MAX as u64)),
            attributes: attributes(&raw.attributes),
            dropped_attributes_count: raw.dropped_attributes_count,
            events: raw.events.iter().map(event).collect(),
            dropped_events_count: raw.dropped_events_count,
            links: raw.links.iter().map(link).collect(),
            dropped_links_count: raw.dropped_links_count,
            status_code: StatusCode::from_number(status.code.try_into().unwrap_or(0)),
            status_message: status.message,
            resource: Arc::clone(resource),
            scope: Arc::clone(scope),
        });
    };
    *reason += 1;
    None
}

fn event(event: &proto::span::Event) -> Event {
    Event {
        time_unix_nanos: event.time_unix_nano,
        name: event.name.clone(),
        attributes: attributes(&event.attributes),
        dropped_attributes_count: event.dropped_attributes_count,
    }
}

fn link(link: &proto::span::Link) -> Link {
    Link {
        trace_id: TraceId(id(&link.trace_id)),
        span_id: SpanId(id(&link.span_id)),
        trace_state: link.trace_state.clone(),
        flags: link.flags,
        attributes: attributes(&link.attributes),
        dropped_attributes_count: link.dropped_attributes_count,
    }
}

fn resource(resource_spans: &proto::ResourceSpans) -> Resource {
    let resource: ProtoResource = resource_spans.resource.clone().unwrap_or_default();
    Resource {
        attributes: attributes(&resource.attributes),
        dropped_attributes_count: resource.dropped_attributes_count,
        schema_url: resource_spans.schema_url.clone(),
    }
}

fn scope(scope_spans: &proto::ScopeSpans) -> Scope {
    let scope: InstrumentationScope = scope_spans.scope.clone().unwrap_or_default();
    Scope {
        name: scope.name,
        version: scope.version,
        attributes: attributes(&scope.attributes),
        dropped_attributes_count: scope.dropped_attributes_count,
        schema_url: scope_spans.schema_url.clone(),
    }
}

fn id<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap_or([0; N])
}

/// Of duplicates the last value, at the place of the first.
fn attributes(pairs: &[KeyValue]) -> Vec<Attribute> {
    let mut kept: Vec<Attribute> = Vec::new();
    for pair in pairs.iter().map(attribute) {
        match kept.iter_mut().find(|earlier| earlier.key == pair.key) {
            Some(earlier) => earlier.value = pair.value,
            None => kept.push(pair),
        }
    }
    kept
}

fn attribute(pair: &KeyValue) -> Attribute {
    Attribute {
        key: pair.key.clone(),
        value: pair.value.as_ref().map_or(AttributeValue::Empty, any_value),
    }
}

pub(crate) fn any_value(value: &AnyValue) -> AttributeValue {
    match &value.value {
        None | Some(Value::StringValueStrindex(_)) => AttributeValue::Empty,
        Some(Value::StringValue(text)) => AttributeValue::String(text.clone()),
        Some(Value::BoolValue(truth)) => AttributeValue::Bool(*truth),
        Some(Value::IntValue(number)) => AttributeValue::Int(*number),
        Some(Value::DoubleValue(number)) => AttributeValue::Double(*number),
        Some(Value::BytesValue(bytes)) => AttributeValue::Bytes(bytes.clone()),
        Some(Value::ArrayValue(list)) => {
            AttributeValue::Array(list.values.iter().map(any_value).collect())
        }
        Some(Value::KvlistValue(list)) => {
            AttributeValue::KeyValueList(list.values.iter().map(attribute).collect())
        }
    }
}
