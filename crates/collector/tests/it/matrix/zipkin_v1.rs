//! Zipkin's spans of version 1: kind, host and peer are annotations. How senders write one, and how it is read back.
//!
//! In Thrift a value of a tag has a type; in JSON it is a text.

use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, SpanKind};
use spandrel_proto::otlp::trace::status::StatusCode;
use spandrel_proto::otlp::trace::{Span, Status};

use super::json::base64;
use super::model::{FullSpan, any, pair, text};
use super::zipkin::{Endpoint, ZipkinSpan, as_zipkin, put_remote, text_of, values_of};

/// A span of version 1. Times, ids and name are those of version 2.
#[derive(Debug, Clone)]
pub(super) struct V1Span {
    pub(super) zipkin: ZipkinSpan,
    /// About sending and receiving: times and values; the host is the local endpoint.
    pub(super) core: Vec<(u64, &'static str)>,
    /// What the annotation is called that has the peer.
    pub(super) peer: &'static str,
    /// Tags: texts, booleans, integers, doubles and bytes.
    pub(super) tags: Vec<(String, Value)>,
}

/// Not carried, beside what version 2 does not carry: types of values in JSON.
pub(super) fn as_v1(full: &FullSpan, is_typed: bool) -> V1Span {
    let zipkin = as_zipkin(full);
    let (begin, end) = (zipkin.timestamp, zipkin.timestamp + zipkin.duration);
    let (core, peer) = match full.kind() {
        SpanKind::Unspecified | SpanKind::Internal => (vec![], "sa"),
        SpanKind::Client => (vec![(begin, "cs"), (end, "cr")], "sa"),
        SpanKind::Server => (vec![(begin, "sr"), (end, "ss")], "ca"),
        SpanKind::Producer => (vec![(begin, "ms")], "ma"),
        SpanKind::Consumer => (vec![(begin, "mr")], "ma"),
    };
    let values = values_of(full);
    let value = |key: &str, said: &str| match (key, &values[key].value) {
        // A number in version 1.
        ("otel.status_code", _) => text(&(full.status().0 as i32).to_string()),
        (_, Some(Value::ArrayValue(_) | Value::KvlistValue(_)) | None) => text(said),
        (_, Some(scalar)) if is_typed => scalar.clone(),
        _ => text(said),
    };
    let tags = zipkin.tags.iter().map(|(key, said)| (key.clone(), value(key, said)));
    V1Span { core, peer, tags: tags.collect(), zipkin }
}

/// What comes of it in OTLP: everything but kind, status and peer stays what it is called in Zipkin, and an
/// annotation is an event's name as a whole.
pub(super) fn of_v1(v1: &V1Span, of: &FullSpan) -> FullSpan {
    let zipkin = &v1.zipkin;
    let Endpoint { service, address, port } = &zipkin.local;
    // Each annotation names the host; a span without any has none.
    let has_host = !(v1.core.is_empty() && v1.tags.is_empty() && zipkin.annotations.is_empty());
    let service = if has_host { service } else { "unknown-service" };
    let mut resource = vec![pair("service.name", text(service))];
    // Only annotations about sending and receiving say more of the host than its name.
    if !v1.core.is_empty() {
        let key = address.map(|of| if of.is_ipv4() { "ipv4" } else { "ipv6" });
        let address = key.zip(*address);
        resource.extend(address.map(|(key, address)| pair(key, text(&address.to_string()))));
        if *port > 0 {
            resource.push(pair("port", text(&port.to_string())));
        }
    }
    let is_status =
        |key: &str| ["error", "otel.status_code", "otel.status_description"].contains(&key);
    let tags = v1.tags.iter().filter(|(key, _)| !is_status(key));
    let mut attributes: Vec<_> = tags
        .map(|(key, value)| match value {
            Value::BytesValue(bytes) => pair(key, text(&base64(bytes))),
            value => pair(key, value.clone()),
        })
        .collect();
    put_remote(&zipkin.remote, &mut attributes);
    let event = |(time, value): &(u64, String)| Event {
        time_unix_nano: time * 1_000,
        name: value.clone(),
        ..Event::default()
    };
    let kind = match of.kind() {
        SpanKind::Internal => SpanKind::Unspecified,
        kind => kind,
    };
    let (code, message) = of.status();
    let span = Span {
        trace_id: of.span.trace_id.clone(),
        span_id: of.span.span_id.clone(),
        parent_span_id: of.span.parent_span_id.clone(),
        name: zipkin.name.clone(),
        kind: kind as i32,
        start_time_unix_nano: zipkin.timestamp * 1_000,
        end_time_unix_nano: (zipkin.timestamp + zipkin.duration) * 1_000,
        attributes,
        events: zipkin.annotations.iter().map(event).collect(),
        status: (code != StatusCode::Unset).then_some(Status { message, code: code as i32 }),
        ..Span::default()
    };
    let resource = Resource { attributes: resource, ..Resource::default() };
    FullSpan { resource, span, ..FullSpan::default() }
}

/// The text that a tag is in JSON.
pub(super) fn json_text(value: &Value) -> String {
    text_of(&any(value.clone()))
}
