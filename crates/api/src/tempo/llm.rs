//! Answers in the short form for language models: `Accept: application/vnd.grafana.llm`.
//!
//! It says the same as the usual JSON with fewer words: ids in hex, attributes as plain maps, durations computed.

use std::collections::BTreeMap;

use prost::Message;
use serde::Serialize;
use serde_json::{Map, Value, json};
use spandrel_model::{SpanId, Trace, TraceId};
use spandrel_otlp::encode_trace;
use spandrel_proto::otlp::common::{AnyValue, KeyValue, any_value};
use spandrel_proto::otlp::trace::{ResourceSpans, Span, span, status::StatusCode};
use spandrel_proto::tempo::{self, MetadataMetrics, SearchTagValuesV2Response};

use super::jsonpb::to_json;

const NANOS_PER_MILLI: f64 = 1_000_000.0;

/// The services of a part of a trace, as the members of a list without its brackets.
pub(super) fn services(spans: &Trace) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_trace(spans, &mut bytes);
    let trace = tempo::Trace::decode(&*bytes).expect("what was encoded can be decoded");
    let services: Vec<Service> = trace.resource_spans.into_iter().map(service).collect();
    let mut json = serde_json::to_vec(&services).expect("maps have texts as keys");
    json.pop();
    json.split_off(1)
}

/// What stands before the services.
pub(super) fn head(trace_id: TraceId) -> Vec<u8> {
    format!("{{\"trace\":{{\"traceId\":\"{trace_id}\",\"services\":[").into_bytes()
}

/// What stands behind them; the message says what is missing from the trace.
pub(super) fn tail(message: Option<&str>) -> Vec<u8> {
    match message {
        None => b"]},\"status\":\"COMPLETE\"}".to_vec(),
        Some(message) => {
            format!("]}},\"status\":\"PARTIAL\",\"message\":{}}}", Value::from(message))
                .into_bytes()
        }
    }
}

/// Values by their type.
pub(super) fn tag_values(message: &SearchTagValuesV2Response) -> Vec<u8> {
    let mut by_type: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for value in &message.tag_values {
        by_type.entry(&value.r#type).or_default().push(&value.value);
    }
    let mut answer = json!({ "tagValues": by_type });
    if let Some(metrics) = &message.metrics {
        answer["metrics"] = numbers(metrics);
    }
    answer.to_string().into_bytes()
}

/// Metrics as numbers; the usual form writes the large ones as texts.
fn numbers(metrics: &MetadataMetrics) -> Value {
    fn number(value: Value) -> Value {
        match value {
            Value::String(text) => text.parse::<i64>().map_or(Value::String(text), Value::from),
            Value::Object(members) => {
                members.into_iter().map(|(name, value)| (name, number(value))).collect()
            }
            other => other,
        }
    }
    let usual = to_json(metrics);
    number(serde_json::from_slice(&usual).expect("it was written as JSON"))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    #[serde(skip_serializing_if = "String::is_empty")]
    service_name: String,
    #[serde(skip_serializing_if = "Map::is_empty")]
    resource: Map<String, Value>,
    scopes: Vec<ScopeOfService>,
}

#[derive(Serialize)]
struct ScopeOfService {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    spans: Vec<SpanInShort>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanInShort {
    span_id: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    parent_span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "is_zero")]
    start_time_unix_nano: String,
    #[serde(skip_serializing_if = "is_zero")]
    end_time_unix_nano: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<f64>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    attributes: Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Value>,
    status: Value,
}

fn is_zero(number: &str) -> bool {
    number == "0"
}

fn service(group: ResourceSpans) -> Service {
    let mut resource = plain_map(group.resource.unwrap_or_default().attributes);
    let service_name = match resource.get("service.name") {
        Some(Value::String(name)) => name.clone(),
        _ => String::new(),
    };
    resource.remove("service.name");
    let scopes = group.scope_spans.into_iter().map(|group| {
        let scope = group.scope.unwrap_or_default();
        let spans = group.spans.into_iter().map(in_short).collect();
        ScopeOfService { name: scope.name, version: scope.version, spans }
    });
    Service { service_name, resource, scopes: scopes.collect() }
}

fn in_short(span: Span) -> SpanInShort {
    let kind = span::SpanKind::try_from(span.kind).unwrap_or_default();
    let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
    let duration = end.checked_sub(start).filter(|nanos| start > 0 && *nanos > 0);
    let status = span.status.unwrap_or_default();
    let code = StatusCode::try_from(status.code).unwrap_or_default();
    let message = if code == StatusCode::Unset { String::new() } else { status.message };
    SpanInShort {
        span_id: span_id(&span.span_id),
        name: span.name,
        parent_span_id: span_id(&span.parent_span_id),
        kind: (kind != span::SpanKind::Unspecified).then(|| kind.as_str_name()),
        start_time_unix_nano: start.to_string(),
        end_time_unix_nano: end.to_string(),
        duration_ms: duration.map(|nanos| nanos as f64 / NANOS_PER_MILLI),
        attributes: plain_map(span.attributes),
        events: span.events.into_iter().map(event).collect(),
        links: span.links.into_iter().map(link).collect(),
        status: json!({ "code": code.as_str_name(), "message": message }),
    }
}

fn event(event: span::Event) -> Value {
    let mut short = json!({ "name": event.name });
    if event.time_unix_nano > 0 {
        short["timeUnixNano"] = event.time_unix_nano.to_string().into();
    }
    if !event.attributes.is_empty() {
        short["attributes"] = plain_map(event.attributes).into();
    }
    short
}

fn link(link: span::Link) -> Value {
    let id: Result<[u8; 16], _> = link.trace_id[..].try_into();
    let trace_id = id.map(|id| TraceId(id).to_string()).unwrap_or_default();
    let mut short = json!({ "traceId": trace_id, "spanId": span_id(&link.span_id) });
    if !link.attributes.is_empty() {
        short["attributes"] = plain_map(link.attributes).into();
    }
    short
}

/// In hex; empty when there is none.
fn span_id(bytes: &[u8]) -> String {
    let id: Result<[u8; 8], _> = bytes.try_into();
    id.map(|id| SpanId(id).to_string()).unwrap_or_default()
}

fn plain_map(attributes: Vec<KeyValue>) -> Map<String, Value> {
    let pairs = attributes.into_iter().filter_map(|pair| Some((pair.key, plain(pair.value?))));
    pairs.collect()
}

/// Bytes are in hex. Numbers that JSON does not have are null.
fn plain(value: AnyValue) -> Value {
    match value.value {
        None => Value::Null,
        Some(any_value::Value::StringValue(text)) => text.into(),
        Some(any_value::Value::BoolValue(truth)) => truth.into(),
        Some(any_value::Value::IntValue(number)) => number.into(),
        Some(any_value::Value::DoubleValue(number)) => number.into(),
        Some(any_value::Value::BytesValue(bytes)) => {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
        }
        Some(any_value::Value::ArrayValue(array)) => {
            array.values.into_iter().map(plain).collect::<Vec<_>>().into()
        }
        Some(any_value::Value::KvlistValue(list)) => plain_map(list.values).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_trace::checkout;

    #[test]
    fn a_trace_in_short() {
        let trace = checkout();
        let json = [head(trace.trace_id), services(&trace), tail(Some("a \"part\""))].concat();
        let json: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["status"], "PARTIAL");
        assert_eq!(json["message"], "a \"part\"");
        assert_eq!(json["trace"]["traceId"], trace.trace_id.to_string());
        let services = json["trace"]["services"].as_array().unwrap();
        assert_eq!(services.len(), 2);
        let span = &services[0]["scopes"][0]["spans"][0];
        assert_eq!(span["kind"], "SPAN_KIND_SERVER");
        assert_eq!(span["spanId"].as_str().unwrap().len(), 16);
        assert!(services[0]["resource"].get("service.name").is_none());
    }
}
