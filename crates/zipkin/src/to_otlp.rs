//! Spans of version 2 into OTLP.

use std::collections::{BTreeMap, HashMap};

use prost::Message;
use spandrel_proto::otlp::common::InstrumentationScope;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::SpanKind;
use spandrel_proto::otlp::trace::status::StatusCode;
use spandrel_proto::otlp::trace::{self, Status};
use spandrel_translate::{
    Attributes, RequestBuilder, Room, ScopeId, Translated, span_id, string, trace_id,
};

use crate::annotation::{event, take_links};
use crate::resource::take_resource;
use crate::tag_value::value;
use crate::{Endpoint, Kind, Options, Span, ZipkinError};

pub(crate) const LIBRARY_NAME: &str = "otel.library.name";
pub(crate) const LIBRARY_VERSION: &str = "otel.library.version";
/// Set on a span whose start nobody knows.
pub(crate) const START_TIME_ABSENT: &str = "otel.zipkin.absentField.startTime";
pub(crate) const TRACE_STATE: &str = "w3c.tracestate";
pub(crate) const STATUS_CODE: &str = "otel.status_code";
pub(crate) const STATUS_DESCRIPTION: &str = "otel.status_description";
pub(crate) const ERROR: &str = "error";
pub(crate) const SPAN_KIND: &str = "span.kind";
pub(crate) const LOCAL_PORT: &str = "net.host.port";
pub(crate) const PEER_PORT: &str = "net.peer.port";
/// What a group takes besides its resource and scope.
const GROUP_BYTES: usize = 512;

/// A request that is being translated.
pub(crate) struct Translation {
    options: Options,
    builder: RequestBuilder,
    /// By the encoded resource, then by name and version of the scope.
    resources: HashMap<Vec<u8>, HashMap<(String, String), ScopeId>>,
}

impl Translation {
    pub(crate) fn new(options: Options) -> Self {
        Self { options, builder: RequestBuilder::new(), resources: HashMap::new() }
    }

    /// Translates one span.
    pub(crate) fn add(&mut self, mut span: Span, room: &mut Room<'_>) -> Result<(), ZipkinError> {
        let mut tags = std::mem::take(&mut span.tags);
        let service = span.local_endpoint.as_ref().map_or("", |local| local.service_name.as_str());
        let attributes = take_resource(&mut tags, service).into_list();
        let resource = Resource { attributes, ..Resource::default() };
        let scope = [LIBRARY_NAME, LIBRARY_VERSION].map(|key| tags.remove(key).unwrap_or_default());
        let id = self.group(resource, scope, room)?;
        let span = translate(span, tags, self.options)?;
        self.builder.add_span(id, &span, room)?;
        Ok(())
    }

    pub(crate) fn finish(self) -> Translated {
        self.builder.finish()
    }

    fn group(
        &mut self,
        resource: Resource,
        [name, version]: [String; 2],
        room: &mut Room<'_>,
    ) -> Result<ScopeId, ZipkinError> {
        let scopes = self.resources.entry(resource.encode_to_vec()).or_default();
        let key = (name.clone(), version.clone());
        if let Some(id) = scopes.get(&key) {
            return Ok(*id);
        }
        let known = scopes.values().next().copied();
        room.take(GROUP_BYTES + 3 * (resource.encoded_len() + name.len() + version.len()))?;
        let scope = InstrumentationScope { name, version, ..InstrumentationScope::default() };
        let id = match known {
            Some(known) => self.builder.add_scope(known, scope),
            None => self.builder.add_resource(resource, scope),
        };
        scopes.insert(key, id);
        Ok(id)
    }
}

fn translate(
    span: Span,
    mut tags: BTreeMap<String, String>,
    options: Options,
) -> Result<trace::Span, ZipkinError> {
    let trace_state = tags.remove(TRACE_STATE).unwrap_or_default();
    let kind = take_kind(span.kind, &mut tags);
    let status = take_status(&mut tags);
    let links = take_links(&mut tags)?;
    let mut attributes = Attributes::new();
    for (key, text) in tags {
        attributes.put(key, value(text, options.parse_string_tags));
    }
    put_endpoints(&span, options, &mut attributes);
    if span.timestamp_micros == 0 {
        attributes.put(START_TIME_ABSENT, Value::BoolValue(true));
    }
    let events = span.annotations.into_iter();
    let end_micros = span.timestamp_micros.saturating_add(span.duration_micros);
    Ok(trace::Span {
        trace_id: trace_id(span.trace_id),
        span_id: span_id(span.id),
        trace_state,
        parent_span_id: span_id(span.parent_id.filter(|parent| *parent != span.id).unwrap_or(0)),
        name: span.name,
        kind: kind as i32,
        start_time_unix_nano: nanos(span.timestamp_micros),
        end_time_unix_nano: nanos(end_micros),
        attributes: attributes.into_list(),
        events: events.map(|other| event(nanos(other.timestamp_micros), other.value)).collect(),
        links,
        status,
        ..trace::Span::default()
    })
}

fn take_kind(kind: Kind, tags: &mut BTreeMap<String, String>) -> SpanKind {
    match kind {
        Kind::Client => SpanKind::Client,
        Kind::Server => SpanKind::Server,
        Kind::Producer => SpanKind::Producer,
        Kind::Consumer => SpanKind::Consumer,
        Kind::Unspecified => match tags.remove(SPAN_KIND).as_deref() {
            Some("internal") => SpanKind::Internal,
            _ => SpanKind::Unspecified,
        },
    }
}

/// Names of the status as OTLP and as the OpenTelemetry exporters for Zipkin write them. Any tag `error` is
/// an error; one that says more than `true` stays.
fn take_status(tags: &mut BTreeMap<String, String>) -> Option<Status> {
    let mut status = tags.remove(STATUS_CODE).map(|name| {
        let code = match name.as_str() {
            "STATUS_CODE_OK" | "OK" | "Ok" => StatusCode::Ok,
            "STATUS_CODE_ERROR" | "ERROR" | "Error" => StatusCode::Error,
            _ => StatusCode::Unset,
        };
        Status { code: code as i32, message: tags.remove(STATUS_DESCRIPTION).unwrap_or_default() }
    });
    if let Some(error) = tags.get(ERROR) {
        let is_bare = error == "true";
        status.get_or_insert_default().code = StatusCode::Error as i32;
        if is_bare {
            tags.remove(ERROR);
        }
    }
    status
}

fn put_endpoints(span: &Span, options: Options, attributes: &mut Attributes) {
    let network = options.network;
    if let Some(local) = &span.local_endpoint {
        put_address(local, network.local_address(), LOCAL_PORT, attributes);
    }
    if let Some(remote) = &span.remote_endpoint {
        if !remote.service_name.is_empty() {
            attributes.put(network.peer_service(), string(remote.service_name.as_str()));
        }
        put_address(remote, network.peer_address(), PEER_PORT, attributes);
    }
}

/// Of two addresses that of version 6 counts.
pub(crate) fn put_address(
    endpoint: &Endpoint,
    address_key: &str,
    port_key: &str,
    attributes: &mut Attributes,
) {
    let v6 = endpoint.ipv6.map(|address| address.to_string());
    if let Some(address) = v6.or(endpoint.ipv4.map(|address| address.to_string())) {
        attributes.put(address_key, string(address));
    }
    if endpoint.port > 0 {
        attributes.put(port_key, Value::IntValue(i64::from(endpoint.port)));
    }
}

pub(crate) fn nanos(micros: u64) -> u64 {
    micros.saturating_mul(1_000)
}
