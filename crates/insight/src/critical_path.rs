//! Which spans a trace waited for, and when.
//!
//! Walk backward from the end of a span: the child that finished last is what the span waited for, so that child's
//! time is on the path; go on at the child's start with the child that finished last before that. Time between these
//! children is the span's own. Children are clipped to their parent first, from the top down; one wholly outside is
//! left out with everything below it, and so is a consumer below a producer, which does not wait for it.
//!
//! The shapes are Jaeger's, with three faults of its code left out: a child may end exactly where the next one starts,
//! a trace may start at time 0, and depth does not matter.

use spandrel_model::{Span, SpanKind};

use crate::SpanTree;

/// A time during which the trace waited for a span itself, not for a child of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// The span, by index.
    pub span: usize,
    /// From.
    pub start_unix_nanos: u64,
    /// To; after the start.
    pub end_unix_nanos: u64,
}

/// The critical paths of all trees of a trace, in the order of [`SpanTree::tops`].
pub fn critical_path(spans: &[Span], tree: &SpanTree) -> Vec<Section> {
    let mut sections = Vec::new();
    for &(top, _) in tree.tops() {
        walk(spans, tree, top, &mut sections);
    }
    sections
}

/// The critical path below one span, newest section first. The sections do not overlap, and together they are the
/// time of the span.
pub fn critical_path_of(spans: &[Span], tree: &SpanTree, top: usize) -> Vec<Section> {
    let mut sections = Vec::new();
    walk(spans, tree, top, &mut sections);
    sections
}

#[derive(Clone, Copy)]
struct Interval {
    start: u64,
    end: u64,
}

/// A span on the path whose children are being walked.
struct Open {
    span: usize,
    interval: Interval,
    /// The time up to which the path is known.
    until: u64,
    /// Its children on the path, the first to end on top.
    awaited: Vec<(usize, Interval)>,
}

fn walk(spans: &[Span], tree: &SpanTree, top: usize, sections: &mut Vec<Section>) {
    let Some(span) = spans.get(top) else { return };
    let interval = Interval { start: span.start_unix_nanos, end: span.end_unix_nanos };
    let mut stack = vec![open(spans, tree, top, interval)];
    while let Some(last) = stack.last_mut() {
        let next = last.awaited.pop();
        let from = next.map_or(last.interval.start, |(_, child)| child.end);
        if from < last.until {
            sections.push(Section {
                span: last.span,
                start_unix_nanos: from,
                end_unix_nanos: last.until,
            });
        }
        match next {
            Some((child, interval)) => {
                last.until = interval.start;
                stack.push(open(spans, tree, child, interval));
            }
            None => {
                stack.pop();
            }
        }
    }
}

fn open(spans: &[Span], tree: &SpanTree, span: usize, interval: Interval) -> Open {
    let kind = |span: usize| spans[span].kind;
    let children = tree.children(span).iter().copied();
    let waits_for =
        |child: usize| !(kind(span) == SpanKind::Producer && kind(child) == SpanKind::Consumer);
    let mut clipped: Vec<(usize, Interval)> = children
        .filter(|child| waits_for(*child))
        .map(|child| {
            let start = spans[child].start_unix_nanos.max(interval.start);
            (child, Interval { start, end: spans[child].end_unix_nanos.min(interval.end) })
        })
        .filter(|(_, child)| child.start < child.end)
        .collect();
    // Last to end first; of those that end together the first to start.
    clipped.sort_by_key(|(_, child)| std::cmp::Reverse(child.end));
    let mut until = u64::MAX;
    clipped.retain(|(_, child)| {
        let is_awaited = child.end <= until;
        if is_awaited {
            until = child.start;
        }
        is_awaited
    });
    clipped.reverse();
    Open { span, interval, until: interval.end, awaited: clipped }
}
