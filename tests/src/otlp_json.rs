//! OTLP as JSON, read into the messages of `opentelemetry-proto`.
//!
//! Takes what is in the field: names in lower camel or snake case, numbers as numbers or strings, enums as
//! numbers or names, ids in hex (OTLP) or base64 (Tempo). Panics on anything else, because what is read
//! here is either a test's own input or an answer that is being checked.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use serde_json::Value;

const KINDS: [&str; 6] = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATUS_CODES: [&str; 3] = ["UNSET", "OK", "ERROR"];

/// Which of the two dialects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtlpJson {
    /// OTLP: ids in hex.
    Otlp,
    /// Protobuf's own mapping, which Tempo answers with: ids in base64.
    Tempo,
}

/// Reads the list of a request or a trace: the member `resourceSpans`, `resource_spans` or `batches`.
///
/// # Panics
/// When the JSON is not of this shape.
pub fn resource_spans_of(dialect: OtlpJson, json: &Value) -> Vec<ResourceSpans> {
    let known = ["resourceSpans", "resource_spans", "batches"];
    let list = known.iter().find_map(|key| json.get(key));
    each(list, |resource_spans| ResourceSpans {
        resource: member(resource_spans, "resource").map(|resource| Resource {
            attributes: attributes(resource),
            dropped_attributes_count: number(resource, "droppedAttributesCount"),
            ..Resource::default()
        }),
        scope_spans: each(member(resource_spans, "scopeSpans"), |spans| ScopeSpans {
            scope: member(spans, "scope").map(|scope| InstrumentationScope {
                name: text(scope, "name"),
                version: text(scope, "version"),
                attributes: attributes(scope),
                dropped_attributes_count: number(scope, "droppedAttributesCount"),
            }),
            spans: each(member(spans, "spans"), |span| span_of(dialect, span)),
            schema_url: text(spans, "schemaUrl"),
        }),
        schema_url: text(resource_spans, "schemaUrl"),
    })
}

fn span_of(dialect: OtlpJson, span: &Value) -> Span {
    Span {
        trace_id: id(dialect, span, "traceId"),
        span_id: id(dialect, span, "spanId"),
        trace_state: text(span, "traceState"),
        parent_span_id: id(dialect, span, "parentSpanId"),
        flags: number(span, "flags"),
        name: text(span, "name"),
        kind: enumeration(span, "kind", "SPAN_KIND_", &KINDS),
        start_time_unix_nano: number(span, "startTimeUnixNano"),
        end_time_unix_nano: number(span, "endTimeUnixNano"),
        attributes: attributes(span),
        dropped_attributes_count: number(span, "droppedAttributesCount"),
        events: each(member(span, "events"), |event| Event {
            time_unix_nano: number(event, "timeUnixNano"),
            name: text(event, "name"),
            attributes: attributes(event),
            dropped_attributes_count: number(event, "droppedAttributesCount"),
        }),
        dropped_events_count: number(span, "droppedEventsCount"),
        links: each(member(span, "links"), |link| Link {
            trace_id: id(dialect, link, "traceId"),
            span_id: id(dialect, link, "spanId"),
            trace_state: text(link, "traceState"),
            attributes: attributes(link),
            dropped_attributes_count: number(link, "droppedAttributesCount"),
            flags: number(link, "flags"),
        }),
        dropped_links_count: number(span, "droppedLinksCount"),
        status: member(span, "status").map(|status| Status {
            message: text(status, "message"),
            code: enumeration(status, "code", "STATUS_CODE_", &STATUS_CODES),
        }),
    }
}

fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    object.get(name).or_else(|| object.get(&snake)).filter(|value| !value.is_null())
}

fn each<T>(list: Option<&Value>, read: impl Fn(&Value) -> T) -> Vec<T> {
    let list = list.map(|list| list.as_array().expect("a list"));
    list.into_iter().flatten().map(read).collect()
}

fn text(object: &Value, name: &str) -> String {
    member(object, name).map_or(String::new(), |value| value.as_str().expect("text").to_owned())
}

fn number<T: std::str::FromStr + Default>(object: &Value, name: &str) -> T {
    member(object, name).map_or_else(T::default, parse)
}

/// A number that stands as such or in quotes.
fn parse<T: std::str::FromStr>(value: &Value) -> T {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().ok().unwrap_or_else(|| panic!("not a number that fits: {value}"))
}

fn enumeration(object: &Value, name: &str, prefix: &str, names: &[&str]) -> i32 {
    let Some(value) = member(object, name) else { return 0 };
    let named = value.as_str().and_then(|text| text.strip_prefix(prefix));
    let position = named.and_then(|text| names.iter().position(|known| *known == text));
    position.map_or_else(|| parse(value), |at| i32::try_from(at).expect("there are few"))
}

fn id(dialect: OtlpJson, object: &Value, name: &str) -> Vec<u8> {
    let text = text(object, name);
    match dialect {
        OtlpJson::Tempo => STANDARD.decode(text).expect("base64"),
        OtlpJson::Otlp => {
            let digits: Vec<u32> =
                text.chars().map(|digit| digit.to_digit(16).expect("hex")).collect();
            digits
                .chunks(2)
                .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits"))
                .collect()
        }
    }
}

fn attributes(object: &Value) -> Vec<KeyValue> {
    key_values(member(object, "attributes"))
}

fn key_values(list: Option<&Value>) -> Vec<KeyValue> {
    each(list, |pair| KeyValue {
        key: text(pair, "key"),
        value: member(pair, "value").map(any_value),
        ..KeyValue::default()
    })
}

fn any_value(value: &Value) -> AnyValue {
    let object = value.as_object().expect("a value is an object");
    let value = object.iter().next().map(|(kind, value)| match kind.as_str() {
        "stringValue" => Any::StringValue(value.as_str().expect("text").to_owned()),
        "boolValue" => Any::BoolValue(value.as_bool().expect("a truth value")),
        "intValue" => Any::IntValue(parse(value)),
        "doubleValue" => Any::DoubleValue(double(value)),
        "bytesValue" => {
            Any::BytesValue(STANDARD.decode(value.as_str().expect("text")).expect("base64"))
        }
        "arrayValue" => {
            Any::ArrayValue(ArrayValue { values: each(value.get("values"), any_value) })
        }
        "kvlistValue" => Any::KvlistValue(KeyValueList { values: key_values(value.get("values")) }),
        _ => panic!("unknown kind of value: {kind}"),
    });
    AnyValue { value }
}

fn double(value: &Value) -> f64 {
    match value.as_str() {
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        _ => parse(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_dialects_say_the_same() {
        let otlp = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [{
            "traceId": "000102030405060708090a0b0c0d0e0f", "spanId": "0001020304050607",
            "kind": 2, "startTimeUnixNano": 5, "status": { "code": 2 },
            "attributes": [{ "key": "a", "value": { "intValue": "7" } }],
        }] }] }] });
        let tempo = json!({ "batches": [{ "scope_spans": [{ "spans": [{
            "traceId": "AAECAwQFBgcICQoLDA0ODw==", "spanId": "AAECAwQFBgc=",
            "kind": "SPAN_KIND_SERVER", "start_time_unix_nano": "5",
            "status": { "code": "STATUS_CODE_ERROR" },
            "attributes": [{ "key": "a", "value": { "intValue": 7 } }],
        }] }] }] });
        let read = resource_spans_of(OtlpJson::Otlp, &otlp);
        assert_eq!(read, resource_spans_of(OtlpJson::Tempo, &tempo));
        assert_eq!(read[0].scope_spans[0].spans[0].trace_id[15], 15);
    }
}
