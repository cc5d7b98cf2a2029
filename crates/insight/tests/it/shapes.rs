//! Traces for tests.

use std::sync::Arc;

use spandrel_model::{
    Attribute, AttributeValue, Resource, Scope, Span, SpanId, SpanKind, StatusCode, Trace, TraceId,
};

pub(crate) fn id(number: u64) -> SpanId {
    SpanId(number.to_be_bytes())
}

/// A span; parent 0 is none. Its name is its number.
pub(crate) fn span(number: u64, parent: u64, start: u64, end: u64) -> Span {
    Span {
        trace_id: TraceId([1; 16]),
        span_id: id(number),
        parent_span_id: Some(id(parent)).filter(|id| !id.is_zero()),
        trace_state: String::new(),
        flags: 0,
        name: number.to_string(),
        kind: SpanKind::Unspecified,
        start_unix_nanos: start,
        end_unix_nanos: end,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: Vec::new(),
        dropped_events_count: 0,
        links: Vec::new(),
        dropped_links_count: 0,
        status_code: StatusCode::Unset,
        status_message: String::new(),
        resource: resource(&[("service.name", "shop")]),
        scope: Arc::new(Scope::default()),
    }
}

pub(crate) fn text(key: &str, value: &str) -> Attribute {
    Attribute { key: key.to_owned(), value: AttributeValue::String(value.to_owned()) }
}

pub(crate) fn resource(attributes: &[(&str, &str)]) -> Arc<Resource> {
    let attributes = attributes.iter().map(|(key, value)| text(key, value)).collect();
    Arc::new(Resource { attributes, ..Resource::default() })
}

pub(crate) fn trace(spans: Vec<Span>) -> Trace {
    Trace { trace_id: TraceId([1; 16]), spans }
}
