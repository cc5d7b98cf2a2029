//! Traces added up by path, and how far clocks are off.

use spandrel_insight::{AdjustOptions, PathFigures, RollUp, adjust, correct_clocks};
use spandrel_model::{Span, SpanKind, StatusCode};

use crate::shapes::{resource, span, trace};

fn failed(span: Span) -> Span {
    Span { status_code: StatusCode::Error, ..span }
}

fn named(name: &str, kind: SpanKind, span: Span) -> Span {
    Span { name: name.to_owned(), kind, ..span }
}

/// A request that calls a database so many times; the last call fails, and the request with it.
fn request(calls: u64) -> Vec<Span> {
    let mut spans = vec![failed(named("GET", SpanKind::Server, span(1, 0, 0, 100)))];
    spans.extend(
        (0..calls).map(|i| named("query", SpanKind::Client, span(10 + i, 1, 10 * i, 10 * i + 5))),
    );
    if let Some(last) = spans.pop() {
        spans.push(failed(last));
    }
    spans
}

#[test]
fn traces_add_up_by_path() {
    let mut roll_up = RollUp::new(100);
    assert_eq!(roll_up.add(&request(3)), [Some(0), Some(1), Some(1), Some(1)]);
    let mut other = request(1);
    other.push(named("query", SpanKind::Internal, span(50, 1, 40, 60)));
    assert_eq!(roll_up.add(&other), [Some(0), Some(1), Some(2)]);
    let nodes: Vec<_> = roll_up
        .nodes()
        .map(|(path, figures)| {
            (path.name.as_str(), path.service.as_str(), path.parent, path.kind, *figures)
        })
        .collect();
    let get = PathFigures {
        n_spans: 2,
        n_traces: 2,
        n_errors: 2,
        n_error_origins: 0,
        duration_nanos: 200,
        self_nanos: (100 - 15) + (100 - 5 - 20),
    };
    let query = PathFigures {
        n_spans: 4,
        n_traces: 2,
        n_errors: 2,
        n_error_origins: 2,
        duration_nanos: 20,
        self_nanos: 20,
    };
    let internal = PathFigures {
        n_spans: 1,
        n_traces: 1,
        duration_nanos: 20,
        self_nanos: 20,
        ..PathFigures::default()
    };
    assert_eq!(
        nodes,
        [
            ("GET", "shop", None, SpanKind::Server, get),
            ("query", "shop", Some(0), SpanKind::Client, query),
            ("query", "shop", Some(0), SpanKind::Internal, internal),
        ]
    );
    assert_eq!((roll_up.n_traces(), roll_up.n_spans(), roll_up.n_spans_left_out()), (2, 7, 0));
}

#[test]
fn spans_without_a_place_are_counted_with_what_is_below_them() {
    let mut spans = request(1);
    spans.push(named("deeper", SpanKind::Internal, span(90, 10, 1, 2)));
    let mut roll_up = RollUp::new(1);
    assert_eq!(roll_up.add(&spans), [Some(0), None, None]);
    assert_eq!((roll_up.n_spans(), roll_up.n_spans_left_out()), (3, 2));
}

#[test]
fn skew_is_what_the_adjuster_would_move() {
    let host = |name: &str, span: Span| Span {
        resource: resource(&[("service.name", "shop"), ("host.name", name)]),
        ..span
    };
    let spans = vec![
        host("a", span(1, 0, 1000, 2000)),
        host("b", span(2, 1, 5000, 5100)),
        host("b", span(3, 2, 5010, 5020)),
        host("a", span(4, 1, 1100, 1200)),
    ];
    let mut corrected = spans.clone();
    let moved = correct_clocks(&mut corrected);
    assert_eq!(moved, [(1, -3550), (2, -3550)], "to the middle of the parent");
    let options = AdjustOptions { clock_skew_max: std::time::Duration::MAX };
    let adjusted = adjust(trace(spans.clone()), options).trace.spans;
    for (at, (before, after)) in spans.iter().zip(&adjusted).enumerate() {
        let own = moved.iter().find(|(place, _)| *place == at).map_or(0, |(_, nanos)| *nanos);
        assert_eq!(before.start_unix_nanos.checked_add_signed(own), Some(after.start_unix_nanos));
        let times = |span: &Span| (span.start_unix_nanos, span.end_unix_nanos);
        assert_eq!(times(&corrected[at]), times(after));
    }
}
