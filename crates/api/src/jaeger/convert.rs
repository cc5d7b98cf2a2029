//! Traces into Jaeger's legacy JSON, by the rules of Jaeger's own translation from OTLP.
//!
//! What OTLP has fields for becomes tags: scope name and version before the span's attributes, then
//! kind, status and tracestate. Nested values become JSON texts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeMap, Serializer};
use spandrel_model::{
    Attribute, AttributeValue, Event, Resource, Span, SpanKind, StatusCode, Trace,
};

use super::legacy_trace::{LegacySpan, LegacyTrace, Log, Process, Reference, Tag, TagValue};
use crate::{go_json, trace_ids};

/// What Jaeger calls a producer that names no service.
const NO_SERVICE_NAME: &str = "OTLPResourceNoServiceName";
/// The largest integer that JavaScript holds exactly; beyond it values are sent as texts.
const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;
/// Of OTLP's span flags, those that W3C Trace Context and Jaeger share.
const TRACE_FLAGS: u32 = 0xff;
const NANOS_PER_MICRO: u64 = 1_000;

/// A whole trace.
pub(super) fn legacy_trace(trace: &Trace) -> LegacyTrace<'_> {
    let mut processes: Vec<Process<'_>> = Vec::new();
    let spans = trace.spans.iter().map(|span| {
        let process = process(&span.resource);
        let known = processes.iter().position(|known| *known == process);
        let index = known.unwrap_or_else(|| {
            processes.push(process);
            processes.len() - 1
        });
        legacy_span(span, process_id(index))
    });
    let spans = spans.collect();
    let keyed = processes.into_iter().enumerate().map(|(i, process)| (process_id(i), process));
    LegacyTrace {
        trace_id: trace_ids::in_jaeger_json(trace.trace_id),
        spans,
        processes: BTreeMap::from_iter(keyed),
        warnings: None,
    }
}

fn process_id(index: usize) -> String {
    format!("p{}", index + 1)
}

fn process(resource: &Resource) -> Process<'_> {
    let service_name = resource.service_name().unwrap_or(NO_SERVICE_NAME);
    let others = resource.attributes.iter().filter(|attribute| attribute.key != "service.name");
    Process { service_name, tags: others.map(tag).collect() }
}

fn legacy_span(span: &Span, process_id: String) -> LegacySpan<'_> {
    let duration_nanos = u64::try_from(span.duration_nanos()).unwrap_or(0);
    LegacySpan {
        trace_id: trace_ids::in_jaeger_json(span.trace_id),
        span_id: span.span_id.to_string(),
        flags: span.flags & TRACE_FLAGS,
        operation_name: &span.name,
        references: references(span),
        start_time: span.start_unix_nanos / NANOS_PER_MICRO,
        duration: duration_nanos / NANOS_PER_MICRO,
        tags: span_tags(span),
        logs: span.events.iter().map(log).collect(),
        process_id,
        warnings: None,
    }
}

fn references(span: &Span) -> Vec<Reference> {
    let parent = span.parent_span_id.map(|parent| Reference {
        ref_type: "CHILD_OF",
        trace_id: trace_ids::in_jaeger_json(span.trace_id),
        span_id: parent.to_string(),
    });
    let links = span.links.iter().map(|link| Reference {
        ref_type: "FOLLOWS_FROM",
        trace_id: trace_ids::in_jaeger_json(link.trace_id),
        span_id: link.span_id.to_string(),
    });
    parent.into_iter().chain(links).collect()
}

fn span_tags(span: &Span) -> Vec<Tag<'_>> {
    let mut tags = Vec::with_capacity(span.attributes.len() + 4);
    let scope =
        [("otel.scope.name", &span.scope.name), ("otel.scope.version", &span.scope.version)];
    tags.extend(scope.into_iter().filter_map(|(key, value)| text_tag(key, value)));
    tags.extend(span.attributes.iter().map(tag));
    if span.kind != SpanKind::Unspecified {
        tags.extend(text_tag("span.kind", span.kind.as_str()));
    }
    match span.status_code {
        StatusCode::Unset => {}
        StatusCode::Ok => tags.extend(text_tag("otel.status_code", "OK")),
        StatusCode::Error => {
            tags.extend(text_tag("otel.status_code", "ERROR"));
            tags.push(Tag { key: "error", kind: "bool", value: TagValue::Bool(true) });
        }
    }
    tags.extend(text_tag("otel.status_description", &span.status_message));
    tags.extend(text_tag("w3c.tracestate", &span.trace_state));
    tags
}

/// The event's name is a field too, unless an attribute has taken its key.
fn log(event: &Event) -> Log<'_> {
    let key_is_taken = event.attributes.iter().any(|attribute| attribute.key == "event");
    let name = if key_is_taken { None } else { text_tag("event", &event.name) };
    Log {
        timestamp: event.time_unix_nanos / NANOS_PER_MICRO,
        fields: name.into_iter().chain(event.attributes.iter().map(tag)).collect(),
    }
}

/// None when the text is empty.
fn text_tag<'a>(key: &'a str, text: &'a str) -> Option<Tag<'a>> {
    let value = TagValue::Text(Cow::Borrowed(text));
    (!text.is_empty()).then_some(Tag { key, kind: "string", value })
}

fn tag(attribute: &Attribute) -> Tag<'_> {
    let (kind, value) = match &attribute.value {
        AttributeValue::Empty => ("string", TagValue::Text(Cow::Borrowed(""))),
        AttributeValue::String(text) => ("string", TagValue::Text(Cow::Borrowed(text))),
        AttributeValue::Bool(truth) => ("bool", TagValue::Bool(*truth)),
        AttributeValue::Int(number) if number.unsigned_abs() > SAFE_INTEGER_MAX => {
            ("int64", TagValue::Text(Cow::Owned(number.to_string())))
        }
        AttributeValue::Int(number) => ("int64", TagValue::Int(*number)),
        AttributeValue::Double(number) if number.is_finite() => {
            ("float64", TagValue::Float(*number))
        }
        AttributeValue::Double(number) => {
            ("float64", TagValue::Text(Cow::Owned(go_json::float_text(*number))))
        }
        AttributeValue::Bytes(bytes) => {
            ("binary", TagValue::Text(Cow::Owned(STANDARD.encode(bytes))))
        }
        nested @ (AttributeValue::Array(_) | AttributeValue::KeyValueList(_)) => {
            let json = go_json::to_vec(&Nested(nested));
            let json = String::from_utf8(json).expect("a JSON writer writes UTF-8");
            ("string", TagValue::Text(Cow::Owned(json)))
        }
    };
    Tag { key: &attribute.key, kind, value }
}

/// A value within a JSON text: keys sorted, bytes in base64.
struct Nested<'a>(&'a AttributeValue);

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            AttributeValue::Empty => serializer.serialize_none(),
            AttributeValue::String(text) => serializer.serialize_str(text),
            AttributeValue::Bool(truth) => serializer.serialize_bool(*truth),
            AttributeValue::Int(number) => serializer.serialize_i64(*number),
            AttributeValue::Double(number) => serializer.serialize_f64(*number),
            AttributeValue::Bytes(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
            AttributeValue::Array(values) => serializer.collect_seq(values.iter().map(Nested)),
            AttributeValue::KeyValueList(pairs) => {
                let sorted: BTreeMap<_, _> =
                    pairs.iter().map(|pair| (pair.key.as_str(), &pair.value)).collect();
                let mut map = serializer.serialize_map(Some(sorted.len()))?;
                for (key, value) in sorted {
                    map.serialize_entry(key, &Nested(value))?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests;
