//! The row order of a block, and what follows from the shape of each trace.
//!
//! Traces are sorted by (name of the root span, service of the root, trace start, trace id), those
//! without a root last, so that similar traces are neighbors. Inside a trace the rows are
//! depth-first, so that a subtree is a range of rows and a parent always comes before its children.
//!
//! Nothing here trusts the shape of a trace: any set of spans gets an order, in `O(n log n)` and
//! without recursion, however deep, wide, cyclic or skewed it is. Arithmetic on times saturates.
//!
//! # Tops
//! A span without parent id is a *root*. A span whose parent is not in the run, that is its own
//! parent, or that starts first of a cycle of parents is a *stray*. Both are tops: their depth is
//! 0. Roots come first.
//!
//! # Determinism
//! The order depends on what the spans are, not on the order in which they arrived. Only spans that
//! agree in everything that `order::compare_spans` looks at keep their order of arrival.

mod critical_path;
mod interval;
mod order;
#[cfg(test)]
mod tests;
mod tree;

use spandrel_model::{StatusCode, TraceId};

use crate::SpanColumns;
use critical_path::CriticalPath;
use interval::Interval;
use order::{Group, Groups};
use tree::Tree;

/// The row order of a block, and the facts per row and per trace that follow from the shape of the
/// traces.
///
/// Shape: `order` is a permutation of the rows of the run; all per-row vectors are parallel to it,
/// that is, in block order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrangement {
    /// Block row to row of the run.
    pub order: Vec<u32>,
    /// Block row minus block row of the parent; 0 for tops, the spans without a parent in the run.
    pub parent_offsets: Vec<u32>,
    /// Rows of the subtree, the span itself included: the subtree of row `r` is `r .. r +
    /// subtree_rows[r]`.
    pub subtree_rows: Vec<u32>,
    /// Steps up to the top of the tree; 0 for tops.
    pub depths: Vec<u32>,
    /// Nanoseconds of the span during which at least one child ran, at least 0: the union of the
    /// children's intervals, clipped to the span. Self time is the duration minus this.
    pub child_nanos: Vec<i64>,
    /// Nanoseconds that the span itself contributes to the critical path of its tree, at least 0; 0
    /// off the path. Over a tree they add up to the duration of its top, if that is not negative.
    pub critical_nanos: Vec<i64>,
    /// Whether the span failed and none of its children did: where an error began.
    pub error_origins: Vec<bool>,
    /// The traces, in block order.
    pub traces: Vec<TraceFacts>,
}

/// What a block knows about one of its traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceFacts {
    /// The trace.
    pub trace_id: TraceId,
    /// Block row of its first span.
    pub first_row: u32,
    /// How many rows it takes, at least 1; they are adjacent.
    pub n_rows: u32,
    /// The earliest start, in Unix nanoseconds.
    pub start_unix_nanos: i64,
    /// The latest end, in Unix nanoseconds; ends beyond the range of `i64` count as its bound. Lies
    /// before the start when all durations are negative enough.
    pub end_unix_nanos: i64,
    /// Block row of the root, the span without parent id; the earliest when there are several.
    pub root_row: Option<u32>,
    /// Spans with status error.
    pub n_errors: u32,
}

/// Arranges a run for a block.
pub fn arrange(spans: &SpanColumns) -> Arrangement {
    let groups = Groups::sorted(spans);
    let mut arrangement = Arrangement::with_capacity(spans.trace_ids.len());
    arrangement.traces.reserve_exact(groups.in_block_order.len());
    let mut scratch = Scratch::default();
    for group in &groups.in_block_order {
        arrangement.push_trace(spans, group, groups.rows_of(group), &mut scratch);
    }
    arrangement
}

/// Memory that is used again for every trace.
#[derive(Default)]
struct Scratch {
    tree: Tree,
    critical_path: CriticalPath,
    /// Per row of the trace, in block order.
    intervals: Vec<Interval>,
    /// Per row of the trace: up to when the children seen so far cover it.
    covered_until: Vec<i64>,
}

impl Arrangement {
    fn with_capacity(rows: usize) -> Self {
        Self {
            order: Vec::with_capacity(rows),
            parent_offsets: Vec::with_capacity(rows),
            subtree_rows: Vec::with_capacity(rows),
            depths: Vec::with_capacity(rows),
            child_nanos: vec![0; rows],
            critical_nanos: vec![0; rows],
            error_origins: vec![false; rows],
            traces: Vec::new(),
        }
    }

    fn push_trace(
        &mut self,
        spans: &SpanColumns,
        group: &Group,
        rows: &[u32],
        scratch: &mut Scratch,
    ) {
        let first = self.order.len();
        scratch.tree.build(spans, rows);
        scratch.tree.push_rows(self);
        let intervals = &mut scratch.intervals;
        intervals.clear();
        intervals.extend(self.order[first..].iter().map(|&row| Interval::of(spans, row)));

        let n_errors = self.mark_error_origins(spans, first);
        self.add_child_nanos(first, intervals, &mut scratch.covered_until);
        scratch.critical_path.walk(spans, self, first, intervals);
        self.traces.push(TraceFacts {
            trace_id: group.trace_id,
            first_row: first as u32,
            n_rows: rows.len() as u32,
            start_unix_nanos: group.start_unix_nanos,
            end_unix_nanos: intervals.iter().map(|interval| interval.end).fold(i64::MIN, i64::max),
            // Roots come before strays, and the earliest root before the others.
            root_row: group.root.map(|_| first as u32),
            n_errors,
        });
    }

    /// Writes the error origins of the trace that begins at `first`; returns how many spans failed.
    fn mark_error_origins(&mut self, spans: &SpanColumns, first: usize) -> u32 {
        let mut n_errors = 0;
        for row in first..self.order.len() {
            if spans.status_codes[self.order[row] as usize] == StatusCode::Error as u8 {
                n_errors += 1;
                self.error_origins[row] = true;
                // For a top this is the row itself, which has to stay.
                let parent = row - self.parent_offsets[row] as usize;
                if parent != row {
                    self.error_origins[parent] = false;
                }
            }
        }
        n_errors
    }

    /// Writes the child times of the trace that begins at `first`. One pass is enough, because the
    /// children of a span come in order of their start.
    fn add_child_nanos(
        &mut self,
        first: usize,
        intervals: &[Interval],
        covered_until: &mut Vec<i64>,
    ) {
        covered_until.clear();
        covered_until.extend(intervals.iter().map(|interval| interval.start));
        for (i, interval) in intervals.iter().enumerate() {
            let parent = i - self.parent_offsets[first + i] as usize;
            if parent == i {
                continue;
            }
            let uncovered = Interval { start: covered_until[parent], end: intervals[parent].end };
            let added = interval.clipped_to(uncovered);
            if !added.is_empty() {
                self.child_nanos[first + parent] += added.nanos();
                covered_until[parent] = added.end;
            }
        }
    }
}
