//! How much of each trace is live: counted by segment, because a segment's spans stop being live together.
//!
//! A batch is counted when it is admitted and lands in the segment that is open when the log has it, which may
//! be the next one. Its spans are then forgotten one segment early.

use std::collections::VecDeque;

use hashbrown::HashMap;
use spandrel_model::TraceId;

/// Spans and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) spans: u64,
    pub(super) bytes: u64,
}

type ByTrace = HashMap<TraceId, Amount>;

/// The live traces of one tenant.
#[derive(Debug, Default)]
pub(super) struct LiveTraces {
    /// Those of sealed segments, oldest first.
    sealed: VecDeque<ByTrace>,
    open: ByTrace,
}

impl LiveTraces {
    /// What is live of a trace.
    pub(super) fn of(&self, trace_id: TraceId) -> Amount {
        let segments = self.sealed.iter().chain([&self.open]);
        let amounts = segments.filter_map(|traces| traces.get(&trace_id));
        amounts.fold(Amount::default(), |sum, amount| Amount {
            spans: sum.spans + amount.spans,
            bytes: sum.bytes + amount.bytes,
        })
    }

    /// Counts a span.
    pub(super) fn add(&mut self, trace_id: TraceId, bytes: u64) {
        let amount = self.open.entry(trace_id).or_default();
        amount.spans += 1;
        amount.bytes += bytes;
    }

    /// Takes spans back that were not stored after all.
    pub(super) fn remove(&mut self, trace_id: TraceId, removed: Amount) {
        // They are in the open segment unless it was sealed meanwhile.
        let mut segments = std::iter::once(&mut self.open).chain(self.sealed.iter_mut().rev());
        let amount = segments.find_map(|traces| traces.get_mut(&trace_id));
        if let Some(amount) = amount {
            amount.spans = amount.spans.saturating_sub(removed.spans);
            amount.bytes = amount.bytes.saturating_sub(removed.bytes);
        }
    }

    /// The open segment was sealed.
    pub(super) fn seal(&mut self) {
        self.sealed.push_back(std::mem::take(&mut self.open));
    }

    /// The oldest sealed segment has become a block.
    pub(super) fn flushed(&mut self) {
        self.sealed.pop_front();
    }

    /// Forgets all counts; sealed segments are still waited for.
    pub(super) fn forget(&mut self) {
        self.sealed.iter_mut().chain([&mut self.open]).for_each(|traces| *traces = ByTrace::new());
    }

    /// Whether nothing is counted.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.sealed.iter().all(HashMap::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_counted_until_its_segments_are_blocks() {
        let (one, other) = (TraceId([1; 16]), TraceId([2; 16]));
        let mut traces = LiveTraces::default();
        traces.add(one, 100);
        traces.add(one, 50);
        traces.seal();
        traces.add(one, 7);
        traces.add(other, 1);
        assert_eq!(traces.of(one), Amount { spans: 3, bytes: 157 });
        traces.remove(one, Amount { spans: 1, bytes: 7 });
        assert_eq!(traces.of(one), Amount { spans: 2, bytes: 150 });
        traces.flushed();
        assert_eq!(traces.of(one), Amount::default());
        assert_eq!(traces.of(other), Amount { spans: 1, bytes: 1 });
        assert!(!traces.is_empty());
        traces.seal();
        traces.forget();
        assert!(traces.is_empty());
        traces.add(one, 1);
        traces.flushed();
        assert_eq!(traces.of(one), Amount { spans: 1, bytes: 1 });
        traces.seal();
        traces.flushed();
        assert!(traces.is_empty());
    }
}
