//! Traces that are counted whole: their parts are taken away from where they were counted.

use std::ops::Range;
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use hashbrown::{HashMap, HashSet};
use spandrel_base::cpu;
use spandrel_base::memory::Reservation;
use spandrel_catalog::{BlockEntry, BlockId};
use spandrel_model::{Trace, TraceId};
use spandrel_service_model::{Names, Peers, SpanFacts, facts_of_trace};

use super::count::{FactsByTrace, RolledBlocks, SIDE_BY_SIDE};
use super::facts;
use super::halves::Halves;
use super::shares::minute_of;
use super::tally::{Sign, Tally};
use crate::block_cache::OpenBlock;
use crate::engine::{OPENING, View};
use crate::gather::{Gather, SpanColumnsWanted};
use crate::{QueryEngine, QueryError, memory};

/// Traces of which the facts are held at a time.
pub(super) const TRACES_AT_A_TIME: usize = 32 * 1024;
/// Traces that are gathered with all that is in their spans.
const GATHERED_AT_A_TIME: usize = 512;

/// At which times calls or spans of a trace are counted.
#[derive(Debug, Clone)]
pub(super) enum Times {
    All,
    /// In these minutes.
    Minutes(Arc<HashSet<i64>>),
}

impl Times {
    fn has(&self, unix_nanos: i64) -> bool {
        match self {
            Self::All => true,
            Self::Minutes(minutes) => minutes.contains(&minute_of(unix_nanos)),
        }
    }
}

/// The parts of some traces.
pub(super) struct Apart<'a> {
    pub(super) engine: &'a QueryEngine,
    pub(super) view: &'a View,
    /// What of the blocks has been counted.
    pub(super) rolled: &'a RolledBlocks,
    /// Facts of live spans of these traces.
    pub(super) live: &'a FactsByTrace,
    /// Which of them are the same request.
    pub(super) halves: &'a Halves,
}

/// Rows of a row group in which some of the traces lie.
struct Part {
    block: Arc<OpenBlock>,
    id: BlockId,
    row_group: usize,
    /// Rows from the first of the row group on, ascending, each with its trace and whether the roll-up leaves
    /// the trace out.
    traces: Vec<(Range<u32>, TraceId, bool)>,
}

/// The facts of a part, with codes of its own.
struct PartFacts {
    id: BlockId,
    traces: Vec<(Range<u32>, TraceId, bool)>,
    facts: Vec<SpanFacts>,
    names: Names,
    peers: Peers,
}

/// What a block has of a trace.
pub(super) struct PartOfTrace<'a> {
    block: BlockId,
    pub(super) trace_id: TraceId,
    /// Whether the roll-up of the block leaves the trace out.
    pub(super) is_doubtful: bool,
    pub(super) spans: &'a [SpanFacts],
}

impl Apart<'_> {
    /// Counts these traces, each once and whole.
    pub(super) async fn count(
        &self,
        traces: HashMap<TraceId, Times>,
        tally: &mut Tally,
    ) -> Result<(), QueryError> {
        // An even number at a time: what belongs together stays together.
        for ids in self.halves.pairs().chunks(TRACES_AT_A_TIME) {
            self.count_some(ids, &traces, tally).await?;
        }
        let alone = traces.keys().copied().filter(|id| !self.halves.has(id));
        let mut alone: Vec<TraceId> = alone.collect();
        alone.sort_unstable();
        for ids in alone.chunks(TRACES_AT_A_TIME) {
            self.count_some(ids, &traces, tally).await?;
        }
        Ok(())
    }

    async fn count_some(
        &self,
        ids: &[TraceId],
        traces: &HashMap<TraceId, Times>,
        tally: &mut Tally,
    ) -> Result<(), QueryError> {
        let times_of = |id: &TraceId| traces.get(id).unwrap_or(&Times::All);
        let mut held = memory::reserve(0)?;
        let wanted: HashSet<TraceId> = ids.iter().copied().collect();
        let mut whole = FactsByTrace::with_capacity(ids.len());
        let add = |tally: &mut Tally, part: PartOfTrace<'_>| {
            let PartOfTrace { block, trace_id, is_doubtful, spans } = part;
            let rolled = self.rolled.get(&block);
            if let Some(rolled) = rolled.filter(|rolled| rolled.has_some() && !is_doubtful) {
                let times = times_of(&trace_id);
                let when = |nanos| rolled.has_counted(nanos) && times.has(nanos);
                tally.add_spans(spans, Sign::Remove, when);
            }
            whole.entry(self.halves.longer(trace_id)).or_default().extend_from_slice(spans);
        };
        let near = self.view.near_range();
        each_part((self.engine, self.view), &near, &wanted, (tally, &mut held), add).await?;
        for id in ids {
            if let Some(live) = self.live.get(id) {
                whole.entry(self.halves.longer(*id)).or_default().extend_from_slice(live);
            }
        }
        let mut with_copies = Vec::new();
        for (id, spans) in &whole {
            let times = times_of(id);
            match tally.may_have_copies(spans) {
                true => with_copies.push(*id),
                false => tally.add_whole(spans, |nanos| times.has(nanos)),
            }
        }
        with_copies.sort_unstable();
        for ids in with_copies.chunks(GATHERED_AT_A_TIME) {
            self.add_gathered(ids, tally).await?;
        }
        Ok(())
    }

    /// Gathers traces with all that is in their spans, which tells copies apart, and counts them.
    async fn add_gathered(&self, ids: &[TraceId], tally: &mut Tally) -> Result<(), QueryError> {
        let Self { engine, view, halves, .. } = *self;
        let gather = Gather { engine, view, wanted: SpanColumnsWanted::All };
        let ids: Vec<TraceId> =
            ids.iter().flat_map(|id| [Some(*id), halves.shorter(id)]).flatten().collect();
        let traces: Vec<Trace> = gather.traces(&ids).await?;
        let mut whole = FactsByTrace::new();
        for trace in traces {
            let facts = facts_of_trace(&trace, &mut tally.names, &mut tally.peers);
            whole.entry(halves.longer(trace.trace_id)).or_default().extend(facts);
            tokio::task::yield_now().await;
        }
        whole.values().for_each(|facts| tally.add_whole(facts, |_| true));
        Ok(())
    }
}

/// Shows what these blocks have of some traces, with the codes of the tally.
pub(super) async fn each_part(
    (engine, view): (&QueryEngine, &View),
    blocks: &[&Arc<BlockEntry>],
    wanted: &HashSet<TraceId>,
    (tally, held): (&mut Tally, &mut Reservation),
    mut each: impl FnMut(&mut Tally, PartOfTrace<'_>),
) -> Result<(), QueryError> {
    for entries in blocks.chunks(OPENING) {
        let opened = engine.open_some(view, entries).await?;
        let mut parts = Vec::new();
        for (entry, block) in entries.iter().zip(&opened) {
            parts.extend(parts_of(block, entry.id, wanted)?);
        }
        let with_peers = tally.needs_peers();
        let reads = parts.into_iter().map(|part| read(part, with_peers));
        let mut reads = stream::iter(reads).buffer_unordered(SIDE_BY_SIDE).boxed();
        while let Some(part) = reads.try_next().await? {
            held.try_grow(part.facts.len() * size_of::<SpanFacts>())?;
            let PartFacts { id, traces, mut facts, names, peers } = part;
            tally.adopt(&mut facts, &names, &peers);
            let mut rest = facts.as_slice();
            for (rows, trace_id, is_doubtful) in traces {
                let Some((spans, others)) = rest.split_at_checked(rows.len()) else { break };
                rest = others;
                each(tally, PartOfTrace { block: id, trace_id, is_doubtful, spans });
            }
        }
    }
    Ok(())
}

/// Where some traces lie in a block.
fn parts_of(
    block: &Arc<OpenBlock>,
    id: BlockId,
    wanted: &HashSet<TraceId>,
) -> Result<Vec<Part>, QueryError> {
    let table = block.traces()?;
    let doubtful = block.services()?.map_or(&[][..], |rollup| &rollup.doubtful);
    let mut ordinals: Vec<u32> = if wanted.len() * 16 < table.len() {
        wanted.iter().filter_map(|id| table.ordinal_of(*id)).collect()
    } else {
        let all = table.ids().iter().zip(0..);
        all.filter(|(id, _)| wanted.contains(*id)).map(|(_, ordinal)| ordinal).collect()
    };
    ordinals.sort_unstable();
    let mut parts: HashMap<usize, Part> = HashMap::new();
    for ordinal in ordinals {
        let (Some(rows), Some(trace)) = (table.rows(ordinal), table.ids().get(ordinal as usize))
        else {
            continue;
        };
        let row_group = block.file.row_group_of(rows.start);
        let first = block.file.row_group_rows(row_group).start;
        let part = parts.entry(row_group).or_insert_with(|| Part {
            block: Arc::clone(block),
            id,
            row_group,
            traces: Vec::new(),
        });
        let is_doubtful = doubtful.binary_search(&ordinal).is_ok();
        part.traces.push((rows.start - first..rows.end - first, *trace, is_doubtful));
    }
    Ok(parts.into_values().collect())
}

async fn read(part: Part, with_peers: bool) -> Result<PartFacts, QueryError> {
    let Part { block, id, row_group, traces } = part;
    let rows: Vec<Range<u32>> = traces.iter().map(|(rows, ..)| rows.clone()).collect();
    let columns = facts::read(&block, row_group, Some(&rows), with_peers).await?;
    let Some(columns) = columns else {
        let (names, peers) = (Names::default(), Peers::default());
        return Ok(PartFacts { id, traces: Vec::new(), facts: Vec::new(), names, peers });
    };
    cpu::run(move || {
        let (mut names, mut peers) = (Names::default(), Peers::default());
        let facts = columns.facts(&mut names, &mut peers)?;
        Ok(PartFacts { id, traces, facts, names, peers })
    })
    .await?
}
