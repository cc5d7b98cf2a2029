//! A week of blocks without the blocks: what the plan costs in writes and saves in reads.
//!
//! Entries arrive at a steady rate and are merged as [`crate::plan()`] says, once a minute; merges take no time.
//! Deterministic: identifiers count up, sizes come from a fixed generator.

use std::collections::BTreeMap;
use std::sync::Arc;

use spandrel_catalog::{BlockEntry, BlockId};

use crate::{MergeJob, PlanOptions, plan};

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// A midnight.
const START: u64 = 20_000 * DAY;
/// What a span takes in a block.
const SPAN_BYTES: u64 = 50;
/// From the start of a block's first trace to the end of its last one, and to its being written.
const BLOCK_NANOS: u64 = MINUTE;

/// What arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    /// Blocks that are cut per minute, by all senders together.
    pub blocks_per_minute: u64,
    /// Spans of such a block; actual ones have between half and one and a half as many.
    pub spans_per_block: u64,
    /// Of a thousand blocks, how many hold spans that are between an hour and two days old.
    pub late_per_mille: u64,
    /// How long it lasts.
    pub days: u64,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Blocks that arrived.
    pub blocks_in: u64,
    /// Spans that arrived.
    pub spans_in: u64,
    /// Spans that merges wrote.
    pub spans_rewritten: u64,
    /// How often the span that was rewritten most often was.
    pub rewrites_max: u8,
    /// Merges.
    pub merges: u64,
    /// Blocks at the end.
    pub blocks_out: u64,
    /// The most blocks that a read of the last hour had to open, looked at once a minute.
    pub last_hour_blocks_max: u64,
    /// The same for a block that is full: what no merging could save.
    pub last_hour_blocks_least: u64,
    /// Blocks that a read of a whole past day opens, by day, the last one left out: it still fills.
    pub day_blocks: Vec<u64>,
    /// The same if all blocks were full.
    pub day_blocks_least: Vec<u64>,
}

impl Outcome {
    /// Spans written per span that arrived, those of the blocks that arrived included.
    pub fn write_amplification(&self) -> f64 {
        1.0 + self.spans_rewritten as f64 / self.spans_in.max(1) as f64
    }
}

/// Runs it.
pub fn run(traffic: &Traffic, options: &PlanOptions) -> Outcome {
    let mut simulation = Simulation { random: 59, ..Simulation::default() };
    for minute in 0..traffic.days * 24 * 60 {
        let now = START + minute * MINUTE;
        for _ in 0..traffic.blocks_per_minute {
            simulation.arrive(traffic, now);
        }
        let jobs = plan(simulation.blocks.values(), now, options);
        jobs.into_iter().for_each(|job| simulation.merge(job, now));
        simulation.read_last_hour(now, options);
    }
    simulation.outcome(traffic, options)
}

#[derive(Default)]
struct Simulation {
    blocks: BTreeMap<BlockId, Arc<BlockEntry>>,
    random: u64,
    n_ids: u64,
    blocks_in: u64,
    spans_in: u64,
    spans_rewritten: u64,
    merges: u64,
    last_hour_blocks_max: u64,
    last_hour_blocks_least: u64,
    /// Spans by the day on which they happened.
    spans_of_days: BTreeMap<u64, u64>,
}

impl Simulation {
    /// A number below `end` (xorshift).
    fn below(&mut self, end: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % end.max(1)
    }

    fn id(&mut self, now: u64) -> BlockId {
        self.n_ids += 1;
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&(now / 1_000_000).to_be_bytes()[2..]);
        bytes[8..].copy_from_slice(&self.n_ids.to_be_bytes());
        (bytes[6], bytes[8]) = (0x70, 0x80);
        BlockId::from_bytes(bytes)
    }

    fn arrive(&mut self, traffic: &Traffic, now: u64) {
        let n_spans = traffic.spans_per_block / 2 + self.below(traffic.spans_per_block + 1);
        let is_late = self.below(1000) < traffic.late_per_mille && now > START + 2 * DAY;
        let age = if is_late { HOUR + self.below(2 * DAY - HOUR) } else { 0 };
        let end = now - age;
        let id = self.id(now);
        self.blocks_in += 1;
        self.spans_in += n_spans;
        *self.spans_of_days.entry(end / DAY).or_default() += n_spans;
        self.add(BlockEntry {
            id,
            path: String::new(),
            size_bytes: n_spans * SPAN_BYTES,
            n_spans,
            n_traces: n_spans,
            min_start_unix_nanos: end - BLOCK_NANOS,
            max_end_unix_nanos: end,
            max_trace_start_unix_nanos: end - SECOND,
            max_received_unix_nanos: now,
            format_version: 1,
            level: 0,
            tail: None,
        });
    }

    fn add(&mut self, entry: BlockEntry) {
        self.blocks.insert(entry.id, Arc::new(entry));
    }

    fn merge(&mut self, job: MergeJob, now: u64) {
        let id = self.id(now);
        let most = |of: fn(&BlockEntry) -> u64| job.inputs.iter().map(|entry| of(entry)).max();
        let start = job.inputs.iter().map(|entry| entry.min_start_unix_nanos).min();
        let n_spans = job.n_spans();
        self.merges += 1;
        self.spans_rewritten += n_spans;
        self.add(BlockEntry {
            id,
            path: String::new(),
            size_bytes: n_spans * SPAN_BYTES,
            n_spans,
            n_traces: n_spans,
            min_start_unix_nanos: start.unwrap_or(0),
            max_end_unix_nanos: most(|entry| entry.max_end_unix_nanos).unwrap_or(0),
            max_trace_start_unix_nanos: most(|entry| entry.max_trace_start_unix_nanos).unwrap_or(0),
            max_received_unix_nanos: most(|entry| entry.max_received_unix_nanos).unwrap_or(0),
            format_version: 1,
            level: job.level,
            tail: None,
        });
        for input in &job.inputs {
            self.blocks.remove(&input.id);
        }
    }

    /// Blocks that a read of this time opens, and the spans in them.
    fn read(&self, from: u64, to: u64) -> (u64, u64) {
        let reads = self.blocks.values().filter(|entry| {
            entry.min_start_unix_nanos <= to && entry.max_trace_start_unix_nanos >= from
        });
        reads.fold((0, 0), |(blocks, spans), entry| (blocks + 1, spans + entry.n_spans))
    }

    fn read_last_hour(&mut self, now: u64, options: &PlanOptions) {
        let (blocks, spans) = self.read(now.saturating_sub(HOUR), now);
        if blocks > self.last_hour_blocks_max {
            self.last_hour_blocks_max = blocks;
            self.last_hour_blocks_least = spans.div_ceil(options.merge_spans_max);
        }
    }

    fn outcome(self, traffic: &Traffic, options: &PlanOptions) -> Outcome {
        let days = (0..traffic.days.saturating_sub(1)).map(|day| START + day * DAY);
        let day_blocks = days.map(|start| self.read(start, start + DAY - 1).0).collect();
        let spans = self.spans_of_days.values().take(traffic.days.saturating_sub(1) as usize);
        let least = spans.map(|spans| spans.div_ceil(options.merge_spans_max)).collect();
        Outcome {
            blocks_in: self.blocks_in,
            spans_in: self.spans_in,
            spans_rewritten: self.spans_rewritten,
            rewrites_max: self.blocks.values().map(|entry| entry.level).max().unwrap_or(0),
            merges: self.merges,
            blocks_out: self.blocks.len() as u64,
            last_hour_blocks_max: self.last_hour_blocks_max,
            last_hour_blocks_least: self.last_hour_blocks_least,
            day_blocks,
            day_blocks_least: least,
        }
    }
}

#[cfg(test)]
mod tests;
