//! Properties of whole traces and of the traffic: shape, pairing, errors, size, reproducibility.

use std::collections::{HashMap, HashSet};

use prost::Message as _;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::trace::Span;
use spandrel_proto::otlp::trace::span::SpanKind;
use spandrel_proto::otlp::trace::status::StatusCode;

use super::*;

const START: u64 = 1_767_225_600_000_000_000;

fn traces(seed: u64, count: u64) -> Vec<SimulatedTrace> {
    let mut shop = Shop::new(seed);
    (0..count).map(|number| shop.next_trace(START + number * 1_000_000)).collect()
}

fn traffic(seed: u64) -> TrafficGenerator {
    let settings = TrafficSettings { traces_per_second: 2_000.0, ..TrafficSettings::default() };
    TrafficGenerator::new(Shop::new(seed), settings)
}

fn is_error(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error)
}

fn text<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    let pair = span.attributes.iter().find(|pair| pair.key == key)?;
    match pair.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let encoded = |seed| -> Vec<Vec<u8>> {
        let exports = traffic(seed).take(40);
        exports.map(|export| export.request.encode_to_vec()).collect()
    };
    assert!(encoded(7) == encoded(7));
    assert!(encoded(7) != encoded(8));
}

#[test]
fn every_trace_is_one_tree_with_its_root_first() {
    let mut seen = HashSet::new();
    for trace in traces(1, 3_000) {
        let trace_id = &trace.spans[0].span.trace_id;
        assert!(trace_id.len() == 16 && seen.insert(trace_id.clone()), "trace id repeats");
        let mut earlier = HashSet::new();
        for (position, SimulatedSpan { span, .. }) in trace.spans.iter().enumerate() {
            assert_eq!(&span.trace_id, trace_id);
            assert_eq!(span.span_id.len(), 8);
            assert_eq!(span.parent_span_id.is_empty(), position == 0, "{:?}", trace.scenario);
            assert!(
                position == 0 || earlier.contains(&span.parent_span_id),
                "orphan {}",
                span.name
            );
            assert!(earlier.insert(span.span_id.clone()), "span id repeats");
            assert!(
                span.end_time_unix_nano > span.start_time_unix_nano,
                "{} never ended",
                span.name
            );
        }
    }
}

#[test]
fn children_start_after_their_parents_and_mostly_end_before() {
    let (mut children, mut outlive) = (0, 0);
    for trace in traces(2, 3_000) {
        let by_id: HashMap<_, _> = trace.spans.iter().map(|s| (&s.span.span_id, &s.span)).collect();
        for SimulatedSpan { span, .. } in &trace.spans[1..] {
            let parent = by_id[&span.parent_span_id];
            assert!(span.start_time_unix_nano >= parent.start_time_unix_nano);
            if span.kind() != SpanKind::Consumer {
                children += 1;
                outlive += u32::from(span.end_time_unix_nano > parent.end_time_unix_nano);
            }
        }
    }
    let share = f64::from(outlive) / f64::from(children);
    // Only servers whose callers ran into a timeout.
    assert!(share > 0.0 && share < 0.01, "{share}");
}

#[test]
fn servers_and_consumers_hang_on_clients_and_producers_elsewhere() {
    let mut pairs = 0;
    for trace in traces(3, 2_000) {
        let by_id: HashMap<_, _> = trace.spans.iter().map(|s| (&s.span.span_id, s)).collect();
        for simulated in &trace.spans[1..] {
            let parent = by_id[&simulated.span.parent_span_id];
            let expected = match simulated.span.kind() {
                SpanKind::Server => SpanKind::Client,
                SpanKind::Consumer => SpanKind::Producer,
                _ => {
                    assert_eq!(
                        simulated.instance, parent.instance,
                        "only calls change the instance"
                    );
                    continue;
                }
            };
            pairs += 1;
            assert_eq!(parent.span.kind(), expected, "{}", simulated.span.name);
            assert_ne!(simulated.instance, parent.instance);
            if expected == SpanKind::Producer {
                assert_eq!(simulated.span.links[0].span_id, parent.span.span_id);
            }
        }
    }
    assert!(pairs > 5_000, "{pairs}");
}

#[test]
fn a_few_traces_fail_and_say_why() {
    let traces = traces(4, 8_000);
    let failed = traces.iter().filter(|trace| trace.spans.iter().any(|s| is_error(&s.span)));
    let share = failed.count() as f64 / traces.len() as f64;
    assert!((0.01..0.06).contains(&share), "{share}");
    let spans = || traces.iter().flat_map(|trace| &trace.spans).map(|s| &s.span);
    for span in spans().filter(|span| is_error(span)) {
        assert!(text(span, "error.type").is_some(), "{} fails without a type", span.name);
        assert!(!span.status.as_ref().is_some_and(|status| status.message.is_empty()));
    }
    let exceptions =
        spans().flat_map(|span| &span.events).filter(|event| event.name == "exception");
    assert!(exceptions.count() > 50);
    assert!(spans().any(|span| !span.trace_state.is_empty()));
    let reached = traces.iter().filter(|trace| is_error(&trace.spans[0].span)).count();
    assert!(reached > 20, "errors propagate to {reached} roots");
}

#[test]
fn the_category_listing_sends_one_query_for_each_product() {
    let trace = Shop::new(5).play(Scenario::CategoryListing, START);
    let of = |collection: &str| {
        let same = |s: &&SimulatedSpan| text(&s.span, "db.collection.name") == Some(collection);
        trace.spans.iter().filter(same).count()
    };
    assert_eq!(of("products"), 1);
    assert!(of("product_images") >= 14, "{}", of("product_images"));
}

#[test]
fn a_payment_outage_is_retried_with_backoff_and_reaches_the_user() {
    // A checkout may end before its payment (out of stock, fraud), but hardly twenty of them.
    let mut shop = Shop::new(6);
    let retried = (0..20).map(|_| shop.play(Scenario::PaymentFailure, START)).find(|trace| {
        let calls = |s: &&SimulatedSpan| text(&s.span, "app.payment.provider").is_some();
        trace.spans.iter().filter(calls).count() == 3
    });
    let retried = retried.expect("an outage leads to three attempts");
    assert!(is_error(&retried.spans[0].span));
    let retries = retried.spans.iter().flat_map(|s| &s.span.events).filter(|e| e.name == "retry");
    assert_eq!(retries.count(), 2);
}

#[test]
fn every_scenario_can_be_played_and_occurs() {
    let mut shop = Shop::new(7);
    for scenario in Scenario::all() {
        assert!(shop.play(scenario, START).spans.len() > 1, "{scenario:?}");
    }
    let drawn: HashSet<_> = traces(7, 10_000).iter().map(|trace| trace.scenario).collect();
    assert_eq!(drawn.len(), Scenario::all().count());
    let job = shop.play(Scenario::StockReconciliation, START);
    assert!(job.spans.len() > 150, "{}", job.spans.len());
}

#[test]
fn batches_come_from_one_instance_after_their_spans_ended() {
    let mut requests_of_trace: HashMap<_, usize> = HashMap::new();
    let mut previous = 0;
    for export in traffic(8).take(400) {
        assert!(export.unix_nanos >= previous && export.span_count <= 512);
        previous = export.unix_nanos;
        let [resource_spans] = export.request.resource_spans.as_slice() else {
            panic!("one resource in a batch");
        };
        assert_eq!(resource_spans.resource.as_ref().map(|r| r.attributes.len()), Some(18));
        let spans = || resource_spans.scope_spans.iter().flat_map(|scope| &scope.spans);
        assert_eq!(spans().count(), export.span_count);
        assert!(spans().all(|span| span.end_time_unix_nano <= export.unix_nanos));
        let ids: HashSet<_> = spans().map(|span| span.trace_id.clone()).collect();
        ids.into_iter().for_each(|id| *requests_of_trace.entry(id).or_default() += 1);
    }
    let split = requests_of_trace.values().filter(|&&requests| requests > 1).count();
    assert!(split * 2 > requests_of_trace.len(), "most traces arrive in several requests");
}

#[test]
fn finishing_sends_what_is_left() {
    let mut generator = traffic(9);
    let mut spans: usize = generator.by_ref().take(100).map(|export| export.span_count).sum();
    let until = generator.now_unix_nanos();
    spans += generator.finish().iter().map(|export| export.span_count).sum::<usize>();

    // The same shop without exporters between.
    let mut shop = Shop::new(9);
    let (mut now, mut expected) = (TrafficSettings::default().start_unix_nanos, 0);
    while now < until {
        expected += shop.next_trace(now).spans.len();
        now += shop.next_gap(2_000.0);
    }
    assert_eq!(spans, expected);
}

#[test]
fn sizes_are_those_of_real_traffic() {
    let (mut spans, mut attributes, mut bytes) = (0, 0, 0);
    for export in traffic(10).take(300) {
        spans += export.span_count;
        bytes += export.request.encoded_len();
        let scopes = export.request.resource_spans.iter().flat_map(|r| &r.scope_spans);
        attributes +=
            scopes.flat_map(|s| &s.spans).map(|span| span.attributes.len()).sum::<usize>();
    }
    let traces = traces(10, 10_000);
    let per_trace = traces.iter().map(|trace| trace.spans.len()).sum::<usize>() as f64 / 1e4;
    let (per_span, attributes) = (bytes / spans, attributes as f64 / spans as f64);
    assert!((300..=420).contains(&per_span), "{per_span} bytes for each span");
    assert!((8.0..=12.0).contains(&attributes), "{attributes} attributes for each span");
    assert!((15.0..=25.0).contains(&per_trace), "{per_trace} spans for each trace");
}
