//! Decisions: when traces are due, when they have to go early, and at the end.

use std::error::Error as _;
use std::time::Duration;

use super::Engine;
use crate::decision_log::LoggedDecision;
use crate::fragment::{Content, Fragment};
use crate::journal::{JournalError, Place};
use crate::policy::{Decision, PolicyCounts, Subject};
use crate::shard::Taken;

/// Traces that are decided about between two looks at the lock of their shard.
const TRACES_AT_ONCE: usize = 256;

/// What stands for every tick.
pub(super) const ANY_TICK: u64 = u64::MAX;

impl Engine {
    /// Decides the traces of a shard that are due now. Blocks when it reads from disk.
    pub(crate) fn decide_due(&self, shard: usize) {
        let start = self.clock.monotonic();
        let tick = start.as_nanos() / self.tick.as_nanos().max(1);
        let tick = u64::try_from(tick).unwrap_or(ANY_TICK - 1);
        while self.decide_some(shard, tick, TRACES_AT_ONCE) > 0 {}
        let took = self.clock.monotonic().saturating_sub(start);
        self.counters().decision_timer_latency.observe_count(took.as_millis() as u64);
    }

    /// Decides all traces of a shard, as at shutdown.
    pub(crate) fn decide_all(&self, shard: usize) {
        while self.decide_some(shard, ANY_TICK, TRACES_AT_ONCE) > 0 {}
    }

    /// Gives up all traces of a shard undecided, as `drop_pending_traces_on_shutdown` wants it.
    pub(crate) fn drop_all(&self, shard: usize) {
        loop {
            let mut taken = self.take(shard, ANY_TICK, TRACES_AT_ONCE);
            if taken.is_empty() {
                return;
            }
            let decisions = vec![Decision::NotSampled; taken.len()];
            self.finish(shard, &mut taken, &decisions);
            let fragments = || taken.iter().flat_map(|trace| &trace.fragments);
            self.finish_in_journal(&fragments().filter_map(|f| f.place).collect::<Vec<_>>());
            self.sampled_out(fragments().map(|fragment| fragment.spans).sum());
        }
    }

    /// Decides up to `max` of the traces of a shard that are due at `tick`, the oldest first. Returns how many.
    pub(super) fn decide_some(&self, shard: usize, tick: u64, max: usize) -> usize {
        let mut taken = self.take(shard, tick, max);
        if taken.is_empty() {
            return 0;
        }
        let mut counts = self.policies.no_counts();
        let now = self.clock.monotonic();
        let decisions: Vec<Decision> =
            taken.iter_mut().map(|trace| self.decide(trace, now, &mut counts)).collect();
        self.hand_over(&counts);
        self.finish(shard, &mut taken, &decisions);
        let n_taken = taken.len();
        self.settle_decided(taken.into_iter().zip(decisions).collect());
        n_taken
    }

    fn take(&self, shard: usize, tick: u64, max: usize) -> Vec<Taken> {
        let Some(shard) = self.shards.get(shard) else { return Vec::new() };
        let mut shard = shard.lock();
        let before = shard.waiting();
        let taken = shard.take_due(tick, max);
        self.count_waiting(before, shard.waiting());
        taken
    }

    fn finish(&self, shard: usize, taken: &mut [Taken], decisions: &[Decision]) {
        let Some(shard) = self.shards.get(shard) else { return };
        let now = self.clock.monotonic();
        let mut shard = shard.lock();
        for (trace, decision) in taken.iter_mut().zip(decisions) {
            shard.finish(trace, *decision, now);
        }
        shard.count_held();
    }

    fn decide(&self, trace: &mut Taken, now: Duration, counts: &mut [PolicyCounts]) -> Decision {
        if self.is_span_ingest() {
            // No part of it was sampled when it arrived.
            return Decision::NotSampled;
        }
        let reads = self.policies.wanted.any();
        if reads {
            self.load(trace);
        }
        let fragments = trace.fragments.iter().take(if reads { usize::MAX } else { 0 });
        let contents: Vec<&Content> = fragments.filter_map(Fragment::content).collect();
        let size = (trace.spans, trace.bytes);
        let subject = Subject::new(trace.key.trace_id(), size, &contents, now);
        self.policies.decide(&subject, self.clock.as_ref(), counts)
    }

    /// Reads back what is on disk alone. What cannot be read is lost, and the rest decides.
    fn load(&self, trace: &mut Taken) {
        let lost = self.load_fragments(&mut trace.fragments);
        trace.spans -= lost.min(trace.spans);
    }

    /// Returns how many spans are lost; their fragments are gone.
    pub(super) fn load_fragments(&self, fragments: &mut Vec<Fragment>) -> u64 {
        if fragments.iter().all(|fragment| fragment.content().is_some()) {
            return 0;
        }
        let journal = self.journal();
        let (mut lost, mut unreadable) = (0, Vec::new());
        fragments.retain_mut(|fragment| {
            let Some(place) = fragment.place.filter(|_| fragment.content().is_none()) else {
                return true;
            };
            match journal.as_ref().map(|journal| journal.read(place)) {
                Some(Ok(content)) => {
                    fragment.load(content);
                    return true;
                }
                Some(Err(err)) => self.journal_failed(&err),
                None => {}
            }
            lost += fragment.spans;
            unreadable.push(place);
            false
        });
        if lost > 0 {
            self.account.release(lost);
            self.account.failed(lost);
            self.finish_in_journal(&unreadable);
        }
        lost
    }

    /// Acts on decisions that the shards know of: they are logged, and then spans go on or away.
    pub(super) fn settle_decided(&self, decided: Vec<(Taken, Decision)>) {
        if decided.is_empty() {
            return;
        }
        self.log_decisions(&decided);
        let now = self.clock.monotonic();
        let (mut finished, mut spans_out, mut by_decision) = (Vec::new(), 0, [0_u64; 3]);
        for (trace, decision) in decided {
            self.counters().trace_removal_age.observe(now.saturating_sub(trace.arrived));
            match decision {
                Decision::Sampled(threshold) => {
                    by_decision[0] += 1;
                    self.emit(trace.key, trace.fragments, threshold);
                }
                Decision::NotSampled | Decision::Dropped => {
                    by_decision[if decision == Decision::NotSampled { 1 } else { 2 }] += 1;
                    // Not the spans of the trace: what joined it since it was evaluated counts as well.
                    spans_out += trace.fragments.iter().map(|f| f.spans).sum::<u64>();
                    finished.extend(trace.fragments.iter().filter_map(|f| f.place));
                }
            }
        }
        self.counters().count_decisions(by_decision);
        self.sampled_out(spans_out);
        self.finish_in_journal(&finished);
        self.room.notify_waiters();
    }

    fn log_decisions(&self, decided: &[(Taken, Decision)]) {
        let mut log = self.decision_log.lock();
        let Some(log) = log.as_mut() else { return };
        let entries = decided.iter().map(|(trace, decision)| LoggedDecision {
            tenant: self.tenants.name(trace.key.tenant),
            trace_id: trace.key.trace_id(),
            sampled: match decision {
                Decision::Sampled(threshold) => Some(*threshold),
                Decision::NotSampled | Decision::Dropped => None,
            },
        });
        if let Err(error) = log.append(&entries.collect::<Vec<_>>()) {
            self.counters().journal_failures.inc();
            tracing::warn!(%error, "decisions of tail sampling could not be logged");
        }
    }

    pub(super) fn finish_in_journal(&self, places: &[Place]) {
        if places.is_empty() {
            return;
        }
        if let Some(journal) = self.journal() {
            if let Err(err) = journal.finish(places) {
                self.journal_failed(&err);
            }
            self.counters().spilled_bytes.set(journal.bytes());
        }
    }

    pub(super) fn journal_failed(&self, error: &JournalError) {
        self.counters().journal_failures.inc();
        let cause = error.source().map(ToString::to_string);
        tracing::error!(%error, cause, "the journal of tail sampling failed");
    }

    /// Adds what policies said to the metrics.
    pub(super) fn hand_over(&self, counts: &[PolicyCounts]) {
        for (name, counts) in self.policies.names().zip(counts) {
            let PolicyCounts { traces, spans, bytes, executions, errors, busy } = counts;
            let counters = self.counters();
            counters.count_policy(name, [*traces, *spans, *bytes]);
            counters.count_executions(name, *executions, *busy);
            counters.evaluation_errors.add(*errors);
        }
    }
}
