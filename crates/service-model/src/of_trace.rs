//! The facts of a whole trace.

use spandrel_model::{AttributeValue, Span, SpanId, StatusCode, Trace};

use crate::peer::peer_of;
use crate::{Names, Peers, SpanFacts, Weight, name_of};

/// The facts of all spans of a trace, in their order.
pub fn facts_of_trace(trace: &Trace, names: &mut Names, peers: &mut Peers) -> Vec<SpanFacts> {
    trace.spans.iter().map(|span| facts_of_span(span, names, peers)).collect()
}

fn facts_of_span(span: &Span, names: &mut Names, peers: &mut Peers) -> SpanFacts {
    let value = |key: &str| {
        span.attributes.iter().rev().find(|attribute| attribute.key == key).and_then(|found| {
            match &found.value {
                AttributeValue::String(text) => Some(text.as_str()),
                _ => None,
            }
        })
    };
    SpanFacts {
        span_id: number_of(span.span_id),
        parent_id: span.parent_span_id.map_or(0, number_of),
        start_unix_nanos: i64::try_from(span.start_unix_nanos).unwrap_or(i64::MAX),
        duration_nanos: u64::try_from(span.duration_nanos()).unwrap_or(0),
        service: names.code(name_of(span.resource.service_name().unwrap_or_default())),
        name: names.code(&span.name),
        peer: peer_of(value, names, peers),
        kind: span.kind,
        failed: span.status_code == StatusCode::Error,
        weight: Weight::of_trace_state(&span.trace_state),
    }
}

/// The id as a number.
pub(crate) fn number_of(id: SpanId) -> u64 {
    u64::from_be_bytes(id.0)
}
