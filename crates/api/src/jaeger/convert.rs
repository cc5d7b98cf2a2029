//! Traces into Jaeger's model, by the rules of Jaeger's own translation from OTLP.
//!
//! What OTLP has fields for becomes tags: scope name and version before the span's attributes, then
//! kind, status and tracestate. Nested values become JSON texts.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use spandrel_model::{
    Attribute, AttributeValue, Event, Link, Resource, Span, SpanKind, StatusCode, Trace,
};

use super::adjust::Shown;
use super::legacy_trace::{
    LegacySpan, LegacyTrace, Log, Process, RefType, Reference, Tag, TagValue,
};
use super::printed::printed;

/// What Jaeger calls a producer that names no service.
pub(super) const NO_SERVICE_NAME: &str = "OTLPResourceNoServiceName";
/// Of OTLP's span flags, those that W3C Trace Context and Jaeger share.
const TRACE_FLAGS: u32 = 0xff;

/// A whole trace.
pub(super) fn legacy_trace(shown: &Shown) -> LegacyTrace<'_> {
    let trace = &shown.trace;
    let mut processes = Processes::default();
    let spans = trace.spans.iter().enumerate().map(|(i, span)| {
        let process_id = process_id(processes.index_of(&span.resource));
        legacy_span(span, process_id, shown.warnings.get(i))
    });
    let spans = spans.collect();
    let keyed = processes.list.into_iter().enumerate();
    LegacyTrace {
        trace_id: trace.trace_id,
        spans,
        processes: BTreeMap::from_iter(keyed.map(|(i, process)| (process_id(i), process))),
        warnings: None,
    }
}

/// The span of a trace alone, with the process that it would share with others.
pub(super) fn legacy_spans<'a>(
    trace: &'a Trace,
    warnings: &'a [Vec<String>],
) -> impl Iterator<Item = (LegacySpan<'a>, Process<'a>)> {
    trace.spans.iter().enumerate().map(|(i, span)| {
        (legacy_span(span, String::new(), warnings.get(i)), process(&span.resource))
    })
}

fn process_id(index: usize) -> String {
    format!("p{}", index + 1)
}

/// Producers of a trace, each once.
#[derive(Default)]
struct Processes<'a> {
    list: Vec<Process<'a>>,
    /// Most spans share their resource with others, which saves a comparison.
    known: HashMap<*const Resource, usize>,
}

impl<'a> Processes<'a> {
    fn index_of(&mut self, resource: &'a Arc<Resource>) -> usize {
        if let Some(index) = self.known.get(&Arc::as_ptr(resource)) {
            return *index;
        }
        let process = process(resource);
        let equal = self.list.iter().position(|known| *known == process);
        let index = equal.unwrap_or_else(|| {
            self.list.push(process);
            self.list.len() - 1
        });
        self.known.insert(Arc::as_ptr(resource), index);
        index
    }
}

fn process(resource: &Resource) -> Process<'_> {
    let service_name = resource.service_name().unwrap_or(NO_SERVICE_NAME);
    let others = resource.attributes.iter().filter(|attribute| attribute.key != "service.name");
    Process { service_name, tags: others.map(tag).collect() }
}

fn legacy_span<'a>(
    span: &'a Span,
    process_id: String,
    warnings: Option<&Vec<String>>,
) -> LegacySpan<'a> {
    LegacySpan {
        trace_id: span.trace_id,
        span_id: span.span_id,
        flags: span.flags & TRACE_FLAGS,
        operation_name: &span.name,
        references: references(span),
        start_nanos: span.start_unix_nanos,
        duration_nanos: u64::try_from(span.duration_nanos()).unwrap_or(0),
        tags: span_tags(span),
        logs: span.events.iter().map(log).collect(),
        process_id,
        warnings: warnings.filter(|warnings| !warnings.is_empty()).cloned(),
    }
}

/// The links, and before them the parent, unless a link names it already.
fn references(span: &Span) -> Vec<Reference> {
    let mut references: Vec<Reference> = span.links.iter().map(reference).collect();
    let names = |parent| {
        references.iter().any(|other| other.trace_id == span.trace_id && other.span_id == parent)
    };
    if let Some(span_id) = span.parent_span_id.filter(|parent| !names(*parent)) {
        let (ref_type, trace_id) = (RefType::ChildOf, span.trace_id);
        references.insert(0, Reference { ref_type, trace_id, span_id });
    }
    references
}

/// What kind of reference a link was in Jaeger, one of its attributes says.
fn reference(link: &Link) -> Reference {
    let is_child = link.attributes.iter().any(|attribute| {
        attribute.key == "opentracing.ref_type"
            && matches!(&attribute.value, AttributeValue::String(text) if text == "child_of")
    });
    let ref_type = if is_child { RefType::ChildOf } else { RefType::FollowsFrom };
    Reference { ref_type, trace_id: link.trace_id, span_id: link.span_id }
}

fn span_tags(span: &Span) -> Vec<Tag<'_>> {
    let mut tags = Vec::with_capacity(span.attributes.len() + 4);
    let scope =
        [("otel.scope.name", &span.scope.name), ("otel.scope.version", &span.scope.version)];
    tags.extend(scope.into_iter().filter_map(|(key, value)| text_tag(key, value)));
    tags.extend(span.attributes.iter().map(tag));
    if span.kind != SpanKind::Unspecified {
        tags.extend(text_tag("span.kind", span.kind.as_str()));
    }
    match span.status_code {
        StatusCode::Unset => {}
        StatusCode::Ok => tags.extend(text_tag("otel.status_code", "OK")),
        StatusCode::Error => {
            tags.extend(text_tag("otel.status_code", "ERROR"));
            tags.push(Tag { key: "error", value: TagValue::Bool(true) });
        }
    }
    tags.extend(text_tag("otel.status_description", &span.status_message));
    tags.extend(text_tag("w3c.tracestate", &span.trace_state));
    tags
}

/// The event's name is a field too, unless an attribute has taken its key.
fn log(event: &Event) -> Log<'_> {
    let key_is_taken = event.attributes.iter().any(|attribute| attribute.key == "event");
    let name = if key_is_taken { None } else { text_tag("event", &event.name) };
    Log {
        time_nanos: event.time_unix_nanos,
        fields: name.into_iter().chain(event.attributes.iter().map(tag)).collect(),
    }
}

/// None when the text is empty.
fn text_tag<'a>(key: &'a str, text: &'a str) -> Option<Tag<'a>> {
    (!text.is_empty()).then_some(Tag { key, value: TagValue::Text(Cow::Borrowed(text)) })
}

fn tag(attribute: &Attribute) -> Tag<'_> {
    let value = match &attribute.value {
        AttributeValue::Bool(truth) => TagValue::Bool(*truth),
        AttributeValue::Int(number) => TagValue::Int(*number),
        AttributeValue::Double(number) => TagValue::Float(*number),
        AttributeValue::Bytes(bytes) => TagValue::Binary(bytes),
        other => TagValue::Text(printed(other)),
    };
    Tag { key: &attribute.key, value }
}

#[cfg(test)]
mod tests;
