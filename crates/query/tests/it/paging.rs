//! Orders and pages: every trace once, whatever arrives between two pages.

use spandrel_model::{Span, TenantId, TraceId};
use spandrel_query::{Search, SearchCursor, SearchOrder, TimeRange};

use crate::cases::span;
use crate::place::{Place, Placement};

/// Traces of which some start together, some take the same time, and every third lies in two batches.
fn batches() -> Vec<Vec<Span>> {
    let mut batches = vec![Vec::new(); 3];
    for trace in 1..=30_u64 {
        let mut first = span(trace / 2 * 2, 1, None);
        first.trace_id = span(trace, 1, None).trace_id;
        first.end_unix_nanos = first.start_unix_nanos + trace % 7 * 1_000_000;
        if trace % 3 == 0 {
            let mut late = Span { span_id: span(1, 2, None).span_id, ..first.clone() };
            late.parent_span_id = Some(first.span_id);
            late.end_unix_nanos += 50_000_000 * (trace % 4);
            batches[(trace as usize + 1) % 3].push(late);
        }
        batches[trace as usize % 3].push(first);
    }
    batches
}

async fn page(
    place: &Place,
    query: &str,
    order: SearchOrder,
    after: Option<SearchCursor>,
    traces_max: usize,
) -> (Vec<TraceId>, Option<SearchCursor>) {
    let query = spandrel_traceql::compile(query).unwrap();
    let newest = Search::newest(query, TimeRange::ALL, traces_max, 1);
    let search = Search { order, after, ..newest };
    let answer = place.engine.search(&TenantId::single(), &search).await.unwrap();
    (answer.traces.iter().map(|found| found.trace_id).collect(), answer.next)
}

#[tokio::test]
async fn pages_put_together_are_the_whole_answer() {
    for placement in Placement::ALL {
        let place = Place::with(&batches(), placement).await;
        for (query, order) in ["{ }", "{ } >> { }", "{ name != `operation 4` } | count() > 0"]
            .into_iter()
            .flat_map(|query| SearchOrder::ALL.map(|order| (query, order)))
        {
            let (whole, end) = page(&place, query, order, None, 100).await;
            assert_eq!(end, None);
            let (mut paged, mut after) = (Vec::new(), None);
            loop {
                let (ids, next) = page(&place, query, order, after, 4).await;
                paged.extend(ids);
                after = next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(paged, whole, "{placement:?} {query} {order:?}");
        }
        place.close().await;
    }
}

#[tokio::test]
async fn what_arrives_meanwhile_does_not_move_the_next_page() {
    let place = Place::with(&batches(), Placement::Spread).await;
    let (whole, _) = page(&place, "{ }", SearchOrder::NewestFirst, None, 100).await;
    let (first, next) = page(&place, "{ }", SearchOrder::NewestFirst, None, 10).await;
    let later: Vec<Span> = (100..120).map(|trace| span(trace, 1, None)).collect();
    place.send(&TenantId::single(), &later).await;
    let (second, _) = page(&place, "{ }", SearchOrder::NewestFirst, next, 10).await;
    assert_eq!([first, second].concat(), whole[..20]);
    place.close().await;
}

/// Blocks whose traces all start behind the cursor are known without opening them.
#[tokio::test]
async fn a_later_page_does_not_read_the_blocks_of_the_first() {
    let place = Place::empty().await;
    for block in 0..5_u64 {
        let spans: Vec<Span> = (0..10).map(|i| span(1 + block * 10 + i, 1, None)).collect();
        place.send(&TenantId::single(), &spans).await;
        place.flush().await;
    }
    let query = spandrel_traceql::compile("{ }").unwrap();
    let newest = Search::newest(query, TimeRange::ALL, 10, 1);
    let tenant = TenantId::single();
    let first = place.engine.search(&tenant, &newest).await.unwrap();
    let next = Search { after: first.next, ..newest };
    let second = place.engine.search(&tenant, &next).await.unwrap();
    assert_eq!(second.traces.len(), 10);
    assert_eq!(second.inspected.traces, 10, "{:?}", second.inspected);
    // The block of the first page holds the cursor itself, and then two are looked at together.
    assert_eq!(second.inspected.blocks_not_reached, 2, "{:?}", second.inspected);
    place.close().await;
}
