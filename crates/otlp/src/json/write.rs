//! Traces as JSON: OTLP's own form, or the form that Tempo answers with.
//!
//! Both leave out fields that have their default value (resource, scope and status stay, if empty), write
//! 64-bit integers as strings, NaN and infinities as their names, and bytes in base64. They differ in ids
//! and enums, see [`Dialect`].

use std::fmt::Display;
use std::io::Write as _;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use spandrel_model::{Attribute, AttributeValue, Event, Link, Resource, Scope, Span, Trace};

use super::{SPAN_KINDS, STATUS_CODES};
use crate::encode::{ResourceGroup, ScopeGroup, group_spans};

/// How ids and enums are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The OTLP specification: ids in hex, enums as numbers.
    Otlp,
    /// Protobuf's general JSON mapping, which Tempo uses: ids in base64, enums by name.
    Tempo,
}

/// Appends a trace as a `TracesData` object: `{"resourceSpans":[...]}`.
pub fn write_trace(trace: &Trace, dialect: Dialect, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"resourceSpans\":");
    write_resource_spans(trace, dialect, out);
    out.push(b'}');
}

/// Appends only the list of `ResourceSpans` objects, for answers that have it under another name.
pub fn write_resource_spans(trace: &Trace, dialect: Dialect, out: &mut Vec<u8>) {
    Writer { out, dialect }.list(&group_spans(&trace.spans), Writer::resource_spans);
}

struct Writer<'o> {
    out: &'o mut Vec<u8>,
    dialect: Dialect,
}

impl<'o> Writer<'o> {
    fn resource_spans(&mut self, group: &ResourceGroup<'_>) {
        self.object(|object| {
            object.key("resource").resource(group.resource);
            object.list("scopeSpans", &group.scopes, Writer::scope_spans);
            object.text("schemaUrl", &group.resource.schema_url);
        });
    }

    fn resource(&mut self, resource: &Resource) {
        self.object(|object| {
            object.list("attributes", &resource.attributes, Writer::attribute);
            object.count("droppedAttributesCount", resource.dropped_attributes_count);
        });
    }

    fn scope_spans(&mut self, group: &ScopeGroup<'_>) {
        self.object(|object| {
            object.key("scope").scope(group.scope);
            object.list("spans", &group.spans, |writer, span| writer.span(span));
            object.text("schemaUrl", &group.scope.schema_url);
        });
    }

    fn scope(&mut self, scope: &Scope) {
        self.object(|object| {
            object.text("name", &scope.name);
            object.text("version", &scope.version);
            object.list("attributes", &scope.attributes, Writer::attribute);
            object.count("droppedAttributesCount", scope.dropped_attributes_count);
        });
    }

    fn span(&mut self, span: &Span) {
        self.object(|object| {
            object.id("traceId", &span.trace_id.0, span.trace_id);
            object.id("spanId", &span.span_id.0, span.span_id);
            object.text("traceState", &span.trace_state);
            if let Some(parent) = span.parent_span_id {
                object.id("parentSpanId", &parent.0, parent);
            }
            object.count("flags", span.flags);
            object.text("name", &span.name);
            object.enumeration("kind", span.kind as u8, &SPAN_KINDS);
            object.time("startTimeUnixNano", span.start_unix_nanos);
            object.time("endTimeUnixNano", span.end_unix_nanos);
            object.list("attributes", &span.attributes, Writer::attribute);
            object.count("droppedAttributesCount", span.dropped_attributes_count);
            object.list("events", &span.events, Writer::event);
            object.count("droppedEventsCount", span.dropped_events_count);
            object.list("links", &span.links, Writer::link);
            object.count("droppedLinksCount", span.dropped_links_count);
            object.key("status").object(|status| {
                status.text("message", &span.status_message);
                status.enumeration("code", span.status_code as u8, &STATUS_CODES);
            });
        });
    }

    fn event(&mut self, event: &Event) {
        self.object(|object| {
            object.time("timeUnixNano", event.time_unix_nanos);
            object.text("name", &event.name);
            object.list("attributes", &event.attributes, Writer::attribute);
            object.count("droppedAttributesCount", event.dropped_attributes_count);
        });
    }

    fn link(&mut self, link: &Link) {
        self.object(|object| {
            object.id("traceId", &link.trace_id.0, link.trace_id);
            object.id("spanId", &link.span_id.0, link.span_id);
            object.text("traceState", &link.trace_state);
            object.list("attributes", &link.attributes, Writer::attribute);
            object.count("droppedAttributesCount", link.dropped_attributes_count);
            object.count("flags", link.flags);
        });
    }

    fn attribute(&mut self, attribute: &Attribute) {
        self.object(|object| {
            object.key("key").string(&attribute.key);
            object.key("value").any_value(&attribute.value);
        });
    }

    fn any_value(&mut self, value: &AttributeValue) {
        self.object(|object| match value {
            AttributeValue::Empty => {}
            AttributeValue::String(text) => object.key("stringValue").string(text),
            AttributeValue::Bool(truth) => object.key("boolValue").display(truth),
            AttributeValue::Int(number) => object.key("intValue").quoted(number),
            AttributeValue::Double(number) => object.key("doubleValue").double(*number),
            AttributeValue::Bytes(bytes) => {
                object.key("bytesValue").quoted(Base64Display::new(bytes, &STANDARD));
            }
            AttributeValue::Array(values) => object.key("arrayValue").object(|array| {
                array.key("values").list(values, Writer::any_value);
            }),
            AttributeValue::KeyValueList(pairs) => object.key("kvlistValue").object(|map| {
                map.key("values").list(pairs, Writer::attribute);
            }),
        });
    }

    fn object(&mut self, fill: impl FnOnce(&mut Object<'_, 'o>)) {
        self.out.push(b'{');
        fill(&mut Object { writer: self, is_empty: true });
        self.out.push(b'}');
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.out.push(b'[');
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.out.push(b',');
            }
            write(self, item);
        }
        self.out.push(b']');
    }

    fn string(&mut self, text: &str) {
        serde_json::to_writer(&mut *self.out, text).expect("a vector takes all bytes");
    }

    /// For text that needs no escapes.
    fn quoted(&mut self, value: impl Display) {
        self.display(format_args!("\"{value}\""));
    }

    fn display(&mut self, value: impl Display) {
        write!(self.out, "{value}").expect("a vector takes all bytes");
    }

    fn double(&mut self, number: f64) {
        if number.is_finite() {
            serde_json::to_writer(&mut *self.out, &number).expect("a vector takes all bytes");
        } else if number.is_nan() {
            self.quoted("NaN");
        } else {
            self.quoted(if number > 0.0 { "Infinity" } else { "-Infinity" });
        }
    }
}

/// An object that has been opened; its members are left out when they have their default value.
struct Object<'w, 'o> {
    writer: &'w mut Writer<'o>,
    is_empty: bool,
}

impl<'o> Object<'_, 'o> {
    /// Begins a member; whatever is written next is its value.
    fn key(&mut self, key: &str) -> &mut Writer<'o> {
        if !self.is_empty {
            self.writer.out.push(b',');
        }
        self.is_empty = false;
        self.writer.display(format_args!("\"{key}\":"));
        self.writer
    }

    fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.key(key).string(text);
        }
    }

    fn count(&mut self, key: &str, count: u32) {
        if count != 0 {
            self.key(key).display(count);
        }
    }

    fn time(&mut self, key: &str, unix_nanos: u64) {
        if unix_nanos != 0 {
            self.key(key).quoted(unix_nanos);
        }
    }

    fn list<T>(&mut self, key: &str, items: &[T], write: impl Fn(&mut Writer<'o>, &T)) {
        if !items.is_empty() {
            self.key(key).list(items, write);
        }
    }

    fn id(&mut self, key: &str, bytes: &[u8], hex: impl Display) {
        let writer = self.key(key);
        match writer.dialect {
            Dialect::Otlp => writer.quoted(hex),
            Dialect::Tempo => writer.quoted(Base64Display::new(bytes, &STANDARD)),
        }
    }

    fn enumeration(&mut self, key: &str, number: u8, names: &[&str]) {
        if number == 0 {
            return;
        }
        let writer = self.key(key);
        match writer.dialect {
            Dialect::Otlp => writer.display(number),
            Dialect::Tempo => writer.quoted(names[usize::from(number)]),
        }
    }
}
