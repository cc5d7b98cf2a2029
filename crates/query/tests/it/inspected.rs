//! What a search says it looked at is what it looked at.

use spandrel_model::{AttributeValue, Span, TenantId};
use spandrel_query::{Search, SearchInspected, TimeRange};

use crate::cases::{pair, span};
use crate::data::BASE;
use crate::place::Place;

const BLOCKS: u64 = 10;

/// Blocks of a hundred traces; numbers of all sizes are in every block, but each number is in one.
async fn blocks() -> Place {
    let place = Place::empty().await;
    for block in 0..BLOCKS {
        let spans: Vec<Span> =
            (0..100).map(|i| numbered(1 + block * 100 + i, i * BLOCKS + block)).collect();
        place.send(&TenantId::single(), &spans).await;
        place.flush().await;
    }
    place
}

fn numbered(trace: u64, number: u64) -> Span {
    let attributes = vec![
        pair("number", AttributeValue::Int(number.cast_signed())),
        pair("parity", AttributeValue::Int(i64::from(number % 2 == 1))),
    ];
    Span { attributes, ..span(trace, 1, None) }
}

async fn inspected(place: &Place, query: &str, traces_max: usize) -> (usize, SearchInspected) {
    let query = spandrel_traceql::compile(query).unwrap();
    let search = Search::newest(query, TimeRange::ALL, traces_max, 1);
    let answer = place.engine.search(&TenantId::single(), &search).await.unwrap();
    (answer.traces.len(), answer.inspected)
}

#[tokio::test]
async fn a_rare_value_reads_the_row_group_that_holds_it() {
    let place = blocks().await;
    for query in [
        "{ span.number = 507 }",
        "{ span.number = 507 } && { name != `gone` }",
        "{ name != `gone` } &~ { span.number = 507 } || { span.number = 507 && true }",
    ] {
        let (found, inspected) = inspected(&place, query, 20).await;
        assert_eq!(found, 1, "{query}");
        assert_eq!(inspected.row_groups_read, 1, "{query}: {inspected:?}");
        assert_eq!(inspected.row_groups_ruled_out_by_filter, BLOCKS - 1, "{query}: {inspected:?}");
        assert_eq!(inspected.row_groups_ruled_out_by_statistics, 0, "{query}: {inspected:?}");
        assert_eq!((inspected.spans, inspected.traces), (100, 1), "{query}: {inspected:?}");
        assert_eq!((inspected.blocks, inspected.live_runs), (BLOCKS, 0), "{query}: {inspected:?}");
    }
    place.close().await;
}

#[tokio::test]
async fn what_the_directories_rule_out_is_not_read() {
    let place = blocks().await;
    for (query, read) in [
        // Listed values, a range, and an attribute that no block has.
        ("{ span.parity = 1 }", BLOCKS / 2),
        ("{ span.number > 998 }", 1),
        ("{ span.gone = 1 }", 0),
        ("{ span.parity = 1 } >> { span.gone = 1 }", 0),
        ("{ span.gone = 1 } !>> { span.parity = 0 }", BLOCKS / 2),
        ("{ span.gone = 1 } || { span.parity = 0 }", BLOCKS / 2),
        // Of traces: how long they take, and their roots.
        ("{ traceDuration > 1h }", 0),
        ("{ traceDuration >= 0s }", BLOCKS),
        ("{ rootName = `gone` || rootServiceName =~ `gone.*` }", 0),
        ("{ rootName != `gone` && span.parity = 0 }", BLOCKS / 2),
    ] {
        let (_, inspected) = inspected(&place, query, usize::MAX).await;
        assert_eq!(inspected.row_groups_read, read, "{query}: {inspected:?}");
        assert_eq!(inspected.row_groups_ruled_out_by_statistics, BLOCKS - read, "{query}");
        assert_eq!(inspected.row_groups_pruned(), BLOCKS - read, "{query}");
    }
    place.close().await;
}

#[tokio::test]
async fn blocks_behind_the_answer_are_not_reached() {
    let place = blocks().await;
    let (found, inspected) = inspected(&place, "{ }", 1).await;
    assert_eq!((found, inspected.row_groups_read), (1, 1), "{inspected:?}");
    assert_eq!((inspected.traces, inspected.blocks_not_reached), (1, BLOCKS - 1), "{inspected:?}");
    place.close().await;
}

#[tokio::test]
async fn blocks_out_of_the_range_are_not_opened() {
    let place = Place::empty().await;
    for hour in 0..3 {
        place.send(&TenantId::single(), &[span(1 + hour * 3600, 1, None)]).await;
        place.flush().await;
    }
    let start_unix_nanos = (BASE + 3_500 * 1_000_000_000).cast_signed();
    let range = TimeRange { start_unix_nanos, end_unix_nanos: start_unix_nanos + 200_000_000_000 };
    let query = spandrel_traceql::compile("{ }").unwrap();
    let search = Search::newest(query, range, 20, 1);
    let answer = place.engine.search(&TenantId::single(), &search).await.unwrap();
    assert_eq!(answer.traces.len(), 1);
    let inspected = answer.inspected;
    assert_eq!((inspected.blocks, inspected.blocks_out_of_range), (1, 2), "{inspected:?}");
    assert_eq!(inspected.row_groups_read, 1, "{inspected:?}");
    place.close().await;
}

#[tokio::test]
async fn too_few_spans_are_counted_without_reading_traces() {
    let place = Place::empty().await;
    let mut spans = Vec::new();
    for trace in 1..=50 {
        spans.extend((1..=1 + trace % 5).map(|id| span(trace, id, (id > 1).then_some(1))));
    }
    place.send(&TenantId::single(), &spans).await;
    place.flush().await;
    let (found, all) = inspected(&place, "{ } | count() > 4", 100).await;
    assert_eq!((found, all.traces), (10, 10), "{all:?}");
    let (found, none) = inspected(&place, "{ } | count() > 100000", 100).await;
    assert_eq!((found, none.traces), (0, 0), "{none:?}");
    place.close().await;
}
