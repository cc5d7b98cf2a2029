//! What happened in a run, to see that it was not idle.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

/// Counts over one or more worlds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Worlds that were run.
    pub seeds: u64,
    /// Steps, those that did nothing included.
    pub steps: u64,
    /// Processes that died, at the end of a world included.
    pub crashes: u64,
    /// Of these, those with a power cut.
    pub power_cuts: u64,
    /// Processes that started.
    pub starts: u64,
    /// Starts that failed, because the object store or the disk did.
    pub failed_starts: u64,
    /// Faults of the object store by kind, and of disks.
    pub faults: BTreeMap<String, u64>,
    /// Flushes that were asked for.
    pub flushes: u64,
    /// Merges that were committed.
    pub merges: u64,
    /// Merges whose commit was refused because somebody else took an input first.
    pub conflicts: u64,
    /// Merges that failed.
    pub failed_merges: u64,
    /// Copies of spans that merges left out.
    pub copies: u64,
    /// Files that vacuums deleted.
    pub vacuumed_files: u64,
    /// Commits in the tables at the end of the worlds.
    pub commits: u64,
    /// Spans that were acknowledged.
    pub acknowledged_spans: u64,
    /// Batches that were not acknowledged when they were sent.
    pub unanswered_batches: u64,
    /// Comparisons of a node's answers with the truth.
    pub checks: u64,
    /// Searches that were compared with their definition.
    pub searches: u64,
    /// Questions that failed while something was broken, which they may.
    pub failed_questions: u64,
}

impl AddAssign<&Self> for Totals {
    fn add_assign(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.steps += other.steps;
        self.crashes += other.crashes;
        self.power_cuts += other.power_cuts;
        self.starts += other.starts;
        self.failed_starts += other.failed_starts;
        for (kind, n) in &other.faults {
            *self.faults.entry(kind.clone()).or_default() += n;
        }
        self.flushes += other.flushes;
        self.merges += other.merges;
        self.conflicts += other.conflicts;
        self.failed_merges += other.failed_merges;
        self.copies += other.copies;
        self.vacuumed_files += other.vacuumed_files;
        self.commits += other.commits;
        self.acknowledged_spans += other.acknowledged_spans;
        self.unanswered_batches += other.unanswered_batches;
        self.checks += other.checks;
        self.searches += other.searches;
        self.failed_questions += other.failed_questions;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, steps, crashes, power_cuts, starts, failed_starts, .. } = self;
        write!(f, "seeds {seeds}, steps {steps}, ")?;
        write!(f, "crashes {crashes} ({power_cuts} power cuts), ")?;
        write!(f, "starts {starts} ({failed_starts} failed), faults [")?;
        for (i, (kind, n)) in self.faults.iter().enumerate() {
            write!(f, "{}{kind} {n}", if i == 0 { "" } else { ", " })?;
        }
        let Self { flushes, merges, conflicts, failed_merges, copies, vacuumed_files, .. } = self;
        write!(f, "], commits {} (merges that conflicted {conflicts}), ", self.commits)?;
        write!(f, "flushes {flushes}, merges {merges} ({failed_merges} failed), ")?;
        write!(f, "copies left out {copies}, vacuumed files {vacuumed_files}, ")?;
        write!(f, "spans acknowledged {}, ", self.acknowledged_spans)?;
        write!(f, "batches unanswered {}, ", self.unanswered_batches)?;
        write!(f, "checks {}, searches compared {}, ", self.checks, self.searches)?;
        write!(f, "questions failed {}", self.failed_questions)
    }
}
