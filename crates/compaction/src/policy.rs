//! Retention policies at work: the filter that they are, and which blocks are due for one.
//!
//! Merges apply the policy to what they read anyway. A block that is not merged anymore is rewritten alone each
//! time a boundary of the policy has passed for all of its traces, which is once per boundary: its id says when
//! it was written, and so which boundaries had passed by then.

use std::sync::Arc;

use spandrel_catalog::BlockEntry;
use spandrel_model::Trace;
use spandrel_retention::{Decision, Policy, reference_unix_nanos};

use crate::retention::newest_unix_nanos;
use crate::{MergeJob, TraceDecision, TraceFilter};

/// A policy as of one moment.
pub(crate) struct PolicyFilter {
    policy: Arc<Policy>,
    now_unix_nanos: i64,
}

impl PolicyFilter {
    /// The filter at this time.
    pub(crate) fn new(policy: &Arc<Policy>, now_unix_nanos: u64) -> Self {
        Self { policy: Arc::clone(policy), now_unix_nanos: signed(now_unix_nanos) }
    }
}

impl TraceFilter for PolicyFilter {
    fn decide(&self, trace: &Trace, received_unix_nanos: u64) -> TraceDecision {
        let reference = reference_unix_nanos(trace, Some(signed(received_unix_nanos)));
        match self.policy.decide(trace, reference, self.now_unix_nanos) {
            Decision::Keep { threshold: Some(threshold), .. } => {
                TraceDecision::KeepSampled(threshold)
            }
            Decision::Keep { threshold: None, .. } => TraceDecision::Keep,
            Decision::Drop { .. } => TraceDecision::Drop,
        }
    }
}

/// The blocks for all of whose traces a boundary of the policy has passed since they were written, each as a
/// job of its own that leaves its level as it is.
pub(crate) fn due<'a>(
    entries: impl IntoIterator<Item = &'a Arc<BlockEntry>>,
    now_unix_nanos: u64,
    policy: &Policy,
) -> Vec<MergeJob> {
    let is_due = |entry: &&Arc<BlockEntry>| {
        let newest = signed(newest_unix_nanos(entry));
        let deadline = policy.next_deadline(newest, signed(entry.id.unix_nanos()));
        deadline.is_some_and(|deadline| deadline <= signed(now_unix_nanos))
    };
    let job =
        |entry: &Arc<BlockEntry>| MergeJob { inputs: vec![Arc::clone(entry)], level: entry.level };
    entries.into_iter().filter(is_due).map(job).collect()
}

fn signed(unix_nanos: u64) -> i64 {
    i64::try_from(unix_nanos).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use spandrel_catalog::BlockId;
    use spandrel_retention::PolicyFile;

    use super::*;

    const DAY: u64 = 86_400_000_000_000;

    #[test]
    fn a_block_is_due_once_per_boundary() {
        let file = PolicyFile::parse(
            "
default:
  - { name: everything, match: '{}', keep: 2d }
  - { name: errors, match: '{ status = error }', keep: 30d }
",
        );
        let file = file.unwrap();
        let policy = file.default_policy().unwrap();
        // Whether a block with spans of day 100 that was written on this day is due on that day.
        let is_due = |written_day: u64, day: u64| {
            let id = BlockId::generate(written_day * DAY);
            let entry = Arc::new(BlockEntry {
                id,
                path: String::new(),
                size_bytes: 0,
                n_spans: 1,
                n_traces: 1,
                min_start_unix_nanos: 0,
                max_end_unix_nanos: 100 * DAY,
                max_trace_start_unix_nanos: 99 * DAY,
                max_received_unix_nanos: 100 * DAY,
                format_version: 1,
                level: 3,
                tail: None,
            });
            let jobs = due([&entry], day * DAY, policy);
            assert!(jobs.iter().all(|job| job.level == 3 && job.inputs == [Arc::clone(&entry)]));
            !jobs.is_empty()
        };
        assert!(!is_due(100, 101));
        assert!(is_due(100, 102));
        assert!(is_due(101, 120));
        assert!(!is_due(102, 129));
        assert!(is_due(102, 130));
        assert!(!is_due(130, 500));
    }
}
