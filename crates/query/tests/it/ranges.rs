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

/// A trace each second, a hundred in a block; trace 700 has begun at 305 already, and trace 200 goes on at 650.
async fn eight_hundred_seconds() -> Place {
    let place = Place::empty().await;
    let tenant = TenantId::single();
    for block in 0..8 {
        let spans: Vec<Span> = (0..100).map(|i| span(1 + block * 100 + i, 1, None)).collect();
        place.send(&tenant, &spans).await;
        place.flush().await;
    }
    let early = Span { trace_id: span(700, 1, None).trace_id, ..span(305, 2, Some(1)) };
    let late = Span { trace_id: span(200, 1, None).trace_id, ..span(650, 2, Some(1)) };
    place.send(&tenant, &[early, late]).await;
    place.flush().await;
    place
}

/// What lies outside of the range is not read to know that it does, however much of it is newer than the answer.
#[tokio::test]
async fn a_range_in_the_past_reads_the_traces_in_it() {
    let place = eight_hundred_seconds().await;
    let tenant = TenantId::single();
    let found = async |traces_max| {
        let search = Search { traces_max, ..search("{ }", seconds(300, 311)) };
        let answer = place.engine.search(&tenant, &search).await.unwrap();
        // Of what is not in the answer, the two that lie in several blocks may have been.
        let traces_max = answer.traces.len() as u64 + 2;
        assert!(answer.inspected.traces <= traces_max, "{:?}", answer.inspected);
        // Three in the range, and the newest, which taught how many are not.
        assert!(answer.inspected.row_groups_read <= 4, "{:?}", answer.inspected);
        answer.traces.into_iter().map(|found| found.trace_id).collect::<Vec<_>>()
    };
    let id = |trace| span(trace, 1, None).trace_id;
    let all = [310, 309, 308, 307, 306, 305, 700, 304, 303, 302, 301, 300, 200].map(id);
    let mut whole = found(100).await;
    // Two start at the same moment.
    whole[5..7].sort_by_key(|found| *found != id(305));
    assert_eq!(whole, all);
    assert_eq!(found(3).await, all[..3]);
    place.close().await;
}
