//! Small traces for tests.

use std::sync::Arc;

use spandrel_model::{
    Attribute, AttributeValue, Resource, Span, SpanId, SpanKind, StatusCode, Trace, TraceId,
};

/// One second.
pub(crate) const SECOND: i64 = 1_000_000_000;
/// One day.
pub(crate) const DAY: i64 = 86_400 * SECOND;
/// When traces of tests end.
pub(crate) const ENDED: i64 = 20_000 * DAY;

/// A trace of one successful span of a second, in the service `shop`. The last 7 bytes of the id are all
/// those of `number`, so small numbers have the lowest randomness.
pub(crate) fn trace(number: u64) -> Trace {
    let mut id = [1; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    let trace_id = TraceId(id);
    let service = Attribute {
        key: "service.name".to_owned(),
        value: AttributeValue::String("shop".to_owned()),
    };
    let resource = Resource { attributes: vec![service], ..Resource::default() };
    let span = Span {
        trace_id,
        span_id: SpanId([1; 8]),
        parent_span_id: None,
        trace_state: String::new(),
        flags: 0,
        name: "GET /cart".to_owned(),
        kind: SpanKind::Server,
        start_unix_nanos: (ENDED - SECOND).cast_unsigned(),
        end_unix_nanos: ENDED.cast_unsigned(),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: Vec::new(),
        dropped_events_count: 0,
        links: Vec::new(),
        dropped_links_count: 0,
        status_code: StatusCode::Unset,
        status_message: String::new(),
        resource: Arc::new(resource),
        scope: Arc::default(),
    };
    Trace { trace_id, spans: vec![span] }
}

/// With a second span, a child that failed.
pub(crate) fn failed(mut trace: Trace) -> Trace {
    let mut child = trace.spans[0].clone();
    child.span_id = SpanId([2; 8]);
    child.parent_span_id = Some(trace.spans[0].span_id);
    child.name = "charge".to_owned();
    child.status_code = StatusCode::Error;
    trace.spans.push(child);
    trace
}

/// Ten seconds long.
pub(crate) fn slow(mut trace: Trace) -> Trace {
    trace.spans[0].start_unix_nanos = (ENDED - 10 * SECOND).cast_unsigned();
    trace
}
