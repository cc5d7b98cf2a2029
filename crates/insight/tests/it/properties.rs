//! What holds for any spans: cycles, spans that are their own parents, ends before starts, copies of ids.

use std::collections::HashSet;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use spandrel_insight::{
    AdjustOptions, GroupBy, SpanTree, adjust, critical_path, critical_path_of, error_origins,
    health, propagation, self_nanos, statistics,
};
use spandrel_model::{Span, SpanKind, StatusCode};

use crate::shapes::{resource, span, text, trace};

fn any_time() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..200_u64, 1 => Just(u64::MAX), 1 => Just(0)]
}

fn any_span() -> impl Strategy<Value = Span> {
    let host = prop_oneof![Just(""), Just("a"), Just("b")];
    let flags = (0..6_u8, any::<bool>(), host, 0..3_u8);
    (1..12_u64, 0..14_u64, any_time(), any_time(), flags).prop_map(
        |(own, parent, start, end, (kind, failed, host, tags))| {
            let mut one = span(own, parent, start, end);
            one.kind = SpanKind::from_number(kind);
            one.status_code = if failed { StatusCode::Error } else { StatusCode::Unset };
            one.resource = resource(&[("host.name", host), ("service.name", "x")]);
            one.name = (own % 3).to_string();
            one.attributes = (0..tags).map(|_| text("telemetry.sdk.name", host)).collect();
            one
        },
    )
}

fn any_trace() -> impl Strategy<Value = Vec<Span>> {
    vec(any_span(), 1..24)
}

proptest! {
    #[test]
    fn every_span_is_in_one_tree(spans in any_trace()) {
        let tree = SpanTree::new(&spans);
        let mut seen = HashSet::new();
        for &span in tree.order() {
            prop_assert!(tree.parent(span).is_none_or(|parent| seen.contains(&parent)));
            prop_assert!(seen.insert(span));
        }
        prop_assert_eq!(seen.len(), spans.len());
    }

    #[test]
    fn a_critical_path_covers_its_root_once(spans in any_trace()) {
        let tree = SpanTree::new(&spans);
        let mut n_sections = 0;
        for &(top, _) in tree.tops() {
            let (start, end) = (spans[top].start_unix_nanos, spans[top].end_unix_nanos);
            let mut until = end;
            for section in critical_path_of(&spans, &tree, top) {
                // The sections leave no gap, do not overlap, and go back in time.
                prop_assert_eq!(section.end_unix_nanos, until);
                prop_assert!(section.start_unix_nanos < section.end_unix_nanos);
                let span = &spans[section.span];
                prop_assert!(span.start_unix_nanos <= section.start_unix_nanos);
                prop_assert!(section.end_unix_nanos <= span.end_unix_nanos);
                until = section.start_unix_nanos;
                n_sections += 1;
            }
            prop_assert_eq!(until, start.min(end).max(if end < start { end } else { start }));
        }
        prop_assert_eq!(critical_path(&spans, &tree).len(), n_sections);
    }

    #[test]
    fn adjusting_twice_changes_nothing_more(spans in any_trace(), max in 0..300_u64) {
        let options = AdjustOptions { clock_skew_max: Duration::from_nanos(max) };
        let durations = |spans: &[Span]| -> HashSet<i64> {
            spans.iter().map(Span::duration_nanos).collect()
        };
        let before = durations(&spans);
        let once = adjust(trace(spans), options);
        prop_assert_eq!(once.warnings.len(), once.trace.spans.len());
        prop_assert_eq!(&before, &durations(&once.trace.spans));
        let twice = adjust(once.trace.clone(), options);
        prop_assert_eq!(once.trace, twice.trace);
    }

    #[test]
    fn nothing_is_lost_in_groups(spans in any_trace()) {
        let tree = SpanTree::new(&spans);
        for by in [GroupBy::Service, GroupBy::Operation, GroupBy::Attribute("host.name".into())] {
            let groups = statistics(&spans, &tree, &by, Some(&GroupBy::Operation));
            let count: u64 = groups.iter().map(|group| group.figures.count).sum();
            prop_assert_eq!(count, spans.len() as u64);
            let own: u128 = groups.iter().map(|group| group.figures.self_total_nanos).sum();
            let all: u128 = self_nanos(&spans, &tree).into_iter().map(u128::from).sum();
            prop_assert_eq!(own, all);
        }
    }

    #[test]
    fn errors_and_health_have_answers(spans in any_trace()) {
        let tree = SpanTree::new(&spans);
        let failed = |span: usize| spans[span].status_code == StatusCode::Error;
        let origins = error_origins(&spans, &tree);
        prop_assert_eq!(origins.is_empty(), !(0..spans.len()).any(failed));
        for origin in origins {
            let way: Vec<usize> = propagation(&tree, &origin).collect();
            prop_assert_eq!(way.last(), Some(&origin.reached));
            prop_assert!(way.into_iter().all(failed));
        }
        for finding in health(&spans, &tree) {
            prop_assert!(finding.span < spans.len());
        }
    }
}

const LARGE: u64 = 100_000;

/// Everything once, over a trace of this size.
fn ask_everything(spans: Vec<Span>) {
    let options = AdjustOptions { clock_skew_max: Duration::from_secs(1) };
    let spans = adjust(trace(spans), options).trace.spans;
    let tree = SpanTree::new(&spans);
    let own: u64 = self_nanos(&spans, &tree).iter().sum();
    assert!(own > 0);
    assert!(!critical_path(&spans, &tree).is_empty());
    assert_eq!(statistics(&spans, &tree, &GroupBy::Operation, None).len(), spans.len());
    assert!(!error_origins(&spans, &tree).is_empty());
    health(&spans, &tree);
}

fn failed(span: Span) -> Span {
    Span { status_code: StatusCode::Error, ..span }
}

#[test]
fn a_deep_trace_does_not_recurse() {
    let spans = (1..=LARGE).map(|n| failed(span(n, n - 1, n, 3 * LARGE - n)));
    ask_everything(spans.collect());
}

#[test]
fn a_wide_trace_is_not_quadratic() {
    let root = failed(span(1, 0, 1, 2 * LARGE));
    let children = (2..=LARGE).map(|n| failed(span(n, 1, n, n + LARGE / 2)));
    ask_everything([root].into_iter().chain(children).collect());
}

#[test]
fn a_large_cycle_is_cut_once() {
    let spans: Vec<Span> =
        (1..=LARGE).map(|n| failed(span(n, n % LARGE + 1, n, 3 * LARGE - n))).collect();
    assert_eq!(SpanTree::new(&spans).tops().len(), 1);
    ask_everything(spans);
}
