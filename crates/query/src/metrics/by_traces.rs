//! Leaves that look at more than one span of a trace: operators between spansets, groups, aggregates, parents.
//!
//! As in a search, candidates come from the columns, and each is decided on its complete trace; of that only the
//! spans in the time range count. A trace that lies in several units is considered once, by what the trace tables
//! of all of them say; any other one lies in the one unit that it is found in, so none has to be remembered.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use hashbrown::HashSet;
use spandrel_model::TraceId;
use spandrel_traceql::Query;
use spandrel_traceql::ast::{Aggregate, Pipeline, Root, ScalarExpr, SpansetExpr, Stage};

use super::condition::{collect_fallible, may_fail};
use super::leaf::Sink;
use super::plan::Plan;
use super::starts::{Starts, UnitIntervals};
use super::whole::Whole;
use crate::engine::{OPENING, SPLIT_NANOS_MAX, View};
use crate::filter::{Node, RowMask};
use crate::scan::{Candidate, SIDE_BY_SIDE_MAX, Scan};
use crate::split::SplitTraces;
use crate::unit::Unit;
use crate::{QueryEngine, QueryError, Search, SearchInspected, TimeRange};

/// Traces and spans that are gathered at a time. A trace with more spans is gathered alone.
const GATHERED_TRACES_MAX: usize = 512;
const GATHERED_SPANS_MAX: usize = 64 * 1024;

/// Adds everything in the time range. Returns what it took.
pub(super) async fn add(
    engine: &QueryEngine,
    view: &View,
    plan: &Plan<'_>,
    sink: &mut Sink,
) -> Result<SearchInspected, QueryError> {
    let query = Query { root: Root::Pipeline(plan.pipeline.clone()), hints: Vec::new() };
    // Every trace counts, however many there are.
    let search = Search::newest(query, with_backward_spans(view.range()), usize::MAX, 0);
    let scan = Scan::new(candidates_of(&search.query.root, plan.pipeline), search.order);
    let whole = Whole { engine, view, plan, span_bytes: scan.plan.bytes_per_span() };
    let split = SplitTraces::of(engine, view, &scan.plan).await?;
    let mut traces = Traces { whole, split: &split, n_traces: 0 };
    traces.add(split.candidates(&scan.plan, &search), sink).await?;
    for run in &view.live {
        let candidates = scan.live(run).await?;
        traces.add_of(&Unit::Live(Arc::clone(run)), candidates, sink).await?;
        // A live run needs no I/O: this is where a deadline or a client that left stops the pass.
        tokio::task::yield_now().await;
    }
    for entries in view.in_range().chunks(OPENING) {
        for block in engine.open_some(view, entries).await? {
            let row_groups = scan.row_groups(&block)?;
            let reads =
                row_groups.into_iter().map(|row_group| {
                    let (scan, block) = (&scan, &block);
                    async move {
                        Ok::<_, QueryError>((row_group, scan.row_group(block, row_group).await?))
                    }
                });
            // Nothing is waited for between the reads: one that is not polled keeps its core.
            let reads = stream::iter(reads).buffered(SIDE_BY_SIDE_MAX).boxed();
            let found: Vec<(usize, Vec<Candidate>)> = reads.try_collect().await?;
            for (row_group, candidates) in found {
                let unit = Unit::Block(Arc::clone(&block), row_group);
                traces.add_of(&unit, candidates, sink).await?;
            }
        }
    }
    let mut inspected = SearchInspected::default();
    scan.counters.report(&mut inspected);
    inspected.traces = traces.n_traces;
    inspected.split_traces = split.len() as u64;
    Ok(inspected)
}

/// A range that traces overlap although the clock of a span that starts in it went back before it ended.
fn with_backward_spans(range: TimeRange) -> TimeRange {
    let start_unix_nanos = range.start_unix_nanos.saturating_sub(SPLIT_NANOS_MAX);
    TimeRange { start_unix_nanos, ..range }
}

/// Candidates on their way into the series.
struct Traces<'a> {
    whole: Whole<'a>,
    split: &'a SplitTraces,
    n_traces: u64,
}

impl Traces<'_> {
    /// Adds those of one unit, but for what is split, and for traces of which no span starts in the range.
    async fn add_of(
        &mut self,
        unit: &Unit,
        mut found: Vec<Candidate>,
        sink: &mut Sink,
    ) -> Result<(), QueryError> {
        found.retain(|candidate| !self.split.contains(candidate.trace_id));
        if found.is_empty() {
            return Ok(());
        }
        let starts = Starts::of(unit).await?;
        let intervals = UnitIntervals::of(&self.whole.plan.settings.intervals, &starts.nanos);
        let Some(intervals) = intervals else { return Ok(()) };
        if !intervals.all_inside {
            let inside = |row: usize| intervals.index(starts.nanos[row]).is_some();
            let traces = unit.traces_of(&RowMask::collect_bool(starts.nanos.len(), inside))?;
            let inside: HashSet<TraceId> = traces.iter().map(|trace| trace.trace_id).collect();
            found.retain(|candidate| inside.contains(&candidate.trace_id));
        }
        self.add(found, sink).await
    }

    async fn add(&mut self, found: Vec<Candidate>, sink: &mut Sink) -> Result<(), QueryError> {
        let mut left = found.as_slice();
        while !left.is_empty() {
            let (some, rest) = left.split_at(n_together(left));
            let ids: Vec<TraceId> = some.iter().map(|candidate| candidate.trace_id).collect();
            self.whole.add(&ids, sink).await?;
            self.n_traces += ids.len() as u64;
            left = rest;
        }
        Ok(())
    }
}

/// How many of the first ones are gathered together; at least one.
fn n_together(candidates: &[Candidate]) -> usize {
    let mut n_spans = 0;
    let fits = |candidate: &&Candidate| {
        n_spans += candidate.n_rows as usize;
        n_spans <= GATHERED_SPANS_MAX
    };
    candidates.iter().take(GATHERED_TRACES_MAX).take_while(fits).count().max(1)
}

/// Finds the traces that the pipeline finds, and those for which it cannot be computed: whether a query has an
/// answer must not depend on where spans lie.
fn candidates_of(root: &Root, pipeline: &Pipeline) -> crate::plan::Plan {
    let mut fallible = Fallible::default();
    fallible.add_pipeline(pipeline);
    if fallible.outside_of_filters {
        return crate::plan::Plan::new(&Root::Pipeline(Pipeline { stages: Vec::new() }));
    }
    let mut plan = crate::plan::Plan::new(root);
    for [pass, fail] in fallible.filters {
        plan.or(Node::And(Box::new(pass), Box::new(Node::Not(Box::new(fail)))));
    }
    plan
}

/// What of a pipeline cannot be computed for some spans.
#[derive(Default)]
struct Fallible {
    /// Parts of filters, also of those that a plan does without, each with both answers where that is so.
    filters: Vec<[Node; 2]>,
    /// Whether a group or an aggregate may be such a part.
    outside_of_filters: bool,
}

impl Fallible {
    fn add_pipeline(&mut self, pipeline: &Pipeline) {
        for stage in &pipeline.stages {
            match stage {
                Stage::Spanset(expr) => self.add_spanset(expr),
                Stage::Group(expr) => self.outside_of_filters |= may_fail(expr),
                Stage::ScalarFilter(filter) => {
                    self.outside_of_filters |=
                        scalar_may_fail(&filter.lhs) || scalar_may_fail(&filter.rhs);
                }
                Stage::Coalesce | Stage::Select(_) => {}
            }
        }
    }

    fn add_spanset(&mut self, expr: &SpansetExpr) {
        match expr {
            SpansetExpr::Filter(filter) => {
                collect_fallible(&Node::compile(filter, true), &mut self.filters);
            }
            SpansetExpr::Pipeline(pipeline) => self.add_pipeline(pipeline),
            SpansetExpr::Operation { lhs, rhs, .. } => {
                self.add_spanset(lhs);
                self.add_spanset(rhs);
            }
        }
    }
}

fn scalar_may_fail(scalar: &ScalarExpr) -> bool {
    match scalar {
        ScalarExpr::Static(_) | ScalarExpr::Aggregate(Aggregate::Count) => false,
        ScalarExpr::Aggregate(Aggregate::Field { field, .. }) => may_fail(field),
        ScalarExpr::Operation { .. } | ScalarExpr::Pipeline { .. } => true,
    }
}
