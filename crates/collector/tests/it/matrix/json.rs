//! OTLP in JSON, written and read by the specification: ids in hex, 64-bit integers in texts, bytes in base64,
//! enums as numbers, doubles that JSON does not have by name.

use serde_json::{Value as Json, json};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, Link};
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, Status};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > three.len() { '=' } else { digit.into() });
        }
    }
    text
}

fn of_base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for four in text.as_bytes().chunks(4) {
        let digit = |byte: &u8| DIGITS.iter().position(|digit| digit == byte).unwrap_or(0) as u32;
        let bits = four.iter().fold(0, |bits, byte| bits << 6 | digit(byte));
        let n_bytes = 3 - four.iter().filter(|byte| **byte == b'=').count();
        bytes.extend(&bits.to_be_bytes()[1..=n_bytes]);
    }
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn of_hex(text: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

/// A value as JSON would have it: lists as lists, maps as objects, bytes in base64, no value as null.
pub(super) fn plain(value: &AnyValue) -> Json {
    match &value.value {
        None => Json::Null,
        Some(Value::StringValue(text)) => json!(text),
        Some(Value::BoolValue(truth)) => json!(truth),
        Some(Value::IntValue(number)) => json!(number),
        Some(Value::DoubleValue(number)) => match double_name(*number) {
            Some(name) => json!(name),
            None => json!(number),
        },
        Some(Value::BytesValue(bytes)) => json!(base64(bytes)),
        Some(Value::ArrayValue(array)) => array.values.iter().map(plain).collect(),
        Some(Value::KvlistValue(list)) => plain_object(&list.values),
    }
}

pub(super) fn plain_object(attributes: &[KeyValue]) -> Json {
    let pairs = attributes.iter();
    pairs.map(|pair| (pair.key.clone(), plain(pair.value.as_ref().unwrap()))).collect()
}

/// The doubles that are no numbers in JSON.
fn double_name(number: f64) -> Option<&'static str> {
    match number {
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        number => number.is_nan().then_some("NaN"),
    }
}

pub(super) fn to_json(request: &ExportTraceServiceRequest) -> String {
    let resources = request.resource_spans.iter().map(|group| {
        let resource = group.resource.clone().unwrap_or_default();
        let entities = resource.entity_refs.iter().map(|entity| {
            json!({"schemaUrl": entity.schema_url, "type": entity.r#type, "idKeys": entity.id_keys,
                "descriptionKeys": entity.description_keys})
        });
        json!({
            "resource": {
                "attributes": attributes(&resource.attributes),
                "droppedAttributesCount": resource.dropped_attributes_count,
                "entityRefs": entities.collect::<Vec<_>>(),
            },
            "scopeSpans": group.scope_spans.iter().map(scope_spans).collect::<Vec<_>>(),
            "schemaUrl": group.schema_url,
        })
    });
    json!({"resourceSpans": resources.collect::<Vec<_>>()}).to_string()
}

fn scope_spans(group: &ScopeSpans) -> Json {
    let scope = group.scope.clone().unwrap_or_default();
    json!({
        "scope": {
            "name": scope.name,
            "version": scope.version,
            "attributes": attributes(&scope.attributes),
            "droppedAttributesCount": scope.dropped_attributes_count,
        },
        "spans": group.spans.iter().map(span).collect::<Vec<_>>(),
        "schemaUrl": group.schema_url,
    })
}

fn span(span: &Span) -> Json {
    let events = span.events.iter().map(|event| {
        json!({"timeUnixNano": event.time_unix_nano.to_string(), "name": event.name,
            "attributes": attributes(&event.attributes),
            "droppedAttributesCount": event.dropped_attributes_count})
    });
    let links = span.links.iter().map(|link| {
        json!({"traceId": hex(&link.trace_id), "spanId": hex(&link.span_id),
            "traceState": link.trace_state, "attributes": attributes(&link.attributes),
            "droppedAttributesCount": link.dropped_attributes_count, "flags": link.flags})
    });
    let status = span.status.clone().unwrap_or_default();
    json!({
        "traceId": hex(&span.trace_id),
        "spanId": hex(&span.span_id),
        "traceState": span.trace_state,
        "parentSpanId": hex(&span.parent_span_id),
        "flags": span.flags,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": span.start_time_unix_nano.to_string(),
        "endTimeUnixNano": span.end_time_unix_nano.to_string(),
        "attributes": attributes(&span.attributes),
        "droppedAttributesCount": span.dropped_attributes_count,
        "events": events.collect::<Vec<_>>(),
        "droppedEventsCount": span.dropped_events_count,
        "links": links.collect::<Vec<_>>(),
        "droppedLinksCount": span.dropped_links_count,
        "status": {"code": status.code, "message": status.message},
    })
}

fn attributes(list: &[KeyValue]) -> Json {
    let pairs = list.iter();
    pairs
        .map(|pair| json!({"key": pair.key, "value": any_value(pair.value.as_ref().unwrap())}))
        .collect()
}

fn any_value(value: &AnyValue) -> Json {
    match &value.value {
        None => json!({}),
        Some(Value::StringValue(text)) => json!({"stringValue": text}),
        Some(Value::BoolValue(truth)) => json!({"boolValue": truth}),
        Some(Value::IntValue(number)) => json!({"intValue": number.to_string()}),
        Some(Value::DoubleValue(_)) => json!({"doubleValue": plain(value)}),
        Some(Value::BytesValue(bytes)) => json!({"bytesValue": base64(bytes)}),
        Some(Value::ArrayValue(array)) => {
            json!({"arrayValue": {"values": array.values.iter().map(any_value).collect::<Vec<_>>()}})
        }
        Some(Value::KvlistValue(list)) => {
            json!({"kvlistValue": {"values": attributes(&list.values)}})
        }
    }
}

pub(super) fn of_json(bytes: &[u8]) -> ExportTraceServiceRequest {
    let json: Json = serde_json::from_slice(bytes).unwrap();
    let resource_spans = list(&json, "resourceSpans", |group| ResourceSpans {
        resource: Some(Resource {
            attributes: of_attributes(&group["resource"]),
            dropped_attributes_count: count(&group["resource"], "droppedAttributesCount"),
            entity_refs: list(&group["resource"], "entityRefs", |entity| EntityRef {
                schema_url: text(entity, "schemaUrl"),
                r#type: text(entity, "type"),
                id_keys: list(entity, "idKeys", |key| key.as_str().unwrap().to_owned()),
                description_keys: list(entity, "descriptionKeys", |key| {
                    key.as_str().unwrap().to_owned()
                }),
            }),
        }),
        scope_spans: list(group, "scopeSpans", of_scope_spans),
        schema_url: text(group, "schemaUrl"),
    });
    ExportTraceServiceRequest { resource_spans }
}

fn of_scope_spans(group: &Json) -> ScopeSpans {
    let scope = &group["scope"];
    ScopeSpans {
        scope: Some(InstrumentationScope {
            name: text(scope, "name"),
            version: text(scope, "version"),
            attributes: of_attributes(scope),
            dropped_attributes_count: count(scope, "droppedAttributesCount"),
        }),
        spans: list(group, "spans", of_span),
        schema_url: text(group, "schemaUrl"),
    }
}

fn of_span(json: &Json) -> Span {
    let id = |of: &Json, key: &str| of_hex(&text(of, key)).into();
    let events = list(json, "events", |event| Event {
        time_unix_nano: time(event, "timeUnixNano"),
        name: text(event, "name"),
        attributes: of_attributes(event),
        dropped_attributes_count: count(event, "droppedAttributesCount"),
    });
    let links = list(json, "links", |link| Link {
        trace_id: id(link, "traceId"),
        span_id: id(link, "spanId"),
        trace_state: text(link, "traceState"),
        attributes: of_attributes(link),
        dropped_attributes_count: count(link, "droppedAttributesCount"),
        flags: count(link, "flags"),
    });
    Span {
        trace_id: id(json, "traceId"),
        span_id: id(json, "spanId"),
        trace_state: text(json, "traceState"),
        parent_span_id: id(json, "parentSpanId"),
        flags: count(json, "flags"),
        name: text(json, "name"),
        kind: count(json, "kind").cast_signed(),
        start_time_unix_nano: time(json, "startTimeUnixNano"),
        end_time_unix_nano: time(json, "endTimeUnixNano"),
        attributes: of_attributes(json),
        dropped_attributes_count: count(json, "droppedAttributesCount"),
        events,
        dropped_events_count: count(json, "droppedEventsCount"),
        links,
        dropped_links_count: count(json, "droppedLinksCount"),
        status: Some(Status {
            message: text(&json["status"], "message"),
            code: count(&json["status"], "code").cast_signed(),
        }),
    }
}

fn list<T>(of: &Json, key: &str, read: impl Fn(&Json) -> T) -> Vec<T> {
    of.get(key).map_or(Vec::new(), |list| list.as_array().unwrap().iter().map(read).collect())
}

fn text(of: &Json, key: &str) -> String {
    of.get(key).map_or(String::new(), |text| text.as_str().unwrap().to_owned())
}

fn count(of: &Json, key: &str) -> u32 {
    of.get(key).map_or(0, |count| u32::try_from(count.as_u64().unwrap()).unwrap())
}

fn time(of: &Json, key: &str) -> u64 {
    of.get(key).map_or(0, |time| time.as_str().unwrap().parse().unwrap())
}

fn of_attributes(of: &Json) -> Vec<KeyValue> {
    list(of, "attributes", of_pair)
}

fn of_pair(json: &Json) -> KeyValue {
    KeyValue { key: text(json, "key"), value: json.get("value").map(of_any_value) }
}

fn of_any_value(json: &Json) -> AnyValue {
    let members = json.as_object().unwrap();
    let value = members.iter().next().map(|(kind, json)| match kind.as_str() {
        "stringValue" => Value::StringValue(json.as_str().unwrap().to_owned()),
        "boolValue" => Value::BoolValue(json.as_bool().unwrap()),
        "intValue" => Value::IntValue(json.as_str().unwrap().parse().unwrap()),
        "doubleValue" => Value::DoubleValue(match json.as_str() {
            Some(name) => name.parse().unwrap(),
            None => json.as_f64().unwrap(),
        }),
        "bytesValue" => Value::BytesValue(of_base64(json.as_str().unwrap()).into()),
        "arrayValue" => {
            Value::ArrayValue(ArrayValue { values: list(json, "values", of_any_value) })
        }
        "kvlistValue" => Value::KvlistValue(KeyValueList { values: list(json, "values", of_pair) }),
        other => panic!("no kind of value: {other}"),
    });
    AnyValue { value }
}
