//! Copies are found as a comparison span by span finds them.

use std::collections::BTreeSet;
use std::sync::Arc;

use prost::Message as _;
use spandrel_model::{Resource, Scope, Span, Trace};
use spandrel_otlp::{DecodeLimits, decode_request, encode_trace, span_at};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use spandrel_proto::otlp::trace::span::{Event, Link};
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span as Sent, Status};

use super::*;

/// Everything that is in a span, as bytes, with attributes in the order of their keys: the rule as queries
/// apply it.
fn content_of(mut span: Span) -> Vec<u8> {
    let sort = |attributes: &mut Vec<Attribute>| attributes.sort_by(|a, b| a.key.cmp(&b.key));
    sort(&mut span.attributes);
    span.events.iter_mut().for_each(|event| sort(&mut event.attributes));
    span.links.iter_mut().for_each(|link| sort(&mut link.attributes));
    let mut resource = Resource::clone(&span.resource);
    sort(&mut resource.attributes);
    let mut scope = Scope::clone(&span.scope);
    sort(&mut scope.attributes);
    (span.resource, span.scope) = (Arc::new(resource), Arc::new(scope));
    let mut bytes = Vec::new();
    encode_trace(&Trace { trace_id: span.trace_id, spans: vec![span] }, &mut bytes);
    bytes
}

fn contents(spans: &SpanColumns) -> Vec<Vec<u8>> {
    (0..spans.len()).map(|row| content_of(span_at(spans, row).unwrap())).collect()
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

fn attributes() -> Vec<KeyValue> {
    let list = |values: [i64; 2]| {
        let values = values.map(|value| AnyValue { value: Some(Value::IntValue(value)) });
        Value::ArrayValue(ArrayValue { values: values.to_vec() })
    };
    vec![
        pair("text", Value::StringValue("a".to_owned())),
        pair("int", Value::IntValue(7)),
        pair("nan", Value::DoubleValue(f64::NAN)),
        pair("true", Value::BoolValue(true)),
        pair("list", list([1, 2])),
        pair("map", Value::KvlistValue(KeyValueList { values: vec![pair("k", list([3, 4]))] })),
    ]
}

/// A span with everything that a span can have.
fn full() -> Sent {
    let event = Event {
        time_unix_nano: 5,
        name: "event".to_owned(),
        attributes: attributes(),
        dropped_attributes_count: 1,
    };
    let link = Link {
        trace_id: vec![9; 16].into(),
        span_id: vec![8; 8].into(),
        trace_state: "a=b".to_owned(),
        attributes: attributes(),
        dropped_attributes_count: 1,
        flags: 1,
    };
    Sent {
        trace_id: vec![1; 16].into(),
        span_id: vec![2; 8].into(),
        parent_span_id: vec![3; 8].into(),
        trace_state: "c=d".to_owned(),
        flags: 1,
        name: "name".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_000,
        end_time_unix_nano: 3_000,
        attributes: attributes(),
        dropped_attributes_count: 1,
        events: vec![event.clone(), event],
        dropped_events_count: 1,
        links: vec![link.clone(), link],
        dropped_links_count: 1,
        status: Some(Status { message: "status".to_owned(), code: 2 }),
    }
}

/// Spans that differ from [`full`] in one thing each.
fn variants() -> Vec<Sent> {
    let changes: [fn(&mut Sent); 26] = [
        |span| span.trace_id = vec![7; 16].into(),
        |span| span.span_id = vec![7; 8].into(),
        |span| span.parent_span_id = Vec::new().into(),
        |span| span.trace_state.clear(),
        |span| span.flags = 0,
        |span| span.name.push('x'),
        |span| span.kind = 3,
        |span| span.start_time_unix_nano += 1,
        |span| span.end_time_unix_nano += 1,
        |span| drop(span.attributes.pop()),
        |span| span.attributes[0] = pair("text", Value::StringValue("b".to_owned())),
        |span| span.attributes[0] = pair("text", Value::IntValue(0)),
        |span| span.attributes[1] = pair("int", Value::IntValue(8)),
        |span| span.attributes[2] = pair("nan", Value::DoubleValue(0.0)),
        |span| span.attributes[3] = pair("true", Value::BoolValue(false)),
        |span| span.attributes[4] = pair("list", Value::BytesValue(vec![1].into())),
        |span| span.dropped_attributes_count = 0,
        |span| drop(span.events.pop()),
        |span| span.events[1].name.push('x'),
        |span| span.events[0].time_unix_nano += 1,
        |span| span.events[1].attributes.truncate(1),
        |span| span.links.clear(),
        |span| span.links[1].flags = 2,
        |span| span.dropped_events_count = 0,
        |span| span.dropped_links_count = 0,
        |span| span.status = None,
    ];
    let changed = changes.iter().map(|change| {
        let mut span = full();
        change(&mut span);
        span
    });
    changed.chain([full()]).collect()
}

/// The same span as another sender would put it.
fn reversed(mut span: Sent) -> Sent {
    span.attributes.reverse();
    span.events.iter_mut().for_each(|event| event.attributes.reverse());
    span.links.iter_mut().for_each(|link| link.attributes.reverse());
    span
}

fn run_of(batches: Vec<Vec<Sent>>) -> SpanColumns {
    let mut run = SpanColumns::default();
    for spans in batches {
        let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
        let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
        let request = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        decode_request(&request, &DecodeLimits::default(), &mut run).unwrap();
    }
    run
}

#[test]
fn a_span_is_a_copy_only_when_everything_is_the_same() {
    let all = variants();
    let mut run = run_of(vec![all.clone()]);
    assert_eq!(remove(&mut run).unwrap(), 0);
    assert_eq!(contents(&run).into_iter().collect::<BTreeSet<_>>().len(), all.len());

    let again: Vec<Sent> = all.iter().cloned().rev().map(reversed).collect();
    let mut run = run_of(vec![all.clone(), again, all.clone()]);
    let expected = contents(&run_of(vec![all.clone()]));
    assert_eq!(remove(&mut run).unwrap(), 2 * all.len() as u64);
    assert_eq!(contents(&run), expected, "the first of each stays");
}

#[test]
fn a_run_without_repeated_ids_is_left_alone() {
    let mut run = run_of(vec![]);
    assert_eq!(remove(&mut run).unwrap(), 0);
    let mut run = run_of(vec![vec![full()]]);
    assert_eq!((remove(&mut run).unwrap(), run.len()), (0, 1));
}

#[test]
fn copies_of_different_resources_are_different_spans() {
    let resource = |name: &str| {
        let attributes = vec![pair("service.name", Value::StringValue(name.to_owned()))];
        let spans = vec![full()];
        ResourceSpans {
            resource: Some(spandrel_proto::otlp::resource::Resource {
                attributes,
                ..Default::default()
            }),
            scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }
    };
    let resource_spans = vec![resource("a"), resource("b"), resource("a")];
    let mut run = SpanColumns::default();
    let request = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
    decode_request(&request, &DecodeLimits::default(), &mut run).unwrap();
    assert_eq!((remove(&mut run).unwrap(), run.len()), (1, 2));
}

#[test]
fn a_copy_that_was_sampled_since_is_a_copy_and_stays() {
    let with = |trace_state: &str| Sent { trace_state: trace_state.to_owned(), ..full() };
    let sent = [with("a=1"), with("ot=th:c,a=1"), with("ot=th:8,a=1"), with("ot=th:c,a=2")];
    let mut run = run_of(vec![sent.to_vec(), sent.to_vec()]);
    assert_eq!(remove(&mut run).unwrap(), 6);
    let left: Vec<_> = (0..run.len()).map(|row| run.trace_states.get(row)).collect();
    assert_eq!(left, [Some("ot=th:c,a=1"), Some("ot=th:c,a=2")]);

    let mut run = run_of(vec![vec![with(""), with("ot=th:8")]]);
    assert_eq!((remove(&mut run).unwrap(), run.trace_states.get(0)), (1, Some("ot=th:8")));
}
