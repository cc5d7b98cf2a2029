//! Searches in a range of time: which traces qualify, and which blocks are looked at.

use spandrel_model::{Span, TenantId};
use spandrel_query::{Search, TimeRange};

use crate::cases::span;
use crate::data::BASE;
use crate::place::Place;

fn seconds(start: u64, end: u64) -> TimeRange {
    let at = |second: u64| (BASE + second * 1_000_000_000).cast_signed();
    TimeRange { start_unix_nanos: at(start), end_unix_nanos: at(end) }
}

fn search(query: &str, range: TimeRange) -> Search {
    let query = spandrel_traceql::compile(query).unwrap();
    Search::newest(query, range, 20, 3)
}

/// Two blocks an hour apart, the second one with a late span of a trace of the first.
async fn two_blocks() -> Place {
    let place = Place::empty().await;
    let tenant = TenantId::single();
    let late = Span { name: "late".to_owned(), ..span(3_600, 2, Some(1)) };
    let late = Span { trace_id: span(1, 1, None).trace_id, ..late };
    place.send(&tenant, &[span(1, 1, None), span(2, 1, None)]).await;
    place.flush().await;
    place.send(&tenant, &[late, span(3_601, 1, None)]).await;
    place.flush().await;
    place
}

#[tokio::test]
async fn what_is_found_is_whole_wherever_its_spans_lie() {
    let place = two_blocks().await;
    let tenant = TenantId::single();
    let search = search("{ name = `late` }", seconds(3_500, 3_700));
    let answer = place.engine.search(&tenant, &search).await.unwrap();
    let [found] = &answer.traces[..] else { panic!("{answer:?}") };
    assert_eq!(found.root_name.as_deref(), Some("operation 1"));
    assert_eq!(found.services["shop"].n_spans, 2);
    assert_eq!(answer.inspected.blocks, 1, "the older block is not in the range");

    let id = found.trace_id;
    let trace = place.engine.find_trace(&tenant, id, seconds(3_500, 3_700)).await.unwrap().unwrap();
    assert_eq!(trace.n_spans(), 2);
    let outside = place.engine.find_trace(&tenant, id, seconds(4_000, 5_000)).await.unwrap();
    assert!(outside.is_none());
    place.close().await;
}

#[tokio::test]
async fn a_trace_that_spans_the_range_is_found_by_what_lies_beside_it() {
    let place = Place::empty().await;
    let tenant = TenantId::single();
    let late = Span { trace_id: span(1, 1, None).trace_id, ..span(300, 2, Some(1)) };
    for spans in [vec![span(1, 1, None), span(2, 1, None)], vec![late]] {
        place.send(&tenant, &spans).await;
        place.flush().await;
    }
    // No span lies between 100 and 200, but trace 1 has begun before and ends behind.
    let search = search("{ name = `operation 1` || name = `operation 2` }", seconds(100, 200));
    let answer = place.engine.search(&tenant, &search).await.unwrap();
    let ids: Vec<_> = answer.traces.iter().map(|found| found.trace_id).collect();
    assert_eq!(ids, [span(1, 1, None).trace_id]);
    place.close().await;
}
