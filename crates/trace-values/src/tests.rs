//! Queries over one small trace.

use std::sync::Arc;

use spandrel_model::{
    Attribute, AttributeValue, Resource, Span, SpanId, SpanKind, StatusCode, Trace, TraceId,
};
use spandrel_traceql::compile;

use crate::TraceValues;

/// Span `id` below `parent`, which takes `id` milliseconds, with attribute `a` of that number.
fn span(id: u64, parent: Option<u64>, service: &str) -> Span {
    let pair = |key: &str, value| Attribute { key: key.to_owned(), value };
    let name = AttributeValue::String(service.to_owned());
    let resource = Resource { attributes: vec![pair("service.name", name)], ..Resource::default() };
    Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId(id.to_be_bytes()),
        parent_span_id: parent.map(|id| SpanId(id.to_be_bytes())),
        trace_state: String::new(),
        flags: 0,
        name: format!("s{id}"),
        kind: SpanKind::Server,
        start_unix_nanos: 1_000,
        end_unix_nanos: 1_000 + id * 1_000_000,
        attributes: vec![pair("a", AttributeValue::Int(id.cast_signed()))],
        dropped_attributes_count: 0,
        events: Vec::new(),
        dropped_events_count: 0,
        links: Vec::new(),
        dropped_links_count: 0,
        status_code: StatusCode::Unset,
        status_message: String::new(),
        resource: Arc::new(resource),
        scope: Arc::default(),
    }
}

/// 1 > (2 > 3, 4), and two strays below a parent that is missing: 5 > 6, and 7.
fn trace() -> Trace {
    let spans = vec![
        span(1, None, "shop"),
        span(2, Some(1), "cart"),
        span(3, Some(2), "cart"),
        span(4, Some(1), "shop"),
        span(5, Some(99), "shop"),
        span(6, Some(5), "cart"),
        span(7, Some(99), "late"),
    ];
    Trace { trace_id: TraceId([1; 16]), spans }
}

/// Spansets as the numbers of their spans and their attributes.
fn found(query: &str) -> Vec<String> {
    let (trace, query) = (trace(), compile(query).unwrap());
    let values = TraceValues::new(&trace, query.attributes().into_iter());
    let show = |set: &crate::Spanset| {
        let spans = set.spans.iter().map(|span| (span + 1).to_string());
        let attributes = set.attributes.iter().map(|(name, value)| format!("{name}={value}"));
        spans.chain(attributes).collect::<Vec<_>>().join(" ")
    };
    values.query(&query.root).unwrap().iter().map(show).collect()
}

#[track_caller]
fn check(query: &str, wanted: &[&str]) {
    assert_eq!(found(query), wanted, "{query}");
}

#[test]
fn operators_between_spansets() {
    check("{ .a < 3 } && { .a = 7 }", &["1 2 7"]);
    check("{ .a < 3 } && { .a = 8 }", &[]);
    check("{ .a < 3 } || { .a = 8 }", &["1 2"]);
    check("{ .a = 1 } > { }", &["2 4"]);
    check("{ } < { }", &["1 2 5"]);
    check("{ .a = 1 } >> { }", &["2 3 4"]);
    check("{ .a = 3 || .a = 6 } << { }", &["1 2 5"]);
    check("{ } ~ { }", &["2 4 5 7"]);
    check("{ } !~ { }", &["1 3 6"]);
    check("{ .a = 8 } !> { .a < 3 }", &["1 2"]);
    check("{ .a = 1 } !>> { }", &["1 5 6 7"]);
    check("{ } &> { .a = 3 }", &["2 3"]);
    check("{ .a > 5 } &<< { }", &["5 6"]);
    check("{ .a = 1 } > { .a = 2 } > { }", &["3"]);
}

#[test]
fn stages_of_pipelines() {
    check("{ .a > 1 } | { .a < 4 }", &["2 3"]);
    check(
        "{ } | by(resource.service.name) | count() > 1",
        &[
            "1 4 5 by(resource.service.name)=`shop` count()=3",
            "2 3 6 by(resource.service.name)=`cart` count()=3",
        ],
    );
    check("{ } | by(parent.a) | { .a = 1 }", &["1 by(parent.a)=nil"]);
    check("{ } | by(name) | coalesce() | count() = 7", &["1 2 3 4 5 6 7 count()=7"]);
    check("({ } | by(resource.service.name)) && ({ .a = 1 })", &["1 2 3 4 5 6 7"]);
    check("({ .a = 1 } | count() > 1) || ({ .a = 2 } | count() = 1)", &["2"]);
    check("{ .a < 3 } | select(.a)", &["1 2"]);
    check("{ parent.a = 1 && parent.service.name = `shop` }", &["2 4"]);
}

#[test]
fn aggregates_and_their_comparisons() {
    check("{ .a < 3 } | avg(duration) = 1500us", &["1 2 avg(duration)=1.5ms"]);
    check("{ .a < 3 } | avg(.a) = 1.5", &["1 2 avg(.a)=1.5"]);
    check("{ .a < 3 } | sum(.a) = 3 | max(.a) = 2", &["1 2 sum(.a)=3 max(.a)=2"]);
    check("{ .a < 4 } | min(0 - .a) = -3", &["1 2 3 min(0 - .a)=-3"]);
    check("{ } | sum(.gone) < 1", &[]);
    check("{ } | max(.service.name) > 0", &[]);
    check("{ .a < 3 } | 2 <= count()", &["1 2 count()=2"]);
    check("{ .a < 4 } | max(.a) - min(.a) > 1", &["1 2 3 max(.a)=3 min(.a)=1"]);
    check("{ .a < 4 } | max(.a) - min(.a) > count()", &[]);
    check("{ .a = 2 } | avg(duration) > count() * 1ms", &["2 avg(duration)=2ms count()=1"]);
    check(
        "({ .a < 3 } | count()) > ({ .a = 7 } | count())",
        &["1 2 7 { .a < 3 }|count()=2 { .a = 7 }|count()=1"],
    );
    check("({ .a = 8 } | count()) = 0", &[]);
}
