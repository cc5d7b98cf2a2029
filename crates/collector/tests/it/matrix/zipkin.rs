//! What Zipkin's model (version 2) carries of a span, and how it is read back: "OpenTelemetry to Zipkin
//! Transformation" of the specification, and the rules of the Collector's translators where it leaves them open.

use std::collections::BTreeMap;
use std::net::IpAddr;

use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, Link, SpanKind};
use spandrel_proto::otlp::trace::status::StatusCode;
use spandrel_proto::otlp::trace::{Span, Status};

use super::fields::Fields;
use super::json::{base64, plain, plain_object};
use super::model::{FullSpan, any, id, pair, text};

/// A span of version 2; times in microseconds, and what is zero or empty is not there.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ZipkinSpan {
    pub(super) trace_id: u128,
    pub(super) id: u64,
    pub(super) parent: u64,
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) timestamp: u64,
    pub(super) duration: u64,
    pub(super) local: Endpoint,
    pub(super) remote: Endpoint,
    pub(super) annotations: Vec<(u64, String)>,
    pub(super) tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Endpoint {
    pub(super) service: String,
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
}

/// Attributes of the traces that belong to the resource by the semantic conventions.
const RESOURCE_KEYS: [&str; 3] = ["host.name", "process.pid", "telemetry.sdk.name"];
/// Doubles of the traces, as JavaScript writes them.
const DOUBLES: [(f64, &str); 11] = [
    (-1.5, "-1.5"),
    (-0.0, "-0"),
    (0.0, "0"),
    (4443.0, "4443"),
    (65_535.0, "65535"),
    (i64::MAX as f64, "9223372036854776000"),
    (i64::MIN as f64, "-9223372036854776000"),
    (f64::MAX, "1.7976931348623157e+308"),
    (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
    (f64::INFINITY, "Infinity"),
    (f64::NEG_INFINITY, "-Infinity"),
];

/// Values are texts; lists and maps are JSON in a text.
pub(super) fn text_of(value: &AnyValue) -> String {
    match &value.value {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BytesValue(bytes)) => base64(bytes),
        Some(Value::DoubleValue(number)) if number.is_nan() => "NaN".to_owned(),
        Some(Value::DoubleValue(number)) => {
            let known = DOUBLES.iter().find(|(known, _)| known.to_bits() == number.to_bits());
            known.expect("a double of the trace").1.to_owned()
        }
        _ => plain(value).to_string(),
    }
}

/// All that becomes a tag, with the values that it had. A span's attribute hides one of its resource.
pub(super) fn values_of(full: &FullSpan) -> BTreeMap<String, AnyValue> {
    let mut values = BTreeMap::new();
    let lists = [&full.resource.attributes, &full.scope.attributes, &full.span.attributes];
    for pair in lists.into_iter().flatten() {
        values.insert(pair.key.clone(), pair.value.clone().unwrap());
    }
    let mut put = |key: &str, said: &str| {
        if !said.is_empty() {
            values.insert(key.to_owned(), any(text(said)));
        }
    };
    put("otel.library.name", &full.scope.name);
    put("otel.library.version", &full.scope.version);
    put("w3c.tracestate", &full.span.trace_state);
    if full.kind() == SpanKind::Internal {
        put("span.kind", "internal");
    }
    let (code, message) = full.status();
    match code {
        StatusCode::Unset => {}
        StatusCode::Ok => put("otel.status_code", "STATUS_CODE_OK"),
        StatusCode::Error => {
            put("otel.status_code", "STATUS_CODE_ERROR");
            put("error", "true");
        }
    }
    if code != StatusCode::Unset {
        put("otel.status_description", &message);
    }
    for (place, link) in full.span.links.iter().enumerate() {
        let (trace, span) = (id(&link.trace_id), id(&link.span_id));
        let (state, dropped) = (&link.trace_state, link.dropped_attributes_count);
        let attributes = sorted(&link.attributes);
        let said = format!("{trace:032x}|{span:016x}|{state}|{attributes}|{dropped}");
        put(&format!("otlp.link.{place}"), &said);
    }
    values
}

fn sorted(attributes: &[KeyValue]) -> String {
    let mut attributes = attributes.to_vec();
    attributes.sort_by(|one, other| one.key.cmp(&other.key));
    plain_object(&attributes).to_string()
}

/// Not carried: schema URLs, entity references, dropped counts, flags, a status message without code; whether an
/// attribute was of the span, its scope or its resource; types of values.
pub(super) fn as_zipkin(full: &FullSpan) -> ZipkinSpan {
    let values = values_of(full).into_iter();
    let mut tags: BTreeMap<_, _> = values.map(|(key, value)| (key, text_of(&value))).collect();
    let service = tags.remove("service.name").unwrap_or_default();
    let mut take = |service: String, address: &str, port: &str| Endpoint {
        service,
        address: tags.remove(address).map(|address| address.parse().unwrap()),
        port: tags.remove(port).map_or(0, |port| port.parse().unwrap()),
    };
    let local = take(service, "network.local.address", "net.host.port");
    let mut remote = take(String::new(), "network.peer.address", "net.peer.port");
    remote.service = tags.remove("service.peer.name").unwrap_or_default();
    let span = &full.span;
    let annotation = |event: &Event| {
        let is_bare = event.attributes.is_empty() && event.dropped_attributes_count == 0;
        let value = match is_bare {
            true => event.name.clone(),
            false => {
                let attributes = sorted(&event.attributes);
                format!("{}|{attributes}|{}", event.name, event.dropped_attributes_count)
            }
        };
        (micros(event.time_unix_nano), value)
    };
    let nanos = span.end_time_unix_nano - span.start_time_unix_nano;
    ZipkinSpan {
        trace_id: full.trace_id(),
        id: full.span_id(),
        parent: full.parent(),
        kind: match full.kind() {
            SpanKind::Unspecified | SpanKind::Internal => "",
            SpanKind::Server => "SERVER",
            SpanKind::Client => "CLIENT",
            SpanKind::Producer => "PRODUCER",
            SpanKind::Consumer => "CONSUMER",
        },
        name: span.name.clone(),
        timestamp: micros(span.start_time_unix_nano),
        // A shorter one than a microsecond is one.
        duration: if nanos == 0 { 0 } else { micros(nanos).max(1) },
        local,
        remote,
        annotations: span.events.iter().map(annotation).collect(),
        tags,
    }
}

fn micros(nanos: u64) -> u64 {
    (nanos + 500) / 1_000
}

/// JSON has names in lower case, as Zipkin's libraries write it.
pub(super) fn in_json(mut span: ZipkinSpan) -> ZipkinSpan {
    for name in [&mut span.name, &mut span.local.service, &mut span.remote.service] {
        *name = name.to_lowercase();
    }
    span
}

/// What comes of it in OTLP.
pub(super) fn of_zipkin(zipkin: &ZipkinSpan, of: &FullSpan) -> FullSpan {
    let mut tags = zipkin.tags.clone();
    let mut resource = vec![pair("service.name", text(&zipkin.local.service))];
    for key in RESOURCE_KEYS {
        resource.extend(tags.remove(key).map(|value| pair(key, text(&value))));
    }
    for key in ["otel.library.name", "otel.library.version", "w3c.tracestate", "span.kind"]
        .into_iter()
        .chain(["otel.status_code", "otel.status_description", "error"])
    {
        tags.remove(key);
    }
    tags.retain(|key, _| !key.starts_with("otlp.link."));
    let mut attributes: Vec<_> = tags.iter().map(|(key, value)| pair(key, text(value))).collect();
    let (local, remote) = (&zipkin.local, &zipkin.remote);
    put_address(local, "network.local.address", "net.host.port", &mut attributes);
    put_remote(remote, &mut attributes);
    let events = of.span.events.iter().zip(&zipkin.annotations);
    let links = of.span.links.iter().map(|link| Link {
        attributes: of_nested(&link.attributes),
        flags: 0,
        ..link.clone()
    });
    let (code, message) = of.status();
    let span = Span {
        trace_id: of.span.trace_id.clone(),
        span_id: of.span.span_id.clone(),
        trace_state: of.span.trace_state.clone(),
        parent_span_id: of.span.parent_span_id.clone(),
        name: zipkin.name.clone(),
        kind: of.span.kind,
        start_time_unix_nano: zipkin.timestamp * 1_000,
        end_time_unix_nano: (zipkin.timestamp + zipkin.duration) * 1_000,
        attributes,
        events: events
            .map(|(event, (time, _))| Event {
                time_unix_nano: time * 1_000,
                attributes: of_nested(&event.attributes),
                ..event.clone()
            })
            .collect(),
        links: links.collect(),
        status: Some(Status { message, code: code as i32 }),
        ..Span::default()
    };
    let InstrumentationScope { name, version, .. } = of.scope.clone();
    let scope = InstrumentationScope { name, version, ..InstrumentationScope::default() };
    let resource = Resource { attributes: resource, ..Resource::default() };
    FullSpan { resource, scope, span, ..FullSpan::default() }
}

pub(super) fn put_remote(remote: &Endpoint, attributes: &mut Vec<KeyValue>) {
    if !remote.service.is_empty() {
        attributes.push(pair("service.peer.name", text(&remote.service)));
    }
    put_address(remote, "network.peer.address", "net.peer.port", attributes);
}

fn put_address(of: &Endpoint, address: &str, port: &str, attributes: &mut Vec<KeyValue>) {
    attributes.extend(of.address.map(|of| pair(address, text(&of.to_string()))));
    if of.port > 0 {
        attributes.push(pair(port, Value::IntValue(of.port.into())));
    }
}

/// Attributes that were an object of JSON: those without a value are not there.
fn of_nested(attributes: &[KeyValue]) -> Vec<KeyValue> {
    let pairs = attributes.iter();
    let pairs =
        pairs.map(|pair| KeyValue { value: pair.value.as_ref().map(of_plain), ..pair.clone() });
    pairs.filter(|pair| pair.value.as_ref().is_some_and(|any| any.value.is_some())).collect()
}

/// Numbers without a fraction are integers, as far as there are such; bytes and doubles that JSON does not have are
/// texts.
fn of_plain(value: &AnyValue) -> AnyValue {
    any(match &value.value {
        None => return AnyValue::default(),
        Some(Value::DoubleValue(number)) if !number.is_finite() => text(&text_of(value)),
        Some(Value::DoubleValue(number)) if number.fract() == 0.0 && number.abs() < 9e18 => {
            Value::IntValue(*number as i64)
        }
        Some(Value::BytesValue(bytes)) => text(&base64(bytes)),
        Some(Value::ArrayValue(array)) => {
            Value::ArrayValue(ArrayValue { values: array.values.iter().map(of_plain).collect() })
        }
        Some(Value::KvlistValue(list)) => {
            let pairs = list.values.iter();
            let pairs = pairs
                .map(|pair| KeyValue { value: pair.value.as_ref().map(of_plain), ..pair.clone() });
            Value::KvlistValue(KeyValueList { values: pairs.collect() })
        }
        Some(scalar) => scalar.clone(),
    })
}

/// All that it says.
pub(super) fn fields_of_zipkin(span: &ZipkinSpan) -> Fields {
    let ZipkinSpan {
        trace_id,
        id,
        parent,
        kind,
        name,
        timestamp,
        duration,
        local,
        remote,
        annotations,
        tags,
    } = span;
    let mut fields = Fields::default();
    fields.put("ids", format!("{trace_id:032x} {id:016x} {parent:016x}"));
    fields.put("kind", kind);
    fields.put("name", name);
    fields.put("timestamp", timestamp);
    fields.put("duration", duration);
    fields.put("local endpoint", format!("{local:?}"));
    fields.put("remote endpoint", format!("{remote:?}"));
    for (place, (time, value)) in annotations.iter().enumerate() {
        fields.put(format!("annotations/{place}"), format!("{time} {value}"));
    }
    for (key, value) in tags {
        fields.put(format!("tags/{key}"), value);
    }
    fields
}
