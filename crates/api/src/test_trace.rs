//! A trace that has one of everything, for tests.

use std::sync::Arc;

use spandrel_model::{
    Attribute, AttributeValue, Event, Link, Resource, Scope, Span, SpanId, SpanKind, StatusCode,
    Trace, TraceId,
};

pub(crate) fn attribute(key: &str, value: AttributeValue) -> Attribute {
    Attribute { key: key.to_owned(), value }
}

pub(crate) fn string(text: &str) -> AttributeValue {
    AttributeValue::String(text.to_owned())
}

/// Two services; the second span is an error with an event and a link. Its trace id is 1.
pub(crate) fn checkout() -> Trace {
    let trace_id = TraceId::from_hex("1").unwrap();
    Trace { trace_id, spans: vec![root(trace_id), charge(trace_id)] }
}

fn root(trace_id: TraceId) -> Span {
    Span {
        trace_id,
        span_id: SpanId::from_hex("a").unwrap(),
        parent_span_id: None,
        trace_state: "vendor=1".to_owned(),
        flags: 0x101,
        name: "GET /checkout".to_owned(),
        kind: SpanKind::Server,
        start_unix_nanos: 1_700_000_000_000_001_999,
        end_unix_nanos: 1_700_000_000_250_001_999,
        attributes: vec![
            attribute("http.status_code", AttributeValue::Int(500)),
            attribute("big", AttributeValue::Int(i64::MAX)),
            attribute("ratio", AttributeValue::Double(3.0)),
            attribute("cached", AttributeValue::Bool(false)),
            attribute("raw", AttributeValue::Bytes(vec![0, 255])),
            attribute("empty", AttributeValue::Empty),
            attribute(
                "list",
                AttributeValue::Array(vec![string("<a>"), AttributeValue::Double(1.5)]),
            ),
            attribute(
                "map",
                AttributeValue::KeyValueList(vec![
                    attribute("z", AttributeValue::Int(1)),
                    attribute("a", AttributeValue::Bytes(vec![1])),
                ]),
            ),
        ],
        dropped_attributes_count: 0,
        events: Vec::new(),
        dropped_events_count: 0,
        links: Vec::new(),
        dropped_links_count: 0,
        status_code: StatusCode::Unset,
        status_message: String::new(),
        resource: Arc::new(Resource {
            attributes: vec![
                attribute("service.name", string("frontend")),
                attribute("host.name", string("web-1")),
            ],
            ..Resource::default()
        }),
        scope: Arc::new(Scope {
            name: "otel.http".to_owned(),
            version: "1.2.3".to_owned(),
            attributes: vec![attribute("scope.tier", string("edge"))],
            ..Scope::default()
        }),
    }
}

fn charge(trace_id: TraceId) -> Span {
    Span {
        span_id: SpanId::from_hex("b").unwrap(),
        parent_span_id: Some(SpanId::from_hex("a").unwrap()),
        trace_state: String::new(),
        flags: 0,
        name: "charge".to_owned(),
        kind: SpanKind::Unspecified,
        start_unix_nanos: 1_700_000_000_100_000_000,
        end_unix_nanos: 1_700_000_000_100_000_500,
        attributes: vec![attribute("amount", string("12 & up"))],
        events: vec![Event {
            time_unix_nanos: 1_700_000_000_100_000_400,
            name: "retry".to_owned(),
            attributes: vec![attribute("attempt", AttributeValue::Int(2))],
            dropped_attributes_count: 0,
        }],
        links: vec![Link {
            trace_id: TraceId::from_hex("0102030405060708090a0b0c0d0e0f10").unwrap(),
            span_id: SpanId::from_hex("c").unwrap(),
            trace_state: String::new(),
            flags: 0,
            attributes: vec![attribute("relation", string("retry-of"))],
            dropped_attributes_count: 0,
        }],
        status_code: StatusCode::Error,
        status_message: "card declined".to_owned(),
        resource: Arc::new(Resource::default()),
        scope: Arc::new(Scope::default()),
        ..root(trace_id)
    }
}
