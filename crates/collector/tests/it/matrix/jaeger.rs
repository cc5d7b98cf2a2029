//! What Jaeger's model carries of a span, as senders translate into it, and how it is read back.
//!
//! Into it: "OpenTelemetry to Jaeger Transformation" of the specification. Back: the rules of the Collector's
//! translators. A tag is a text, a boolean, an integer, a double or bytes; lists and maps are JSON in a text, and
//! no value is an empty text.

use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{InstrumentationScope, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, Link, SpanKind};
use spandrel_proto::otlp::trace::status::StatusCode;
use spandrel_proto::otlp::trace::{Span, Status};

use super::json::plain;
use super::model::{FullSpan, id, pair, text};

pub(super) type Tag = (String, Value);

/// A span of Jaeger with its process; times in nanoseconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct JaegerSpan {
    pub(super) service: String,
    pub(super) process_tags: Vec<Tag>,
    pub(super) trace_id: u128,
    pub(super) span_id: u64,
    /// Zero when there is none.
    pub(super) parent: u64,
    pub(super) name: String,
    /// References FOLLOWS_FROM.
    pub(super) follows: Vec<(u128, u64)>,
    pub(super) flags: u32,
    pub(super) start: u64,
    pub(super) duration: u64,
    pub(super) tags: Vec<Tag>,
    pub(super) logs: Vec<(u64, Vec<Tag>)>,
}

/// Not carried: schema URLs, entity references, attributes of scopes, dropped counts, flags above eight bits,
/// attributes, trace state and flags of links.
pub(super) fn as_jaeger(full: &FullSpan) -> JaegerSpan {
    let span = &full.span;
    let mut process_tags = tags(&full.resource.attributes);
    let service = process_tags.remove(0).1;
    let Value::StringValue(service) = service else { panic!("the first attribute is the name") };
    let mut all = Vec::new();
    let mut put = |key: &str, said: &str| {
        if !said.is_empty() {
            all.push((key.to_owned(), text(said)));
        }
    };
    put("otel.scope.name", &full.scope.name);
    put("otel.scope.version", &full.scope.version);
    put("span.kind", kind_name(full.kind()));
    let (code, message) = full.status();
    match code {
        StatusCode::Unset => {}
        StatusCode::Ok => put("otel.status_code", "OK"),
        StatusCode::Error => put("otel.status_code", "ERROR"),
    }
    put("otel.status_description", &message);
    put("w3c.tracestate", &span.trace_state);
    if code == StatusCode::Error {
        all.push(("error".to_owned(), Value::BoolValue(true)));
    }
    all.extend(tags(&span.attributes));
    let log = |event: &Event| {
        let mut fields = vec![("event".to_owned(), text(&event.name))];
        fields.extend(tags(&event.attributes));
        (event.time_unix_nano, fields)
    };
    JaegerSpan {
        service,
        process_tags,
        trace_id: full.trace_id(),
        span_id: full.span_id(),
        parent: full.parent(),
        name: span.name.clone(),
        follows: span
            .links
            .iter()
            .map(|link| (id(&link.trace_id), id(&link.span_id) as u64))
            .collect(),
        flags: span.flags & 0xff,
        start: span.start_time_unix_nano,
        duration: span.end_time_unix_nano - span.start_time_unix_nano,
        tags: all,
        logs: span.events.iter().map(log).collect(),
    }
}

fn tags(attributes: &[KeyValue]) -> Vec<Tag> {
    let tag = |pair: &KeyValue| {
        let any = pair.value.clone().unwrap();
        let value = match any.value {
            None => text(""),
            Some(Value::ArrayValue(_) | Value::KvlistValue(_)) => text(&plain(&any).to_string()),
            Some(scalar) => scalar,
        };
        (pair.key.clone(), value)
    };
    attributes.iter().map(tag).collect()
}

fn kind_name(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "",
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    }
}

/// Thrift has microseconds.
pub(super) fn in_micros(mut span: JaegerSpan) -> JaegerSpan {
    span.start -= span.start % 1_000;
    span.duration -= span.duration % 1_000;
    for (time, _) in &mut span.logs {
        *time -= *time % 1_000;
    }
    span
}

/// Protobuf leaves out a number that equals zero, also a negative zero.
pub(super) fn in_protobuf(mut span: JaegerSpan) -> JaegerSpan {
    let logs = span.logs.iter_mut().flat_map(|(_, fields)| fields);
    for (_, value) in span.process_tags.iter_mut().chain(&mut span.tags).chain(logs) {
        if *value == Value::DoubleValue(0.0) {
            *value = Value::DoubleValue(0.0);
        }
    }
    span
}

/// What comes of it in OTLP. Only the translator of protobuf knows the scope and the trace state; that of Thrift
/// leaves them among the attributes. Neither takes the flags.
pub(super) fn of_jaeger(jaeger: &JaegerSpan, is_protobuf: bool, of: &FullSpan) -> FullSpan {
    let attributes = |tags: &[Tag], left_out: &[&str]| -> Vec<KeyValue> {
        let tags = tags.iter().filter(|(key, _)| !left_out.contains(&key.as_str()));
        tags.map(|(key, value)| pair(key, value.clone())).collect()
    };
    let mut resource = vec![pair("service.name", text(&jaeger.service))];
    resource.extend(attributes(&jaeger.process_tags, &[]));
    let mut left_out = vec!["span.kind", "error", "otel.status_code", "otel.status_description"];
    let mut scope = InstrumentationScope::default();
    let mut trace_state = String::new();
    if is_protobuf {
        left_out.extend(["otel.scope.name", "otel.scope.version", "w3c.tracestate"]);
        let InstrumentationScope { name, version, .. } = of.scope.clone();
        scope = InstrumentationScope { name, version, ..scope };
        trace_state.clone_from(&of.span.trace_state);
    }
    let event = |(time_unix_nano, fields): &(u64, Vec<Tag>)| {
        let Value::StringValue(name) = fields[0].1.clone() else { panic!("the field event") };
        let attributes = attributes(&fields[1..], &[]);
        Event { time_unix_nano: *time_unix_nano, name, attributes, ..Event::default() }
    };
    let link = |(trace, span): &(u128, u64)| Link {
        trace_id: trace.to_be_bytes().to_vec().into(),
        span_id: span.to_be_bytes().to_vec().into(),
        attributes: vec![pair("opentracing.ref_type", text("follows_from"))],
        ..Link::default()
    };
    let (code, message) = of.status();
    let span = Span {
        trace_id: of.span.trace_id.clone(),
        span_id: of.span.span_id.clone(),
        trace_state,
        parent_span_id: of.span.parent_span_id.clone(),
        name: jaeger.name.clone(),
        kind: of.span.kind,
        start_time_unix_nano: jaeger.start,
        end_time_unix_nano: jaeger.start + jaeger.duration,
        attributes: attributes(&jaeger.tags, &left_out),
        events: jaeger.logs.iter().map(event).collect(),
        links: jaeger.follows.iter().map(link).collect(),
        status: Some(Status { message, code: code as i32 }),
        ..Span::default()
    };
    let resource = Resource { attributes: resource, ..Resource::default() };
    FullSpan { resource, scope, span, ..FullSpan::default() }
}
