//! Whole traces, and the values that need care.

use std::sync::Arc;

use expect_test::expect_file;
use spandrel_model::{SpanId, TraceId};

use super::*;
use crate::go_json;
use crate::test_trace::{attribute, checkout, string};

#[test]
fn a_trace_with_one_of_everything() {
    let trace = checkout();
    let json = go_json::to_vec_pretty(&legacy_trace(&Shown::raw(trace)));
    let json = String::from_utf8(json).unwrap() + "\n";
    expect_file!["../../../testdata/checkout.jaeger.json"].assert_eq(&json);
}

#[test]
fn equal_producers_are_one_process() {
    let mut trace = checkout();
    let template = trace.spans.remove(0);
    let of_host = |i: usize| {
        let mut span = template.clone();
        let host = attribute("host.name", string(&format!("web-{}", i % 11)));
        let service = attribute("service.name", string("frontend"));
        let attributes = vec![service, host];
        span.resource = Arc::new(Resource { attributes, ..Resource::default() });
        span
    };
    trace.spans = (0..22).map(of_host).collect();
    let shown = Shown::raw(trace);
    let legacy = legacy_trace(&shown);
    let keys: Vec<_> = legacy.processes.keys().map(String::as_str).collect();
    assert_eq!(keys, ["p1", "p10", "p11", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"]);
    let ids: Vec<_> = legacy.spans.iter().map(|span| span.process_id.as_str()).collect();
    assert_eq!(ids[..3], ["p1", "p2", "p3"]);
    assert_eq!(ids[..11], ids[11..]);
}

#[test]
fn integers_that_javascript_cannot_hold_are_texts() {
    let json = |number| {
        let attribute = attribute("n", AttributeValue::Int(number));
        String::from_utf8(go_json::to_vec(&tag(&attribute))).unwrap()
    };
    let max = (1_i64 << 53) - 1;
    assert_eq!(json(max), r#"{"key":"n","type":"int64","value":9007199254740991}"#);
    assert_eq!(json(-max), r#"{"key":"n","type":"int64","value":-9007199254740991}"#);
    assert_eq!(json(max + 1), r#"{"key":"n","type":"int64","value":"9007199254740992"}"#);
    assert_eq!(json(i64::MIN), r#"{"key":"n","type":"int64","value":"-9223372036854775808"}"#);
}

#[test]
fn floats_that_json_cannot_hold_are_texts() {
    let attribute = attribute("x", AttributeValue::Double(f64::NEG_INFINITY));
    let json = String::from_utf8(go_json::to_vec(&tag(&attribute))).unwrap();
    assert_eq!(json, r#"{"key":"x","type":"float64","value":"-Inf"}"#);
}

#[test]
fn an_attribute_called_event_wins_over_the_name() {
    let mut trace = checkout();
    let event = &mut trace.spans[1].events[0];
    event.attributes.push(attribute("event", string("mine")));
    let log = log(&trace.spans[1].events[0]);
    let keys: Vec<_> = log.fields.iter().map(|field| field.key).collect();
    assert_eq!(keys, ["attempt", "event"]);
}

#[test]
fn a_span_that_ends_before_it_starts_has_no_duration() {
    let mut trace = checkout();
    trace.spans[0].end_unix_nanos = 0;
    trace.spans[0].parent_span_id = Some(SpanId([1; 8]));
    let span = legacy_span(&trace.spans[0], "p1".to_owned(), None);
    assert_eq!(span.duration_nanos, 0);
    assert_eq!(span.references[0].span_id, SpanId([1; 8]));
}

/// As Jaeger: what a sender called a reference comes back as the reference that it was.
#[test]
fn a_parent_that_a_link_names_is_one_reference() {
    let trace = checkout();
    let mut span = trace.spans[1].clone();
    let link = |trace_id, id: u8, kind| Link {
        trace_id,
        span_id: SpanId([id; 8]),
        trace_state: String::new(),
        flags: 0,
        attributes: vec![attribute("opentracing.ref_type", string(kind))],
        dropped_attributes_count: 0,
    };
    let elsewhere = TraceId([9; 16]);
    let own = link(span.trace_id, 1, "follows_from");
    span.links = vec![link(elsewhere, 1, "child_of"), own];
    span.parent_span_id = Some(SpanId([1; 8]));
    let shown = |span: &Span| {
        let all = references(span).into_iter();
        all.map(|one| (one.ref_type == RefType::ChildOf, one.trace_id)).collect::<Vec<_>>()
    };
    assert_eq!(shown(&span), [(true, elsewhere), (false, span.trace_id)]);
    span.parent_span_id = Some(SpanId([2; 8]));
    assert_eq!(shown(&span), [(true, span.trace_id), (true, elsewhere), (false, span.trace_id)]);
}
