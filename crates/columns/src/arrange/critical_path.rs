//! Which spans a trace waited for.
//!
//! Walk backward from the end of a span: the child that finished last is what the span waited for,
//! so that child's time is on the path; go on at the child's start with the child that finished
//! last before that. Time between these children is the span's own. A child that overlaps one on
//! the path is left out: had it been waited for, the later one would not have started yet.
//!
//! Intervals of children are clipped to that of the parent first, from the top down; a child wholly
//! outside is left out with everything below it. So is a consumer below a producer, which does not
//! wait for it. A child may end exactly where the next one starts; of children that end together
//! the first to start wins.
//!
//! A child on the path is there with its whole clipped interval. So what remains to its parent is a
//! plain difference, and one pass from the top down does without a stack.

use std::cmp::Reverse;

use spandrel_model::SpanKind;

use super::Arrangement;
use super::interval::Interval;
use crate::SpanColumns;

/// Memory of the walk.
#[derive(Default)]
pub(super) struct CriticalPath {
    /// Per row of the trace: its clipped interval, if it is on the path.
    clipped: Vec<Option<Interval>>,
    /// Clipped intervals and rows of the children of one span.
    children: Vec<(Interval, usize)>,
}

impl CriticalPath {
    /// Writes the critical times of the trace whose rows begin at `first` and ran in `intervals`.
    pub(super) fn walk(
        &mut self,
        spans: &SpanColumns,
        arrangement: &mut Arrangement,
        first: usize,
        intervals: &[Interval],
    ) {
        self.clipped.clear();
        self.clipped.resize(intervals.len(), None);
        let subtree_rows = &arrangement.subtree_rows[first..];
        let kind = |row: usize| spans.kinds[arrangement.order[first + row] as usize];
        for (row, &interval) in intervals.iter().enumerate() {
            if arrangement.depths[first + row] == 0 {
                self.clipped[row] = Some(interval);
            }
            let Some(clipped) = self.clipped[row] else {
                continue;
            };
            let is_producer = kind(row) == SpanKind::Producer as u8;
            self.children.clear();
            let end = row + subtree_rows[row] as usize;
            let mut child = row + 1;
            while child < end {
                let interval = intervals[child].clipped_to(clipped);
                let is_awaited = !(is_producer && kind(child) == SpanKind::Consumer as u8);
                if is_awaited && !interval.is_empty() {
                    self.children.push((interval, child));
                }
                child += subtree_rows[child] as usize;
            }
            arrangement.critical_nanos[first + row] = clipped.nanos() - self.put_children_on_path();
        }
    }

    /// Chooses from `children` those on the path; returns the sum of their times.
    fn put_children_on_path(&mut self) -> i64 {
        self.children.sort_unstable_by_key(|&(interval, row)| (Reverse(interval.end), row));
        let mut nanos = 0;
        let mut until = i64::MAX;
        for &(interval, row) in &self.children {
            if interval.end <= until {
                self.clipped[row] = Some(interval);
                nanos += interval.nanos();
                until = interval.start;
            }
        }
        nanos
    }
}
