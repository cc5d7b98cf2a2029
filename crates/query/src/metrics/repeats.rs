//! Traces that a columnar pass cannot count: those of which a span id occurs more than once.
//!
//! Such spans may be copies of each other, which only the whole trace can tell. Merges leave copies out, so
//! blocks that a merge has written need not be looked at one by one; what two units share has to be found
//! in any case. Blocks do not change, so what is found of a set of blocks is kept.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, FixedSizeBinaryArray};
use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};
use parking_lot::Mutex;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use spandrel_block::schema;
use spandrel_catalog::{BlockEntry, BlockId};
use spandrel_model::TraceId;
use spandrel_traceql::Attribute;

use super::roots::Roots;
use crate::block_cache::OpenBlock;
use crate::engine::{OPENING, SPLIT_NANOS_MAX, View};
use crate::filter::Layer;
use crate::roots::is_of_root;
use crate::unit::Unit;
use crate::{QueryEngine, QueryError, memory};

/// Sets of blocks of which the answer is kept, and how large one may be.
const SETS: usize = 8;
const SET_BYTES_MAX: usize = 512 << 10;
/// Traces that are remembered while blocks are compared, and what each takes.
const SEEN_TRACES_MAX: usize = 4_000_000;
const SEEN_TRACE_BYTES: usize = size_of::<(TraceId, i64)>() + 1;
/// Memory for what is kept of single blocks.
const BLOCKS_BYTES: u64 = 4 << 20;

/// What is known of blocks.
pub(crate) struct RepeatsCache {
    /// Traces with repeated span ids, by block.
    within: Cache<BlockId, Arc<[TraceId]>, ByLength>,
    sets: Mutex<VecDeque<(SetKey, Arc<[TraceId]>)>>,
}

/// Blocks, and which traces of them.
type SetKey = (Wanted, Vec<BlockId>);

/// Which traces are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted {
    /// Those that lie in several units, whatever their span ids; otherwise those whose span ids repeat.
    split: bool,
    /// Those whose span ids repeat within a unit too.
    within: bool,
}

/// Which traces that several units have a part of; all live runs are one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shared {
    /// All of them.
    All,
    /// At least those of which a span id occurs in several units.
    WithRepeats,
}

/// Traces near the time range of a view that several units have a part of.
pub(crate) async fn shared_traces(
    engine: &QueryEngine,
    view: &View,
    shared: Shared,
) -> Result<HashSet<TraceId>, QueryError> {
    let mut entries = view.near_range();
    entries.sort_by_key(|entry| (entry.min_start_unix_nanos, entry.id));
    let wanted = Wanted { split: shared == Shared::All, within: false };
    let search = Search { engine, view, entries: &entries, wanted };
    let mut ids: HashSet<TraceId> = search.stored().await?.iter().copied().collect();
    let near = search.near_live();
    let split = search.live_and_stored(&near).await?;
    match shared {
        Shared::All => ids.extend(split),
        Shared::WithRepeats => ids.extend(search.across(&split, &near, true).await?),
    }
    Ok(ids)
}

#[derive(Clone)]
struct ByLength;

impl Weighter<BlockId, Arc<[TraceId]>> for ByLength {
    fn weight(&self, _: &BlockId, traces: &Arc<[TraceId]>) -> u64 {
        64 + size_of_val::<[TraceId]>(traces) as u64
    }
}

impl RepeatsCache {
    /// The memory that it takes at most.
    pub(crate) const BYTES_MAX: usize = SETS * SET_BYTES_MAX + BLOCKS_BYTES as usize;

    pub(crate) fn new() -> Self {
        let within = Cache::with_weighter(4096, BLOCKS_BYTES, ByLength);
        Self { within, sets: Mutex::new(VecDeque::new()) }
    }

    fn set(&self, key: &SetKey) -> Option<Arc<[TraceId]>> {
        self.sets.lock().iter().find(|(known, _)| known == key).map(|(_, set)| Arc::clone(set))
    }

    fn keep(&self, key: SetKey, traces: &Arc<[TraceId]>) {
        if size_of_val::<[TraceId]>(traces) + size_of_val(&*key.1) > SET_BYTES_MAX {
            return;
        }
        let mut sets = self.sets.lock();
        sets.truncate(SETS - 1);
        sets.push_front((key, Arc::clone(traces)));
    }
}

/// How far from a span that counts its values may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// They are its own.
    Span,
    /// Some are those of the root of its trace.
    Root,
    /// They depend on all spans of its trace: those that lie in several units are evaluated whole.
    Trace,
}

/// Traces that are evaluated whole.
pub(crate) struct Apart {
    ids: HashSet<TraceId>,
    sorted: Vec<TraceId>,
    /// Roots of the others that lie in several units, when spans are counted by root.
    roots: Option<Roots>,
}

impl Apart {
    /// Those of the time range of a view.
    pub(crate) async fn find(
        engine: &QueryEngine,
        view: &View,
        reach: Reach,
    ) -> Result<Self, QueryError> {
        let near = reach != Reach::Span;
        let whole = reach == Reach::Trace;
        let mut entries = if near { view.near_range() } else { view.in_range() };
        entries.sort_by_key(|entry| (entry.min_start_unix_nanos, entry.id));
        let wanted = Wanted { split: whole, within: true };
        let search = Search { engine, view, entries: &entries, wanted };
        let mut ids = search.all().await?;
        let mut roots = None;
        if reach == Reach::Root {
            let wanted = Wanted { split: true, within: true };
            let split = Search { wanted, ..search }.all().await?;
            let (found, several) = Roots::find(engine, view, &entries, &(&split - &ids)).await?;
            ids.extend(several);
            roots = Some(found);
        }
        let mut sorted: Vec<TraceId> = ids.iter().copied().collect();
        sorted.sort_unstable();
        Ok(Self { ids, sorted, roots })
    }

    /// The values of an attribute in the rows for which the unit does not know them; they come before its own.
    pub(super) fn layer(
        &self,
        unit: &Unit,
        attribute: &Attribute,
    ) -> Result<Option<Layer>, QueryError> {
        match &self.roots {
            Some(roots) if is_of_root(attribute) => roots.layer(unit, attribute),
            _ => Ok(None),
        }
    }

    /// Their ids, ascending.
    pub(crate) fn traces(&self) -> &[TraceId] {
        &self.sorted
    }

    /// Whether a block has some of them.
    pub(super) fn has_some_in(&self, block: &OpenBlock) -> Result<bool, QueryError> {
        Ok(!self.ids.is_empty() && !rows_in_block(block, &self.ids)?.is_empty())
    }

    /// Their rows in a unit; `None` when it has none of them.
    pub(crate) fn rows_of(&self, unit: &Unit) -> Result<Option<Vec<u32>>, QueryError> {
        if self.ids.is_empty() {
            return Ok(None);
        }
        let mut rows = Vec::new();
        match unit {
            Unit::Live(run) => {
                let arrangement = run.arrangement();
                for trace in arrangement.traces.iter().filter(|t| self.ids.contains(&t.trace_id)) {
                    let own = trace.first_row as usize..(trace.first_row + trace.n_rows) as usize;
                    rows.extend_from_slice(&arrangement.order[own]);
                }
            }
            Unit::Block(block, row_group) => {
                let inside = block.file.row_group_rows(*row_group);
                for own in rows_in_block(block, &self.ids)? {
                    if inside.contains(&own.start) {
                        rows.extend(own.start - inside.start..own.end - inside.start);
                    }
                }
            }
        }
        Ok(Some(rows).filter(|rows| !rows.is_empty()))
    }
}

/// Block rows of those of the traces that a block has, ascending.
fn rows_in_block(block: &OpenBlock, ids: &HashSet<TraceId>) -> Result<Vec<Range<u32>>, QueryError> {
    let table = block.traces()?;
    let mut ordinals: Vec<u32> = if ids.len() * 16 < table.len() {
        ids.iter().filter_map(|id| table.ordinal_of(*id)).collect()
    } else {
        let all = table.ids().iter().zip(0..);
        all.filter(|(id, _)| ids.contains(*id)).map(|(_, ordinal)| ordinal).collect()
    };
    ordinals.sort_unstable();
    Ok(ordinals.into_iter().filter_map(|ordinal| table.rows(ordinal)).collect())
}

#[derive(Clone, Copy)]
struct Search<'a> {
    engine: &'a QueryEngine,
    view: &'a View,
    /// The oldest first.
    entries: &'a [&'a Arc<BlockEntry>],
    wanted: Wanted,
}

impl Search<'_> {
    async fn all(&self) -> Result<HashSet<TraceId>, QueryError> {
        let mut ids: HashSet<TraceId> = self.stored().await?.iter().copied().collect();
        ids.extend(self.live().await?);
        Ok(ids)
    }

    /// Those of the blocks alone.
    async fn stored(&self) -> Result<Arc<[TraceId]>, QueryError> {
        let key = (self.wanted, self.entries.iter().map(|entry| entry.id).collect());
        if let Some(known) = self.engine.repeats.set(&key) {
            return Ok(known);
        }
        let mut found: HashSet<TraceId> = HashSet::new();
        let split = self.split().await?;
        match self.wanted.split {
            true => found.extend(split),
            false => found.extend(self.across(&split, self.entries, false).await?),
        }
        for entries in self.entries.chunks(OPENING).filter(|_| self.wanted.within) {
            let merged = entries.iter().filter(|entry| entry.level == 0).copied();
            let unmerged: Vec<_> = merged.collect();
            let blocks = self.engine.open_some(self.view, &unmerged).await?;
            for (entry, block) in unmerged.iter().zip(blocks) {
                found.extend(self.within(entry.id, &block).await?.iter());
            }
        }
        let found: Arc<[TraceId]> = found.into_iter().collect();
        self.engine.repeats.keep(key, &found);
        Ok(found)
    }

    /// Traces that lie in several blocks. When there are very many traces, only blocks that are near to each
    /// other are compared, so that memory does not grow with the time range.
    async fn split(&self) -> Result<HashSet<TraceId>, QueryError> {
        let mut held = memory::reserve(0)?;
        let mut split = HashSet::new();
        // Until when the blocks of a trace are near, by trace.
        let mut seen: HashMap<TraceId, i64> = HashMap::new();
        for entries in self.entries.chunks(OPENING) {
            let blocks = self.engine.open_some(self.view, entries).await?;
            for (entry, block) in entries.iter().zip(blocks) {
                let table = block.traces()?;
                if seen.len() + table.len() > SEEN_TRACES_MAX {
                    let start = signed(entry.min_start_unix_nanos);
                    seen.retain(|_, reach| *reach >= start);
                }
                seen.reserve(table.len());
                let n_bytes = (seen.capacity() + split.len()) * SEEN_TRACE_BYTES;
                held.try_grow(n_bytes.saturating_sub(held.bytes()))?;
                let reach = signed(entry.max_end_unix_nanos).saturating_add(SPLIT_NANOS_MAX);
                for id in table.ids() {
                    match seen.entry(*id) {
                        Entry::Vacant(entry) => {
                            entry.insert(reach);
                        }
                        Entry::Occupied(mut entry) => {
                            split.insert(*id);
                            let farther = reach.max(*entry.get());
                            entry.insert(farther);
                        }
                    }
                }
            }
        }
        Ok(split)
    }

    /// Traces of one block in which a span id occurs more than once.
    async fn within(&self, id: BlockId, block: &OpenBlock) -> Result<Arc<[TraceId]>, QueryError> {
        if let Some(known) = self.engine.repeats.within.get(&id) {
            return Ok(known);
        }
        let table = block.traces()?;
        let mut found = Vec::new();
        for row_group in 0..block.file.n_row_groups() {
            let inside = block.file.row_group_rows(row_group);
            let Some(columns) = block.columns(row_group, [schema::SPAN_ID], None).await? else {
                continue;
            };
            let Some(ids) = span_ids(&columns) else { continue };
            let Some(first) = table.trace_of_row(inside.start) else { continue };
            let mut own = Vec::new();
            for trace in (first..).map_while(|ordinal| table.get(ordinal)) {
                if trace.first_row >= inside.end {
                    break;
                }
                let rows = trace.first_row - inside.start..;
                let rows = rows.take(trace.facts.n_rows as usize);
                own.clear();
                own.extend(rows.map(|row| word(ids.value(row as usize))));
                if has_repeated(&mut own) {
                    found.push(trace.facts.trace_id);
                }
            }
        }
        let found: Arc<[TraceId]> = found.into();
        self.engine.repeats.within.insert(id, Arc::clone(&found));
        Ok(found)
    }

    /// Those that a live run has a part of.
    async fn live(&self) -> Result<HashSet<TraceId>, QueryError> {
        let mut found = HashSet::new();
        let mut runs_of: HashMap<TraceId, u32> = HashMap::new();
        for run in &self.view.live {
            let (spans, arrangement) = (run.spans(), run.arrangement());
            let mut own = Vec::new();
            for trace in &arrangement.traces {
                *runs_of.entry(trace.trace_id).or_default() += 1;
                let rows = trace.first_row as usize..(trace.first_row + trace.n_rows) as usize;
                own.clear();
                let rows = arrangement.order[rows].iter();
                own.extend(rows.map(|row| word(&spans.span_ids[*row as usize].0)));
                if has_repeated(&mut own) {
                    found.insert(trace.trace_id);
                }
            }
        }
        let near = self.near_live();
        let several = runs_of.iter().filter(|(_, n)| **n > 1);
        let mut split: HashSet<TraceId> = several.map(|(id, _)| *id).collect();
        split.extend(self.live_and_stored(&near).await?);
        match self.wanted.split {
            true => found.extend(split),
            false => found.extend(self.across(&split, &near, true).await?),
        }
        Ok(found)
    }

    /// Blocks that may have parts of live traces.
    fn near_live(&self) -> Vec<&Arc<BlockEntry>> {
        let traces = self.view.live.iter().flat_map(|run| &run.arrangement().traces);
        let earliest = traces.map(|trace| trace.start_unix_nanos).min().unwrap_or(i64::MAX);
        let is_near = |entry: &&&Arc<BlockEntry>| {
            signed(entry.max_end_unix_nanos).saturating_add(SPLIT_NANOS_MAX) >= earliest
        };
        match self.view.live.is_empty() {
            true => Vec::new(),
            false => self.entries.iter().filter(is_near).copied().collect(),
        }
    }

    /// Traces of live runs of which a block has a part.
    async fn live_and_stored(
        &self,
        near: &[&Arc<BlockEntry>],
    ) -> Result<HashSet<TraceId>, QueryError> {
        let traces = self.view.live.iter().flat_map(|run| &run.arrangement().traces);
        let live: HashSet<TraceId> = traces.map(|trace| trace.trace_id).collect();
        let mut split = HashSet::new();
        for entries in near.chunks(OPENING) {
            for block in self.engine.open_some(self.view, entries).await? {
                let filter = block.trace_filter()?;
                let table = block.traces()?;
                let may = live.iter().filter(|id| filter.may_contain(**id));
                split.extend(may.filter(|id| table.ordinal_of(**id).is_some()).copied());
            }
        }
        Ok(split)
    }

    /// Those of some traces in which a span id occurs more than once, all units taken together.
    async fn across(
        &self,
        split: &HashSet<TraceId>,
        entries: &[&Arc<BlockEntry>],
        live: bool,
    ) -> Result<Vec<TraceId>, QueryError> {
        if split.is_empty() {
            return Ok(Vec::new());
        }
        let numbers: HashMap<TraceId, u32> = split.iter().copied().zip(0..).collect();
        let mut held = memory::reserve(0)?;
        let mut spans: Vec<(u32, u64)> = Vec::new();
        for run in self.view.live.iter().filter(|_| live) {
            let ids = run.spans().trace_ids.iter().zip(&run.spans().span_ids);
            let own = ids.filter_map(|(trace, span)| Some((*numbers.get(trace)?, word(&span.0))));
            spans.extend(own);
        }
        for entries in entries.chunks(OPENING) {
            for block in self.engine.open_some(self.view, entries).await? {
                let before = spans.len();
                self.push_spans(&block, split, &numbers, &mut spans).await?;
                held.try_grow((spans.len() - before) * size_of::<(u32, u64)>())?;
            }
        }
        spans.sort_unstable();
        let twice = spans.windows(2).filter(|pair| pair[0] == pair[1]);
        let twice: HashSet<u32> = twice.map(|pair| pair[0].0).collect();
        Ok(numbers.into_iter().filter(|(_, n)| twice.contains(n)).map(|(id, _)| id).collect())
    }

    /// Adds the span ids of some traces in a block, each with the number of its trace.
    async fn push_spans(
        &self,
        block: &OpenBlock,
        split: &HashSet<TraceId>,
        numbers: &HashMap<TraceId, u32>,
        spans: &mut Vec<(u32, u64)>,
    ) -> Result<(), QueryError> {
        let table = block.traces()?;
        let traces = rows_in_block(block, split)?;
        for traces in traces
            .chunk_by(|a, b| block.file.row_group_of(a.start) == block.file.row_group_of(b.start))
        {
            let row_group = block.file.row_group_of(traces[0].start);
            let first = block.file.row_group_rows(row_group).start;
            let ranges = traces.iter().map(|rows| rows.start - first..rows.end - first);
            let ranges: Vec<_> = ranges.collect();
            let columns = block.columns(row_group, [schema::SPAN_ID], Some(&ranges)).await?;
            let Some(columns) = columns else { continue };
            let Some(ids) = span_ids(&columns) else { continue };
            let mut next = 0..ids.len();
            for rows in traces {
                let trace = table.trace_of_row(rows.start).and_then(|ordinal| table.get(ordinal));
                let number = trace.and_then(|trace| numbers.get(&trace.facts.trace_id));
                let own = next.by_ref().take(rows.len());
                match number {
                    Some(number) => spans.extend(own.map(|i| (*number, word(ids.value(i))))),
                    None => own.for_each(drop),
                }
            }
        }
        Ok(())
    }
}

fn span_ids(columns: &arrow_array::RecordBatch) -> Option<&FixedSizeBinaryArray> {
    columns.column_by_name(schema::SPAN_ID)?.as_fixed_size_binary_opt()
}

fn signed(nanos: u64) -> i64 {
    i64::try_from(nanos).unwrap_or(i64::MAX)
}

/// The bytes of a span id as a number.
fn word(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Whether a number occurs more than once; sorts them.
fn has_repeated(numbers: &mut [u64]) -> bool {
    numbers.sort_unstable();
    numbers.windows(2).any(|pair| pair[0] == pair[1])
}
