//! Spans of Datadog as spans of OTLP, grouped by their service.

use std::collections::HashMap;

use spandrel_proto::otlp::common::InstrumentationScope;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event as OtlpEvent, Link as OtlpLink, SpanKind};
use spandrel_proto::otlp::trace::status::StatusCode;
use spandrel_proto::otlp::trace::{Span as OtlpSpan, Status};
use spandrel_translate::{
    Attributes, RequestBuilder, Room, ScopeId, Translated, span_id, string, trace_id,
};

use crate::DatadogError;
use crate::names::{is_integer, translated};
use crate::span::{Event, EventValue, Link, Span};

/// What is known of the tracer; the headers of its request say the most of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tracer {
    /// `Datadog-Meta-Lang`
    pub language: String,
    /// `Datadog-Meta-Lang-Version`
    pub language_version: String,
    /// `Datadog-Meta-Tracer-Version`
    pub version: String,
    /// `Datadog-Container-ID`
    pub container_id: String,
    /// The environment of the application.
    pub environment: String,
    /// The host.
    pub host_name: String,
    /// The version of the application.
    pub app_version: String,
    /// More about it.
    pub tags: Vec<(String, String)>,
}

/// What a span's attributes take besides their texts.
const ATTRIBUTE_BYTES: usize = 192;
/// What a span takes besides its attributes.
const SPAN_BYTES: usize = 1024;

/// A request that is being built.
pub(crate) struct Translation<'t> {
    tracer: &'t Tracer,
    builder: RequestBuilder,
    services: HashMap<String, ScopeId>,
}

impl<'t> Translation<'t> {
    pub(crate) fn new(tracer: &'t Tracer) -> Self {
        Self { tracer, builder: RequestBuilder::new(), services: HashMap::new() }
    }

    pub(crate) fn finish(self) -> Translated {
        self.builder.finish()
    }

    /// Adds spans of one trace.
    pub(crate) fn add_trace(
        &mut self,
        spans: &[Span<'_>],
        room: &mut Room<'_>,
    ) -> Result<(), DatadogError> {
        let upper = spans.iter().find_map(Span::upper_trace_id).unwrap_or(0);
        for span in spans {
            let scope = self.scope(span, room)?;
            room.take(span_bytes(span))?;
            self.builder.add_span(scope, &otlp_span(span, upper), room)?;
        }
        Ok(())
    }

    fn scope(&mut self, span: &Span<'_>, room: &mut Room<'_>) -> Result<ScopeId, DatadogError> {
        if let Some(scope) = self.services.get(&*span.service) {
            return Ok(*scope);
        }
        let resource = self.resource(span);
        let texts = |key: &str, value: &str| ATTRIBUTE_BYTES + 2 * (key.len() + value.len());
        let tags: usize = self.tracer.tags.iter().map(|(key, value)| texts(key, value)).sum();
        room.take(16 * ATTRIBUTE_BYTES + 4 * span.service.len() + tags)?;
        let scope = InstrumentationScope {
            name: "Datadog".to_owned(),
            version: self.tracer.version.clone(),
            ..InstrumentationScope::default()
        };
        let scope = self.builder.add_resource(resource, scope);
        self.services.insert(span.service.to_string(), scope);
        Ok(scope)
    }

    /// The resource of a service, whose first span this is.
    fn resource(&self, span: &Span<'_>) -> Resource {
        let tracer = self.tracer;
        let mut attributes = Attributes::new();
        let sdk_version = match tracer.version.as_str() {
            "" => String::new(),
            version => format!("Datadog-{version}"),
        };
        let language = match tracer.language.as_str() {
            ".NET" => "dotnet",
            language => language,
        };
        let app_version = match tracer.app_version.as_str() {
            "" => span.meta("version").unwrap_or_default(),
            version => version,
        };
        let known = [
            ("container.id", tracer.container_id.as_str()),
            ("telemetry.sdk.language", language),
            ("process.runtime.version", tracer.language_version.as_str()),
            ("deployment.environment.name", tracer.environment.as_str()),
            ("host.name", tracer.host_name.as_str()),
            ("service.version", app_version),
            ("telemetry.sdk.name", "Datadog"),
            ("telemetry.sdk.version", sdk_version.as_str()),
        ];
        for (key, value) in known.into_iter().filter(|(_, value)| !value.is_empty()) {
            attributes.put(key, string(value));
        }
        for (key, value) in tracer.tags.iter().filter(|(_, value)| !value.is_empty()) {
            attributes.put(translated(&key.as_str().into()), string(value.as_str()));
        }
        attributes.put("service.name", string(&*span.service));
        Resource { attributes: attributes.into_list(), ..Resource::default() }
    }
}

fn span_bytes(span: &Span<'_>) -> usize {
    let meta = span.meta.iter().map(|(key, value)| key.len() + value.len());
    let metrics = span.metrics.iter().map(|(key, _)| key.len());
    let links = span.links.iter().flat_map(|link| &link.attributes);
    let links = links.map(|(key, value)| ATTRIBUTE_BYTES + key.len() + value.len());
    let events = span.events.iter().flat_map(|event| &event.attributes);
    let events = events.map(|(key, value)| {
        let text = if let EventValue::Text(text) = value { text.len() } else { 0 };
        ATTRIBUTE_BYTES + key.len() + text
    });
    let names = span.name.len() + span.resource.len() + span.kind.len();
    let n_attributes = span.meta.len() + span.metrics.len();
    let n_parts = span.links.len() + span.events.len();
    2 * (SPAN_BYTES
        + names
        + n_attributes * ATTRIBUTE_BYTES
        + n_parts * SPAN_BYTES
        + meta.chain(metrics).chain(links).chain(events).sum::<usize>())
}

fn otlp_span(span: &Span<'_>, upper: u64) -> OtlpSpan {
    let end = span.start_unix_nanos.saturating_add(span.duration_nanos);
    let mut events: Vec<OtlpEvent> = span.events.iter().map(event).collect();
    events.extend(exception(span, end));
    let status = span.is_error.then(|| Status {
        message: error_message(span).unwrap_or_default().to_owned(),
        code: StatusCode::Error as i32,
    });
    OtlpSpan {
        trace_id: trace_id(u128::from(upper) << 64 | u128::from(span.trace_id)),
        span_id: span_id(span.span_id),
        parent_span_id: span_id(span.parent_id),
        name: span.name.to_string(),
        kind: kind(span) as i32,
        start_time_unix_nano: span.start_unix_nanos,
        end_time_unix_nano: end,
        attributes: attributes(span).into_list(),
        links: span.links.iter().map(link).collect(),
        events,
        status,
        ..OtlpSpan::default()
    }
}

fn kind(span: &Span<'_>) -> SpanKind {
    match (span.meta("span.kind"), &*span.kind) {
        (Some("server"), _) => SpanKind::Server,
        (Some("client"), _) => SpanKind::Client,
        (Some("producer"), _) => SpanKind::Producer,
        (Some("consumer"), _) => SpanKind::Consumer,
        (Some("internal"), _) => SpanKind::Internal,
        (_, "web") => SpanKind::Server,
        (_, "http") => SpanKind::Client,
        _ => SpanKind::Unspecified,
    }
}

fn attributes(span: &Span<'_>) -> Attributes {
    let mut attributes = Attributes::new();
    attributes.put("dd.span.Resource", string(&*span.resource));
    let priority = span.metrics.iter().find(|(key, _)| key == "_sampling_priority_v1");
    if let Some((_, priority)) = priority {
        attributes.put("sampling.priority", string(format!("{priority:.6}")));
    }
    attributes.put("datadog.span.id", string(span.span_id.to_string()));
    attributes.put("datadog.trace.id", string(span.trace_id.to_string()));
    for (key, value) in &span.meta {
        if matches!(&**key, "span.kind" | "_dd.p.tid") || is_error(key) {
            continue;
        }
        let key = translated(key);
        let number = value.parse().ok().filter(|_| is_integer(&key)).map(Value::IntValue);
        attributes.put(key, number.unwrap_or_else(|| string(&**value)));
    }
    for (key, value) in &span.metrics {
        let key = translated(key);
        let is_whole = is_integer(&key) && value.fract() == 0.0;
        attributes.put(
            key,
            match is_whole {
                // To the nearest that there is.
                true => Value::IntValue(*value as i64),
                false => Value::DoubleValue(*value),
            },
        );
    }
    attributes
}

/// Whether a text is about the exception, which is an event.
fn is_error(key: &str) -> bool {
    matches!(key, "error.type" | "error.msg" | "error.message" | "error.stack" | "error.stacktrace")
}

fn error_message<'s>(span: &'s Span<'_>) -> Option<&'s str> {
    span.meta("error.message").or_else(|| span.meta("error.msg"))
}

fn exception(span: &Span<'_>, time_unix_nano: u64) -> Option<OtlpEvent> {
    let stack = span.meta("error.stack").or_else(|| span.meta("error.stacktrace"));
    let parts = [
        ("exception.type", span.meta("error.type")),
        ("exception.message", error_message(span)),
        ("exception.stacktrace", stack),
    ];
    let mut attributes = Attributes::new();
    for (key, value) in parts {
        if let Some(value) = value {
            attributes.put(key, string(value));
        }
    }
    let name = "exception".to_owned();
    (!attributes.is_empty()).then(|| OtlpEvent {
        time_unix_nano,
        name,
        attributes: attributes.into_list(),
        ..OtlpEvent::default()
    })
}

fn event(event: &Event<'_>) -> OtlpEvent {
    let mut attributes = Attributes::new();
    for (key, value) in &event.attributes {
        attributes.put(
            &**key,
            match value {
                EventValue::Text(text) => string(&**text),
                EventValue::Bool(value) => Value::BoolValue(*value),
                EventValue::Int(number) => Value::IntValue(*number),
                EventValue::Double(number) => Value::DoubleValue(*number),
            },
        );
    }
    OtlpEvent {
        time_unix_nano: event.time_unix_nanos,
        name: event.name.to_string(),
        attributes: attributes.into_list(),
        ..OtlpEvent::default()
    }
}

fn link(link: &Link<'_>) -> OtlpLink {
    let mut attributes = Attributes::new();
    for (key, value) in &link.attributes {
        attributes.put(&**key, string(&**value));
    }
    OtlpLink {
        trace_id: trace_id(link.trace_id),
        span_id: span_id(link.span_id),
        trace_state: link.trace_state.to_string(),
        attributes: attributes.into_list(),
        ..OtlpLink::default()
    }
}
