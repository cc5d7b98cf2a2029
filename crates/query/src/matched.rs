//! How a search runs: candidates from the columns, newest first, each decided on the complete trace.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hashbrown::HashSet;
use spandrel_catalog::BlockEntry;
use spandrel_model::{Span, StatusCode, TenantId, Trace, TraceId};
use spandrel_trace_values::TraceValues;
use spandrel_traceql::{Attribute, FieldExpr, SpanValues};

use crate::ahead::Ahead;
use crate::engine::View;
use crate::filter::needs_whole_trace;
use crate::gather::{Gather, SpanColumnsWanted};
use crate::progress::{Progress, SearchReport, SearchWatch};
use crate::scan::{Candidate, SIDE_BY_SIDE_MAX, Scan};
use crate::search::{
    MatchedSpan, Search, SearchAnswer, SearchInspected, ServiceStats, Spanset, TraceMatch,
};
use crate::split::possible_split_traces;
use crate::unit::Unit;
use crate::{QueryEngine, QueryError};

/// Traces and spans that are gathered at a time, which bounds what a search holds besides its results. A trace
/// with more spans is gathered alone.
const GATHERED_TRACES_MAX: usize = 1024;
const GATHERED_SPANS_MAX: usize = 64 * 1024;

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
    let filter = filter_of(search)?;
    let view = engine.view(tenant, search.range).await?;
    let mut running = Running::new(engine, &view, search, filter);
    let mut watch = SearchWatch::new(progress, view.near_range().len() as u64);
    running.scan_live().await?;
    running.scan_split_traces().await?;
    running.report(&mut watch, 1, view.near_range().first().copied()).await;
    running.scan_blocks(&mut watch).await?;
    let answer = running.finish();
    let inspected = &engine.metrics.query().inspected;
    inspected.bytes.add(answer.inspected.bytes);
    inspected.spans.add(answer.inspected.spans);
    inspected.blocks.add(answer.inspected.blocks);
    inspected.row_groups_pruned.add(answer.inspected.row_groups_pruned);
    Ok(answer)
}

fn filter_of(search: &Search) -> Result<&FieldExpr, QueryError> {
    let unexecuted = || search.query.first_unexecuted().unwrap_or("queries of this form");
    search.query.spanset_filter().ok_or_else(|| QueryError::NotExecuted(unexecuted()))
}

struct Running<'a> {
    engine: &'a QueryEngine,
    view: &'a View,
    search: &'a Search,
    filter: &'a FieldExpr,
    scan: Arc<Scan>,
    attributes: Vec<Attribute>,
    /// Traces that were decided, whatever the outcome.
    decided: HashSet<TraceId>,
    /// The best so far, by start.
    best: BTreeMap<(Reverse<i64>, TraceId), TraceMatch>,
    inspected: SearchInspected,
}

impl<'a> Running<'a> {
    fn new(
        engine: &'a QueryEngine,
        view: &'a View,
        search: &'a Search,
        filter: &'a FieldExpr,
    ) -> Self {
        let mut attributes: Vec<Attribute> = Vec::new();
        for attribute in filter.attributes() {
            if !attributes.contains(attribute) {
                attributes.push(attribute.clone());
            }
        }
        let inspected = SearchInspected {
            blocks: view.in_range().len() as u64,
            block_bytes: view.in_range().iter().map(|entry| entry.size_bytes).sum(),
            ..SearchInspected::default()
        };
        Self {
            engine,
            view,
            search,
            filter,
            scan: Arc::new(Scan::new(filter)),
            attributes,
            decided: HashSet::new(),
            best: BTreeMap::new(),
            inspected,
        }
    }

    fn finish(self) -> SearchAnswer {
        let inspected = self.inspected_until_now();
        SearchAnswer { traces: self.best.into_values().collect(), inspected }
    }

    fn inspected_until_now(&self) -> SearchInspected {
        let (mut inspected, counters) = (self.inspected, &self.scan.counters);
        inspected.row_groups_read = counters.row_groups_read.load(Ordering::Relaxed);
        inspected.spans = counters.spans.load(Ordering::Relaxed);
        inspected.bytes = counters.bytes.load(Ordering::Relaxed);
        inspected
    }

    /// Reports that so many jobs more are done, before the next block.
    async fn report(
        &self,
        watch: &mut SearchWatch<'_>,
        n_jobs: u64,
        next: Option<&Arc<BlockEntry>>,
    ) {
        let newest_left = next.map_or(i64::MIN, |next| newest_start(next));
        watch.done(n_jobs, newest_left, &self.best, || self.inspected_until_now()).await;
    }

    /// The start that a trace must reach to be among the best; `None` while there is room.
    fn threshold(&self) -> Option<i64> {
        let full = self.best.len() >= self.search.traces_max;
        full.then(|| self.best.last_key_value().map_or(i64::MAX, |(worst, _)| worst.0.0))
    }

    fn may_enter(&self, start: i64) -> bool {
        self.threshold().is_none_or(|threshold| start >= threshold)
    }

    async fn scan_live(&mut self) -> Result<(), QueryError> {
        for run in self.view.live.iter().rev() {
            let unit = Unit::Live(Arc::clone(run));
            let candidates = self.scan.unit(&unit).await?;
            self.decide(candidates, true).await?;
            // Nothing here waits for anything, so this is where a deadline or a client that left stops it.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Conditions on the whole trace cannot be trusted where a unit holds only a part of one, so traces that
    /// lie in several units are candidates without being scanned.
    async fn scan_split_traces(&mut self) -> Result<(), QueryError> {
        if !self.attributes.iter().any(needs_whole_trace) {
            return Ok(());
        }
        let split = possible_split_traces(self.engine, self.view, &self.scan.node).await?;
        self.decide(split, true).await
    }

    async fn scan_blocks(&mut self, watch: &mut SearchWatch<'_>) -> Result<(), QueryError> {
        let (engine, view, scan) = (self.engine, self.view, Arc::clone(&self.scan));
        let entries = view.near_range();
        let mut ahead = Ahead::new(engine, view, &scan.node, &entries);
        let mut side_by_side = 1;
        let mut left = ahead.n_left();
        loop {
            // Blocks come with the newest trace first: what comes after cannot be newer.
            let may_enter = |entry: &BlockEntry| self.may_enter(newest_start(entry));
            let room = self.search.traces_max.saturating_sub(self.best.len());
            ahead.look(room, may_enter).await?;
            let some = ahead.take(side_by_side, room, may_enter);
            if some.is_empty() {
                break;
            }
            for (block, candidates) in some.iter().zip(scan.blocks(&some).await?) {
                self.decide(candidates, view.is_in_range(block.entry)).await?;
            }
            let n_done = left - ahead.n_left();
            left -= n_done;
            self.report(watch, n_done as u64, ahead.next()).await;
            side_by_side = SIDE_BY_SIDE_MAX.min(2 * side_by_side);
        }
        self.inspected.row_groups_pruned += ahead.finish();
        Ok(())
    }

    /// Decides candidates on their complete traces, newest first, until the rest is too old. Those of
    /// a block outside of the time range only count when they have parts elsewhere.
    async fn decide(
        &mut self,
        mut candidates: Vec<Candidate>,
        in_range: bool,
    ) -> Result<(), QueryError> {
        candidates.sort_unstable();
        let mut candidates = candidates.into_iter().peekable();
        loop {
            let some = self.next_to_gather(&mut candidates, in_range).await?;
            if some.is_empty() {
                return Ok(());
            }
            self.inspected.traces += some.len() as u64;
            let wanted = SpanColumnsWanted::For(&self.attributes);
            let gather = Gather { engine: self.engine, view: self.view, wanted };
            for trace in gather.traces(&some).await? {
                let Some(found) = self.decide_one(&trace)? else { continue };
                self.best.insert((Reverse(found.start_unix_nanos), trace.trace_id), found);
                if self.best.len() > self.search.traces_max {
                    self.best.pop_last();
                }
            }
        }
    }

    /// The newest candidates that may get into the answer, no more than there is room for in it; none when the
    /// rest is too old.
    async fn next_to_gather(
        &mut self,
        candidates: &mut Peekable<impl Iterator<Item = Candidate>>,
        in_range: bool,
    ) -> Result<Vec<TraceId>, QueryError> {
        let room = self.search.traces_max.saturating_sub(self.best.len());
        let traces_max = room.clamp(1, GATHERED_TRACES_MAX);
        let (mut some, mut n_spans) = (Vec::new(), 0);
        // What a unit knows as the start is at most too late, never too early.
        while let Some(next) = candidates.next_if(|next| self.may_enter(next.start.0)) {
            let skipped = self.decided.contains(&next.trace_id)
                || (!in_range && !self.may_be_split(next.trace_id).await?);
            if skipped {
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

    /// Whether a trace of a block may have spans in other units.
    async fn may_be_split(&self, trace_id: TraceId) -> Result<bool, QueryError> {
        if self.view.live.iter().any(|run| run.find(trace_id).is_some()) {
            return Ok(true);
        }
        Ok(self.engine.blocks_of_traces(self.view, &[trace_id]).await?.len() > 1)
    }

    fn decide_one(&self, trace: &Trace) -> Result<Option<TraceMatch>, QueryError> {
        let values = TraceValues::new(trace, self.attributes.iter());
        if !self.search.range.overlaps(values.start, values.end) {
            return Ok(None);
        }
        let matching = values.matching(self.filter)?;
        Ok((!matching.is_empty()).then(|| self.trace_match(trace, &values, matching)))
    }

    fn trace_match(
        &self,
        trace: &Trace,
        values: &TraceValues<'_>,
        mut matching: Vec<usize>,
    ) -> TraceMatch {
        let matched = matching.len() as u32;
        matching.sort_by_key(|&index| trace.spans[index].start_unix_nanos);
        matching.truncate(self.search.spans_per_spanset);
        let spans = matching.iter().map(|&index| {
            let (span, own) = (&trace.spans[index], values.span(index));
            let attributes = self.attributes.iter().filter_map(|attribute| {
                let value = own.value(attribute).into_owned();
                (!value.is_nil()).then(|| (attribute.clone(), value))
            });
            MatchedSpan {
                span_id: span.span_id,
                name: span.name.clone(),
                start_unix_nanos: span.start_unix_nanos.cast_signed(),
                duration_nanos: span.duration_nanos(),
                attributes: attributes.collect(),
            }
        });
        let root = values.root_span();
        TraceMatch {
            trace_id: trace.trace_id,
            root_service: root.and_then(|r| r.resource.service_name()).map(str::to_owned),
            root_name: root.map(|root| root.name.clone()),
            start_unix_nanos: values.start,
            duration_nanos: values.end.saturating_sub(values.start),
            spanset: Spanset { spans: spans.collect(), matched },
            services: services(&trace.spans),
        }
    }
}

/// When the newest trace of a block starts.
fn newest_start(entry: &BlockEntry) -> i64 {
    i64::try_from(entry.max_trace_start_unix_nanos).unwrap_or(i64::MAX)
}

fn services(spans: &[Span]) -> BTreeMap<String, ServiceStats> {
    let mut services: BTreeMap<String, ServiceStats> = BTreeMap::new();
    for span in spans {
        let name = span.resource.service_name().unwrap_or_default();
        let stats = match services.get_mut(name) {
            Some(stats) => stats,
            None => services.entry(name.to_owned()).or_default(),
        };
        stats.n_spans += 1;
        stats.n_errors += u32::from(span.status_code == StatusCode::Error);
    }
    services
}
