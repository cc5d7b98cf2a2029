//! Which blocks to merge: a pure function of the entries and the time.
//!
//! # Rules
//! - A block belongs to the window in which its last trace starts. Each level has windows of its own length
//!   ([`PlanOptions::windows`]); a merge takes blocks of one window, oldest first, as many as it may hold.
//! - In a window that still fills, blocks of its level are merged when they fill a merge, or when they are
//!   [`PlanOptions::fan_in`] (at the last level [`PlanOptions::final_fan_in`]).
//! - In a quiet window everything is merged, blocks of lower levels as well. A window is quiet when it is
//!   over, and for half its length nothing new was written into it.
//! - Blocks of more than half a merge, and blocks above the last level, are final.
//!
//! # Bounds
//! Every merge makes blocks of a higher level than all of its inputs, so a span is rewritten at most
//! `windows.len()` times, whatever arrives when. Of two neighbors in a quiet window of the last level one is
//! final or they fill a merge, so it has at most one block more than twice the merges that its spans fill, and
//! one for each time that its last level's fan-in was reached; blocks that come late add to that like traffic of
//! their own. [`crate::simulation`] measures both.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashSet;
use spandrel_catalog::{BlockEntry, BlockId};

use crate::PlanOptions;

/// Blocks to be replaced by one, or by several if they turn out to be larger than they look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeJob {
    /// At least two, unless one is rewritten because of a retention policy.
    pub inputs: Vec<Arc<BlockEntry>>,
    /// Level of what comes out.
    pub level: u8,
}

impl MergeJob {
    /// Spans of all inputs.
    pub fn n_spans(&self) -> u64 {
        self.inputs.iter().map(|entry| entry.n_spans).sum()
    }
}

/// The merges that are due, those of low levels first; no block is in two of them.
pub fn plan<'a>(
    entries: impl IntoIterator<Item = &'a Arc<BlockEntry>>,
    now_unix_nanos: u64,
    options: &PlanOptions,
) -> Vec<MergeJob> {
    let mut open: Vec<_> =
        entries.into_iter().filter(|entry| !is_final(entry, options)).cloned().collect();
    open.sort_by_key(|entry| (entry.max_trace_start_unix_nanos, entry.id));
    let mut jobs = Vec::new();
    let mut taken: HashSet<BlockId> = HashSet::new();
    for (level, window) in (0_u8..).zip(&options.windows) {
        let window_nanos = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX).max(1);
        let mut windows: BTreeMap<u64, Vec<&Arc<BlockEntry>>> = BTreeMap::new();
        let candidates =
            open.iter().filter(|entry| entry.level <= level && !taken.contains(&entry.id));
        for entry in candidates {
            let number = entry.max_trace_start_unix_nanos / window_nanos;
            windows.entry(number).or_default().push(entry);
        }
        for (number, entries) in windows {
            let end = number.saturating_add(1).saturating_mul(window_nanos);
            for inputs in due(&entries, level, (end, window_nanos, now_unix_nanos), options) {
                taken.extend(inputs.iter().map(|entry| entry.id));
                jobs.push(MergeJob { inputs, level: level.saturating_add(1) });
            }
        }
    }
    jobs
}

/// Whether a block is never merged again.
fn is_final(entry: &BlockEntry, options: &PlanOptions) -> bool {
    usize::from(entry.level) >= options.windows.len()
        || entry.n_spans > options.merge_spans_max / 2
        || entry.size_bytes > options.merge_bytes_max / 2
}

/// Whether nothing more is to be expected in a window.
fn is_quiet(entries: &[&Arc<BlockEntry>], end: u64, window: u64, now_unix_nanos: u64) -> bool {
    let newest = entries.iter().map(|entry| entry.id.unix_nanos()).max().unwrap_or(0);
    end.max(newest).saturating_add(window / 2) <= now_unix_nanos
}

/// The merges that are due among the blocks of one window. Times: its end, its length, now.
fn due(
    entries: &[&Arc<BlockEntry>],
    level: u8,
    (end, window, now_unix_nanos): (u64, u64, u64),
    options: &PlanOptions,
) -> Vec<Vec<Arc<BlockEntry>>> {
    let is_quiet = is_quiet(entries, end, window, now_unix_nanos);
    let is_last = usize::from(level) + 1 == options.windows.len();
    let fan_in = if is_last { options.final_fan_in } else { options.fan_in };
    let entries = entries.iter().filter(|entry| is_quiet || entry.level == level);
    let mut merges = Vec::new();
    let mut inputs: Vec<Arc<BlockEntry>> = Vec::new();
    let (mut n_spans, mut size_bytes) = (0_u64, 0_u64);
    for entry in entries {
        let is_full = n_spans.saturating_add(entry.n_spans) > options.merge_spans_max
            || size_bytes.saturating_add(entry.size_bytes) > options.merge_bytes_max;
        if is_full {
            merges.push(std::mem::take(&mut inputs));
            (n_spans, size_bytes) = (0, 0);
        }
        inputs.push(Arc::clone(entry));
        n_spans = n_spans.saturating_add(entry.n_spans);
        size_bytes = size_bytes.saturating_add(entry.size_bytes);
    }
    if is_quiet || inputs.len() >= fan_in {
        merges.push(inputs);
    }
    merges.retain(|inputs| inputs.len() > 1);
    merges
}
