//! Version 1: annotations with hosts, from which kind, times and service are read.
//!
//! JSON and Thrift are read into one form and translated by the same rules.

mod json;
mod status;
mod thrift;

use std::collections::HashMap;

use spandrel_proto::otlp::common::InstrumentationScope;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::Span;
use spandrel_proto::otlp::trace::span::{Event, SpanKind};
use spandrel_translate::{Attributes, RequestBuilder, Room, ScopeId, span_id, string, trace_id};

use crate::to_otlp::{PEER_PORT, START_TIME_ABSENT, put_address};
use crate::{Endpoint, Options, ZipkinError};
use status::StatusMapper;

pub use json::v1_json;
pub use thrift::v1_thrift;

/// The name of a service that nobody names.
const UNKNOWN_SERVICE: &str = "unknown-service";
/// Binary annotations whose endpoint is the other side: server, client and message broker.
const ADDRESSES: [&str; 3] = ["sa", "ca", "ma"];
/// The binary annotation that names the producer of a span without a host.
const LOCAL_COMPONENT: &str = "lc";
/// What a group takes besides its name.
const GROUP_BYTES: usize = 1024;

/// A span in either encoding; times in microseconds.
#[derive(Debug, Default)]
struct V1Span {
    trace_id: u128,
    id: u64,
    /// Zero when there is none.
    parent_id: u64,
    name: String,
    timestamp_micros: Option<i64>,
    duration_micros: i64,
    annotations: Vec<V1Annotation>,
    binary_annotations: Vec<BinaryAnnotation>,
}

#[derive(Debug)]
struct V1Annotation {
    timestamp_micros: i64,
    value: String,
    endpoint: Option<Endpoint>,
}

#[derive(Debug)]
struct BinaryAnnotation {
    key: String,
    value: Value,
    endpoint: Option<Endpoint>,
}

/// A request that is being translated.
struct Translation {
    builder: RequestBuilder,
    services: HashMap<(String, String, String, u16), ScopeId>,
    options: Options,
    /// When a span without any time is said to have been, in JSON.
    now_unix_nanos: u64,
}

impl Translation {
    fn new(options: Options, now_unix_nanos: u64) -> Self {
        let (builder, services) = (RequestBuilder::new(), HashMap::new());
        Self { builder, services, options, now_unix_nanos }
    }

    fn add(&mut self, span: V1Span, room: &mut Room<'_>) -> Result<(), ZipkinError> {
        let (span, endpoint) = self.translate(span);
        let id = self.service(endpoint, room)?;
        self.builder.add_span(id, &span, room)?;
        Ok(())
    }

    fn service(&mut self, host: Endpoint, room: &mut Room<'_>) -> Result<ScopeId, ZipkinError> {
        let text = |address: Option<String>| address.unwrap_or_default();
        let ipv4 = text(host.ipv4.map(|address| address.to_string()));
        let ipv6 = text(host.ipv6.map(|address| address.to_string()));
        let key = (host.service_name, ipv4, ipv6, host.port);
        if let Some(id) = self.services.get(&key) {
            return Ok(*id);
        }
        room.take(GROUP_BYTES + 4 * key.0.len())?;
        let mut attributes = Attributes::new();
        attributes.put("service.name", string(key.0.as_str()));
        for (name, address) in [("ipv4", &key.1), ("ipv6", &key.2)] {
            if !address.is_empty() {
                attributes.put(name, string(address.as_str()));
            }
        }
        if key.3 != 0 {
            attributes.put("port", string(key.3.to_string()));
        }
        let resource = Resource { attributes: attributes.into_list(), ..Resource::default() };
        let id = self.builder.add_resource(resource, InstrumentationScope::default());
        self.services.insert(key, id);
        Ok(id)
    }

    /// The span, and the host that recorded it.
    fn translate(&self, span: V1Span) -> (Span, Endpoint) {
        let mut read = read_annotations(span.annotations);
        let mut attributes = Attributes::new();
        let mut mapper = StatusMapper::default();
        let (mut fallback, mut component) = (String::new(), String::new());
        for BinaryAnnotation { key, value, endpoint } in span.binary_annotations {
            if let (true, Some(peer)) = (ADDRESSES.contains(&key.as_str()), &endpoint) {
                self.put_peer(peer, &mut attributes);
                continue;
            }
            if let Some(host) = endpoint.filter(|host| !host.service_name.is_empty()) {
                fallback = host.service_name;
            }
            let key = match key == LOCAL_COMPONENT {
                true => {
                    component = crate::value_text::text(&any(value.clone()));
                    "component".to_owned()
                }
                false => key,
            };
            if !mapper.take(&key, &value) {
                attributes.put(key, value);
            }
        }
        let fallback = if fallback.is_empty() { component } else { fallback };
        if read.host.service_name == UNKNOWN_SERVICE && !fallback.is_empty() {
            read.host.service_name = fallback;
        }
        if let Some(timestamp) = span.timestamp_micros {
            read.start_unix_nanos = nanos(timestamp);
            read.end_unix_nanos = nanos(timestamp.saturating_add(span.duration_micros));
        }
        if read.start_unix_nanos == 0 && self.now_unix_nanos != 0 {
            (read.start_unix_nanos, read.end_unix_nanos) =
                (self.now_unix_nanos, self.now_unix_nanos);
            attributes.put(START_TIME_ABSENT, Value::BoolValue(true));
        }
        let translated = Span {
            trace_id: trace_id(span.trace_id),
            span_id: span_id(span.id),
            parent_span_id: span_id(span.parent_id),
            name: span.name,
            kind: read.kind as i32,
            start_time_unix_nano: read.start_unix_nanos,
            end_time_unix_nano: read.end_unix_nanos,
            attributes: attributes.into_list(),
            events: read.events,
            status: mapper.status(),
            ..Span::default()
        };
        (translated, read.host)
    }

    fn put_peer(&self, peer: &Endpoint, attributes: &mut Attributes) {
        let network = self.options.network;
        if !peer.service_name.is_empty() {
            attributes.put(network.peer_service(), string(peer.service_name.as_str()));
        }
        put_address(peer, network.peer_address(), PEER_PORT, attributes);
    }
}

/// What annotations say of a span.
struct Annotations {
    kind: SpanKind,
    host: Endpoint,
    start_unix_nanos: u64,
    end_unix_nanos: u64,
    events: Vec<Event>,
}

/// The first annotation about sending or receiving decides on the kind, the first of them with a named host
/// on the host. All of them together say when the span was; the others are events.
fn read_annotations(annotations: Vec<V1Annotation>) -> Annotations {
    let (mut kind, mut host, mut events) = (None, None, Vec::new());
    let (mut earliest, mut latest) = (None::<i64>, None::<i64>);
    for V1Annotation { timestamp_micros, value, endpoint } in annotations {
        if value.is_empty() {
            continue;
        }
        earliest = Some(earliest.map_or(timestamp_micros, |time| time.min(timestamp_micros)));
        latest = Some(latest.map_or(timestamp_micros, |time| time.max(timestamp_micros)));
        let Some(says) = kind_of(&value) else {
            let time_unix_nano = nanos(timestamp_micros);
            events.push(Event { time_unix_nano, name: value, ..Event::default() });
            continue;
        };
        kind = kind.or(Some(says));
        host = host.or(endpoint.filter(|host| !host.service_name.is_empty()));
    }
    let unknown = || Endpoint { service_name: UNKNOWN_SERVICE.to_owned(), ..Endpoint::default() };
    Annotations {
        kind: kind.unwrap_or(SpanKind::Unspecified),
        host: host.unwrap_or_else(unknown),
        start_unix_nanos: earliest.map_or(0, nanos),
        end_unix_nanos: latest.map_or(0, nanos),
        events,
    }
}

fn kind_of(annotation: &str) -> Option<SpanKind> {
    Some(match annotation {
        "cs" | "cr" => SpanKind::Client,
        "ss" | "sr" => SpanKind::Server,
        "ms" => SpanKind::Producer,
        "mr" => SpanKind::Consumer,
        _ => return None,
    })
}

fn any(value: Value) -> spandrel_proto::otlp::common::AnyValue {
    spandrel_proto::otlp::common::AnyValue { value: Some(value) }
}

fn nanos(micros: i64) -> u64 {
    u64::try_from(micros).unwrap_or(0).saturating_mul(1_000)
}
