//! How a search runs: candidates from the columns, newest first, each decided on the complete trace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, StreamExt, TryStreamExt};
use hashbrown::{HashMap, HashSet};
use spandrel_catalog::BlockEntry;
use spandrel_model::{Span, StatusCode, TenantId, Trace, TraceId};
use spandrel_traceql::{Attribute, FieldExpr, SpanValues};

use crate::block_cache::OpenBlock;
use crate::engine::View;
use crate::filter::{Node, RowMask, needs_whole_trace, row_groups};
use crate::find_trace::{Gather, SpanColumnsWanted};
use crate::search::{
    MatchedSpan, Search, SearchAnswer, SearchInspected, ServiceStats, Spanset, TraceMatch,
};
use crate::trace_values::{TraceValues, end_of};
use crate::unit::Unit;
use crate::{QueryEngine, QueryError};

/// Blocks looked at side by side. Results are taken in order, so this only hides waiting.
const SIDE_BY_SIDE: usize = 4;

pub(crate) async fn search(
    engine: &QueryEngine,
    tenant: &TenantId,
    search: &Search,
) -> Result<SearchAnswer, QueryError> {
    let filter = filter_of(search)?;
    let view = engine.view(tenant, search.range).await?;
    let mut running = Running::new(engine, &view, search, filter);
    running.scan_live().await?;
    running.scan_split_traces().await?;
    running.scan_blocks().await?;
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

/// What was read, counted by all parts of a search.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) row_groups_read: AtomicU64,
    pub(crate) spans: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

/// A trace that may be in the answer. Ordered from the newest: by start descending, then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    start: std::cmp::Reverse<i64>,
    trace_id: TraceId,
}

struct Running<'a> {
    engine: &'a QueryEngine,
    view: &'a View,
    search: &'a Search,
    filter: &'a FieldExpr,
    node: Node,
    attributes: Vec<Attribute>,
    /// Whether a condition reads more of the trace than the span itself.
    whole_trace: bool,
    /// Traces that were decided, whatever the outcome.
    decided: HashSet<TraceId>,
    /// The best so far, by start.
    best: BTreeMap<Candidate, TraceMatch>,
    counters: Counters,
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
            blocks: view.entries.len() as u64,
            block_bytes: view.entries.iter().map(|entry| entry.size_bytes).sum(),
            ..SearchInspected::default()
        };
        Self {
            engine,
            view,
            search,
            filter,
            node: Node::compile(filter),
            whole_trace: attributes.iter().any(needs_whole_trace),
            attributes,
            decided: HashSet::new(),
            best: BTreeMap::new(),
            counters: Counters::default(),
            inspected,
        }
    }

    fn finish(self) -> SearchAnswer {
        let mut inspected = self.inspected;
        inspected.row_groups_read = self.counters.row_groups_read.load(Ordering::Relaxed);
        inspected.spans = self.counters.spans.load(Ordering::Relaxed);
        inspected.bytes = self.counters.bytes.load(Ordering::Relaxed);
        SearchAnswer { traces: self.best.into_values().collect(), inspected }
    }

    /// The start that a trace must reach to be among the best; `None` while there is room.
    fn threshold(&self) -> Option<i64> {
        let full = self.best.len() >= self.search.traces_max;
        full.then(|| self.best.last_key_value().map_or(i64::MAX, |(worst, _)| worst.start.0))
    }

    fn may_enter(&self, start: i64) -> bool {
        self.threshold().is_none_or(|threshold| start >= threshold)
    }

    async fn scan_live(&mut self) -> Result<(), QueryError> {
        for run in self.view.live.iter().rev() {
            let unit = Unit::Live(Arc::clone(run));
            let candidates = scan(&self.node, &unit, &self.counters).await?;
            self.decide(candidates).await?;
        }
        Ok(())
    }

    /// Conditions on the whole trace cannot be trusted where a unit holds only a part of one, so traces that
    /// lie in several units are candidates without being scanned.
    async fn scan_split_traces(&mut self) -> Result<(), QueryError> {
        if !self.whole_trace {
            return Ok(());
        }
        let blocks = self.engine.open_all(self.view).await?;
        let mut starts: HashMap<TraceId, (u32, i64)> = HashMap::new();
        let mut note = |trace_id, start: i64| {
            let known = starts.entry(trace_id).or_insert((0, start));
            *known = (known.0 + 1, known.1.min(start));
        };
        for run in &self.view.live {
            run.arrangement().traces.iter().for_each(|t| note(t.trace_id, t.start_unix_nanos));
        }
        for block in &blocks {
            let table = block.traces()?;
            table.ids().iter().zip(table.starts()).for_each(|(id, start)| note(*id, *start));
        }
        let split = starts.into_iter().filter(|(_, (units, _))| *units > 1);
        let candidates = split
            .map(|(trace_id, (_, start))| Candidate { start: std::cmp::Reverse(start), trace_id });
        self.decide(candidates.collect()).await
    }

    async fn scan_blocks(&mut self) -> Result<(), QueryError> {
        let (engine, view, node) = (self.engine, self.view, self.node.clone());
        let counters = Arc::new(Counters::default());
        let scans = view.entries.iter().map(|entry| {
            let (node, counters) = (&node, Arc::clone(&counters));
            scan_block(engine, view, entry, node, counters)
        });
        let mut scans = stream::iter(scans).buffered(SIDE_BY_SIDE).boxed();
        let mut entries = view.entries.iter();
        let mut outcome = Ok(());
        // Blocks come with the newest trace first: what comes after cannot be newer.
        while let Some(entry) = entries.next() {
            let newest = i64::try_from(entry.max_trace_start_unix_nanos).unwrap_or(i64::MAX);
            if !self.may_enter(newest) {
                self.inspected.row_groups_pruned += 1 + entries.len() as u64;
                break;
            }
            match scans.try_next().await {
                Ok(Some((candidates, pruned))) => {
                    self.inspected.row_groups_pruned += pruned;
                    outcome = self.decide(candidates).await;
                }
                Ok(None) => break,
                Err(error) => outcome = Err(error),
            }
            if outcome.is_err() {
                break;
            }
        }
        drop(scans);
        for (own, other) in [
            (&self.counters.row_groups_read, &counters.row_groups_read),
            (&self.counters.spans, &counters.spans),
            (&self.counters.bytes, &counters.bytes),
        ] {
            own.fetch_add(other.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        outcome
    }

    /// Decides candidates on their complete traces, newest first, until the rest is too old.
    async fn decide(&mut self, mut candidates: Vec<Candidate>) -> Result<(), QueryError> {
        candidates.sort_unstable();
        for candidate in candidates {
            // What a unit knows as the start is at most too late, never too early.
            if !self.may_enter(candidate.start.0) {
                break;
            }
            if !self.decided.insert(candidate.trace_id) {
                continue;
            }
            self.inspected.traces += 1;
            let Some(found) = self.decide_one(candidate.trace_id).await? else { continue };
            let start = std::cmp::Reverse(found.start_unix_nanos);
            self.best.insert(Candidate { start, trace_id: candidate.trace_id }, found);
            if self.best.len() > self.search.traces_max {
                self.best.pop_last();
            }
        }
        Ok(())
    }

    async fn decide_one(&self, trace_id: TraceId) -> Result<Option<TraceMatch>, QueryError> {
        let wanted = SpanColumnsWanted::For(&self.attributes);
        let gather = Gather { engine: self.engine, view: self.view, wanted };
        let Some(trace) = gather.trace(trace_id).await? else { return Ok(None) };
        let values = TraceValues::new(&trace, self.attributes.iter());
        if !self.search.range.overlaps(values.start, values.end) {
            return Ok(None);
        }
        let matching = values.matching(self.filter)?;
        Ok((!matching.is_empty()).then(|| self.trace_match(&trace, &values, matching)))
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

fn services(spans: &[Span]) -> BTreeMap<String, ServiceStats> {
    let mut services: BTreeMap<String, ServiceStats> = BTreeMap::new();
    for span in spans {
        debug_assert!(end_of(span) >= i64::MIN);
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

/// Candidates of a block, and how many row groups its index ruled out.
async fn scan_block(
    engine: &QueryEngine,
    view: &View,
    entry: &Arc<BlockEntry>,
    node: &Node,
    counters: Arc<Counters>,
) -> Result<(Vec<Candidate>, u64), QueryError> {
    let block: Arc<OpenBlock> = engine.open(view, entry).await?;
    let kept = row_groups(node, &block)?;
    let pruned = (block.file.n_row_groups() - kept.len()) as u64;
    let mut candidates = BTreeSet::new();
    for row_group in kept {
        let unit = Unit::Block(Arc::clone(&block), row_group);
        candidates.extend(scan(node, &unit, &counters).await?);
    }
    Ok((candidates.into_iter().collect(), pruned))
}

/// The traces of a unit in which a span passes, as far as the unit can tell.
async fn scan(node: &Node, unit: &Unit, counters: &Counters) -> Result<Vec<Candidate>, QueryError> {
    counters.row_groups_read.fetch_add(1, Ordering::Relaxed);
    counters.spans.fetch_add(unit.n_rows() as u64, Ordering::Relaxed);
    let mask = passing_rows(node, unit, counters).await?;
    let traces = unit.traces_of(&mask)?;
    let candidate = |trace: crate::unit::PartialTrace| Candidate {
        start: std::cmp::Reverse(trace.start),
        trace_id: trace.trace_id,
    };
    Ok(traces.into_iter().map(candidate).collect())
}

/// Rows of a unit that pass the filter. The right side of `&&` is read only when the left one leaves rows.
pub(crate) fn passing_rows<'s>(
    node: &'s Node,
    unit: &'s Unit,
    counters: &'s Counters,
) -> BoxFuture<'s, Result<RowMask, QueryError>> {
    async move {
        let n_rows = unit.n_rows();
        Ok(match node {
            Node::Const(true) => RowMask::new_set(n_rows),
            Node::Const(false) => RowMask::new_unset(n_rows),
            Node::And(left, right) => {
                let left = passing_rows(left, unit, counters).await?;
                if left.count_set_bits() == 0 {
                    return Ok(left);
                }
                &left & &passing_rows(right, unit, counters).await?
            }
            Node::Or(left, right) => {
                let left = passing_rows(left, unit, counters).await?;
                &left | &passing_rows(right, unit, counters).await?
            }
            Node::Not(operand) => !&passing_rows(operand, unit, counters).await?,
            Node::Leaf(leaf) => {
                let column = unit.column(&leaf.attribute).await?;
                counters.bytes.fetch_add(column.size_bytes() as u64, Ordering::Relaxed);
                leaf.mask(&column)?
            }
            Node::Rows(expr) => {
                let rows = RowValues::load(expr, unit, counters).await?;
                rows.mask(expr, n_rows)?
            }
        })
    }
    .boxed()
}

/// Several attributes of a unit, for conditions that compare them with each other.
struct RowValues {
    columns: Vec<(Attribute, crate::filter::LeafColumn)>,
}

impl RowValues {
    async fn load(expr: &FieldExpr, unit: &Unit, counters: &Counters) -> Result<Self, QueryError> {
        let mut columns: Vec<(Attribute, crate::filter::LeafColumn)> = Vec::new();
        for attribute in expr.attributes() {
            if columns.iter().all(|(known, _)| known != attribute) {
                let column = unit.column(attribute).await?;
                counters.bytes.fetch_add(column.size_bytes() as u64, Ordering::Relaxed);
                columns.push((attribute.clone(), column));
            }
        }
        Ok(Self { columns })
    }

    fn mask(&self, expr: &FieldExpr, n_rows: usize) -> Result<RowMask, QueryError> {
        let mut passes = Vec::with_capacity(n_rows);
        for row in 0..n_rows {
            passes.push(spandrel_traceql::matches(expr, &Row { values: self, row })?);
        }
        Ok(passes.into())
    }
}

struct Row<'a> {
    values: &'a RowValues,
    row: usize,
}

impl SpanValues for Row<'_> {
    fn value(&self, attribute: &Attribute) -> std::borrow::Cow<'_, spandrel_traceql::Static> {
        let column = self.values.columns.iter().find(|(known, _)| known == attribute);
        let value = column.map(|(_, column)| column.value(self.row));
        std::borrow::Cow::Owned(value.unwrap_or(spandrel_traceql::Static::Nil))
    }
}
