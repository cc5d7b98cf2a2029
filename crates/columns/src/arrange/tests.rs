//! Small traces written as text, one span a line: `name parent start..end words`.
//!
//! The name, of at most 8 bytes, is also the span id, unless a word `id=...` says otherwise; parent
//! `-` makes a root. Other words are a kind, `error` and `service=...`. A line `trace n` begins
//! trace `n`; spans before belong to trace 1.

mod hostile;
mod oracle;

use std::sync::Arc;

use spandrel_model::{Attribute, AttributeValue, Resource, SpanId, SpanKind, StatusCode, TraceId};

use super::*;
use crate::{RawSpan, SpanColumns};

fn trace_id(number: u8) -> TraceId {
    let mut id = [0; 16];
    id[0] = number;
    TraceId(id)
}

fn span_id(text: &str) -> SpanId {
    let mut id = [0; 8];
    if text != "-" {
        id[..text.len()].copy_from_slice(text.as_bytes());
    }
    SpanId(id)
}

/// The number of a resource with this service, and with nothing at all when the service is empty.
fn resource(spans: &mut SpanColumns, service: &str) -> u32 {
    let mut resource = Resource::default();
    if !service.is_empty() {
        let value = AttributeValue::String(service.into());
        resource.attributes.push(Attribute { key: "service.name".into(), value });
    }
    spans.resource_table.insert(service.as_bytes(), Arc::new(resource))
}

fn run(text: &str) -> SpanColumns {
    let mut spans = SpanColumns::default();
    let mut trace = 1;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(number) = line.strip_prefix("trace ") {
            trace = number.parse().unwrap();
            continue;
        }
        let mut words = line.split_whitespace();
        let name = words.next().unwrap();
        let parent = words.next().unwrap();
        let (start, end) = words.next().unwrap().split_once("..").unwrap();
        let [start, end]: [i64; 2] = [start, end].map(|time| time.parse().unwrap());
        let mut span = RawSpan {
            trace_id: trace_id(trace),
            span_id: span_id(name),
            parent_span_id: span_id(parent),
            start_unix_nanos: start,
            duration_nanos: end - start,
            name: name.as_bytes(),
            ..RawSpan::default()
        };
        let mut service = "";
        for word in words {
            match word.split_once('=') {
                Some(("id", id)) => span.span_id = span_id(id),
                Some(("service", name)) => service = name,
                _ if word == "error" => span.status_code = StatusCode::Error as u8,
                _ => {
                    let kind = SpanKind::ALL.into_iter().find(|kind| kind.as_str() == word);
                    span.kind = kind.unwrap() as u8;
                }
            }
        }
        span.resource = resource(&mut spans, service);
        spans.push(span);
    }
    spans
}

/// The names in block order, separated by spaces, each behind one dot per step of depth.
fn outline(text: &str) -> String {
    let spans = run(text);
    let arrangement = arrange(&spans);
    let names = arrangement.order.iter().zip(&arrangement.depths).map(|(&row, &depth)| {
        let name = spans.name_dictionary.get(spans.names[row as usize]);
        format!("{}{name}", ".".repeat(depth as usize))
    });
    names.collect::<Vec<_>>().join(" ")
}

/// `name=value` in block order, separated by spaces, for the values that are not the default.
fn values<T>(text: &str, values: impl Fn(Arrangement) -> Vec<T>) -> String
where
    T: Default + PartialEq + std::fmt::Display,
{
    let spans = run(text);
    let arrangement = arrange(&spans);
    let order = arrangement.order.clone();
    let pairs = order.iter().zip(values(arrangement)).filter(|(_, value)| *value != T::default());
    let texts = pairs.map(|(&row, value)| {
        let name = spans.name_dictionary.get(spans.names[row as usize]);
        format!("{name}={value}")
    });
    texts.collect::<Vec<_>>().join(" ")
}

fn child_nanos(text: &str) -> String {
    values(text, |arrangement| arrangement.child_nanos)
}

fn critical_nanos(text: &str) -> String {
    values(text, |arrangement| arrangement.critical_nanos)
}

#[test]
fn an_empty_run_has_an_empty_arrangement() {
    assert_eq!(arrange(&SpanColumns::default()), Arrangement::default());
}

#[test]
fn rows_are_depth_first_with_siblings_by_start_then_id() {
    let text = "
        d b 15..16
        c root 20..30
        b root 10..20
        f c 21..22
        e c 21..22
        root - 0..100
    ";
    assert_eq!(outline(text), "root .b ..d .c ..e ..f");
    let arrangement = arrange(&run(text));
    assert_eq!(arrangement.order, [5, 2, 0, 1, 4, 3]);
    assert_eq!(arrangement.parent_offsets, [0, 1, 1, 3, 1, 2]);
    assert_eq!(arrangement.subtree_rows, [6, 2, 1, 3, 1, 1]);
    assert_eq!(arrangement.depths, [0, 1, 2, 1, 2, 2]);
}

#[test]
fn traces_are_sorted_by_name_then_service_then_start_then_id() {
    let text = "
        trace 1
        stray gone 1..2
        trace 2
        get - 5..6 service=b
        trace 3
        get - 9..10 service=a
        trace 5
        get - 7..8 service=a
        trace 4
        get - 7..8 service=a
        trace 6
        get - 9..10
        trace 7
        add - 90..91 service=z
        trace 8
        early gone 0..1
    ";
    let traces = arrange(&run(text)).traces;
    let numbers: Vec<u8> = traces.iter().map(|trace| trace.trace_id.0[0]).collect();
    assert_eq!(numbers, [7, 6, 4, 5, 3, 2, 8, 1]);
}

#[test]
fn the_earliest_root_names_the_trace() {
    let text = "
        trace 1
        a - 20..30
        z - 10..15
        trace 2
        m - 50..60
    ";
    assert_eq!(outline(text), "m z a");
}

#[test]
fn facts_of_traces_cover_strays_too() {
    let text = "
        trace 1
        call root 5..250 error
        root - 10..100 error
        stray gone -20..0
        trace 2
        stray gone 7..3
    ";
    let arrangement = arrange(&run(text));
    let expected = [
        TraceFacts {
            trace_id: trace_id(1),
            first_row: 0,
            n_rows: 3,
            start_unix_nanos: -20,
            end_unix_nanos: 250,
            root_row: Some(0),
            n_errors: 2,
        },
        TraceFacts {
            trace_id: trace_id(2),
            first_row: 3,
            n_rows: 1,
            start_unix_nanos: 7,
            end_unix_nanos: 3,
            root_row: None,
            n_errors: 0,
        },
    ];
    assert_eq!(arrangement.traces, expected);
}

#[test]
fn strays_follow_roots_in_order_of_start() {
    let text = "
        late gone 40..50
        early gone 1..2
        below early 1..2
        second - 30..40
        first - 20..90
    ";
    assert_eq!(outline(text), "first second early .below late");
}

#[test]
fn spans_that_differ_only_in_name_or_service_do_not_stay_as_they_arrived() {
    let texts = ["b - 0..1 id=x service=s", "a - 0..1 id=x service=t", "a - 0..1 id=x service=s"];
    let order = |texts: &[&str]| arrange(&run(&texts.join("\n"))).order;
    assert_eq!(order(&texts), [2, 1, 0]);
    assert_eq!(order(&[texts[2], texts[1], texts[0]]), [0, 1, 2]);
}

#[test]
fn the_server_adopts_the_children_of_a_shared_id() {
    let text = "
        root - 0..100
        client root 10..90 client id=x
        server root 20..80 server id=x
        work x 30..40
    ";
    assert_eq!(outline(text), "root .client .server ..work");
}

#[test]
fn without_a_server_the_first_of_a_shared_id_adopts() {
    let text = "
        second - 20..80 id=x
        first - 10..90 id=x
        work x 30..40
    ";
    assert_eq!(outline(text), "first .work second");
}

#[test]
fn cycles_break_at_the_span_that_starts_first() {
    let text = "
        c b 30..40
        a c 10..90
        b a 20..50
        below b 25..26
    ";
    assert_eq!(outline(text), "a .b ..below ..c");
    let text = "
        root - 0..100
        self self 5..9
        under self 6..7
        y x 50..60
        x y 40..90
        tail y 51..52
        v u 4..5
        u v 4..5
    ";
    assert_eq!(outline(text), "root u .v self .under x .y ..tail");
}

#[test]
fn child_time_is_the_union_of_children_within_the_span() {
    let text = "
        root - 10..100
        before root 0..10
        early root 5..20
        long root 30..60
        inner root 35..40
        overlap root 50..70
        late root 95..200
        backward root 80..75
        deep long 61..69
    ";
    assert_eq!(child_nanos(text), "root=55");
    assert_eq!(child_nanos("root - 50..10 \n child root 0..100"), "");
}

#[test]
fn errors_begin_where_no_child_failed() {
    let text = "
        root - 0..100 error
        fine root 10..20
        hidden fine 11..12 error
        failed root 30..40 error
        deep failed 31..32 error
        deeper failed 33..34 error
        stray gone 50..60 error
    ";
    let origins = |arrangement: Arrangement| arrangement.error_origins;
    assert_eq!(values(text, origins), "hidden=true deep=true deeper=true stray=true");
}

#[test]
fn the_last_finisher_hides_the_children_it_overlaps() {
    let text = "
        root - 0..100
        first root 10..50
        last root 20..60
    ";
    assert_eq!(critical_nanos(text), "root=60 last=40");
}

#[test]
fn siblings_back_to_back_are_all_on_the_path() {
    let text = "
        root - 0..30
        a root 0..10
        b root 10..20
        c root 20..30
    ";
    assert_eq!(critical_nanos(text), "a=10 b=10 c=10");
}

#[test]
fn the_path_goes_down_and_gaps_stay_with_the_parent() {
    let text = "
        root - 0..100
        a root 10..40
        b root 50..90
        b1 b 55..60
        b2 b 65..80
        side b 62..84
        below side 70..80
    ";
    assert_eq!(critical_nanos(text), "root=30 a=30 b=13 b1=5 side=12 below=10");
}

#[test]
fn children_are_clipped_to_their_clipped_parent() {
    let text = "
        root - 0..30
        long root 15..35
        deep long 10..25
        outside root 40..80
        below outside 10..14
    ";
    assert_eq!(critical_nanos(text), "root=15 long=5 deep=10");
}

#[test]
fn of_children_that_end_together_the_first_to_start_is_on_the_path() {
    let text = "
        root - 0..100
        late root 60..150
        early root 40..120
    ";
    assert_eq!(critical_nanos(text), "root=40 early=60");
}

#[test]
fn producers_do_not_wait_for_consumers() {
    let text = "
        send - 0..100 producer
        receive send 10..90 consumer
        work receive 20..30
        store send 40..50 client
    ";
    assert_eq!(critical_nanos(text), "send=90 store=10");
}

#[test]
fn every_top_has_a_path_of_its_own() {
    let text = "
        root - 0..100
        other - 0..50
        child other 10..20
        stray gone 30..37
        backward gone 9..2
    ";
    assert_eq!(critical_nanos(text), "other=40 child=10 root=100 stray=7");
}
