//! Spans of a small shop: three services, four traces to a batch, attributes of every type.

use std::collections::HashSet;
use std::sync::Arc;

use spandrel_model::{
    Attribute, AttributeValue, Resource, Scope, Span, SpanId, SpanKind, StatusCode, TraceId,
};

/// Start of the first span.
pub(crate) const BASE: u64 = 1_767_225_600_000_000_000;
pub(crate) const MILLI: u64 = 1_000_000;
const SERVICES: [&str; 3] = ["shop", "cart", "db"];
const ROUTES: [&str; 3] = ["/cart", "/home", "/pay/{id}"];

pub(crate) fn text(text: &str) -> AttributeValue {
    AttributeValue::String(text.to_owned())
}

pub(crate) fn attribute(key: &str, value: AttributeValue) -> Attribute {
    Attribute { key: key.to_owned(), value }
}

/// Batches of whole traces of three spans, a second apart; the last span of every fifth trace comes twice.
pub(crate) fn batches(n_batches: u64) -> Vec<Vec<Span>> {
    let batch = |batch: u64| {
        let traces = (0..4).flat_map(|i| trace(batch * 4 + i));
        traces.collect()
    };
    (0..n_batches).map(batch).collect()
}

/// The spans without copies.
pub(crate) fn distinct(batches: &[Vec<Span>]) -> Vec<Span> {
    let mut seen = HashSet::new();
    let spans = batches.iter().flatten();
    spans.filter(|span| seen.insert((span.trace_id, span.span_id))).cloned().collect()
}

fn trace(number: u64) -> Vec<Span> {
    let mut spans: Vec<Span> = (0..3).map(|position| span(number, position)).collect();
    if number.is_multiple_of(5) {
        spans.push(spans[2].clone());
    }
    spans
}

fn span(number: u64, position: u64) -> Span {
    let place = position as usize;
    let start_unix_nanos = BASE + number * 1000 * MILLI + position * MILLI;
    let duration = (3 - position) * 10 * MILLI + number * MILLI;
    let is_failed = number % 4 == 1 && position == 2;
    Span {
        trace_id: TraceId((u128::from(number) + 1).to_be_bytes()),
        span_id: SpanId((number * 3 + position + 1).to_be_bytes()),
        parent_span_id: (position > 0).then(|| SpanId((number * 3 + position).to_be_bytes())),
        trace_state: if number == 2 { "ot=th:8".to_owned() } else { String::new() },
        flags: 0,
        name: format!("GET {}", ROUTES[(number % 3) as usize]),
        kind: [SpanKind::Server, SpanKind::Client, SpanKind::Internal][place],
        start_unix_nanos,
        end_unix_nanos: start_unix_nanos + duration,
        attributes: attributes(number, position),
        dropped_attributes_count: 0,
        events: Vec::new(),
        dropped_events_count: 0,
        links: Vec::new(),
        dropped_links_count: 0,
        status_code: if is_failed { StatusCode::Error } else { StatusCode::Unset },
        status_message: if is_failed { "boom".to_owned() } else { String::new() },
        resource: Arc::new(Resource {
            attributes: vec![
                attribute("service.name", text(SERVICES[place])),
                attribute("host.name", text(&format!("host-{}", number % 2))),
            ],
            ..Resource::default()
        }),
        scope: Arc::new(Scope { name: "http".to_owned(), ..Scope::default() }),
    }
}

fn attributes(number: u64, position: u64) -> Vec<Attribute> {
    use AttributeValue::{Array, Bool, Double, Int};
    let int = number.cast_signed();
    let mut attributes = vec![
        attribute("http.route", text(ROUTES[(number % 3) as usize])),
        attribute("order.id", text(&format!("order-{number}"))),
        attribute("status", Int(200 + int % 3)),
        attribute("cached", Bool(number.is_multiple_of(2))),
        attribute("ratio", if position == 0 { Int(int) } else { Double(int as f64 / 4.0) }),
        attribute("mixed", if position == 0 { Int(int) } else { text("five") }),
        attribute("tags", Array(vec![text("a"), text("b")])),
    ];
    if position == 2 {
        attributes.push(attribute("host.name", text("own")));
    }
    attributes
}
