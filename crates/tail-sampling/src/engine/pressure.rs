//! Limits: what happens when memory, disk or the number of traces is used up.
//!
//! In this order: what is on disk is forgotten in memory; the oldest traces are decided early; the sender is refused,
//! or waits with `block_on_overflow`. While the next component takes nothing, deciding early would only move spans
//! from one queue to another, so the sender is refused at once.

use spandrel_base::memory::{MemoryExhausted, Reservation};
use spandrel_telemetry::EarlyReason;

use super::decide::ANY_TICK;
use super::{Engine, Refusal};

/// Traces that are decided early at once.
const EARLY_AT_ONCE: usize = 32;
/// How often room is made for one request before it is refused.
const ROUNDS_MAX: usize = 64;
/// One in so many of the limit is made free at once, so that not every request has to.
const UNLOAD_SHARE: usize = 64;

impl Engine {
    /// With `block_on_overflow`, whether another trace may come in.
    pub(super) fn make_room_for_traces(&self) -> Result<(), Refusal> {
        match self.settings.num_traces {
            Some(max) if self.settings.block_on_overflow && self.waiting() as u64 >= max => {
                Err(Refusal::NoRoom(format!("{max} traces wait for their decision (num_traces)")))
            }
            _ => Ok(()),
        }
    }

    /// Reserves memory for spans that are about to come in.
    pub(super) fn reserve(&self, bytes: usize) -> Result<Reservation, Refusal> {
        let mut rounds = 0;
        loop {
            let exhausted = match self.memory.try_reserve(bytes) {
                Ok(reserved) => return Ok(reserved),
                Err(exhausted) => exhausted,
            };
            if exhausted.is_permanent() {
                return Err(Refusal::TooLarge(exhausted.to_string()));
            }
            rounds += 1;
            if rounds > ROUNDS_MAX || !self.relieve_memory(bytes, &exhausted) {
                return Err(Refusal::NoRoom(exhausted.to_string()));
            }
        }
    }

    /// Returns whether it is worth trying again.
    fn relieve_memory(&self, bytes: usize, exhausted: &MemoryExhausted) -> bool {
        let missing = bytes.saturating_add(exhausted.used).saturating_sub(exhausted.limit);
        if self.unload(missing.max(self.memory.limit() / UNLOAD_SHARE)) > 0 {
            return true;
        }
        !self.settings.block_on_overflow && self.decide_early(EarlyReason::Memory, EARLY_AT_ONCE)
    }

    /// Forgets copies of what is on disk, those of the oldest traces first. Returns how many bytes became free.
    fn unload(&self, bytes: usize) -> usize {
        if self.journal.read().is_none() {
            return 0;
        }
        let mut freed = 0;
        while freed < bytes {
            let ages = self.shards.iter().filter_map(|shard| {
                let oldest = shard.lock().oldest_loaded()?;
                Some((oldest, shard))
            });
            let Some((_, shard)) = ages.min_by_key(|(oldest, _)| *oldest) else { break };
            // In steps, so that no shard gives up all it has while others have older traces.
            let step = (bytes - freed).div_ceil(self.shards.len());
            let n_bytes = shard.lock().unload(step);
            if n_bytes == 0 {
                break;
            }
            freed += n_bytes;
        }
        freed
    }

    /// Decides the traces that would be due next. Returns whether there were any.
    fn decide_early(&self, reason: EarlyReason, max: usize) -> bool {
        if self.output.is_stuck() || self.output.held_bytes() > self.memory.limit() / 2 {
            return false;
        }
        let due = self.shards.iter().enumerate().filter_map(|(index, shard)| {
            let due = shard.lock().next_due()?;
            Some((due, index))
        });
        let Some((_, shard)) = due.min() else { return false };
        let n_decided = self.decide_some(shard, ANY_TICK, max);
        self.counters().count_early(reason, n_decided as u64);
        n_decided > 0
    }

    /// What a request has used up, it makes free again.
    pub(super) fn relieve_after_arrival(&self) {
        if let Some(max) = self.settings.num_traces
            && !self.settings.block_on_overflow
        {
            while let Some(excess) = (self.waiting() as u64).checked_sub(max)
                && excess > 0
            {
                let excess = usize::try_from(excess).unwrap_or(EARLY_AT_ONCE).min(EARLY_AT_ONCE);
                if !self.decide_early(EarlyReason::NumTraces, excess) {
                    break;
                }
            }
        }
        if let Some(journal) = self.journal() {
            let mut rounds = 0;
            while journal.bytes() > journal.bytes_max - journal.bytes_max / 16
                && rounds < ROUNDS_MAX
                && self.decide_early(EarlyReason::Disk, EARLY_AT_ONCE)
            {
                rounds += 1;
            }
            self.counters().spilled_bytes.set(journal.bytes());
        }
        self.counters().buffered_bytes.set(self.buffered_bytes() as u64);
    }
}
