//! Traces that a careless or malicious sender makes: deep, wide, cyclic, full of copies, at the
//! ends of time.
//!
//! The big ones would overflow the stack or take minutes if anything were recursive or quadratic.

use super::*;

const MANY: u64 = 100_000;

/// Scatters small numbers over all ids, so that ids are in no useful order.
fn id(number: u64) -> SpanId {
    SpanId(number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes())
}

fn span(number: u64, parent: u64, start: i64, duration: i64) -> RawSpan<'static> {
    RawSpan {
        trace_id: trace_id(1),
        span_id: id(number),
        parent_span_id: id(parent),
        start_unix_nanos: start,
        duration_nanos: duration,
        name: b"work",
        ..RawSpan::default()
    }
}

fn arrange_all(raw_spans: impl IntoIterator<Item = RawSpan<'static>>) -> Arrangement {
    let mut spans = SpanColumns::default();
    resource(&mut spans, "shop");
    raw_spans.into_iter().for_each(|span| spans.push(span));
    arrange(&spans)
}

#[test]
fn a_chain_of_many() {
    let last = MANY as i64;
    // Arrives leaf first.
    let arrangement = arrange_all((1..=MANY).rev().map(|number| {
        let start = number as i64;
        span(number, number - 1, start, 2 * (last - start) + 1)
    }));
    assert!(arrangement.order.iter().copied().eq((0..MANY as u32).rev()));
    assert!(arrangement.depths.iter().copied().eq(0..MANY as u32));
    assert!(arrangement.subtree_rows.iter().copied().eq((1..=MANY as u32).rev()));
    assert_eq!(arrangement.critical_nanos.iter().sum::<i64>(), 2 * last - 1);
    assert_eq!(arrangement.critical_nanos[..2], [2, 2]);
}

#[test]
fn a_star_of_many() {
    // Child n runs from 2n to 2n + 1, or, for every tenth, to the end of the root.
    let end = 2 * MANY as i64;
    let children = (1..MANY).map(|number| {
        let start = 2 * number as i64;
        span(number + 1, 1, start, if number % 10 == 0 { end - start } else { 1 })
    });
    let arrangement = arrange_all(children.chain([span(1, 0, 0, end)]));
    assert_eq!(arrangement.subtree_rows[0], MANY as u32);
    assert!(arrangement.parent_offsets.iter().copied().eq(0..MANY as u32));
    // Covered by children 1 to 9, then by child 10 up to the end.
    assert_eq!(arrangement.child_nanos[0], 9 + end - 20);
    assert_eq!(arrangement.critical_nanos[0], end - arrangement.child_nanos[0]);
    assert_eq!(arrangement.critical_nanos[10], end - 20);
    assert!(arrangement.critical_nanos[11..].iter().all(|&nanos| nanos == 0));
}

#[test]
fn a_cycle_of_many() {
    let arrangement = arrange_all((1..=MANY).map(|number| {
        let start = (number as i64 - 500).abs();
        span(number, number % MANY + 1, start, 10)
    }));
    assert_eq!(arrangement.order[0], 499);
    assert_eq!(arrangement.subtree_rows[0], MANY as u32);
    assert_eq!(arrangement.depths.iter().filter(|&&depth| depth == 0).count(), 1);
    assert_eq!(arrangement.traces[0].root_row, None);
}

#[test]
fn many_tails_into_one_cycle() {
    let cycle = [span(1, 2, 0, 10), span(2, 1, 1, 10)];
    let tails = (3..=MANY).map(|number| span(number, number - 1, -(number as i64), 10));
    let arrangement = arrange_all(cycle.into_iter().chain(tails));
    assert_eq!(arrangement.subtree_rows[0], MANY as u32);
    assert_eq!(arrangement.order[0], 0);
    assert_eq!(arrangement.depths.iter().max(), Some(&(MANY as u32 - 1)));
}

#[test]
fn many_copies_of_one_span() {
    let copies = (0..MANY).map(|_| span(1, 2, 5, 10));
    let arrangement = arrange_all(copies.chain([span(2, 0, 0, 20)]));
    assert_eq!(arrangement.subtree_rows[0], MANY as u32 + 1);
    // Copies keep their order of arrival.
    assert!(arrangement.order[1..].iter().copied().eq(0..MANY as u32));
    assert_eq!(arrangement.child_nanos[0], 10);
    assert_eq!(arrangement.critical_nanos[..2], [10, 10]);
}

#[test]
fn many_spans_that_are_their_own_parents() {
    let arrangement = arrange_all((1..=MANY).map(|number| span(number, number, number as i64, 3)));
    assert!(arrangement.order.iter().copied().eq(0..MANY as u32));
    assert!(arrangement.subtree_rows.iter().all(|&rows| rows == 1));
}

#[test]
fn many_traces_of_one_span() {
    let arrangement = arrange_all((1..=MANY).map(|number| RawSpan {
        trace_id: TraceId(u128::from(number).reverse_bits().to_be_bytes()),
        ..span(1, 0, number as i64, 3)
    }));
    assert!(arrangement.order.iter().copied().eq(0..MANY as u32));
    assert_eq!(arrangement.traces.len(), MANY as usize);
    assert!(arrangement.critical_nanos.iter().all(|&nanos| nanos == 3));
}

#[test]
fn times_at_the_ends_of_the_range() {
    let times = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
    // Every pair of times is the start and the duration of one child of each of the roots.
    let pairs = || times.iter().flat_map(|&start| times.map(|duration| (start, duration)));
    for (start, duration) in pairs() {
        let children = pairs().zip(2..);
        let arrangement = arrange_all(
            children
                .map(|((start, duration), number)| span(number, 1, start, duration))
                .chain([span(1, 0, start, duration)]),
        );
        let root = arrangement.traces[0].root_row.unwrap() as usize;
        let length = start.saturating_add(duration).saturating_sub(start).max(0);
        assert!((0..=length).contains(&arrangement.child_nanos[root]));
        assert_eq!(arrangement.critical_nanos.iter().sum::<i64>(), length);
        assert_eq!(arrangement.traces[0].start_unix_nanos, i64::MIN);
        assert_eq!(arrangement.traces[0].end_unix_nanos, i64::MAX);
    }
}
