//! OTLP into Jaeger's model, the other way round than `spandrel_jaeger` and by the same rules.

use bytes::Bytes;
use spandrel_exporters::plain_json;
use spandrel_proto::jaeger::{KeyValue, Log, Process, Span, SpanRef, SpanRefType, ValueType};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, InstrumentationScope, KeyValue as OtlpKeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace;
use spandrel_proto::otlp::trace::span::{Event, Link, SpanKind};
use spandrel_proto::otlp::trace::status::StatusCode;
use spandrel_proto::well_known::{Duration, Timestamp};

const SERVICE_NAME: &str = "service.name";
const NO_SERVICE_NAME: &str = "OTLPResourceNoServiceName";
const NANOS: u64 = 1_000_000_000;

/// The spans of a request, each with its process.
pub(super) fn spans_of(request: &ExportTraceServiceRequest) -> impl Iterator<Item = Span> {
    request.resource_spans.iter().flat_map(|resource_spans| {
        let process = process_of(resource_spans.resource.as_ref());
        resource_spans.scope_spans.iter().flat_map(move |scope_spans| {
            let (process, scope) = (process.clone(), scope_spans.scope.as_ref());
            scope_spans.spans.iter().map(move |span| jaeger_span(span, scope, process.clone()))
        })
    })
}

fn process_of(resource: Option<&Resource>) -> Process {
    let attributes = resource.map_or(&[][..], |resource| &resource.attributes);
    let name = attributes.iter().find(|pair| pair.key == SERVICE_NAME);
    let name = name.and_then(|pair| match pair.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        _ => None,
    });
    let tags = attributes.iter().filter(|pair| pair.key != SERVICE_NAME);
    Process {
        service_name: name.unwrap_or_else(|| NO_SERVICE_NAME.to_owned()),
        tags: tags.map(tag).collect(),
    }
}

fn jaeger_span(span: &trace::Span, scope: Option<&InstrumentationScope>, process: Process) -> Span {
    let duration = span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano);
    let mut references = Vec::with_capacity(span.links.len() + 1);
    if !span.parent_span_id.is_empty() {
        references.push(SpanRef {
            trace_id: span.trace_id.clone(),
            span_id: span.parent_span_id.clone(),
            ref_type: SpanRefType::ChildOf as i32,
        });
    }
    references.extend(span.links.iter().map(reference));
    Span {
        trace_id: span.trace_id.clone(),
        span_id: span.span_id.clone(),
        operation_name: span.name.clone(),
        references,
        flags: u32::from(span.flags & 1 == 1),
        start_time: Some(timestamp(span.start_time_unix_nano)),
        duration: Some(Duration { seconds: whole_seconds(duration), nanos: nanos(duration) }),
        tags: tags_of(span, scope),
        logs: span.events.iter().map(log).collect(),
        process: Some(process),
        ..Span::default()
    }
}

fn tags_of(span: &trace::Span, scope: Option<&InstrumentationScope>) -> Vec<KeyValue> {
    let mut tags: Vec<KeyValue> = Vec::with_capacity(span.attributes.len() + 4);
    let mut put = |key: &str, value: &str| {
        if !value.is_empty() {
            tags.push(text(key, value));
        }
    };
    if let Some(scope) = scope {
        put("otel.scope.name", &scope.name);
        put("otel.scope.version", &scope.version);
    }
    put(
        "span.kind",
        match span.kind() {
            SpanKind::Client => "client",
            SpanKind::Server => "server",
            SpanKind::Producer => "producer",
            SpanKind::Consumer => "consumer",
            SpanKind::Internal => "internal",
            SpanKind::Unspecified => "",
        },
    );
    put("w3c.tracestate", &span.trace_state);
    if let Some(status) = &span.status {
        match status.code() {
            StatusCode::Error => put("otel.status_code", "ERROR"),
            StatusCode::Ok => put("otel.status_code", "OK"),
            StatusCode::Unset => {}
        }
        put("otel.status_description", &status.message);
        if status.code() == StatusCode::Error {
            tags.push(KeyValue {
                key: "error".to_owned(),
                v_type: ValueType::Bool as i32,
                v_bool: true,
                ..KeyValue::default()
            });
        }
    }
    tags.extend(span.attributes.iter().map(tag));
    tags
}

fn reference(link: &Link) -> SpanRef {
    let is_child = link.attributes.iter().any(|pair| {
        let value = pair.value.as_ref().and_then(|value| value.value.as_ref());
        pair.key == "opentracing.ref_type"
            && matches!(value, Some(Value::StringValue(text)) if text == "child_of")
    });
    let kind = if is_child { SpanRefType::ChildOf } else { SpanRefType::FollowsFrom };
    SpanRef {
        trace_id: link.trace_id.clone(),
        span_id: link.span_id.clone(),
        ref_type: kind as i32,
    }
}

fn log(event: &Event) -> Log {
    let name = (!event.name.is_empty()).then(|| text("event", &event.name));
    let fields = name.into_iter().chain(event.attributes.iter().map(tag));
    Log { timestamp: Some(timestamp(event.time_unix_nano)), fields: fields.collect() }
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), v_str: value.to_owned(), ..KeyValue::default() }
}

fn tag(pair: &OtlpKeyValue) -> KeyValue {
    let mut tag = KeyValue { key: pair.key.clone(), ..KeyValue::default() };
    let value = pair.value.as_ref().and_then(|value| value.value.as_ref());
    let v_type = match value {
        None => ValueType::String,
        Some(Value::StringValue(text)) => {
            tag.v_str.clone_from(text);
            ValueType::String
        }
        Some(Value::BoolValue(value)) => {
            tag.v_bool = *value;
            ValueType::Bool
        }
        Some(Value::IntValue(number)) => {
            tag.v_int64 = *number;
            ValueType::Int64
        }
        Some(Value::DoubleValue(number)) => {
            tag.v_float64 = *number;
            ValueType::Float64
        }
        Some(Value::BytesValue(bytes)) => {
            tag.v_binary = Bytes::clone(bytes);
            ValueType::Binary
        }
        Some(list @ (Value::ArrayValue(_) | Value::KvlistValue(_))) => {
            let value = AnyValue { value: Some(list.clone()) };
            tag.v_str = plain_json(&value).to_string();
            ValueType::String
        }
    };
    tag.v_type = v_type as i32;
    tag
}

fn timestamp(unix_nanos: u64) -> Timestamp {
    Timestamp { seconds: whole_seconds(unix_nanos), nanos: nanos(unix_nanos) }
}

/// Fits: it is a billionth of the largest `u64`.
fn whole_seconds(nanos: u64) -> i64 {
    (nanos / NANOS).cast_signed()
}

fn nanos(nanos: u64) -> i32 {
    i32::try_from(nanos % NANOS).unwrap_or(0)
}
