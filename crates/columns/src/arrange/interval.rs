//! When a span ran.
//!
//! Empty intervals are ordinary here: durations of 0, negative durations, and children that ran
//! wholly outside of their parent all lead to them.

use crate::SpanColumns;

/// From `start` up to, not including, `end`, in Unix nanoseconds; empty when `end <= start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) start: i64,
    pub(super) end: i64,
}

impl Interval {
    pub(super) fn of(spans: &SpanColumns, row: u32) -> Self {
        let start = spans.start_unix_nanos[row as usize];
        Self { start, end: start.saturating_add(spans.duration_nanos[row as usize]) }
    }

    pub(super) fn clipped_to(self, other: Self) -> Self {
        Self { start: self.start.max(other.start), end: self.end.min(other.end) }
    }

    pub(super) fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// The length; 0 when empty. No longer than the duration of the span, so it fits.
    pub(super) fn nanos(self) -> i64 {
        self.end.saturating_sub(self.start).max(0)
    }
}
