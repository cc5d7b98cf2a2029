//! Whole traces straight out of the blocks of a tenant.
//!
//! A first pass over the trace tables finds the traces that lie in several blocks. Then block after block is
//! read from its first row to its last. A trace that lies in several blocks is put together when the first of
//! them is read, and passed by in the others.
//!
//! # Memory
//! The first pass takes about 20 bytes for each of at most [`PASS_TRACES_MAX`] traces, and reads the tables
//! again when there are more; what it leaves is the traces that lie in several blocks. Reading takes the rows
//! of a page, or of the largest trace.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context, bail};
use spandrel_base::cpu;
use spandrel_block::index::TraceTable;
use spandrel_catalog::BlockEntry;
use spandrel_model::{Span, TenantId, Trace, TraceId};
use spandrel_query::whole_trace;

use super::{RowRun, Storage, StoredBlock, TenantBlocks};

/// Blocks that are kept open, most of them for traces that lie in several.
const OPEN_MAX: usize = 8;
/// Traces that are looked at together to find those that lie in several blocks.
const PASS_TRACES_MAX: u64 = 16 << 20;

/// Reads the traces of a tenant, each whole and once.
pub(crate) struct TraceReader {
    storage: Storage,
    tenant: TenantId,
    entries: Vec<Arc<BlockEntry>>,
    /// By trace, the numbers of the blocks that hold parts of it, ascending; only traces with several.
    split: HashMap<TraceId, Vec<u32>>,
    /// Blocks by number, the one used last at the end.
    open: VecDeque<(u32, Arc<OpenBlock>)>,
}

/// A block and where its traces lie.
pub(crate) struct OpenBlock {
    block: StoredBlock,
    traces: TraceTable,
}

impl OpenBlock {
    /// How to read all of it.
    pub(crate) fn runs(&self) -> anyhow::Result<Vec<RowRun>> {
        let runs = self.block.runs(&self.traces);
        runs.with_context(|| format!("cannot read block {}", self.block.path))
    }
}

impl TraceReader {
    /// A reader of these blocks; `progress` is told how many of them have been looked at.
    pub(crate) async fn open(
        storage: Storage,
        blocks: TenantBlocks,
        progress: impl FnMut(usize),
    ) -> anyhow::Result<Self> {
        let TenantBlocks { tenant, entries } = blocks;
        let (split, open) = (HashMap::new(), VecDeque::new());
        let mut reader = Self { storage, tenant, entries, split, open };
        reader.find_split_traces(PASS_TRACES_MAX, progress).await?;
        Ok(reader)
    }

    /// How many blocks there are; they have the numbers below.
    pub(crate) fn n_blocks(&self) -> u32 {
        self.entries.len() as u32
    }

    /// The entries of the blocks that hold parts of a trace that was read from this one.
    pub(crate) fn entries_of(
        &self,
        trace_id: TraceId,
        number: u32,
    ) -> impl Iterator<Item = &Arc<BlockEntry>> {
        let numbers = self.split.get(&trace_id).cloned().unwrap_or_else(|| vec![number]);
        numbers.into_iter().filter_map(|number| self.entries.get(number as usize))
    }

    async fn find_split_traces(
        &mut self,
        pass_traces_max: u64,
        mut progress: impl FnMut(usize),
    ) -> anyhow::Result<()> {
        let n_traces: u64 = self.entries.iter().map(|entry| entry.n_traces).sum();
        let n_passes = n_traces.div_ceil(pass_traces_max).max(1);
        // The end of an id is random.
        let pass_of = |id: &TraceId| u128::from_be_bytes(id.0) as u64 % n_passes;
        for pass in 0..n_passes {
            let mut places: Vec<(TraceId, u32)> = Vec::new();
            for number in 0..self.n_blocks() {
                progress(number as usize);
                let source = self.opened(number).await?;
                let ids = source.traces.ids().iter().filter(|id| pass_of(id) == pass);
                places.extend(ids.map(|id| (*id, number)));
            }
            places.sort_unstable();
            places.dedup();
            for parts in places.chunk_by(|a, b| a.0 == b.0) {
                if let [(id, _), _, ..] = parts {
                    self.split.insert(*id, parts.iter().map(|(_, number)| *number).collect());
                }
            }
        }
        Ok(())
    }

    /// The traces of a run whose first block this is, whole.
    pub(crate) async fn traces(
        &mut self,
        number: u32,
        source: &OpenBlock,
        run: &RowRun,
    ) -> anyhow::Result<Vec<Trace>> {
        // Each id with its spans and in how many blocks they lie.
        let mut found: Vec<(TraceId, Vec<Span>, usize)> = Vec::new();
        let mut elsewhere: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for span in source.block.spans(run).await? {
            if found.last().is_none_or(|(id, ..)| *id != span.trace_id) {
                found.push((span.trace_id, Vec::new(), 1));
            }
            if let Some((_, spans, _)) = found.last_mut() {
                spans.push(span);
            }
        }
        found.retain(|(id, ..)| {
            self.split.get(id).is_none_or(|parts| parts.first() == Some(&number))
        });
        for (place, (id, ..)) in found.iter().enumerate() {
            for other in self.split.get(id).into_iter().flatten().skip(1) {
                elsewhere.entry(*other).or_default().push(place);
            }
        }
        for (other, places) in elsewhere {
            let other = self.opened(other).await?;
            let wanted: Vec<TraceId> =
                places.iter().filter_map(|place| found.get(*place).map(|(id, ..)| *id)).collect();
            let mut parts = parts(&other, &wanted).await?;
            for place in places {
                let Some((id, spans, n_parts)) = found.get_mut(place) else { continue };
                if let Some(part) = parts.remove(id) {
                    spans.extend(part);
                    *n_parts += 1;
                }
            }
        }
        let whole = move || {
            let whole = |(id, spans, n_parts)| whole_trace(id, spans, n_parts);
            found.into_iter().map(whole).collect()
        };
        Ok(cpu::run(whole).await?)
    }

    /// A block, opened.
    pub(crate) async fn opened(&mut self, number: u32) -> anyhow::Result<Arc<OpenBlock>> {
        if let Some(place) = self.open.iter().position(|(known, _)| *known == number)
            && let Some(known) = self.open.remove(place)
        {
            let block = Arc::clone(&known.1);
            self.open.push_back(known);
            return Ok(block);
        }
        let entry = self.entries.get(number as usize).context("there is no such block")?;
        let block = StoredBlock::open(&self.storage, &self.tenant, entry).await?;
        let traces = block.file.index().traces();
        let traces = traces.with_context(|| format!("cannot read block {}", block.path))?;
        let opened = Arc::new(OpenBlock { block, traces });
        self.open.push_back((number, Arc::clone(&opened)));
        if self.open.len() > OPEN_MAX {
            self.open.pop_front();
        }
        Ok(opened)
    }
}

/// The spans that a block has of some traces.
async fn parts(
    source: &OpenBlock,
    wanted: &[TraceId],
) -> anyhow::Result<HashMap<TraceId, Vec<Span>>> {
    let mut row_groups: BTreeMap<usize, Vec<Range<u32>>> = BTreeMap::new();
    for trace in wanted.iter().filter_map(|id| source.traces.find(*id)) {
        let rows = trace.first_row..trace.first_row.saturating_add(trace.facts.n_rows);
        if rows.end > source.block.file.n_rows() {
            bail!("cannot read block {}: its trace table has too many rows", source.block.path);
        }
        let row_group = source.block.file.row_group_of(rows.start);
        row_groups.entry(row_group).or_default().push(rows);
    }
    let mut parts: HashMap<TraceId, Vec<Span>> = HashMap::new();
    for (row_group, mut rows) in row_groups {
        rows.sort_unstable_by_key(|rows| rows.start);
        for span in source.block.spans_of(row_group, &rows).await? {
            parts.entry(span.trace_id).or_default().push(span);
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests;
