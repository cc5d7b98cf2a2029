//! Metrics of cases that random data would rarely make, one by one.

use spandrel_model::{AttributeValue, Span, TenantId};
use spandrel_query::{MetricsAnswer, MetricsQuery, QueryError};
use spandrel_series::Intervals;

use crate::cases::{pair, service, span};
use crate::data::BASE;
use crate::place::{Place, Placement};

const SECOND: i64 = 1_000_000_000;

fn request(query: &str, intervals: Intervals) -> MetricsQuery {
    let query = spandrel_traceql::compile(query).unwrap();
    MetricsQuery { query, intervals, series_max: 1000, exemplars_max: 0 }
}

fn minute() -> Intervals {
    let base = BASE.cast_signed();
    Intervals::aligned(base, base + 60 * SECOND, 60 * SECOND).unwrap()
}

fn shown(answer: &MetricsAnswer) -> Vec<String> {
    answer.series.iter().map(|s| format!("{} {:?}", s.labels, s.values)).collect()
}

/// The series in all placements.
async fn check(batches: &[Vec<Span>], query: &str, wanted: &[&str]) {
    let request = request(query, minute());
    for placement in Placement::ALL {
        let place = Place::with(batches, placement).await;
        let got = place.engine.metrics(&TenantId::single(), &request).await.unwrap();
        assert_eq!(shown(&got), wanted, "{placement:?} {query}");
        place.close().await;
    }
}

/// Scenario: a sender repeats a request, in the same block and in another one.
/// Guarantees: its spans count once.
#[tokio::test]
async fn a_span_that_was_sent_three_times_counts_once() {
    let spans = vec![span(1, 1, None), span(1, 2, Some(1)), span(2, 1, None)];
    let mut twice = spans.clone();
    twice.extend(spans.clone());
    let batches = [twice, spans, vec![span(3, 1, None)]];
    check(&batches, "{ } | count_over_time()", &["{__name__=\"count_over_time\"} [4.0]"]).await;
    check(&batches, "{ } | sum_over_time(span.number)", &["{__name__=\"sum_over_time\"} [7.0]"])
        .await;
    check(
        &batches,
        "{ } | count_over_time() by (rootName)",
        &[
            "{rootName=\"operation 1\"} [2.0]",
            "{rootName=\"operation 2\"} [1.0]",
            "{rootName=\"operation 3\"} [1.0]",
        ],
    )
    .await;
}

/// Scenario: half of the client's and half of the server's span have the same id, as Zipkin has it.
/// Guarantees: both count.
#[tokio::test]
async fn different_spans_that_share_an_id_count_each() {
    let client = Span { name: "client".to_owned(), ..span(1, 1, None) };
    let batches = [vec![span(1, 1, None), client.clone()], vec![client]];
    check(&batches, "{ } | count_over_time()", &["{__name__=\"count_over_time\"} [2.0]"]).await;
}

/// Guarantees: the root of a trace is known also for those of its spans that lie elsewhere.
#[tokio::test]
async fn what_depends_on_the_trace_is_that_of_the_whole_trace() {
    let child = |id| Span { name: "child".to_owned(), ..span(1, id, Some(1)) };
    let batches = [vec![child(2)], vec![span(1, 1, None), child(3)], vec![child(4)]];
    let query = "{ name = `child` } | count_over_time() by (rootName)";
    check(&batches, query, &["{rootName=\"operation 1\"} [3.0]"]).await;
    let query = "{ } | max_over_time(traceDuration)";
    check(&batches, query, &["{__name__=\"max_over_time\"} [0.004]"]).await;
}

/// Scenario: a trace has two roots, in different places, and one of them has neither a name nor a service.
/// Guarantees: the earlier one is the root, whichever of them that is.
#[tokio::test]
async fn a_root_without_a_name_is_a_root() {
    let named = span(1, 5, None);
    for (id, wanted) in [(4, ""), (6, "operation 1")] {
        let resource = std::sync::Arc::default();
        let unnamed = Span { name: String::new(), resource, ..span(1, id, None) };
        let series = format!("{{rootName=\"{wanted}\"}} [2.0]");
        for batches in
            [[vec![unnamed.clone()], vec![named.clone()]], [vec![named.clone()], vec![unnamed]]]
        {
            check(&batches, "{ } | count_over_time() by (rootName)", &[&series]).await;
        }
    }
}

#[tokio::test]
async fn negative_numbers_are_ordered_as_numbers() {
    let with = |trace, number| {
        let attributes = vec![pair("n", AttributeValue::Double(number))];
        Span { attributes, ..span(trace, 1, None) }
    };
    let batches = [vec![with(1, -1.5), with(2, -20.0)], vec![with(3, -3.0)]];
    check(&batches, "{ } | min_over_time(span.n)", &["{__name__=\"min_over_time\"} [-20.0]"]).await;
    check(&batches, "{ } | max_over_time(span.n)", &["{__name__=\"max_over_time\"} [-1.5]"]).await;
}

#[tokio::test]
async fn what_is_left_out_is_said() {
    let spans: Vec<Span> =
        (1..20).flat_map(|trace| (1..=trace).map(move |id| span(trace, id, None))).collect();
    let place = Place::with(&[spans], Placement::OneBlock).await;
    let mut request = request("{ } | count_over_time() by (name)", minute());
    request.series_max = 2;
    let got = place.engine.metrics(&TenantId::single(), &request).await.unwrap();
    assert_eq!(shown(&got), ["{name=\"operation 18\"} [18.0]", "{name=\"operation 19\"} [19.0]"]);
    let text = got.left_out.unwrap().to_string();
    assert!(text.starts_with("Response exceeds maximum series limit of 2"), "{text}");
    assert!(text.contains("17 of 19 series are left out"), "{text}");
    place.close().await;
}

#[tokio::test]
async fn a_search_is_not_a_metrics_query() {
    let place = Place::empty().await;
    let got = place.engine.metrics(&TenantId::single(), &request("{ }", minute())).await;
    assert!(matches!(got, Err(QueryError::NotMetrics)));
    let got = place.engine.metrics(&TenantId::single(), &request("{ } | rate()", minute())).await;
    assert_eq!(shown(&got.unwrap()), ["{__name__=\"rate\"} [0.0]"]);
    place.close().await;
}

/// Guarantees: a block that lies in one interval is not read for counts that its index knows.
#[tokio::test]
async fn counts_by_service_come_from_the_index() {
    let spans = vec![span(1, 1, None), span(2, 1, None)];
    let place = Place::with(&[spans], Placement::OneBlock).await;
    let query = "{ } | count_over_time() by (resource.service.name, name)";
    let got = place.engine.metrics(&TenantId::single(), &request(query, minute())).await.unwrap();
    assert_eq!(
        shown(&got),
        [
            "{resource.service.name=\"shop\", name=\"operation 1\"} [1.0]",
            "{resource.service.name=\"shop\", name=\"operation 2\"} [1.0]"
        ]
    );
    assert_eq!((got.inspected.row_groups_read, got.inspected.row_groups_pruned()), (0, 1));
    place.close().await;
}

#[tokio::test]
async fn a_query_that_groups_by_too_much_is_refused() {
    let spans: Vec<Span> = (1..2000).map(|trace| span(trace, 1, None)).collect();
    let objects = std::sync::Arc::new(object_store::memory::InMemory::new());
    let options = spandrel_query::QueryOptions {
        query_bytes_max: 400_000,
        ..spandrel_query::QueryOptions::default()
    };
    let place = Place::over(objects, options).await;
    place.send(&TenantId::single(), &spans).await;
    let got = place.engine.metrics(&TenantId::single(), &request("{ } | rate()", minute())).await;
    assert!(got.is_ok(), "{got:?}");
    let base = BASE.cast_signed();
    let fine = Intervals::aligned(base, base + 2000 * SECOND, SECOND).unwrap();
    let query = "{ } | rate() by (trace:id, name, span:id)";
    let got = place.engine.metrics(&TenantId::single(), &request(query, fine)).await;
    assert!(matches!(got, Err(QueryError::Memory(_))), "{got:?}");
    place.close().await;
}

/// A root at second 0 and its children at the seconds after it, in one trace.
fn family(services: &[&str]) -> Vec<Span> {
    let start = |number: usize| BASE + number as u64 * 1_000_000_000;
    let numbered = services.iter().enumerate().map(|(number, name)| Span {
        resource: service(name),
        start_unix_nanos: start(number),
        end_unix_nanos: start(number) + 1_000_000,
        ..span(1, number as u64 + 1, (number > 0).then_some(1))
    });
    numbered.collect()
}

/// Scenario: a root and its children lie in different blocks, and some of them out of the time range.
/// Guarantees: only spans in the range count, but all of them take part in relations and aggregates.
#[tokio::test]
async fn spans_out_of_the_range_take_part_but_do_not_count() {
    let spans = family(&["web", "cart", "cart", "pay"]);
    let batches: Vec<Vec<Span>> = spans.chunks(1).map(<[Span]>::to_vec).collect();
    let base = BASE.cast_signed();
    let from_second_2 = Intervals::instant(base + 2 * SECOND, base + 9 * SECOND).unwrap();
    for (query, wanted) in [
        ("{ resource.service.name = `web` } > { } | count_over_time()", vec!["2.0"]),
        ("{ } < { resource.service.name = `web` } | count_over_time()", vec!["0.0"]),
        ("{ } | count() = 4 | count_over_time()", vec!["2.0"]),
        ("{ } | by(resource.service.name) | count() > 1 | count_over_time()", vec!["1.0"]),
        ("{ } | by(name) | coalesce() | count_over_time()", vec!["2.0"]),
        ("{ nestedSetParent < 0 } && { } | count_over_time()", vec!["2.0"]),
    ] {
        let request = request(query, from_second_2);
        for placement in Placement::ALL {
            let place = Place::with(&batches, placement).await;
            let got = place.engine.metrics(&TenantId::single(), &request).await.unwrap();
            let values = got.series.iter().map(|s| format!("{:?}", s.values[0]));
            assert_eq!(values.collect::<Vec<_>>(), wanted, "{placement:?} {query}");
            place.close().await;
        }
    }
}

/// Guarantees: what is measured, compared and grouped by may be of the parent, wherever that lies.
#[tokio::test]
async fn attributes_of_the_parent_are_known() {
    let spans = family(&["web", "cart", "cart", "pay"]);
    let batches: Vec<Vec<Span>> = spans.chunks(2).map(<[Span]>::to_vec).collect();
    let query = "{ parent.resource.service.name != resource.service.name } | count_over_time() \
        by (parent.resource.service.name, resource.service.name)";
    let edges = [
        "{parent.resource.service.name=\"web\", resource.service.name=\"cart\"} [2.0]",
        "{parent.resource.service.name=\"web\", resource.service.name=\"pay\"} [1.0]",
    ];
    check(&batches, query, &edges).await;
    let query = "{ } | max_over_time(parent.span.number)";
    check(&batches, query, &["{__name__=\"max_over_time\"} [1.0]"]).await;
    let query = "{ } | compare({ parent.service.name = `web` && resource.service.name = `pay` })";
    let request = request(query, minute());
    for placement in Placement::ALL {
        let place = Place::with(&batches, placement).await;
        let got = shown(&place.engine.metrics(&TenantId::single(), &request).await.unwrap());
        let selected = |line: &&String| line.contains("\"selection\"") && line.contains("service");
        let selected: Vec<&String> = got.iter().filter(selected).collect();
        assert!(
            selected.iter().any(|line| line.contains("resource.service.name=\"pay\"")),
            "{placement:?} {got:#?}"
        );
        assert!(!selected.iter().any(|line| line.contains("\"cart\"")), "{placement:?} {got:#?}");
        place.close().await;
    }
}

/// Scenario: the condition that cannot be computed is one that no span need pass, and no other condition holds.
/// Guarantees: the query has no answer, wherever the spans lie.
#[tokio::test]
async fn what_cannot_be_computed_fails_the_query_everywhere() {
    let text = |id, parent| Span {
        attributes: vec![pair("a", AttributeValue::String("x".to_owned()))],
        ..span(1, id, parent)
    };
    let batches = [vec![text(1, None)], vec![text(2, Some(1))]];
    for query in ["{ -.a = 1 } !> { .gone }", "{ .gone } | by(-.a)", "{ } > { -.a = 1 && .gone }"] {
        let request = request(&format!("{query} | rate()"), minute());
        let mut failed = Vec::new();
        for placement in Placement::ALL {
            let place = Place::with(&batches, placement).await;
            let got = place.engine.metrics(&TenantId::single(), &request).await;
            failed.push(matches!(got, Err(QueryError::Eval(_))));
            place.close().await;
        }
        // No span gets as far as the groups.
        assert_eq!(failed, [!query.contains("by("); 4], "{query}");
    }
}

/// Guarantees: what is inspected is said, and blocks that cannot have a candidate are not read.
#[tokio::test]
async fn traces_that_cannot_be_found_are_not_read() {
    let children = |trace| vec![span(trace, 1, None), span(trace, 2, Some(1))];
    let other = Span { name: "other".to_owned(), ..span(3, 1, None) };
    let batches = [children(1), [children(2), vec![other]].concat(), vec![span(4, 1, None)]];
    let place = Place::with(&batches, Placement::Spread).await;
    let mut request = request("{ name = `operation 1` } > { } | rate()", minute());
    request.exemplars_max = 5;
    let got = place.engine.metrics(&TenantId::single(), &request).await.unwrap();
    let exemplars: Vec<_> = got.series.iter().flat_map(|series| &series.exemplars).collect();
    assert_eq!(exemplars.len(), 1, "{got:?}");
    assert_eq!(exemplars[0].span.span_id.0[7], 2);
    let inspected = got.inspected;
    assert_eq!((inspected.traces, inspected.split_traces), (1, 0), "{inspected:?}");
    assert_eq!((inspected.blocks, inspected.live_runs), (2, 1), "{inspected:?}");
    assert_eq!((inspected.row_groups_read, inspected.row_groups_pruned()), (1, 1), "{inspected:?}");
    place.close().await;
}
