//! How a search runs: candidates from the columns, newest first, each decided on the complete trace.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::sync::Arc;

use hashbrown::HashSet;
use spandrel_base::memory::Reservation;
use spandrel_catalog::BlockEntry;
use spandrel_model::{TenantId, Trace, TraceId};
use spandrel_trace_values::TraceValues;
use spandrel_traceql::Attribute;
use spandrel_traceql::ast::Root;

use crate::ahead::Ahead;
use crate::engine::View;
use crate::gather::{Gather, SpanColumnsWanted};
use crate::plan::Plan;
use crate::progress::{Progress, SearchReport, SearchWatch};
use crate::scan::{Candidate, SIDE_BY_SIDE_MAX, Scan};
use crate::search::{Search, SearchAnswer, TraceMatch};
use crate::split::SplitTraces;
use crate::trace_match::{Shown, size_bytes};
use crate::{QueryEngine, QueryError, SearchCursor, SearchInspected, SearchOrder, memory};

/// Traces and spans that are gathered at a time, which bounds what a search holds besides its results. A trace
/// with more spans is gathered alone.
const GATHERED_TRACES_MAX: usize = 1024;
const GATHERED_SPANS_MAX: usize = 64 * 1024;

/// Candidates of which a unit has no span in the time range: so many are looked up one by one, whether they have parts
/// elsewhere that bring them into it. For more it is less work to find all traces that lie in several units.
const OUTSIDE_MAX: usize = 64;

pub(crate) async fn search(
    engine: &QueryEngine,
    tenant: &TenantId,
    search: &Search,
) -> Result<SearchAnswer, QueryError> {
    search_reporting(engine, tenant, search, &Progress::unwatched()).await
}

pub(crate) async fn search_reporting(
    engine: &QueryEngine,
    tenant: &TenantId,
    search: &Search,
    progress: &Progress<SearchReport>,
) -> Result<SearchAnswer, QueryError> {
    if let Root::Metrics(_) = &search.query.root {
        return Err(QueryError::NotExecuted("metrics queries"));
    }
    engine.read_limits.check_search(tenant, search.range)?;
    let view = engine.view(tenant, search.range).await?;
    let mut running = Running::new(engine, &view, search);
    running.scan_split_traces().await?;
    running.scan_live().await?;
    let mut watch = SearchWatch::new(progress, view.near_range().len() as u64);
    running.report(&mut watch, 1, view.near_range().first().copied()).await;
    running.scan_blocks(&mut watch).await?;
    let answer = running.finish();
    let inspected = &engine.metrics.query().inspected;
    inspected.bytes.add(answer.inspected.bytes);
    inspected.spans.add(answer.inspected.spans);
    inspected.blocks.add(answer.inspected.blocks);
    inspected.row_groups_pruned.add(answer.inspected.row_groups_pruned());
    Ok(answer)
}

struct Running<'a> {
    engine: &'a QueryEngine,
    view: &'a View,
    search: &'a Search,
    scan: Arc<Scan>,
    attributes: Vec<Attribute>,
    /// Traces whose parts a unit cannot judge alone; `None` where a part alone is enough.
    split: Option<SplitTraces>,
    /// Traces that were decided, whatever the outcome.
    decided: HashSet<TraceId>,
    /// The first ones so far, by rank and id, with their memory.
    best: BTreeMap<(Reverse<i64>, TraceId), (TraceMatch, Reservation)>,
    inspected: SearchInspected,
}

impl<'a> Running<'a> {
    fn new(engine: &'a QueryEngine, view: &'a View, search: &'a Search) -> Self {
        let inspected = SearchInspected {
            blocks: view.in_range().len() as u64,
            block_bytes: view.in_range().iter().map(|entry| entry.size_bytes).sum(),
            ..SearchInspected::default()
        };
        Self {
            engine,
            view,
            search,
            scan: Arc::new(Scan::new(Plan::new(&search.query.root), search.order)),
            attributes: search.query.attributes().into_iter().cloned().collect(),
            split: None,
            decided: HashSet::new(),
            best: BTreeMap::new(),
            inspected,
        }
    }

    fn inspected_until_now(&self) -> SearchInspected {
        let mut inspected = self.inspected;
        self.scan.counters.report(&mut inspected);
        inspected
    }

    /// Reports that so many jobs more are done, before the next block.
    async fn report(
        &self,
        watch: &mut SearchWatch<'_>,
        n_jobs: u64,
        next: Option<&Arc<BlockEntry>>,
    ) {
        let best_left = match (self.search.order, next) {
            (_, None) => i64::MIN,
            (SearchOrder::NewestFirst, Some(next)) => newest_start(next),
            // Any block may hold the longest.
            (SearchOrder::LongestFirst, Some(_)) => i64::MAX,
        };
        let best = self.best.iter().map(|((rank, _), (found, _))| (rank.0, found));
        watch.done(n_jobs, best_left, best, || self.inspected_until_now()).await;
    }

    fn finish(self) -> SearchAnswer {
        let inspected = self.inspected_until_now();
        let order = self.search.order;
        let is_full = self.best.len() >= self.search.traces_max;
        let last = self.best.last_key_value().filter(|_| is_full);
        let next = last.map(|((rank, trace_id), _)| SearchCursor {
            order,
            nanos: rank.0,
            trace_id: *trace_id,
        });
        let traces = self.best.into_values().map(|(found, _)| found);
        SearchAnswer { traces: traces.collect(), next, inspected }
    }

    /// The rank that a trace must reach to be among the first; `None` while there is room.
    fn threshold(&self) -> Option<i64> {
        let full = self.best.len() >= self.search.traces_max;
        full.then(|| self.best.last_key_value().map_or(i64::MAX, |(worst, _)| worst.0.0))
    }

    fn may_enter(&self, rank: i64) -> bool {
        self.threshold().is_none_or(|threshold| rank >= threshold)
    }

    fn is_behind_cursor(&self, rank: i64, trace_id: TraceId) -> bool {
        self.search.after.is_none_or(|cursor| cursor.is_before(rank, trace_id))
    }

    /// What depends on the whole trace cannot be told where a unit holds only a part of one: not conditions
    /// on the whole trace, not its duration, and of its start only that it is not later. Traces that lie
    /// in several units are candidates without being scanned where that matters.
    async fn scan_split_traces(&mut self) -> Result<(), QueryError> {
        let by_start = self.search.order == SearchOrder::NewestFirst;
        if !self.scan.plan.needs_whole_traces && by_start && self.search.after.is_none() {
            return Ok(());
        }
        self.find_split_traces().await
    }

    async fn find_split_traces(&mut self) -> Result<(), QueryError> {
        let split = SplitTraces::of(self.engine, self.view, &self.scan.plan).await?;
        let candidates = split.candidates(&self.scan.plan, self.search);
        self.inspected.split_traces = split.len() as u64;
        self.decide(candidates).await?;
        self.split = Some(split);
        Ok(())
    }

    async fn scan_live(&mut self) -> Result<(), QueryError> {
        for run in self.view.live.iter().rev() {
            let candidates = self.scan.live(run).await?;
            self.decide_of_unit(candidates).await?;
            // Nothing here waits for anything, so this is where a deadline or a client that left stops it.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn scan_blocks(&mut self, watch: &mut SearchWatch<'_>) -> Result<(), QueryError> {
        let (engine, view, scan) = (self.engine, self.view, Arc::clone(&self.scan));
        let mut entries = view.near_range();
        self.inspected.blocks_out_of_range = (view.entries.len() - entries.len()) as u64;
        let n_near = entries.len();
        // Of a block outside of the range only traces count that have parts elsewhere.
        let split_are_known = self.split.is_some();
        entries.retain(|entry| {
            self.may_be_behind_cursor(entry) && (!split_are_known || view.is_in_range(entry))
        });
        self.inspected.blocks_not_reached = (n_near - entries.len()) as u64;
        let mut ahead = Ahead::new(engine, view, &scan, &entries);
        let mut side_by_side = 1;
        let mut left = ahead.n_left();
        loop {
            // Blocks come with the newest trace first: what comes after cannot be newer.
            let may_enter = |entry: &BlockEntry| {
                self.search.order != SearchOrder::NewestFirst || self.may_enter(newest_start(entry))
            };
            let room = self.search.traces_max.saturating_sub(self.best.len());
            ahead.look(room, may_enter).await?;
            let mut some = ahead.take(side_by_side, room, may_enter);
            if some.is_empty() {
                break;
            }
            if self.split.is_some() {
                some.retain(|block| view.is_in_range(block.entry));
            }
            for candidates in scan.blocks(&some).await? {
                self.decide_of_unit(candidates).await?;
            }
            let n_done = left - ahead.n_left();
            left -= n_done;
            self.report(watch, n_done as u64, ahead.next()).await;
            side_by_side = SIDE_BY_SIDE_MAX.min(2 * side_by_side);
        }
        self.inspected.blocks_not_reached += ahead.n_left() as u64;
        Ok(())
    }

    /// Whether a block may hold a trace behind the cursor that does not also lie elsewhere.
    fn may_be_behind_cursor(&self, entry: &BlockEntry) -> bool {
        let Some(cursor) = self.search.after else { return true };
        let oldest = i64::try_from(entry.min_start_unix_nanos).unwrap_or(i64::MAX);
        cursor.order != SearchOrder::NewestFirst || oldest <= cursor.nanos
    }

    /// Decides candidates of one unit. Those that the unit has no span of in the time range only count when they have
    /// parts elsewhere.
    async fn decide_of_unit(&mut self, candidates: Vec<Candidate>) -> Result<(), QueryError> {
        if self.split.is_none() {
            let outside = candidates.iter().filter(|next| !self.overlaps(next));
            let n_outside = outside.filter(|next| self.may_enter(next.rank.0)).count();
            if n_outside > OUTSIDE_MAX {
                self.find_split_traces().await?;
            }
        }
        self.decide(candidates).await
    }

    /// Decides candidates on their complete traces, in the order of the answer, until the rest cannot get
    /// into it.
    async fn decide(&mut self, mut candidates: Vec<Candidate>) -> Result<(), QueryError> {
        candidates.sort_unstable();
        let mut candidates = candidates.into_iter().peekable();
        loop {
            let some = self.next_to_gather(&mut candidates).await?;
            if some.is_empty() {
                return Ok(());
            }
            self.inspected.traces += some.len() as u64;
            let wanted = SpanColumnsWanted::For(&self.attributes);
            let gather = Gather { engine: self.engine, view: self.view, wanted };
            for trace in gather.traces(&some).await? {
                let Some(found) = self.decide_one(&trace)? else { continue };
                let rank = self.search.order.rank_of(&found);
                let held = memory::reserve(size_bytes(&found))?;
                self.best.insert((Reverse(rank), trace.trace_id), (found, held));
                if self.best.len() > self.search.traces_max {
                    self.best.pop_last();
                }
            }
        }
    }

    /// The first candidates that may get into the answer, no more than there is room for in it; none when the
    /// rest cannot.
    async fn next_to_gather(
        &mut self,
        candidates: &mut Peekable<impl Iterator<Item = Candidate>>,
    ) -> Result<Vec<TraceId>, QueryError> {
        let room = self.search.traces_max.saturating_sub(self.best.len());
        let traces_max = room.clamp(1, GATHERED_TRACES_MAX);
        let (mut some, mut n_spans) = (Vec::new(), 0);
        // What a unit knows as the start is at most too late, never too early; other ranks are only believed
        // where the trace does not lie in several units.
        while let Some(next) = candidates.next_if(|next| self.may_enter(next.rank.0)) {
            if !self.is_wanted(&next).await? {
                continue;
            }
            self.decided.insert(next.trace_id);
            some.push(next.trace_id);
            n_spans += next.n_rows as usize;
            let next_spans = candidates.peek().map_or(0, |next| next.n_rows as usize);
            if some.len() >= traces_max || n_spans + next_spans > GATHERED_SPANS_MAX {
                break;
            }
        }
        Ok(some)
    }

    async fn is_wanted(&self, next: &Candidate) -> Result<bool, QueryError> {
        if self.decided.contains(&next.trace_id) {
            return Ok(false);
        }
        let overlaps = self.overlaps(next);
        match &self.split {
            // Split traces have been considered, and what is known of the others is all there is.
            Some(split) if split.contains(next.trace_id) => Ok(false),
            Some(_) => Ok(overlaps && self.is_behind_cursor(next.rank.0, next.trace_id)),
            None if overlaps => Ok(true),
            None => self.overlaps_as_a_whole(next.trace_id).await,
        }
    }

    /// Whether what is known of a candidate lies in the time range.
    fn overlaps(&self, next: &Candidate) -> bool {
        self.search.range.overlaps(next.start, next.end)
    }

    /// Whether all parts of a trace together overlap the time range.
    async fn overlaps_as_a_whole(&self, trace_id: TraceId) -> Result<bool, QueryError> {
        let live = self.view.live.iter().filter_map(|run| run.find(trace_id));
        let mut parts: Vec<_> =
            live.map(|trace| (trace.start_unix_nanos, trace.end_unix_nanos)).collect();
        for block in self.engine.blocks_of_traces(self.view, &[trace_id]).await? {
            let part = block.traces()?.find(trace_id);
            parts.extend(part.map(|part| (part.facts.start_unix_nanos, part.facts.end_unix_nanos)));
        }
        let start = parts.iter().map(|(start, _)| *start).min();
        let end = parts.iter().map(|(_, end)| *end).max();
        Ok(start.zip(end).is_some_and(|(start, end)| self.search.range.overlaps(start, end)))
    }

    fn decide_one(&self, trace: &Trace) -> Result<Option<TraceMatch>, QueryError> {
        let values = TraceValues::new(trace, self.attributes.iter());
        let rank = self.search.order.rank(values.start, values.end);
        let qualifies = self.search.range.overlaps(values.start, values.end)
            && self.is_behind_cursor(rank, trace.trace_id);
        if !qualifies {
            return Ok(None);
        }
        let _held = memory::reserve(self.scan.plan.bytes_per_span() * trace.spans.len())?;
        let spansets = values.query(&self.search.query.root)?;
        if spansets.is_empty() {
            return Ok(None);
        }
        let shown = Shown {
            attributes: &self.attributes,
            spans_per_spanset: self.search.spans_per_spanset,
        };
        Ok(Some(shown.trace_match(trace, &values, spansets)))
    }
}

/// When the newest trace of a block starts.
fn newest_start(entry: &BlockEntry) -> i64 {
    i64::try_from(entry.max_trace_start_unix_nanos).unwrap_or(i64::MAX)
}
