//! A segment and its subsegments as spans.

mod attributes;

use spandrel_proto::otlp::common::InstrumentationScope;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::trace::span::{Event, SpanKind};
use spandrel_proto::otlp::trace::status::StatusCode;
use spandrel_proto::otlp::trace::{Span, Status};
use spandrel_translate::{
    Attributes, RequestBuilder, Room, ScopeId, Translated, span_id, string, trace_id,
};

use crate::XrayError;
use crate::document::{Cause, Exception, Header, Segment};
use attributes::{resource, span_attributes};

/// What a byte of JSON takes at most when it is read: `{},` becomes a segment, in a list that may have twice the room
/// that it needs, and then a span.
const BYTES_PER_BYTE: usize = 2 * size_of::<Segment>() / 3 + 400;

/// Translates what an SDK sends to the daemon in one datagram.
///
/// # Errors
/// [`XrayError`] when it is no segment, or too large for the room.
pub fn datagram(bytes: &[u8], room: &mut Room<'_>) -> Result<Translated, XrayError> {
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(XrayError::Header)?;
    let (header, body) = bytes.split_at_checked(end).ok_or(XrayError::Header)?;
    let header: Header = serde_json::from_slice(header).map_err(|_| XrayError::Header)?;
    if header.format != "json" || header.version != 1 {
        return Err(XrayError::Header);
    }
    room.take(body.len().saturating_mul(BYTES_PER_BYTE))?;
    let segment: Segment =
        serde_json::from_slice(body).map_err(|error| XrayError::Json(error.to_string()))?;
    let trace_id = read_trace_id(segment.trace_id.as_deref().ok_or(XrayError::Field("trace_id"))?)?;
    let parent = match &segment.parent_id {
        Some(id) => read_id(id, "parent_id")?,
        None => 0,
    };
    let is_subsegment = segment.parent_id.is_some()
        && segment.r#type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("subsegment"));
    let mut builder = RequestBuilder::new();
    let scope = builder.add_resource(resource(&segment), InstrumentationScope::default());
    let mut document = Document { builder, scope, trace_id };
    document.add(&segment, parent, is_subsegment, room)?;
    Ok(document.builder.finish())
}

/// A request that is being built of one document.
struct Document {
    builder: RequestBuilder,
    scope: ScopeId,
    trace_id: u128,
}

impl Document {
    /// Adds a segment and what is in it; not deeper than JSON was read.
    fn add(
        &mut self,
        segment: &Segment,
        parent: u64,
        is_subsegment: bool,
        room: &mut Room<'_>,
    ) -> Result<(), XrayError> {
        let id = read_id(segment.id.as_deref().ok_or(XrayError::Field("id"))?, "id")?;
        let name = segment.name.as_deref().ok_or(XrayError::Field("name"))?;
        let start = segment.start_time.ok_or(XrayError::Field("start_time"))?;
        let kind = kind(segment, is_subsegment)?;
        let end_unix_nanos = segment.end_time.map_or(0, nanos);
        let span = Span {
            trace_id: trace_id(self.trace_id),
            span_id: span_id(id),
            parent_span_id: span_id(parent),
            name: name.to_owned(),
            kind: kind as i32,
            start_time_unix_nano: nanos(start),
            end_time_unix_nano: end_unix_nanos,
            attributes: span_attributes(segment).into_list(),
            events: exceptions(segment, end_unix_nanos),
            status: status(segment, kind),
            ..Span::default()
        };
        self.builder.add_span(self.scope, &span, room)?;
        for subsegment in segment.subsegments.iter().flatten() {
            self.add(subsegment, id, true, room)?;
        }
        Ok(())
    }
}

fn kind(segment: &Segment, is_subsegment: bool) -> Result<SpanKind, XrayError> {
    match segment.namespace.as_deref() {
        _ if !is_subsegment => Ok(SpanKind::Server),
        Some("aws" | "remote") => Ok(SpanKind::Client),
        Some(_) => Err(XrayError::Field("namespace")),
        None => {
            let request = segment.http.as_ref().and_then(|http| http.request.as_ref());
            let is_server = request.is_some_and(|request| request.client_ip.is_some());
            Ok(if is_server { SpanKind::Server } else { SpanKind::Internal })
        }
    }
}

fn status(segment: &Segment, kind: SpanKind) -> Option<Status> {
    let response = segment.http.as_ref().and_then(|http| http.response.as_ref());
    let code = response.and_then(|response| response.status).unwrap_or(0);
    let least = if kind == SpanKind::Server { 500 } else { 400 };
    let is_said = [segment.error, segment.fault, segment.throttle].contains(&Some(true));
    let message = match &segment.cause {
        Some(Cause::Id(id)) => id.clone(),
        _ => String::new(),
    };
    let is_error = segment.cause.is_some() || is_said || code >= least;
    is_error.then_some(Status { message, code: StatusCode::Error as i32 })
}

fn exceptions(segment: &Segment, time_unix_nano: u64) -> Vec<Event> {
    let Some(Cause::Exceptions { exceptions }) = &segment.cause else { return Vec::new() };
    let events = exceptions.iter().flatten().map(|exception| Event {
        time_unix_nano,
        name: "exception".to_owned(),
        attributes: exception_attributes(exception).into_list(),
        ..Event::default()
    });
    events.collect()
}

fn exception_attributes(exception: &Exception) -> Attributes {
    let mut attributes = Attributes::new();
    let texts = [
        ("aws.xray.exception.id", &exception.id),
        ("exception.message", &exception.message),
        ("exception.type", &exception.r#type),
        ("aws.xray.exception.cause", &exception.cause),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            attributes.put(key, string(text.as_str()));
        }
    }
    if let Some(is_remote) = exception.remote {
        attributes.put("aws.xray.exception.remote", Value::BoolValue(is_remote));
    }
    let numbers = [
        ("aws.xray.exception.truncated", exception.truncated),
        ("aws.xray.exception.skipped", exception.skipped),
    ];
    for (key, number) in numbers {
        if let Some(number) = number {
            attributes.put(key, Value::IntValue(number));
        }
    }
    if exception.stack.as_ref().is_some_and(|stack| !stack.is_empty()) {
        attributes.put("exception.stacktrace", string(stack_trace(exception)));
    }
    attributes
}

fn stack_trace(exception: &Exception) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut trace = format!("{}: {}\n", text(&exception.r#type), text(&exception.message));
    for frame in exception.stack.iter().flatten() {
        let line = frame.line.map_or_else(|| "<unknown>".to_owned(), |line| line.to_string());
        trace.push_str(&format!("\tat {}({}: {line})\n", text(&frame.label), text(&frame.path)));
    }
    trace
}

/// `1-5f84c7a1-e7d1852db8c4fd35d88bf49a`
fn read_trace_id(text: &str) -> Result<u128, XrayError> {
    let invalid = XrayError::Field("trace_id");
    let mut parts = text.split('-');
    let (version, seconds, rest) = (parts.next(), parts.next(), parts.next());
    let (Some("1"), Some(seconds), Some(rest), None) = (version, seconds, rest, parts.next())
    else {
        return Err(invalid);
    };
    if seconds.len() != 8 || rest.len() != 24 {
        return Err(invalid);
    }
    read_hex(&format!("{seconds}{rest}")).ok_or(invalid)
}

fn read_id(text: &str, what: &'static str) -> Result<u64, XrayError> {
    let number = if text.len() == 16 { read_hex(text) } else { None };
    number.and_then(|number| u64::try_from(number).ok()).ok_or(XrayError::Field(what))
}

/// Digits only: no sign.
fn read_hex(text: &str) -> Option<u128> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex { u128::from_str_radix(text, 16).ok() } else { None }
}

/// Seconds since 1970 to nanoseconds, in steps of a microsecond: more is not in a number of 64 bits.
fn nanos(seconds: f64) -> u64 {
    // Below zero is zero, and what is too large the largest that there is.
    let (whole, micros) = (seconds.trunc() as u64, (seconds.fract() * 1e6).round() as u64);
    whole.saturating_mul(1_000_000_000).saturating_add(micros.saturating_mul(1_000))
}
