//! Metrics over random traces: the naive series, wherever the spans lie.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use spandrel_model::{Span, TenantId};
use spandrel_query::{MetricsAnswer, MetricsQuery, QueryError};
use spandrel_series::{Intervals, Series, leaves};
use spandrel_traceql::ast::Root;
use spandrel_traceql::compile;

use crate::data::{BASE, batches};
use crate::filters::filter;
use crate::naive::{self, NaiveTrace};
use crate::naive_metrics;
use crate::place::{Place, Placement};
use crate::property::sample;
use crate::queries;

const SEED: u8 = 12;
const DATA_SETS: usize = 40;
const QUERIES: usize = 50;

#[derive(Debug, Default)]
struct Counts {
    compared: usize,
    with_series: usize,
    values: usize,
    exemplars: usize,
    /// Answers behind pipelines that look at more than one span, and those of them with series.
    of_traces: usize,
    of_traces_with_series: usize,
    parents_with_series: usize,
    invalid: usize,
    without_answer: usize,
    /// Answers where the definition, which computes everything, has none.
    spared: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_answer_what_the_definition_says() {
    let mut counts = Counts::default();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[SEED; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    for _ in 0..DATA_SETS {
        let mut batches = sample(&mut runner, batches());
        batches.iter_mut().flatten().for_each(give_weight);
        let traces = naive::traces(&batches);
        let mut places = Vec::new();
        for placement in Placement::ALL {
            places.push((placement, Place::with(&batches, placement).await));
        }
        for _ in 0..QUERIES {
            let request = request(&mut runner, &mut counts);
            compare(&traces, &places, &request, &mut counts).await;
        }
        for (_, place) in places {
            place.close().await;
        }
    }
    println!(
        "seed {SEED}: {counts:?} of {DATA_SETS} data sets in {} placements",
        Placement::ALL.len()
    );
    assert!(counts.with_series > 1000 && counts.compared > 2000 && counts.exemplars > 1000);
    assert!(counts.of_traces_with_series > 300 && counts.parents_with_series > 300);
}

/// Some spans stand for several; copies of a span for as many as the span.
fn give_weight(span: &mut Span) {
    let number = span.span_id.0[7] as usize + span.trace_id.0[15] as usize + span.name.len();
    span.trace_state = ["", "", "ot=th:8", "a=b", "ot=th:c"][number % 5].to_owned();
}

fn query() -> impl Strategy<Value = String> {
    let whole = (pipeline(), function(), by(), second_stages()).prop_map(
        |(pipeline, function, by, stages)| format!("{pipeline} | {function}{by}{stages}"),
    );
    let math = (pipeline(), function(), by(), select(vec!["+", "-", "*", "/"]), any::<bool>());
    let math = math.prop_map(|(pipeline, function, by, op, scalar)| {
        let left = format!("({pipeline} | {function}{by})");
        match scalar {
            true => format!("{left} {op} 2.5"),
            false => format!("{left} {op} ({{ }} | count_over_time(){by})"),
        }
    });
    let comparison = (
        pipeline(),
        filter(),
        select(vec!["", ", 1000", ", 1000, 1767225601000000000, 1767225603000000000"]),
    );
    let comparison = comparison.prop_map(|(pipeline, selection, rest)| match rest {
        "" => format!("{pipeline} | compare({selection}, 900)"),
        rest => format!("{pipeline} | compare({selection}{rest})"),
    });
    let hints = select(vec!["", "", " with(extrapolate=true)"]);
    (prop_oneof![8 => whole, 2 => math, 2 => comparison], hints).prop_map(|(query, hints)| {
        // A comparison counts spans, whatever they stand for.
        if query.contains("compare(") { query } else { query + hints }
    })
}

fn pipeline() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("{ }".to_owned()),
        6 => filter(),
        1 => (filter(), filter()).prop_map(|(a, b)| format!("{a} | select(.a) | {b}")),
        1 => (filter(), filter()).prop_map(|(a, b)| format!("{a} || {b}")),
        8 => queries::pipeline(),
    ]
}

fn function() -> impl Strategy<Value = String> {
    let measured = || {
        select(vec![
            "duration",
            "duration",
            "span.a",
            ".a",
            "resource.b",
            "event.a",
            "traceDuration",
            "span:childCount",
            "event:timeSinceStart",
            "nestedSetLeft",
            "name",
            "instrumentation.c",
            "parent.a",
            "parent.span.b",
        ])
    };
    let over_time = select(vec!["min", "max", "sum", "avg", "histogram"]);
    prop_oneof![
        2 => Just("rate()".to_owned()),
        2 => Just("count_over_time()".to_owned()),
        6 => (over_time, measured()).prop_map(|(f, a)| format!("{f}_over_time({a})")),
        2 => measured().prop_map(|a| format!("quantile_over_time({a}, 0, 0.5, 0.9, 1)")),
    ]
}

fn by() -> impl Strategy<Value = String> {
    let attributes = vec![
        "resource.service.name",
        "resource.service.name",
        "name",
        "kind",
        "status",
        ".a",
        "span.a",
        "span.b",
        "resource.a",
        "event.a",
        "event:name",
        "rootName",
        "rootServiceName",
        "span:childCount",
        "nestedSetParent",
        "statusMessage",
        "instrumentation:version",
        "duration",
        "trace:id",
        "span:parentID",
        "parent.a",
        "parent.resource.service.name",
    ];
    vec(select(attributes), 0..4).prop_map(|mut by| {
        by.sort_unstable();
        by.dedup();
        if by.is_empty() { String::new() } else { format!(" by ({})", by.join(", ")) }
    })
}

fn second_stages() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "", "", " | topk(2)", " | bottomk(1)", " > 0.5", " < 3 | topk(1)"])
}

fn intervals() -> impl Strategy<Value = Intervals> {
    let base = (BASE as i64) / 1_000_000;
    let steps = select(vec![1, 7, 500, 1000, 3000, 60_000, 3_600_000]);
    (-1500..9000_i64, 1..12_000_i64, steps, 0..4_u8).prop_map(move |(start, length, step, kind)| {
        let (start, end) = ((base + start) * 1_000_000, (base + start + length) * 1_000_000);
        let step = step.max(length / 100 + 1) * 1_000_000;
        let made = match kind {
            0 => Intervals::instant(start, end),
            1 => Intervals::aligned(start, end, step),
            _ => Intervals::range(start, end, step),
        };
        made.unwrap()
    })
}

fn request(runner: &mut TestRunner, counts: &mut Counts) -> MetricsQuery {
    let query = loop {
        match compile(&sample(runner, query())) {
            Ok(query) => break query,
            Err(_) => counts.invalid += 1,
        }
    };
    let exemplars_max = sample(runner, select(vec![0, 0, 3, 1000]));
    let intervals = sample(runner, intervals());
    MetricsQuery { query, intervals, series_max: usize::MAX, exemplars_max }
}

async fn compare(
    traces: &[NaiveTrace],
    places: &[(Placement, Place)],
    request: &MetricsQuery,
    counts: &mut Counts,
) {
    let Root::Metrics(expr) = &request.query.root else {
        panic!("{} is no metrics query", request.query)
    };
    let extrapolate = request.query.hints.iter().any(|hint| hint.key == "extrapolate");
    let wanted = naive_metrics::metrics(traces, expr, &request.intervals, extrapolate);
    let leaves = leaves(expr);
    let of_traces = leaves.iter().any(|leaf| !naive_metrics::is_of_one_span(leaf.pipeline));
    let of_parents = request.query.to_string().contains("parent.");
    let mut first: Option<MetricsAnswer> = None;
    let mut failed = 0;
    for (placement, place) in places {
        let got = place.engine.metrics(&TenantId::single(), request).await;
        let context =
            format!("seed {SEED} {placement:?} {} {:?}", request.query, request.intervals);
        match (&wanted, got) {
            (Ok(wanted), Ok(got)) => {
                assert_same(&got.series, wanted, &context);
                assert_eq!(got.left_out, None);
                if let Some(first) = &first {
                    assert_identical(&got.series, &first.series, &context);
                }
                counts.compared += 1;
                counts.with_series += usize::from(!wanted.is_empty());
                counts.values += wanted.iter().map(|series| series.values.len()).sum::<usize>();
                counts.exemplars += check_exemplars(&got.series, request, &context);
                counts.of_traces += usize::from(of_traces);
                counts.of_traces_with_series += usize::from(of_traces && !wanted.is_empty());
                counts.parents_with_series += usize::from(of_parents && !wanted.is_empty());
                first.get_or_insert(got);
            }
            (Err(_), Err(QueryError::Eval(_))) => {
                counts.without_answer += 1;
                failed += 1;
            }
            // The right side of an operator need not be computed when the left one decides.
            (Err(_), Ok(got)) if of_traces => {
                if let Some(first) = &first {
                    assert_identical(&got.series, &first.series, &context);
                }
                counts.spared += 1;
                first.get_or_insert(got);
            }
            (wanted, got) => panic!("{context}\ngot {got:?}\nwanted {wanted:?}"),
        }
    }
    // Whether there is an answer does not depend on where the spans lie.
    assert!(failed == 0 || failed == places.len(), "{failed} failed: {}", request.query);
}

fn assert_same(got: &[Series], wanted: &[Series], context: &str) {
    let close = |a: f64, b: f64| {
        a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
    };
    let same = got.len() == wanted.len()
        && got.iter().zip(wanted).all(|(got, wanted)| {
            got.labels == wanted.labels
                && got.values.len() == wanted.values.len()
                && got.values.iter().zip(&wanted.values).all(|(a, b)| close(*a, *b))
        });
    if !same {
        let shown = |all: &[Series]| -> String {
            let some = |values: &[f64]| -> String {
                let numbered = values.iter().enumerate();
                numbered
                    .filter(|(_, v)| !v.is_nan() && **v != 0.0)
                    .take(40)
                    .map(|(i, v)| format!(" {i}:{v}"))
                    .collect()
            };
            all.iter()
                .map(|s| format!("\n  {:.300}{}", s.labels.to_string(), some(&s.values)))
                .collect()
        };
        panic!("{context}\ngot {}\nwanted {}", shown(got), shown(wanted));
    }
}

/// Places agree to the last bit, and in the exemplars.
fn assert_identical(got: &[Series], first: &[Series], context: &str) {
    for (got, first) in got.iter().zip(first) {
        let bits = |series: &Series| series.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(got), bits(first), "{context}");
        assert_eq!(got.exemplars, first.exemplars, "{context}");
    }
}

/// Each is in the interval that it says, and there are no more than asked for.
fn check_exemplars(all: &[Series], request: &MetricsQuery, context: &str) -> usize {
    let exemplars = all.iter().flat_map(|series| series.exemplars.iter().map(move |e| (series, e)));
    let mut n = 0;
    for (series, exemplar) in exemplars {
        let interval = request.intervals.of(exemplar.span.start_unix_nanos);
        assert_eq!(interval, Some(exemplar.interval), "{context}");
        assert!(
            !series.values[exemplar.interval].is_nan() && !exemplar.value.is_nan(),
            "{context}"
        );
        n += 1;
    }
    assert!(n <= request.exemplars_max, "{context}");
    n
}
