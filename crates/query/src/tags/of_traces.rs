//! Names and values on spans that pass a filter which looks at more than one span: as in a search, candidates come
//! from the columns, and each is decided on its complete trace.

use hashbrown::HashSet;
use spandrel_model::{Span, Trace, TraceId};
use spandrel_trace_values::TraceValues;
use spandrel_traceql::ast::{Pipeline, Root, SpansetExpr, Stage};
use spandrel_traceql::{Attribute, FieldExpr, Query};

use super::walk::{Collect, Walk, WantedOfTraces};
use crate::gather::Gather;
use crate::plan::Plan;
use crate::scan::{Candidate, Scan};
use crate::split::SplitTraces;
use crate::{QueryError, Search, TimeRange, memory};

/// Traces and spans that are gathered at a time.
const GATHERED_TRACES_MAX: usize = 1024;
const GATHERED_SPANS_MAX: usize = 64 * 1024;
/// Memory of one known trace id, with the room that a hash set leaves free.
const KNOWN_ID_BYTES: usize = 2 * size_of::<TraceId>();

/// Collects from everything in the view's range, until it is full.
pub(super) async fn walk(
    walk: &mut Walk<'_>,
    filter: &FieldExpr,
    collect: &mut impl Collect,
) -> Result<(), QueryError> {
    let stages = vec![Stage::Spanset(SpansetExpr::Filter(filter.clone()))];
    let query = Query { root: Root::Pipeline(Pipeline { stages }), hints: Vec::new() };
    // Every trace counts, however many there are.
    let search = Search::newest(query, walk.view.range(), usize::MAX, 0);
    let scan = Scan::new(Plan::new(&search.query.root), search.order);
    let attributes: Vec<Attribute> = filter.attributes().cloned().collect();
    let wanted = collect.wanted(attributes);
    let mut decided = Decided { filter, wanted, ids: HashSet::new(), held: memory::reserve(0)? };
    for run in &walk.view.live {
        decided.decide(walk, scan.live(run).await?, collect).await?;
        if collect.is_full() {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
    let split = SplitTraces::of(walk.engine, walk.view, &scan.plan).await?;
    decided.decide(walk, split.candidates(&scan.plan, &search), collect).await?;
    if collect.is_full() {
        return Ok(());
    }
    walk.note_bytes(&scan.counters);
    walk.done(collect).await;
    for entry in walk.view.in_range() {
        let block = walk.engine.open(walk.view, entry).await?;
        for row_group in scan.row_groups(&block)? {
            let candidates = scan.row_group(&block, row_group).await?;
            decided.decide(walk, candidates, collect).await?;
            if collect.is_full() {
                return Ok(());
            }
        }
        walk.note_bytes(&scan.counters);
        walk.done(collect).await;
    }
    Ok(())
}

/// Traces that were decided.
struct Decided<'a> {
    filter: &'a FieldExpr,
    wanted: WantedOfTraces,
    ids: HashSet<TraceId>,
    held: spandrel_base::memory::Reservation,
}

impl Decided<'_> {
    async fn decide(
        &mut self,
        walk: &Walk<'_>,
        candidates: Vec<Candidate>,
        collect: &mut impl Collect,
    ) -> Result<(), QueryError> {
        let mut some = Vec::new();
        let mut n_spans = 0;
        // Only spans in the range count, and each is in a part of its trace that overlaps it.
        let range = walk.view.range();
        let candidates = candidates.into_iter();
        let mut candidates =
            candidates.filter(|next| range.overlaps(next.start, next.end)).peekable();
        while let Some(next) = candidates.next() {
            if self.ids.insert(next.trace_id) {
                self.held.try_grow(KNOWN_ID_BYTES)?;
                some.push(next.trace_id);
                n_spans += next.n_rows as usize;
            }
            let next_spans = candidates.peek().map_or(0, |next| next.n_rows as usize);
            let is_last = candidates.peek().is_none();
            let is_enough =
                some.len() >= GATHERED_TRACES_MAX || n_spans + next_spans > GATHERED_SPANS_MAX;
            if !some.is_empty() && (is_last || is_enough) {
                let gather =
                    Gather { engine: walk.engine, view: walk.view, wanted: self.wanted.columns() };
                for trace in gather.traces(&some).await? {
                    let mut indexes = passing_spans(&trace, self.filter);
                    indexes.retain(|index| is_inside(walk.view.range(), &trace.spans[*index]));
                    collect.spans(&trace, &indexes);
                }
                some.clear();
                n_spans = 0;
            }
            if collect.is_full() {
                break;
            }
        }
        Ok(())
    }
}

/// Whether a moment of the span lies in the range.
fn is_inside(range: TimeRange, span: &Span) -> bool {
    range.overlaps(span.start_unix_nanos.cast_signed(), span.end_unix_nanos.cast_signed())
}

/// The spans that pass; one for which the filter cannot be computed does not.
fn passing_spans(trace: &Trace, filter: &FieldExpr) -> Vec<usize> {
    let values = TraceValues::new(trace, filter.attributes());
    let passes =
        |index: &usize| spandrel_traceql::matches(filter, &values.span(*index)).unwrap_or(false);
    (0..trace.spans.len()).filter(passes).collect()
}
