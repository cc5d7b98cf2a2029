//! A span with all that belongs to it, in one form for comparing what was sent with what came back.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, Status};

/// A span, its scope and its resource. Attributes are sorted by key, of equal keys the last one counts, and
/// what is absent equals what is empty: OTLP does not distinguish any of this.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanView {
    /// Who sent it.
    pub resource: Resource,
    /// Schema of the resource.
    pub resource_schema_url: String,
    /// What recorded it.
    pub scope: InstrumentationScope,
    /// Schema of the span.
    pub scope_schema_url: String,
    /// The rest.
    pub span: Span,
}

impl SpanView {
    /// The service name of the resource, empty when there is none.
    pub fn service(&self) -> String {
        text_of(&self.resource.attributes, "service.name")
    }

    /// Trace id in hex.
    pub fn trace_id(&self) -> String {
        hex(&self.span.trace_id)
    }

    /// Span id in hex.
    pub fn span_id(&self) -> String {
        hex(&self.span.span_id)
    }

    /// Parent's span id in hex, empty for a root.
    pub fn parent_span_id(&self) -> String {
        hex(&self.span.parent_span_id)
    }

    /// A text attribute of the span, empty when absent or of another type.
    pub fn text(&self, key: &str) -> String {
        text_of(&self.span.attributes, key)
    }
}

/// Every span of these, ordered by trace, start, span id and name.
pub fn span_views(resource_spans: &[ResourceSpans]) -> Vec<SpanView> {
    let mut views = Vec::new();
    for group in resource_spans {
        let mut resource = group.resource.clone().unwrap_or_default();
        normalize(&mut resource.attributes);
        for spans in &group.scope_spans {
            let mut scope = spans.scope.clone().unwrap_or_default();
            normalize(&mut scope.attributes);
            views.extend(spans.spans.iter().map(|span| SpanView {
                resource: resource.clone(),
                resource_schema_url: group.schema_url.clone(),
                scope: scope.clone(),
                scope_schema_url: spans.schema_url.clone(),
                span: normalized(span),
            }));
        }
    }
    views.sort_by(|a, b| key(&a.span).cmp(&key(&b.span)));
    views
}

fn key(span: &Span) -> (&[u8], u64, &[u8], &str) {
    (&span.trace_id, span.start_time_unix_nano, &span.span_id, &span.name)
}

fn normalized(span: &Span) -> Span {
    let mut span = span.clone();
    normalize(&mut span.attributes);
    for event in &mut span.events {
        normalize(&mut event.attributes);
    }
    for link in &mut span.links {
        normalize(&mut link.attributes);
    }
    span.status.get_or_insert_with(Status::default);
    span
}

fn normalize(attributes: &mut Vec<KeyValue>) {
    let by_key: BTreeMap<String, KeyValue> =
        attributes.drain(..).map(|pair| (pair.key.clone(), pair)).collect();
    attributes.extend(by_key.into_values());
}

fn text_of(attributes: &[KeyValue], key: &str) -> String {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    let found = attributes.iter().find(|pair| pair.key == key);
    match found.and_then(|pair| pair.value.as_ref()).and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        _ => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
