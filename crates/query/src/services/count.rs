//! The units of a question, counted.
//!
//! What lies in one block is counted by the block's roll-up, or row by row where a time that is asked for cuts one
//! of its buckets or it has none. All live runs together are one more unit. Traces *apart*, of which several units
//! have a part or of which some spans may be copies of each other, are taken away from where they were counted
//! and counted whole: see [`apart`](super::apart), and [`shares`] for what of that is kept.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use hashbrown::{HashMap, HashSet};
use spandrel_base::cpu;
use spandrel_catalog::BlockEntry;
use spandrel_ingest::LiveRun;
use spandrel_model::TraceId;
use spandrel_service_model::{SpanFacts, facts_of_run};

use super::apart::{Apart, Times};
use super::facts::{self, FactColumns};
use super::halves::Halves;
use super::rolled::{self, Rolled};
use super::shares;
use super::tally::{Question, Sign, Tally};
use crate::block_cache::OpenBlock;
use crate::engine::{OPENING, View};
use crate::metrics::{Shared, shared_traces};
use crate::{QueryEngine, QueryError, memory};

/// Row groups read at the same time: some wait for their columns while others are computed.
pub(super) const SIDE_BY_SIDE: usize = 4;

/// What of the blocks has been counted, by block.
pub(super) type RolledBlocks = HashMap<spandrel_catalog::BlockId, Rolled>;

/// Facts of spans by trace.
pub(super) type FactsByTrace = HashMap<TraceId, Vec<SpanFacts>>;

/// Counts everything of a view.
pub(super) async fn count(
    engine: &QueryEngine,
    view: &View,
    tally: &mut Tally,
) -> Result<(), QueryError> {
    let mut held = memory::reserve(0)?;
    let shared = match tally.question {
        Question::Spans { .. } => Shared::WithRepeats,
        _ => Shared::All,
    };
    let mut apart: HashSet<TraceId> = shared_traces(engine, view, shared).await?;
    let halves = match tally.question {
        Question::ZipkinLinks => Halves::find(engine, view).await?,
        _ => Halves::default(),
    };
    apart.extend(halves.pairs());
    let rolled = add_rolled(engine, view, tally, &mut apart).await?;
    held.try_grow(tally.size_bytes().saturating_sub(held.bytes()))?;
    let mut live = FactsByTrace::new();
    let _live_held = memory::reserve(live_bytes(&view.live))?;
    for run in &view.live {
        collect_live(run, tally, &mut live);
        // A live run needs no I/O: this is where a deadline or a client that left stops the query.
        tokio::task::yield_now().await;
    }
    for (id, spans) in &live {
        if !apart.contains(id) {
            match tally.may_have_copies(spans) {
                true => drop(apart.insert(*id)),
                false => tally.add_whole(spans, |_| true),
            }
        }
    }
    live.retain(|id, _| apart.contains(id));
    let doubtful = add_rows(engine, view, tally, &rolled, &apart).await?;
    apart.extend(doubtful);
    held.try_grow(tally.size_bytes().saturating_sub(held.bytes()))?;
    let left = match tally.question {
        Question::Calls { .. } => {
            let (of_live, shared) = apart.into_iter().partition(|id| live.contains_key(id));
            let of_live: HashSet<TraceId> = of_live;
            let mut left = shares::count(engine, view, &rolled, shared, tally).await?;
            left.extend(of_live.into_iter().map(|id| (id, Times::All)));
            left
        }
        _ => apart.into_iter().map(|id| (id, Times::All)).collect(),
    };
    let traces = Apart { engine, view, rolled: &rolled, live: &live, halves: &halves };
    traces.count(left, tally).await
}

fn live_bytes(live: &[Arc<LiveRun>]) -> usize {
    let n_spans: usize = live.iter().map(|run| run.spans().len() as usize).sum();
    n_spans * 2 * size_of::<SpanFacts>()
}

fn collect_live(run: &LiveRun, tally: &mut Tally, live: &mut FactsByTrace) {
    let facts = facts_of_run(run.spans(), &mut tally.names, &mut tally.peers);
    let arrangement = run.arrangement();
    for trace in &arrangement.traces {
        let rows = trace.first_row as usize..(trace.first_row + trace.n_rows) as usize;
        let own = arrangement.order[rows].iter().map(|row| facts[*row as usize]);
        live.entry(trace.trace_id).or_default().extend(own);
    }
}

/// Adds what the roll-ups know, and finds the traces of which they count nothing.
async fn add_rolled(
    engine: &QueryEngine,
    view: &View,
    tally: &mut Tally,
    apart: &mut HashSet<TraceId>,
) -> Result<RolledBlocks, QueryError> {
    let entries = view.in_range();
    let mut found = RolledBlocks::with_capacity(entries.len());
    let add = |number: usize, block: Arc<OpenBlock>| {
        let entry: &BlockEntry = entries[number];
        let rolled = match block.services()? {
            Some(rollup) => {
                let ids = block.traces()?.ids();
                apart.extend(rollup.doubtful.iter().filter_map(|at| ids.get(*at as usize)));
                rolled::add(entry, rollup, tally)
            }
            None => Rolled::nothing(entry, tally.steps),
        };
        found.insert(entry.id, rolled);
        Ok(())
    };
    engine.visit_blocks(view, &entries, add).await?;
    Ok(found)
}

/// Adds rows that the roll-ups have left. Returns traces that have to be counted whole.
async fn add_rows(
    engine: &QueryEngine,
    view: &View,
    tally: &mut Tally,
    rolled: &RolledBlocks,
    apart: &HashSet<TraceId>,
) -> Result<Vec<TraceId>, QueryError> {
    let left = |entry: &&Arc<BlockEntry>| rolled.get(&entry.id).is_some_and(|r| r.leaves_rows);
    let entries: Vec<_> = view.in_range().into_iter().filter(left).collect();
    let mut doubtful = Vec::new();
    for entries in entries.chunks(OPENING) {
        let mut units = Vec::new();
        for (entry, block) in entries.iter().zip(engine.open_some(view, entries).await?) {
            let Some(rolled) = rolled.get(&entry.id) else { continue };
            let row_groups = 0..block.file.n_row_groups();
            units.extend(row_groups.map(|row_group| (Arc::clone(&block), row_group, *rolled)));
        }
        let scans = units.into_iter().map(|(block, row_group, rolled)| {
            let empty = tally.empty();
            async move { scan(&block, row_group, rolled, apart, empty).await }
        });
        let scans: Vec<_> = scans.collect();
        let mut scans = stream::iter(scans).buffer_unordered(SIDE_BY_SIDE).boxed();
        while let Some((part, own)) = scans.try_next().await? {
            tally.merge(&part);
            doubtful.extend(own);
        }
    }
    Ok(doubtful)
}

/// Counts the traces of a row group that are not apart.
async fn scan(
    block: &OpenBlock,
    row_group: usize,
    rolled: Rolled,
    apart: &HashSet<TraceId>,
    tally: Tally,
) -> Result<(Tally, Vec<TraceId>), QueryError> {
    let with_peers = tally.needs_peers();
    let Some(columns) = facts::read(block, row_group, None, with_peers).await? else {
        return Ok((tally, Vec::new()));
    };
    let _held = memory::reserve(columns.facts_bytes())?;
    let (table, inside) = (block.traces()?, block.file.row_group_rows(row_group));
    let first = table.trace_of_row(inside.start).unwrap_or_default();
    let own = (first..).map_while(|ordinal| Some((ordinal, table.rows(ordinal)?)));
    let own = own.take_while(|(_, rows)| rows.start < inside.end);
    let traces: Vec<(TraceId, usize, bool)> = own
        .filter_map(|(ordinal, rows)| {
            let id = *table.ids().get(ordinal as usize)?;
            Some((id, rows.len(), apart.contains(&id)))
        })
        .collect();
    cpu::run(move || count_rows(&columns, &traces, rolled, tally)).await?
}

fn count_rows(
    columns: &FactColumns,
    traces: &[(TraceId, usize, bool)],
    rolled: Rolled,
    mut tally: Tally,
) -> Result<(Tally, Vec<TraceId>), QueryError> {
    let facts = columns.facts(&mut tally.names, &mut tally.peers)?;
    let mut rest = facts.as_slice();
    let mut doubtful = Vec::new();
    for (id, n_rows, is_apart) in traces {
        let Some((own, others)) = rest.split_at_checked(*n_rows) else { break };
        rest = others;
        if *is_apart {
            continue;
        }
        // Where there is a roll-up it says which traces are doubtful, and they are apart.
        if !rolled.has_some() && tally.may_have_copies(own) {
            doubtful.push(*id);
        } else if tally.counts_trace(own) {
            tally.add_spans(own, Sign::Add, |nanos| !rolled.has_counted(nanos));
        }
    }
    Ok((tally, doubtful))
}
