//! `api_v2`: spans in Jaeger's protobuf model.
//!
//! The batch and each span may name a process; that of the span wins. Spans are grouped by process, and
//! within it by the scope that their tags name.

use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;
use spandrel_proto::jaeger::{KeyValue, Log, Process, Span, SpanRef, SpanRefType, ValueType};
use spandrel_proto::otlp::common::InstrumentationScope;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::Event;
use spandrel_proto::well_known::{Duration, Timestamp};
use spandrel_translate::{
    Attributes, Fields, RequestBuilder, Room, ScopeId, Shape, Translated, count_messages, string,
};

use crate::JaegerError;
use crate::process::{NO_SERVICE_NAME, resource};
use crate::span::{JaegerSpan, Reference, ReferenceKind, event};

// Fields of the messages that are looked through before they are decoded.
const BATCH: u32 = 1;
const SPANS: u32 = 1;
const PROCESS: u32 = 2;
static LEAF: Shape = Shape(&[]);
static LOG: Shape = Shape(&[(1, &LEAF), (2, &LEAF)]);
static PROCESS_SHAPE: Shape = Shape(&[(2, &LEAF)]);
static SPAN: Shape = Shape(&[(4, &LEAF), (8, &LEAF), (9, &LOG), (10, &PROCESS_SHAPE), (12, &LEAF)]);
/// What a message within a span takes at most when it is decoded and translated, besides its texts: a
/// reference that becomes a link takes the most.
const MESSAGE_BYTES: usize = 512;

/// Translates a `PostSpansRequest`.
///
/// # Errors
/// [`JaegerError`] when it is damaged or too large for the room.
pub fn post_spans(request: &Bytes, room: &mut Room<'_>) -> Result<Translated, JaegerError> {
    let mut batch_process = None;
    for field in batch_fields(request) {
        if let (PROCESS, message) = field? {
            take_room(message, &PROCESS_SHAPE, room)?;
            batch_process = Some(Process::decode(request.slice_ref(message))?);
        }
    }
    let mut groups = Groups { builder: RequestBuilder::new(), processes: HashMap::new() };
    for field in batch_fields(request) {
        if let (SPANS, message) = field? {
            take_room(message, &SPAN, room)?;
            let mut span = Span::decode(request.slice_ref(message))?;
            if span == Span::default() {
                continue;
            }
            let process = span.process.take();
            let scope = take_scope(&mut span.tags);
            let id = groups.scope(process.as_ref().or(batch_process.as_ref()), scope, room)?;
            let mut span = jaeger_span(span)?;
            let trace_state = span.tags.remove_text("w3c.tracestate").unwrap_or_default();
            groups.builder.add_span(id, &span.translate(trace_state), room)?;
        }
    }
    Ok(groups.builder.finish())
}

/// The fields of the batch; by the rules of protobuf, of several batches together.
fn batch_fields(request: &[u8]) -> impl Iterator<Item = Result<(u32, &[u8]), JaegerError>> {
    Fields::new(request).flat_map(|field| {
        let (batch, fault) = match field {
            Ok((BATCH, batch)) => (batch, None),
            Ok(_unknown) => (&[] as &[u8], None),
            Err(error) => (&[] as &[u8], Some(Err(error))),
        };
        Fields::new(batch).chain(fault).map(|field| field.map_err(JaegerError::from))
    })
}

fn take_room(message: &[u8], shape: &Shape, room: &mut Room<'_>) -> Result<(), JaegerError> {
    let n_messages = count_messages(message, shape).saturating_add(1);
    room.take(n_messages.saturating_mul(MESSAGE_BYTES).saturating_add(2 * message.len()))?;
    Ok(())
}

/// By name and version.
type Scopes = HashMap<(String, String), ScopeId>;

/// The groups that spans have been put into.
struct Groups {
    builder: RequestBuilder,
    /// By the encoded process; none is a process of its own.
    processes: HashMap<Option<Vec<u8>>, Scopes>,
}

impl Groups {
    fn scope(
        &mut self,
        process: Option<&Process>,
        (name, version): (String, String),
        room: &mut Room<'_>,
    ) -> Result<ScopeId, JaegerError> {
        let scopes = self.processes.entry(process.map(Message::encode_to_vec)).or_default();
        let key = (name.clone(), version.clone());
        if let Some(id) = scopes.get(&key) {
            return Ok(*id);
        }
        let known = scopes.values().next().copied();
        room.take(MESSAGE_BYTES + 2 * (name.len() + version.len()))?;
        let scope = InstrumentationScope { name, version, ..InstrumentationScope::default() };
        let id = match known {
            Some(known) => self.builder.add_scope(known, scope),
            None => {
                room.take(3 * process.map_or(0, Message::encoded_len))?;
                let resource = process.map(process_resource).unwrap_or_default();
                self.builder.add_resource(resource, scope)
            }
        };
        scopes.insert(key, id);
        Ok(id)
    }
}

fn process_resource(process: &Process) -> Resource {
    // That name stands for no resource at all.
    if process.service_name == NO_SERVICE_NAME {
        return Resource::default();
    }
    resource(&process.service_name, attributes(process.tags.clone()))
}

/// Name and version of the scope, which translators into Jaeger keep in tags.
fn take_scope(tags: &mut Vec<KeyValue>) -> (String, String) {
    let mut take = |key: &str| {
        let place = tags.iter().position(|tag| tag.key == key)?;
        Some(tags.remove(place).v_str)
    };
    let Some(name) = take("otel.scope.name") else { return Default::default() };
    (name, take("otel.scope.version").unwrap_or_default())
}

fn jaeger_span(span: Span) -> Result<JaegerSpan, JaegerError> {
    let start = nanos(span.start_time);
    let references: Result<_, _> = span.references.iter().map(reference).collect();
    Ok(JaegerSpan {
        trace_id: trace_id(&span.trace_id)?,
        span_id: span_id(&span.span_id)?,
        parent_span_id: 0,
        operation_name: span.operation_name,
        start_unix_nanos: unsigned(start),
        end_unix_nanos: unsigned(start.saturating_add(duration_nanos(span.duration))),
        references: references?,
        tags: attributes(span.tags),
        logs: span.logs.into_iter().map(log).collect(),
        flags: span.flags,
    })
}

fn reference(reference: &SpanRef) -> Result<Reference, JaegerError> {
    let kind = match reference.ref_type == SpanRefType::ChildOf as i32 {
        true => ReferenceKind::ChildOf,
        false => ReferenceKind::FollowsFrom,
    };
    let trace_id = trace_id(&reference.trace_id)?;
    Ok(Reference { trace_id, span_id: span_id(&reference.span_id)?, kind })
}

fn log(log: Log) -> Event {
    event(unsigned(nanos(log.timestamp)), attributes(log.fields))
}

fn attributes(tags: Vec<KeyValue>) -> Attributes {
    let mut attributes = Attributes::new();
    for tag in tags {
        let value = match ValueType::try_from(tag.v_type) {
            Ok(ValueType::String) => Value::StringValue(tag.v_str),
            Ok(ValueType::Bool) => Value::BoolValue(tag.v_bool),
            Ok(ValueType::Int64) => Value::IntValue(tag.v_int64),
            Ok(ValueType::Float64) => Value::DoubleValue(tag.v_float64),
            Ok(ValueType::Binary) => Value::BytesValue(tag.v_binary),
            // The Collector's words, which users may search for.
            Err(_unknown) => string(format!("<Unknown Jaeger TagType \"{}\">", tag.v_type)),
        };
        attributes.put(tag.key, value);
    }
    attributes
}

fn trace_id(bytes: &[u8]) -> Result<u128, JaegerError> {
    match bytes.len() {
        0 => Ok(0),
        8 => Ok(u128::from(bytes.try_into().map_or(0, u64::from_be_bytes))),
        16 => Ok(bytes.try_into().map_or(0, u128::from_be_bytes)),
        length => Err(JaegerError::InvalidId { what: "trace id", length }),
    }
}

fn span_id(bytes: &[u8]) -> Result<u64, JaegerError> {
    match bytes.len() {
        0 => Ok(0),
        8 => Ok(bytes.try_into().map_or(0, u64::from_be_bytes)),
        length => Err(JaegerError::InvalidId { what: "span id", length }),
    }
}

/// Since 1970; wide enough for every timestamp of protobuf.
fn nanos(time: Option<Timestamp>) -> i128 {
    let time = time.unwrap_or_default();
    i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos)
}

fn duration_nanos(duration: Option<Duration>) -> i128 {
    let duration = duration.unwrap_or_default();
    i128::from(duration.seconds) * 1_000_000_000 + i128::from(duration.nanos)
}

fn unsigned(nanos: i128) -> u64 {
    u64::try_from(nanos.max(0)).unwrap_or(u64::MAX)
}
