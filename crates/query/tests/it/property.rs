//! Searches over random traces: the naive answer, wherever the spans lie.

use std::collections::{BTreeMap, BTreeSet};

use proptest::sample::select;
use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use spandrel_model::{AttributeScope, Span, TenantId};
use spandrel_query::{
    Operation, Progress, QueryError, Search, SearchCursor, SearchOrder, TagLimits, TagNamesRequest,
    TagValue, TagValuesRequest, TimeRange, TraceMatch,
};
use spandrel_traceql::{FieldExpr, compile};

use crate::data::{BASE, batches};
use crate::naive::{self, NaiveTrace};
use crate::naive_tree::content;
use crate::place::{Place, Placement};
use crate::queries::query;

const DATA_SETS: usize = 25;

const SCOPES: [AttributeScope; 5] = [
    AttributeScope::Span,
    AttributeScope::Resource,
    AttributeScope::Instrumentation,
    AttributeScope::Event,
    AttributeScope::Link,
];

/// How many (trace set, query) pairs are compared.
const PAIRS: &str = "SPANDREL_ORACLE_PAIRS";
const PAIRS_DEFAULT: usize = 4000;
/// Where the random data begins; a failure prints it.
const SEED: &str = "SPANDREL_ORACLE_SEED";
/// Queries over the same trace set: placing it costs as much as many of them.
const QUERIES_OF_SET: usize = 400;
/// So many pairs are a line of progress.
const PROGRESS_PAIRS: usize = 10_000;

fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    TestRunner::new_with_rng(Config::default(), rng)
}

#[expect(clippy::disallowed_methods, reason = "how long to compare is up to whoever runs it")]
fn number_of(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

pub(crate) fn sample<T: std::fmt::Debug>(
    runner: &mut TestRunner,
    strategy: impl Strategy<Value = T>,
) -> T {
    strategy.new_tree(runner).unwrap().current()
}

#[derive(Debug, Default)]
struct Counts {
    pairs: usize,
    matching: usize,
    several_spansets: usize,
    invalid: usize,
    without_answer: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_answer_what_the_definition_says() {
    let pairs = number_of(PAIRS, PAIRS_DEFAULT);
    let first_seed = number_of(SEED, 1) as u64;
    let mut counts = Counts::default();
    let mut seed = first_seed;
    // Made once: making it takes longer than many searches.
    let queries = query();
    while counts.pairs < pairs {
        let mut runner = runner(seed);
        let batches = sample(&mut runner, batches());
        let traces = naive::traces(&batches);
        let mut places = Vec::new();
        for placement in Placement::ALL {
            places.push((placement, Place::with(&batches, placement).await));
        }
        for _ in 0..QUERIES_OF_SET.min(pairs - counts.pairs) {
            let search = search(&mut runner, &queries, &traces, &mut counts);
            if let Err(difference) = compare(&batches, &traces, &places, &search, &mut counts).await
            {
                panic!("{SEED}={seed} {PAIRS}={QUERIES_OF_SET}: {difference}");
            }
            counts.pairs += 1;
        }
        for (_, place) in places {
            place.close().await;
        }
        seed += 1;
        if counts.pairs.is_multiple_of(PROGRESS_PAIRS) {
            println!("{} of {pairs} pairs agree", counts.pairs);
        }
    }
    let n_sets = seed - first_seed;
    println!(
        "{pairs} pairs of {n_sets} trace sets agree in {} placements each: {counts:?}",
        Placement::ALL.len()
    );
    assert!(counts.matching * 4 > pairs && counts.several_spansets * 50 > pairs, "{counts:?}");
}

fn search(
    runner: &mut TestRunner,
    queries: &BoxedStrategy<String>,
    traces: &[NaiveTrace],
    counts: &mut Counts,
) -> Search {
    let query = loop {
        match compile(&sample(runner, queries)) {
            Ok(query) => break query,
            Err(_) => counts.invalid += 1,
        }
    };
    let at = |half_seconds: u64| (BASE + half_seconds * 500_000_000).cast_signed();
    let (all, start, n, traces_max, spans_per_spanset) =
        sample(runner, (0..2_u8, 0..22_u64, 0..12_u64, 1..8_usize, 1..4_usize));
    let range = match all {
        0 => TimeRange::ALL,
        _ => TimeRange { start_unix_nanos: at(start), end_unix_nanos: at(start + n) },
    };
    let (order, behind) = sample(runner, (select(&SearchOrder::ALL), 0..3 * traces.len()));
    // Right behind one of the traces, if at all.
    let after = traces.get(behind).map(|trace| SearchCursor {
        order,
        nanos: match order {
            SearchOrder::NewestFirst => trace.start(),
            SearchOrder::LongestFirst => trace.end() - trace.start(),
        },
        trace_id: trace.trace_id,
    });
    Search { query, range, traces_max, spans_per_spanset, order, after }
}

async fn compare(
    batches: &[Vec<Span>],
    traces: &[NaiveTrace],
    places: &[(Placement, Place)],
    search: &Search,
    counts: &mut Counts,
) -> Result<(), String> {
    let wanted = naive::search(traces, search);
    match &wanted {
        Ok(found) => {
            counts.matching += usize::from(!found.is_empty());
            let several = found.iter().any(|found| found.spansets.len() > 1);
            counts.several_spansets += usize::from(several);
        }
        Err(_) => counts.without_answer += 1,
    }
    for (placement, place) in places {
        let got = place.engine.search(&TenantId::single(), search).await;
        let context = || {
            let Search { query, range, traces_max, order, after, .. } = search;
            format!("{placement:?} {query} {range:?} max {traces_max} {order:?} after {after:?}")
        };
        match (&wanted, got) {
            (Ok(wanted), Ok(got)) if got.traces == *wanted => {}
            (Ok(wanted), Ok(got)) => {
                return Err(format!("{}\n{}", context(), difference(batches, &got.traces, wanted)));
            }
            // A search may have its answer without looking at the span that has none.
            (Err(_), Ok(_)) | (Err(_), Err(QueryError::Eval(_))) => {}
            (_, Err(error)) => return Err(format!("{error}: {}", context())),
        }
    }
    Ok(())
}

/// The first trace that differs, with its spans by batch.
fn difference(batches: &[Vec<Span>], got: &[TraceMatch], wanted: &[TraceMatch]) -> String {
    let n_same = got.iter().zip(wanted).take_while(|(got, wanted)| got == wanted).count();
    let (got, wanted) = (got.get(n_same), wanted.get(n_same));
    let ids: Vec<_> = [got, wanted].into_iter().flatten().map(|found| found.trace_id).collect();
    let mut text = format!("{n_same} as wanted, then\ngot {got:?}\nwanted {wanted:?}");
    for (number, span) in
        batches.iter().enumerate().flat_map(|(i, b)| b.iter().map(move |s| (i, s)))
    {
        if ids.contains(&span.trace_id) {
            let span = format!("{span:?}").replace(&"x".repeat(17 * 1024), "xxx");
            text.push_str(&format!("\nbatch {number}: {span}"));
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_are_found_whole() {
    let mut runner = runner(2);
    let mut n_traces = 0;
    for _ in 0..DATA_SETS {
        let batches = sample(&mut runner, batches());
        for placement in Placement::ALL {
            let place = Place::with(&batches, placement).await;
            for wanted in naive::traces(&batches) {
                let tenant = TenantId::single();
                let found = place
                    .engine
                    .find_trace(&tenant, wanted.trace_id, TimeRange::ALL)
                    .await
                    .unwrap();
                let got: Vec<String> =
                    found.unwrap().to_trace().unwrap().spans.iter().map(content).collect();
                let wanted: Vec<String> = wanted.spans.iter().map(content).collect();
                assert_eq!(got, wanted, "{placement:?} {batches:#?}");
                n_traces += 1;
            }
            place.close().await;
        }
    }
    println!("{n_traces} traces");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_values_are_those_of_the_spans() {
    let mut runner = runner(3);
    let attributes = [
        ".a",
        "span.a",
        "resource.a",
        "event.a",
        "link.a",
        "instrumentation.a",
        ".service.name",
        "resource.service.name",
        "name",
        "status",
        "kind",
        "statusMessage",
        "event:name",
        ".gone",
    ];
    let filters = [
        "",
        "{ span.b != nil }",
        "{ .a = 1 || name = \"buy\" }",
        "{ -.a = 1 }",
        "{ traceDuration > 1us && !(rootName = \"buy\") }",
        "{ nestedSetParent > 0 }",
    ];
    for _ in 0..DATA_SETS {
        let batches = sample(&mut runner, batches());
        let traces = naive::traces(&batches);
        for placement in Placement::ALL {
            let place = Place::with(&batches, placement).await;
            let (engine, tenant) = (&place.engine, TenantId::single());
            assert_eq!(names(&place, None).await, naive::keys(&traces), "{placement:?}");
            for filter in filters.iter().filter(|filter| !filter.is_empty()) {
                compare_names(&place, &traces, filter).await;
            }
            for (text, filter) in attributes.iter().flat_map(|a| filters.map(|f| (*a, f))) {
                let attribute = spandrel_traceql::parse_identifier(text).unwrap();
                let filter = (!filter.is_empty()).then(|| compile(filter).unwrap());
                let filter = filter.as_ref().map(|query| query.spanset_filter().unwrap());
                let range = TimeRange::ALL;
                let limits = TagLimits::NONE;
                let request = TagValuesRequest { attribute: &attribute, filter, range, limits };
                let got =
                    engine.tag_values(&tenant, &request, &Progress::unwatched()).await.unwrap();
                assert!(!got.truncated && got.inspected.jobs.done == got.inspected.jobs.total);
                let got: BTreeSet<String> = got.values.iter().map(spelled).collect();
                let wanted = naive::values(&traces, &attribute, filter);
                assert_eq!(
                    shortened(&got),
                    shortened(&wanted),
                    "{placement:?} {text} {filter:?} {batches:#?}"
                );
            }
            let services = engine.services(&tenant, TimeRange::ALL).await.unwrap();
            let operations = engine.operations(&tenant, None, TimeRange::ALL).await.unwrap();
            let of_shop = engine.operations(&tenant, Some("shop"), TimeRange::ALL).await.unwrap();
            let spans: Vec<&Span> = traces.iter().flat_map(|trace| &trace.spans).collect();
            let service = |span: &Span| span.resource.service_name().map(str::to_owned);
            let operation = |span: &Span| Operation { name: span.name.clone(), kind: span.kind };
            assert_eq!(services, spans.iter().filter_map(|span| service(span)).collect());
            assert_eq!(operations, spans.iter().map(|span| operation(span)).collect());
            let shop = spans.iter().filter(|span| service(span).as_deref() == Some("shop"));
            assert_eq!(of_shop, shop.map(|span| operation(span)).collect());
            place.close().await;
        }
    }
}

/// Names on spans that pass, against those of the definition.
async fn compare_names(place: &Place, traces: &[NaiveTrace], filter: &str) {
    let query = compile(filter).unwrap();
    let got = names(place, query.spanset_filter()).await;
    let wanted = naive::keys_of(traces, query.spanset_filter().unwrap());
    assert_eq!(got, wanted, "{filter}");
}

async fn names(
    place: &Place,
    filter: Option<&FieldExpr>,
) -> BTreeMap<AttributeScope, BTreeSet<String>> {
    let request =
        TagNamesRequest { scopes: &SCOPES, filter, range: TimeRange::ALL, limits: TagLimits::NONE };
    let tenant = TenantId::single();
    let answer = place.engine.tag_names(&tenant, &request, &Progress::unwatched()).await.unwrap();
    assert!(!answer.truncated && answer.inspected.jobs.done == answer.inspected.jobs.total);
    answer.names.into_iter().filter(|(_, keys)| !keys.is_empty()).collect()
}

/// Without the long texts of which a failure would be unreadable.
fn shortened(values: &BTreeSet<String>) -> Vec<String> {
    values.iter().map(|value| value.chars().take(40).collect()).collect()
}

fn spelled(value: &TagValue) -> String {
    use spandrel_traceql::Static;
    match value {
        TagValue::String(text) => Static::String(text.clone()).to_string(),
        TagValue::Int(number) => Static::Int(*number).to_string(),
        TagValue::Duration(nanos) => Static::Duration(*nanos).to_string(),
        TagValue::Float(number) => Static::Float(*number).to_string(),
        TagValue::Bool(truth) => Static::Bool(*truth).to_string(),
        TagValue::Keyword(word) => (*word).to_owned(),
    }
}
