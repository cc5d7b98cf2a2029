//! A request as OTLP JSON: ids in hex, enums as numbers, 64-bit integers as strings, defaults left out.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, EntityRef, InstrumentationScope, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, Link};
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, Status};

/// The request as `TracesData`, without a line end.
pub fn to_json(request: &ExportTraceServiceRequest) -> String {
    let mut out = String::new();
    object(&mut out, |object| {
        object.list("resourceSpans", &request.resource_spans, resource_spans);
    });
    out
}

/// A value as JSON, in the form of an `AnyValue`'s content: text plain, lists and maps as such.
pub fn plain_json(value: &AnyValue) -> serde_json::Value {
    match &value.value {
        None => serde_json::Value::Null,
        Some(Value::StringValue(text)) => text.clone().into(),
        Some(Value::BoolValue(value)) => (*value).into(),
        Some(Value::IntValue(value)) => (*value).into(),
        Some(Value::DoubleValue(value)) => (*value).into(),
        Some(Value::BytesValue(bytes)) => STANDARD.encode(bytes).into(),
        Some(Value::ArrayValue(array)) => array.values.iter().map(plain_json).collect(),
        Some(Value::KvlistValue(list)) => plain_map(&list.values),
    }
}

/// Attributes as a JSON object.
pub(crate) fn plain_map(attributes: &[KeyValue]) -> serde_json::Value {
    let pairs = attributes.iter().map(|pair| {
        (pair.key.clone(), pair.value.as_ref().map_or(serde_json::Value::Null, plain_json))
    });
    serde_json::Value::Object(pairs.collect())
}

/// Bytes in lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// An object that is being written.
struct Object<'o> {
    out: &'o mut String,
    is_first: bool,
}

fn object(out: &mut String, write: impl FnOnce(&mut Object<'_>)) {
    out.push('{');
    write(&mut Object { out, is_first: true });
    out.push('}');
}

impl Object<'_> {
    fn key(&mut self, key: &str) -> &mut String {
        if !self.is_first {
            self.out.push(',');
        }
        self.is_first = false;
        // Keys are plain.
        let _ = write!(self.out, "\"{key}\":");
        self.out
    }

    fn list<T>(&mut self, key: &str, items: &[T], write: impl Fn(&mut String, &T)) {
        if !items.is_empty() {
            list(self.key(key), items, write);
        }
    }

    fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            string(self.key(key), text);
        }
    }

    fn id(&mut self, key: &str, id: &[u8]) {
        self.text(key, &hex(id));
    }

    fn number(&mut self, key: &str, number: i64) {
        if number != 0 {
            let _ = write!(self.key(key), "{number}");
        }
    }

    fn time(&mut self, key: &str, unix_nanos: u64) {
        if unix_nanos != 0 {
            let _ = write!(self.key(key), "\"{unix_nanos}\"");
        }
    }

    fn attributes(&mut self, attributes: &[KeyValue], dropped: u32) {
        self.list("attributes", attributes, key_value);
        self.number("droppedAttributesCount", dropped.into());
    }
}

fn list<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

fn string(out: &mut String, text: &str) {
    // A string has no key and no float that could fail.
    out.push_str(&serde_json::Value::from(text).to_string());
}

fn resource_spans(out: &mut String, group: &ResourceSpans) {
    object(out, |object| {
        let none = Resource::default();
        let resource = group.resource.as_ref().unwrap_or(&none);
        self::object(object.key("resource"), |object| {
            object.attributes(&resource.attributes, resource.dropped_attributes_count);
            object.list("entityRefs", &resource.entity_refs, entity_ref);
        });
        object.list("scopeSpans", &group.scope_spans, scope_spans);
        object.text("schemaUrl", &group.schema_url);
    });
}

fn entity_ref(out: &mut String, entity: &EntityRef) {
    object(out, |object| {
        object.text("schemaUrl", &entity.schema_url);
        object.text("type", &entity.r#type);
        let text = |out: &mut String, text: &String| string(out, text);
        object.list("idKeys", &entity.id_keys, text);
        object.list("descriptionKeys", &entity.description_keys, text);
    });
}

fn scope_spans(out: &mut String, group: &ScopeSpans) {
    object(out, |object| {
        let none = InstrumentationScope::default();
        let scope = group.scope.as_ref().unwrap_or(&none);
        self::object(object.key("scope"), |object| {
            object.text("name", &scope.name);
            object.text("version", &scope.version);
            object.attributes(&scope.attributes, scope.dropped_attributes_count);
        });
        object.list("spans", &group.spans, span);
        object.text("schemaUrl", &group.schema_url);
    });
}

fn span(out: &mut String, span: &Span) {
    object(out, |object| {
        object.id("traceId", &span.trace_id);
        object.id("spanId", &span.span_id);
        object.text("traceState", &span.trace_state);
        object.id("parentSpanId", &span.parent_span_id);
        object.number("flags", span.flags.into());
        object.text("name", &span.name);
        object.number("kind", span.kind.into());
        object.time("startTimeUnixNano", span.start_time_unix_nano);
        object.time("endTimeUnixNano", span.end_time_unix_nano);
        object.attributes(&span.attributes, span.dropped_attributes_count);
        object.list("events", &span.events, event);
        object.number("droppedEventsCount", span.dropped_events_count.into());
        object.list("links", &span.links, link);
        object.number("droppedLinksCount", span.dropped_links_count.into());
        let none = Status::default();
        let status = span.status.as_ref().unwrap_or(&none);
        self::object(object.key("status"), |object| {
            object.text("message", &status.message);
            object.number("code", status.code.into());
        });
    });
}

fn event(out: &mut String, event: &Event) {
    object(out, |object| {
        object.time("timeUnixNano", event.time_unix_nano);
        object.text("name", &event.name);
        object.attributes(&event.attributes, event.dropped_attributes_count);
    });
}

fn link(out: &mut String, link: &Link) {
    object(out, |object| {
        object.id("traceId", &link.trace_id);
        object.id("spanId", &link.span_id);
        object.text("traceState", &link.trace_state);
        object.attributes(&link.attributes, link.dropped_attributes_count);
        object.number("flags", link.flags.into());
    });
}

fn key_value(out: &mut String, pair: &KeyValue) {
    object(out, |object| {
        string(object.key("key"), &pair.key);
        let none = AnyValue::default();
        any_value(object.key("value"), pair.value.as_ref().unwrap_or(&none));
    });
}

fn any_value(out: &mut String, value: &AnyValue) {
    object(out, |object| match &value.value {
        None => {}
        Some(Value::StringValue(text)) => string(object.key("stringValue"), text),
        Some(Value::BoolValue(value)) => {
            let _ = write!(object.key("boolValue"), "{value}");
        }
        Some(Value::IntValue(value)) => {
            let _ = write!(object.key("intValue"), "\"{value}\"");
        }
        Some(Value::DoubleValue(value)) => double(object.key("doubleValue"), *value),
        Some(Value::BytesValue(bytes)) => {
            string(object.key("bytesValue"), &STANDARD.encode(bytes));
        }
        Some(Value::ArrayValue(array)) => {
            self::object(object.key("arrayValue"), |object| {
                list(object.key("values"), &array.values, any_value);
            });
        }
        Some(Value::KvlistValue(pairs)) => {
            self::object(object.key("kvlistValue"), |object| {
                list(object.key("values"), &pairs.values, key_value);
            });
        }
    });
}

fn double(out: &mut String, value: f64) {
    let name = match value {
        value if value.is_nan() => "\"NaN\"",
        f64::INFINITY => "\"Infinity\"",
        f64::NEG_INFINITY => "\"-Infinity\"",
        value => {
            out.push_str(&serde_json::Value::from(value).to_string());
            return;
        }
    };
    out.push_str(name);
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use spandrel_otlp::{DecodeLimits, json_to_protobuf};

    use super::*;

    /// The example of the OTLP repository, with all kinds of values.
    const REQUEST: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"my \"service\""}}],"entityRefs":[{"schemaUrl":"https://opentelemetry.io/schemas/1.44.0","type":"service","idKeys":["service.name"],"descriptionKeys":["a","b"]}]},"scopeSpans":[{"scope":{"name":"my.library","version":"1.0.0"},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173","flags":257,"name":"I'm a server span","kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000","attributes":[{"key":"a","value":{"intValue":"-1"}},{"key":"b","value":{"doubleValue":1.5}},{"key":"c","value":{"boolValue":false}},{"key":"d","value":{"bytesValue":"AQI="}},{"key":"e","value":{"arrayValue":{"values":[{"stringValue":"x"},{"kvlistValue":{"values":[{"key":"k","value":{"doubleValue":"NaN"}}]}}]}}}],"droppedAttributesCount":3,"events":[{"timeUnixNano":"1544712660500000000","name":"e"}],"links":[{"traceId":"5b8efff798038103d269b633813fc60d","spanId":"eee19b7ec3c1b175"}],"status":{"message":"bad","code":2}}]}],"schemaUrl":"https://opentelemetry.io/schemas/1.44.0"}]}"#;

    #[test]
    fn what_was_read_is_written_again() {
        let bytes = json_to_protobuf(REQUEST.as_bytes(), &DecodeLimits::default()).unwrap();
        let request = ExportTraceServiceRequest::decode(&*bytes).unwrap();
        assert_eq!(to_json(&request), REQUEST);
    }
}
