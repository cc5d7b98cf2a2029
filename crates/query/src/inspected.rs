//! What a search looked at, for whoever wonders why it took as long as it did.

use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a search looked at.
///
/// Every block of the tenant is out of the time range, not reached, or looked at; every row group of a block that
/// was looked at is ruled out or read. Blocks close to the range are opened too where a trace may lie in several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchInspected {
    /// Blocks in the time range.
    pub blocks: u64,
    /// Their size.
    pub block_bytes: u64,
    /// Blocks too far from the time range to be looked at.
    pub blocks_out_of_range: u64,
    /// Blocks whose traces all lie before or behind what was asked for, or that came after the answer was full: none
    /// of their columns were read. Of those that were open by then, row groups may count as ruled out.
    pub blocks_not_reached: u64,
    /// Live runs of which columns were read.
    pub live_runs: u64,
    /// Row groups of which columns were read.
    pub row_groups_read: u64,
    /// Row groups that do not have a value that is asked for, which their filter of values knows.
    pub row_groups_ruled_out_by_filter: u64,
    /// Row groups that the directories of the index rule out: values, ranges and operations.
    pub row_groups_ruled_out_by_statistics: u64,
    /// Spans in the live runs and row groups that were read.
    pub spans: u64,
    /// Traces in several live runs or blocks, whose parts had to be put together; counted where conditions
    /// concern whole traces.
    pub split_traces: u64,
    /// Candidate traces that were read whole.
    pub traces: u64,
    /// Bytes of the columns that conditions were computed on, in memory.
    pub bytes: u64,
}

impl SearchInspected {
    /// Row groups of opened blocks that were not read.
    pub fn row_groups_pruned(&self) -> u64 {
        self.row_groups_ruled_out_by_filter + self.row_groups_ruled_out_by_statistics
    }
}

impl AddAssign for SearchInspected {
    fn add_assign(&mut self, more: Self) {
        self.blocks += more.blocks;
        self.block_bytes += more.block_bytes;
        self.blocks_out_of_range += more.blocks_out_of_range;
        self.blocks_not_reached += more.blocks_not_reached;
        self.live_runs += more.live_runs;
        self.row_groups_read += more.row_groups_read;
        self.row_groups_ruled_out_by_filter += more.row_groups_ruled_out_by_filter;
        self.row_groups_ruled_out_by_statistics += more.row_groups_ruled_out_by_statistics;
        self.spans += more.spans;
        self.split_traces += more.split_traces;
        self.traces += more.traces;
        self.bytes += more.bytes;
    }
}

/// What was read, counted by all parts of a search.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) live_runs: AtomicU64,
    pub(crate) row_groups_read: AtomicU64,
    pub(crate) row_groups_ruled_out_by_filter: AtomicU64,
    pub(crate) row_groups_ruled_out_by_statistics: AtomicU64,
    pub(crate) spans: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl Counters {
    /// Counts one more.
    pub(crate) fn add(counter: &AtomicU64, more: usize) {
        counter.fetch_add(more as u64, Ordering::Relaxed);
    }

    /// Writes the counts down.
    pub(crate) fn report(&self, inspected: &mut SearchInspected) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        inspected.live_runs = count(&self.live_runs);
        inspected.row_groups_read = count(&self.row_groups_read);
        inspected.row_groups_ruled_out_by_filter = count(&self.row_groups_ruled_out_by_filter);
        inspected.row_groups_ruled_out_by_statistics =
            count(&self.row_groups_ruled_out_by_statistics);
        inspected.spans = count(&self.spans);
        inspected.bytes = count(&self.bytes);
    }
}
