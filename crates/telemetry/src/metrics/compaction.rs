//! Compaction: what is merged, given up and deleted.

use crate::instrument::{Buckets, Registrar};
use crate::{Counter, Histogram};

/// Instruments of compaction.
#[derive(Debug, Clone)]
pub struct CompactionMetrics {
    /// Looks at a tenant.
    pub runs: Counter,
    /// Merges that were committed.
    pub merges: Counter,
    /// One merge, from reading to the commit.
    pub merge_duration: Histogram,
    /// Merges whose inputs another compactor took first.
    pub conflicts: Counter,
    /// Merges and other steps that failed and will be tried again.
    pub failures: Counter,
    /// Blocks that merges removed.
    pub blocks_in: Counter,
    /// Blocks that merges added.
    pub blocks_out: Counter,
    /// Size of the removed blocks.
    pub bytes_in: Counter,
    /// Size of the added blocks.
    pub bytes_out: Counter,
    /// Spans that merges read.
    pub spans_in: Counter,
    /// Spans that merges wrote.
    pub spans_out: Counter,
    /// Copies of spans that were left out.
    pub copies: Counter,
    /// Spans that a retention policy left out.
    pub filtered_spans: Counter,
    /// Blocks that were given up because of their age.
    pub expired_blocks: Counter,
    /// Files that no catalog entry named and that were deleted.
    pub vacuumed_files: Counter,
}

impl CompactionMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        let mut counter = |name: &'static str, help: &'static str| registrar.counter(name, help);
        Self {
            runs: counter("spandrel_compaction_runs", "Looks at a tenant"),
            merges: counter("spandrel_compaction_merges", "Merges that were committed"),
            conflicts: counter(
                "spandrel_compaction_conflicts",
                "Merges whose inputs another compactor took first",
            ),
            failures: counter(
                "spandrel_compaction_failures",
                "Merges and other steps that failed and will be tried again",
            ),
            blocks_in: counter("spandrel_compaction_blocks_in", "Blocks that merges removed"),
            blocks_out: counter("spandrel_compaction_blocks_out", "Blocks that merges added"),
            bytes_in: counter("spandrel_compaction_in_bytes", "Size of the removed blocks"),
            bytes_out: counter("spandrel_compaction_out_bytes", "Size of the added blocks"),
            spans_in: counter("spandrel_compaction_spans_in", "Spans that merges read"),
            spans_out: counter("spandrel_compaction_spans_out", "Spans that merges wrote"),
            copies: counter("spandrel_compaction_copies", "Copies of spans that merges left out"),
            filtered_spans: counter(
                "spandrel_compaction_filtered_spans",
                "Spans that a retention policy left out",
            ),
            expired_blocks: counter(
                "spandrel_compaction_expired_blocks",
                "Blocks given up because of their age",
            ),
            vacuumed_files: counter(
                "spandrel_compaction_vacuumed_files",
                "Deleted files that no catalog entry named",
            ),
            merge_duration: registrar.histogram(
                "spandrel_compaction_merge_duration_seconds",
                "One merge, from reading to the commit",
                Buckets::REQUEST,
            ),
        }
    }
}
