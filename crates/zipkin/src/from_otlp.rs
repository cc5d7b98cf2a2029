//! OTLP into spans of version 2.

use std::collections::BTreeMap;
use std::net::IpAddr;

use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::{AnyValue, InstrumentationScope, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, SpanKind};
use spandrel_proto::otlp::trace::status::StatusCode;
use spandrel_proto::otlp::trace::{self, Status};

use crate::annotation::{annotation_value, link_tag};
use crate::options::Network;
use crate::resource::{NAME_SOURCES, NO_SERVICE_NAME, SERVICE_NAME, SERVICE_NAME_SOURCE};
use crate::to_otlp::{
    ERROR, LIBRARY_NAME, LIBRARY_VERSION, LOCAL_PORT, PEER_PORT, SPAN_KIND, START_TIME_ABSENT,
    STATUS_CODE, STATUS_DESCRIPTION, TRACE_STATE,
};
use crate::value_text::text;
use crate::{Annotation, Endpoint, Kind, Span, ZipkinError};

type Tags = BTreeMap<String, String>;

/// The spans of a request.
///
/// # Errors
/// [`ZipkinError::InvalidId`] when a span has no valid trace id or span id.
pub fn spans_of(request: &ExportTraceServiceRequest) -> Result<Vec<Span>, ZipkinError> {
    let mut spans = Vec::new();
    for resource_spans in &request.resource_spans {
        let (service, resource_tags) = producer(resource_spans.resource.as_ref());
        for scope_spans in &resource_spans.scope_spans {
            let mut shared = resource_tags.clone();
            put_scope(scope_spans.scope.as_ref(), &mut shared);
            for span in &scope_spans.spans {
                spans.push(translate(span, &service, shared.clone())?);
            }
        }
    }
    Ok(spans)
}

/// The name of the service and the other attributes of the resource.
fn producer(resource: Option<&Resource>) -> (String, Tags) {
    let mut tags = Tags::new();
    put_attributes(resource.map_or(&[], |resource| &resource.attributes), &mut tags);
    if let Some(service) = tags.remove(SERVICE_NAME) {
        return (service, tags);
    }
    for source in NAME_SOURCES {
        if let Some(service) = tags.remove(source) {
            tags.insert(SERVICE_NAME_SOURCE.to_owned(), source.to_owned());
            return (service, tags);
        }
    }
    (NO_SERVICE_NAME.to_owned(), tags)
}

fn put_scope(scope: Option<&InstrumentationScope>, tags: &mut Tags) {
    let Some(scope) = scope else { return };
    put_attributes(&scope.attributes, tags);
    for (key, value) in [(LIBRARY_NAME, &scope.name), (LIBRARY_VERSION, &scope.version)] {
        if !value.is_empty() {
            tags.insert(key.to_owned(), value.clone());
        }
    }
}

fn put_attributes(attributes: &[KeyValue], tags: &mut Tags) {
    let nothing = AnyValue::default();
    for pair in attributes {
        tags.insert(pair.key.clone(), text(pair.value.as_ref().unwrap_or(&nothing)));
    }
}

fn translate(span: &trace::Span, service: &str, mut tags: Tags) -> Result<Span, ZipkinError> {
    put_attributes(&span.attributes, &mut tags);
    if !span.trace_state.is_empty() {
        tags.insert(TRACE_STATE.to_owned(), span.trace_state.clone());
    }
    if span.kind == SpanKind::Internal as i32 {
        tags.insert(SPAN_KIND.to_owned(), "internal".to_owned());
    }
    let local = take_endpoint(
        &mut tags,
        service.to_owned(),
        [Network::Current.local_address(), Network::Old.local_address(), LOCAL_PORT],
    );
    let peer = take_peer_service(&mut tags);
    let remote = take_endpoint(
        &mut tags,
        peer,
        [Network::Current.peer_address(), Network::Old.peer_address(), PEER_PORT],
    );
    put_status(span.status.as_ref(), &mut tags);
    tags.extend(span.links.iter().enumerate().map(|(place, link)| link_tag(place, link)));
    let timestamp_micros = start_micros(span.start_time_unix_nano);
    if timestamp_micros == 0 {
        tags.remove(START_TIME_ABSENT);
    }
    let trace_id = span.trace_id[..].try_into().map_or(0, u128::from_be_bytes);
    let id = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_be_bytes);
    let checked = |id: u64, what| match id {
        0 => Err(ZipkinError::InvalidId { what }),
        _ => Ok(id),
    };
    if trace_id == 0 {
        return Err(ZipkinError::InvalidId { what: "trace id" });
    }
    Ok(Span {
        trace_id,
        parent_id: Some(id(&span.parent_span_id)).filter(|parent| *parent != 0),
        id: checked(id(&span.span_id), "span id")?,
        kind: kind(span.kind),
        shared: false,
        name: span.name.clone(),
        timestamp_micros,
        duration_micros: duration_micros(span),
        local_endpoint: local,
        remote_endpoint: remote,
        annotations: span.events.iter().map(annotation).collect(),
        tags,
    })
}

fn kind(kind: i32) -> Kind {
    match SpanKind::try_from(kind) {
        Ok(SpanKind::Client) => Kind::Client,
        Ok(SpanKind::Server) => Kind::Server,
        Ok(SpanKind::Producer) => Kind::Producer,
        Ok(SpanKind::Consumer) => Kind::Consumer,
        Ok(SpanKind::Unspecified | SpanKind::Internal) | Err(_) => Kind::Unspecified,
    }
}

/// A start in the first second of 1970 is none: so a translation into OTLP marks it.
fn start_micros(nanos: u64) -> u64 {
    match nanos {
        0..1_000_000_000 => 0,
        _ => rounded_micros(nanos),
    }
}

/// A duration that is shorter than a microsecond is one.
fn duration_micros(span: &trace::Span) -> u64 {
    match span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano) {
        0 => 0,
        nanos => rounded_micros(nanos).max(1),
    }
}

fn rounded_micros(nanos: u64) -> u64 {
    nanos / 1_000 + u64::from(nanos % 1_000 >= 500)
}

fn annotation(event: &Event) -> Annotation {
    Annotation {
        timestamp_micros: rounded_micros(event.time_unix_nano),
        value: annotation_value(event),
    }
}

fn take_peer_service(tags: &mut Tags) -> String {
    let current = tags.remove(Network::Current.peer_service());
    // If both are there, the old one stays a tag, as in the Collector.
    current.or_else(|| tags.remove(Network::Old.peer_service())).unwrap_or_default()
}

/// An endpoint of the tags for address and port; what cannot be read as such is left out.
fn take_endpoint(tags: &mut Tags, service_name: String, keys: [&str; 3]) -> Option<Endpoint> {
    let [current, old, port] = keys;
    let address = [current, old]
        .into_iter()
        .find_map(|key| tags.get(key)?.parse::<IpAddr>().ok().map(|address| (key, address)));
    let number = tags.get(port).and_then(|port| port.parse().ok()).unwrap_or(0);
    if number > 0 {
        tags.remove(port);
    }
    let mut endpoint = Endpoint { service_name, port: number, ..Endpoint::default() };
    if let Some((key, address)) = address {
        tags.remove(key);
        match address {
            IpAddr::V4(address) => endpoint.ipv4 = Some(address),
            IpAddr::V6(address) => endpoint.ipv6 = Some(address),
        }
    }
    (!endpoint.is_empty()).then_some(endpoint)
}

/// Zipkin shows every span with a tag `error` as failed, whatever the tag says.
fn put_status(status: Option<&Status>, tags: &mut Tags) {
    let status = status.cloned().unwrap_or_default();
    let code = StatusCode::try_from(status.code).unwrap_or(StatusCode::Unset);
    match code {
        StatusCode::Error => {
            tags.insert(ERROR.to_owned(), "true".to_owned());
        }
        StatusCode::Unset | StatusCode::Ok => {
            tags.remove(ERROR);
        }
    }
    if code == StatusCode::Unset {
        return;
    }
    tags.insert(STATUS_CODE.to_owned(), code.as_str_name().to_owned());
    if !status.message.is_empty() {
        tags.insert(STATUS_DESCRIPTION.to_owned(), status.message);
    }
}
