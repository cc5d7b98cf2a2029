//! However spans are divided among partials, the series are the same to the last bit.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use spandrel_series::{Area, Comparison, Intervals, Series};
use spandrel_traceql::Static;

use crate::spans::{TestSpan, evaluate, metrics};

const QUERIES: [&str; 10] = [
    "{ } | rate()",
    "{ } | count_over_time() by (span.a, span.n)",
    "{ } | min_over_time(span.n) by (span.a)",
    "{ } | max_over_time(span.n)",
    "{ } | sum_over_time(span.n) by (span.a)",
    "{ } | avg_over_time(span.n)",
    "{ } | avg_over_time(duration) by (span.a)",
    "{ } | quantile_over_time(duration, 0.1, 0.5, 0.99) by (span.a)",
    "{ } | histogram_over_time(span.n)",
    "({ } | rate() by (span.a)) / ({ span.n > 0 } | rate()) > 0.1 | topk(2)",
];

fn span() -> impl Strategy<Value = TestSpan> {
    let texts = select(vec![Some("x"), Some("y"), Some(""), None]);
    let numbers = prop_oneof![
        any::<i64>().prop_map(Static::Int),
        (-5..5_i64).prop_map(Static::Int),
        any::<f64>().prop_map(Static::Float),
        (-3.0..3.0_f64).prop_map(Static::Float),
        Just(Static::String("text".to_owned())),
        Just(Static::Nil),
    ];
    let weight = select(vec![1.0, 1.0, 1.0, 4.0, 1.1, 3.333]);
    (texts, numbers, 0..50_i64, any::<i64>(), weight).prop_map(|(a, n, start, duration, weight)| {
        let a = a.map_or(Static::Nil, |text| Static::String(text.to_owned()));
        let attributes = BTreeMap::from([("span.a".to_owned(), a), ("span.n".to_owned(), n)]);
        TestSpan { number: 0, start, duration, weight, attributes }
    })
}

/// Bits, so that NaN equals itself.
fn shown(all: &[Series]) -> Vec<String> {
    let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let exemplars =
        |s: &Series| s.exemplars.iter().map(|e| (e.span.span_id, e.interval)).collect::<Vec<_>>();
    all.iter()
        .map(|s| format!("{} {:?} {:?} {:?}", s.labels, s.values, bits(&s.values), exemplars(s)))
        .collect()
}

/// Divides spans by number, in another order.
fn divided(spans: &[TestSpan], parts: &[usize]) -> Vec<Vec<TestSpan>> {
    let mut divided = vec![Vec::new(); 5];
    for (span, part) in spans.iter().zip(parts).rev() {
        divided[*part].push(span.clone());
    }
    divided
}

proptest! {
    #[test]
    fn any_division_gives_the_same_series(
        spans in vec(span(), 0..40),
        parts in vec(0..5_usize, 40),
        query in select(QUERIES.to_vec()),
    ) {
        let mut spans = spans;
        spans.iter_mut().zip(1..).for_each(|(span, number)| span.number = number);
        let query = metrics(query);
        let intervals = Intervals::aligned(3, 45, 7).unwrap();
        let whole = evaluate(&query, std::slice::from_ref(&spans), intervals);
        let merged = evaluate(&query, &divided(&spans, &parts), intervals);
        prop_assert_eq!(shown(&merged), shown(&whole));
    }

    #[test]
    fn any_division_gives_the_same_comparison(
        spans in vec((0..30_i64, 0..6_u8, any::<bool>()), 0..60),
        parts in vec(0..5_usize, 60),
    ) {
        let intervals = Intervals::aligned(3, 25, 7).unwrap();
        let add = |to: &mut Comparison, (start, value, selected): (i64, u8, bool)| {
            let area = if selected { Area::Selection } else { Area::Baseline };
            if let Some(interval) = intervals.of(start) {
                to.attribute("span.a").add(&Static::Int(value.into()), area, interval, 1);
            }
        };
        let mut whole = Comparison::new(3, intervals);
        let mut divided: Vec<_> = (0..5).map(|_| Comparison::new(3, intervals)).collect();
        for (span, part) in spans.into_iter().zip(parts) {
            add(&mut whole, span);
            add(&mut divided[part], span);
        }
        let mut merged = Comparison::new(3, intervals);
        divided.into_iter().rev().for_each(|part| merged.merge(part));
        prop_assert_eq!(shown(&merged.finish()), shown(&whole.finish()));
    }
}
