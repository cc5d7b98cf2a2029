//! Cases that random data would rarely make, one by one.

use std::sync::Arc;

use spandrel_model::{
    Attribute, AttributeValue, Resource, Span, SpanId, SpanKind, StatusCode, TenantId, TraceId,
};
use spandrel_query::{Search, TimeRange};

use crate::data::BASE;
use crate::naive;
use crate::place::{Place, Placement};

/// A span of a trace of this number, one second per trace.
pub(crate) fn span(trace: u64, id: u64, parent: Option<u64>) -> Span {
    let start_unix_nanos = BASE + trace * 1_000_000_000 + id * 1_000_000;
    Span {
        trace_id: TraceId(u128::from(trace).to_be_bytes()),
        span_id: SpanId(id.to_be_bytes()),
        parent_span_id: parent.map(|id| SpanId(id.to_be_bytes())),
        trace_state: String::new(),
        flags: 0,
        name: format!("operation {trace}"),
        kind: SpanKind::Server,
        start_unix_nanos,
        end_unix_nanos: start_unix_nanos + 1_000_000,
        attributes: vec![pair("number", AttributeValue::Int(trace.cast_signed()))],
        dropped_attributes_count: 0,
        events: Vec::new(),
        dropped_events_count: 0,
        links: Vec::new(),
        dropped_links_count: 0,
        status_code: StatusCode::Unset,
        status_message: String::new(),
        resource: service("shop"),
        scope: Arc::default(),
    }
}

pub(crate) fn pair(key: &str, value: AttributeValue) -> Attribute {
    Attribute { key: key.to_owned(), value }
}

pub(crate) fn service(name: &str) -> Arc<Resource> {
    let attributes = vec![pair("service.name", AttributeValue::String(name.to_owned()))];
    Arc::new(Resource { attributes, ..Resource::default() })
}

/// The answer must be the naive one in all placements. Returns how many traces there are.
pub(crate) async fn check(batches: &[Vec<Span>], query: &str, traces_max: usize) -> usize {
    let query = spandrel_traceql::compile(query).unwrap();
    let search = Search::newest(query, TimeRange::ALL, traces_max, 3);
    let wanted = naive::search(&naive::traces(batches), &search).unwrap();
    for placement in Placement::ALL {
        let place = Place::with(batches, placement).await;
        let got = place.engine.search(&TenantId::single(), &search).await.unwrap();
        assert_eq!(got.traces, wanted, "{placement:?} {}", search.query);
        place.close().await;
    }
    wanted.len()
}

#[tokio::test]
async fn a_trace_whose_first_span_lies_in_an_older_block_is_as_old_as_that() {
    // Trace 5 looks newest in its second block, but began before all others.
    let mut early = span(5, 1, None);
    early.start_unix_nanos = BASE;
    early.end_unix_nanos = BASE + 1;
    let late = span(5, 2, Some(1));
    let batches = [
        vec![early, span(1, 1, None)],
        vec![late, span(2, 1, None), span(3, 1, None)],
        vec![span(4, 1, None)],
    ];
    for traces_max in 0..7 {
        assert_eq!(check(&batches, "{}", traces_max).await, traces_max.min(5));
    }
}

#[tokio::test]
async fn of_traces_that_start_together_the_least_ids_come_first() {
    let together = |trace: u64| Span { start_unix_nanos: BASE, ..span(trace, 1, None) };
    let batches =
        [vec![together(4), together(2), together(6)], vec![together(5), together(1), together(3)]];
    for traces_max in 1..7 {
        assert_eq!(check(&batches, "{}", traces_max).await, traces_max);
    }
}

#[tokio::test]
async fn a_value_that_a_span_hides_does_not_count() {
    let mut hiding = span(1, 1, None);
    let resource = Resource {
        attributes: vec![pair("zone", AttributeValue::String("a".to_owned()))],
        ..Resource::default()
    };
    hiding.resource = Arc::new(resource);
    hiding.attributes = vec![pair("zone", AttributeValue::String("b".to_owned()))];
    let shown = Span { attributes: Vec::new(), ..hiding.clone() };
    let batches = [vec![hiding], vec![Span { trace_id: TraceId([2; 16]), ..shown }]];
    assert_eq!(check(&batches, "{ .zone = `a` }", 20).await, 1);
    assert_eq!(check(&batches, "{ .zone = `b` }", 20).await, 1);
    assert_eq!(check(&batches, "{ resource.zone = `a` }", 20).await, 2);
}

#[tokio::test]
async fn many_values_of_a_key_are_ruled_out_by_their_tokens_only() {
    let mut spans: Vec<Span> = (1..400).map(|number| span(number, 1, None)).collect();
    // Two that no token stands for: a list, and a text that is too long for a column.
    let list = AttributeValue::Array(vec![AttributeValue::Int(5), AttributeValue::Int(7_000)]);
    spans[10].attributes = vec![pair("number", list)];
    let long = "x".repeat(20_000);
    spans[20].attributes = vec![pair("number", AttributeValue::String(long.clone()))];
    let batches: Vec<Vec<Span>> = spans.chunks(100).map(<[Span]>::to_vec).collect();
    assert_eq!(check(&batches, "{ span.number = 250 }", 20).await, 1);
    assert_eq!(check(&batches, "{ span.number = 250.0 }", 20).await, 1);
    assert_eq!(check(&batches, "{ span.number = 7000 }", 20).await, 1);
    assert_eq!(check(&batches, "{ span.number > 395 }", 20).await, 5);
    assert_eq!(check(&batches, &format!("{{ .number = `{long}` }}"), 20).await, 1);
    assert_eq!(check(&batches, "{ span.number = 5 }", 20).await, 2);
    assert_eq!(check(&batches, "{ span.number = 100000 }", 20).await, 0);
}

#[tokio::test]
async fn conditions_on_the_whole_trace_see_the_whole_trace() {
    let child = |trace, id| Span { name: "child".to_owned(), ..span(trace, id, Some(1)) };
    let batches = [
        vec![child(1, 2), child(1, 3), child(2, 2)],
        vec![span(1, 1, None), child(1, 3)],
        vec![child(1, 4), span(2, 1, None)],
    ];
    assert_eq!(check(&batches, "{ span:childCount = 3 }", 20).await, 1);
    assert_eq!(check(&batches, "{ rootName = `operation 1` && name = `child` }", 20).await, 1);
    assert_eq!(check(&batches, "{ traceDuration = 4ms }", 20).await, 1);
    assert_eq!(check(&batches, "{ nestedSetRight = 8 }", 20).await, 1);
    assert_eq!(check(&batches, "{ nestedSetLeft = 0 }", 20).await, 0);
}

#[tokio::test]
async fn runs_that_grow_while_they_are_asked_lose_nothing() {
    let place = Place::empty().await;
    let tenant = TenantId::single();
    let query = spandrel_traceql::compile("{ .number > 0 }").unwrap();
    let search = Search::newest(query, TimeRange::ALL, 1000, 1);
    for number in 1..60 {
        let spans = [span(number, 1, None)];
        let sending = place.send(&tenant, &spans);
        let asking = place.engine.search(&tenant, &search);
        let ((), answer) = futures::future::join(sending, asking).await;
        let found = answer.unwrap().traces.len() as u64;
        assert!(found == number || found == number - 1, "{found} of {number}");
        let answer = place.engine.search(&tenant, &search).await.unwrap();
        assert_eq!(answer.traces.len() as u64, number);
        if number % 20 == 0 {
            place.flush().await;
        }
    }
    place.close().await;
}

/// Scenario: a call goes back and forth between two services.
/// Guarantees: the trace comes back depth first, also where OTLP would group its spans by service.
#[tokio::test]
async fn a_trace_by_id_is_in_its_own_order() {
    let chain = (1..=6_u64).map(|id| Span {
        resource: service(if id % 2 == 0 { "stock" } else { "shop" }),
        ..span(1, id, (id > 1).then(|| id - 1))
    });
    let batches = [chain.collect::<Vec<_>>()];
    for placement in Placement::ALL {
        let place = Place::with(&batches, placement).await;
        let id = batches[0][0].trace_id;
        let found = place.engine.find_trace(&TenantId::single(), id, TimeRange::ALL).await;
        let found = found.unwrap().unwrap().to_trace().unwrap();
        let ids = found.spans.iter().map(|span| u64::from_be_bytes(span.span_id.0));
        assert_eq!(ids.collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6], "{placement:?}");
        place.close().await;
    }
}

/// Scenario: a retention policy sampled a trace and recorded its weight; then a sender repeats one of its spans.
/// Guarantees: the span is there once, with the weight, wherever its two copies lie.
#[tokio::test]
async fn a_copy_of_a_sampled_span_is_a_copy() {
    let sampled = Span { trace_state: "ot=th:c,a=1".to_owned(), ..span(1, 1, None) };
    let again = Span { trace_state: "a=1".to_owned(), ..span(1, 1, None) };
    for batches in [[vec![sampled.clone()], vec![again.clone()]], [vec![again], vec![sampled]]] {
        for placement in Placement::ALL {
            let place = Place::with(&batches, placement).await;
            let id = batches[0][0].trace_id;
            let found = place.engine.find_trace(&TenantId::single(), id, TimeRange::ALL).await;
            let found = found.unwrap().unwrap().to_trace().unwrap();
            let states: Vec<_> = found.spans.iter().map(|span| &*span.trace_state).collect();
            assert_eq!(states, ["ot=th:c,a=1"], "{placement:?}");
            place.close().await;
        }
    }
}
