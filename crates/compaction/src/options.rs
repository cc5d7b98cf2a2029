//! Settings of compaction.

use std::sync::Arc;
use std::time::Duration;

use spandrel_retention::PolicyFile;

use spandrel_base::memory::MemoryBudget;

use crate::OwnRetention;

/// Which blocks are merged with which, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanOptions {
    /// Lengths of the time windows within which blocks are merged, one per level, ascending. The first is
    /// that of blocks as they were cut (level 0); a merge takes blocks of this level or below and makes
    /// blocks of the next. Blocks above the last level are final, so a span is rewritten at most once per
    /// level.
    pub windows: Vec<Duration>,
    /// How many blocks of a level make a merge worth while in a window that still fills.
    pub fan_in: usize,
    /// The same for the last level: what it makes is final, so it had better be large.
    pub final_fan_in: usize,
    /// Spans of one merge, and so of a merged block. A block of more than half of it is final.
    pub merge_spans_max: u64,
    /// File bytes of one merge. A block of more than half of it is final.
    pub merge_bytes_max: u64,
}

impl Default for PlanOptions {
    /// Steps of about ten: a fan-in of ten takes blocks from a few thousand spans to a million in three.
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        Self {
            windows: vec![Duration::from_secs(15 * 60), hours(2), hours(24)],
            fan_in: 10,
            final_fan_in: 40,
            merge_spans_max: 1 << 20,
            merge_bytes_max: 256 << 20,
        }
    }
}

/// How a merge is done.
#[derive(Debug, Clone)]
pub struct MergeOptions {
    /// Spans in memory at a time, and so of a merged block; only a single trace may have more.
    pub spans_max: u64,
    /// Memory that the spans of a merged block take before they are written; only a single trace may take
    /// more. Writing takes about twice as much on top.
    pub memory_bytes_max: usize,
    /// Where that memory is counted. Merges are not refused, but others are while they run.
    pub memory: MemoryBudget,
}

impl Default for MergeOptions {
    /// A million spans of the demo shop take about 300 MB.
    fn default() -> Self {
        Self { spans_max: 1 << 20, memory_bytes_max: 512 << 20, memory: MemoryBudget::unlimited() }
    }
}

/// Settings of a [`crate::Compactor`].
#[derive(Debug, Clone)]
pub struct CompactionOptions {
    /// What to merge.
    pub plan: PlanOptions,
    /// How to merge it.
    pub merge: MergeOptions,
    /// Age at which spans are given up, counted from the later of when they happened and when they were
    /// received; `None` keeps them.
    pub retention: Option<Duration>,
    /// Ages of single tenants, whoever has set them; the shortest age that concerns a span is in force.
    pub own_retention: OwnRetention,
    /// Retention policies by tenant: merges keep what they keep, and blocks that are not merged anymore are
    /// rewritten when a boundary of a policy has passed. `None` keeps everything up to [`Self::retention`].
    pub policies: Option<Arc<PolicyFile>>,
    /// Pause between two looks at all tenants.
    pub interval: Duration,
    /// Pause between two vacuums of a tenant.
    pub vacuum_interval: Duration,
    /// How long a file stays that no catalogue entry names. Longer than any query runs, and longer than it
    /// may take from writing a block to committing it.
    pub vacuum_grace: Duration,
}

impl Default for CompactionOptions {
    fn default() -> Self {
        Self {
            plan: PlanOptions::default(),
            merge: MergeOptions::default(),
            retention: None,
            own_retention: OwnRetention::default(),
            policies: None,
            interval: Duration::from_secs(30),
            vacuum_interval: Duration::from_secs(10 * 60),
            vacuum_grace: Duration::from_secs(3600),
        }
    }
}
