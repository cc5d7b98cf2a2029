//! Calls of traces that several blocks share, as far as the roll-ups of the blocks have them wrong.
//!
//! A roll-up counts the part of a trace in its block as if it were the whole trace. The *difference* between the calls
//! of the whole and those of its parts is summed by minute and edge, and kept: blocks do not change. Traces are grouped
//! by the first block that has a part of them, so that one more block changes the differences of the last few groups
//! alone. Minutes that a time which is asked for cuts, or that some roll-up has not counted, are left to be counted
//! trace by trace.

mod compute;
mod groups;

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use spandrel_catalog::{BlockEntry, BlockId};
use spandrel_model::TraceId;
use spandrel_service_model::{EdgeChange, EdgeKey};

use super::apart::{TRACES_AT_A_TIME, Times};
use super::count::RolledBlocks;
use super::tally::Tally;
use crate::engine::View;
use crate::{QueryEngine, QueryError, memory};
use groups::Group;

/// The width for which differences are summed; it divides that of all buckets of roll-ups.
const MINUTE_NANOS: i64 = 60_000_000_000;

/// Differences by the first block of their group.
pub(crate) struct DifferenceCache(Cache<BlockId, Arc<Difference>, BySize>);

/// What the roll-ups have wrong of the calls of a group.
struct Difference {
    /// Of the traces and of the blocks that have parts of them.
    fingerprint: u64,
    /// Texts of the codes in the edges.
    names: Vec<Arc<str>>,
    /// Ascending by minute.
    cells: Vec<(i64, EdgeKey, EdgeChange)>,
    /// In which minutes each trace has calls, ascending; without those that are counted trace by trace anyway.
    minutes: Vec<(i64, TraceId)>,
    /// Traces that have to be gathered, since spans of them may be copies.
    with_copies: Vec<TraceId>,
}

impl Difference {
    fn size_bytes(&self) -> usize {
        let heap: usize = self.cells.iter().map(|(.., change)| change.heap_bytes()).sum();
        let names: usize = self.names.iter().map(|name| size_of::<Arc<str>>() + name.len()).sum();
        size_of::<Self>()
            + names
            + heap
            + size_of_val(&*self.cells)
            + size_of_val(&*self.minutes)
            + size_of_val(&*self.with_copies)
    }
}

#[derive(Clone)]
struct BySize;

impl Weighter<BlockId, Arc<Difference>> for BySize {
    fn weight(&self, _: &BlockId, difference: &Arc<Difference>) -> u64 {
        difference.size_bytes() as u64
    }
}

impl DifferenceCache {
    /// The memory that it takes at most.
    pub(crate) const BYTES_MAX: usize = 32 << 20;

    pub(crate) fn new() -> Self {
        Self(Cache::with_weighter(4096, Self::BYTES_MAX as u64, BySize))
    }

    fn get(&self, group: &Group) -> Option<Arc<Difference>> {
        self.0.get(&group.first).filter(|known| known.fingerprint == group.fingerprint)
    }
}

/// Where the calls of a minute are counted.
enum Place {
    /// In this interval.
    In(usize),
    /// Nobody asks for them.
    Outside,
    /// Trace by trace.
    ByTrace,
}

/// Makes right what the roll-ups have counted of these traces, of which nothing is live. Returns those that are left
/// to be counted, and at which times.
pub(super) async fn count(
    engine: &QueryEngine,
    view: &View,
    rolled: &RolledBlocks,
    traces: HashSet<TraceId>,
    tally: &mut Tally,
) -> Result<HashMap<TraceId, Times>, QueryError> {
    let mut entries = view.near_range();
    entries.sort_by_key(|entry| (entry.min_start_unix_nanos, entry.id));
    let _held = memory::reserve(traces.len() * 2 * size_of::<(TraceId, Group)>())?;
    let (groups, alone) = groups::of_traces(engine, view, &entries, traces).await?;
    let mut left: HashMap<TraceId, Times> = alone.into_iter().map(|id| (id, Times::All)).collect();
    let mut unknown = Vec::new();
    for group in groups {
        match engine.differences.get(&group) {
            Some(known) => apply(&known, (&group, &entries, rolled), tally, &mut left),
            None => unknown.push(group),
        }
    }
    let mut rest = unknown.as_slice();
    while !rest.is_empty() {
        let mut n_traces = 0;
        let n_groups = rest.iter().take_while(|group| {
            let has_room = n_traces == 0 || n_traces + group.traces.len() <= TRACES_AT_A_TIME;
            n_traces += group.traces.len();
            has_room
        });
        let (now, later) = rest.split_at(n_groups.count());
        rest = later;
        let differences = compute::differences(engine, view, &entries, now).await?;
        for (group, difference) in now.iter().zip(differences) {
            let difference = Arc::new(difference);
            apply(&difference, (group, &entries, rolled), tally, &mut left);
            engine.differences.0.insert(group.first, difference);
        }
    }
    Ok(left)
}

fn apply(
    difference: &Difference,
    context: (&Group, &[&Arc<BlockEntry>], &RolledBlocks),
    tally: &mut Tally,
    left: &mut HashMap<TraceId, Times>,
) {
    left.extend(difference.with_copies.iter().map(|id| (*id, Times::All)));
    let mut places: HashMap<i64, Place> = HashMap::new();
    for of_minute in difference.minutes.chunk_by(|a, b| a.0 == b.0) {
        let Some(&(minute, _)) = of_minute.first() else { continue };
        places.insert(minute, place_of(minute, context, tally));
    }
    let by_trace = places.iter().filter(|(_, place)| matches!(place, Place::ByTrace));
    let by_trace: HashSet<i64> = by_trace.map(|(minute, _)| *minute).collect();
    if !by_trace.is_empty() {
        let by_trace = Arc::new(by_trace);
        for (_, id) in difference.minutes.iter().filter(|(minute, _)| by_trace.contains(minute)) {
            left.entry(*id).or_insert_with(|| Times::Minutes(Arc::clone(&by_trace)));
        }
    }
    let codes: Vec<u32> = difference.names.iter().map(|name| tally.names.code_of(name)).collect();
    let code = |code: u32| codes.get(code as usize).copied().unwrap_or(0);
    for (minute, key, change) in &difference.cells {
        if let Some(Place::In(interval)) = places.get(minute) {
            let [client, server, system] = [key.client, key.server, key.system].map(code);
            tally.change(EdgeKey { client, server, system, ..*key }, *interval, change);
        }
    }
}

fn place_of(
    minute: i64,
    (group, entries, rolled): (&Group, &[&Arc<BlockEntry>], &RolledBlocks),
    tally: &Tally,
) -> Place {
    let first = minute.saturating_mul(MINUTE_NANOS);
    let last = first.saturating_add(MINUTE_NANOS - 1);
    if !tally.steps.touches(first, last) {
        return Place::Outside;
    }
    let has_counted = |entry: &BlockEntry| {
        !entry_overlaps(entry, first, last)
            || rolled.get(&entry.id).is_some_and(|rolled| rolled.has_counted(first))
    };
    let mut blocks = group.blocks.iter().filter_map(|number| entries.get(*number));
    match tally.steps.of_all(first, last) {
        Some(interval) if blocks.all(|entry| has_counted(entry)) => Place::In(interval),
        _ => Place::ByTrace,
    }
}

fn entry_overlaps(entry: &BlockEntry, first: i64, last: i64) -> bool {
    let range = crate::TimeRange { start_unix_nanos: first, end_unix_nanos: last };
    range.overlaps_block(entry)
}

/// The minute of a time.
pub(super) fn minute_of(unix_nanos: i64) -> i64 {
    spandrel_service_model::bucket_at(unix_nanos, MINUTE_NANOS)
}
