//! Whole traces that a search finds, one after the other into something that does not grow with them.

use spandrel_base::cpu;
use spandrel_model::{Span, TenantId, Trace, TraceId};
use spandrel_traceql::{Attribute, Intrinsic};

use crate::gather::{Gather, SpanColumnsWanted};
use crate::{QueryEngine, QueryError, Search, TraceMatch, memory};

/// Traces and spans that are gathered at a time. A trace with more spans is gathered alone.
const GATHERED_TRACES_MAX: usize = 512;
const GATHERED_SPANS_MAX: usize = 64 * 1024;
/// Traces of one search for those that are left out.
const PAGE_TRACES: usize = 10_000;
/// Traces beyond those that were asked for are counted up to this many.
const LEFT_OUT_MAX: u64 = 100_000;
/// About what a span takes besides its fixed part: its name, its place in trees.
const SPAN_BYTES: usize = 128;

/// What became of the traces.
#[derive(Debug, Clone)]
pub struct FoldedTraces<T> {
    /// What they were folded into.
    pub value: T,
    /// Traces that match, too, and that were not asked for.
    pub left_out: u64,
    /// Whether there may be more of them than were counted.
    pub left_out_more: bool,
}

impl QueryEngine {
    /// Folds the traces of a search, each whole, into one value. Of the spans it has ids, times, names, kinds, status
    /// and the name of the service.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn fold_traces<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        search: &Search,
        value: T,
        fold: fn(&mut T, &Trace),
    ) -> Result<FoldedTraces<T>, QueryError> {
        self.within_deadline(run(self, tenant, search, Fold { value, fold })).await
    }
}

struct Fold<T> {
    value: T,
    fold: fn(&mut T, &Trace),
}

async fn run<T: Send + 'static>(
    engine: &QueryEngine,
    tenant: &TenantId,
    search: &Search,
    Fold { mut value, fold }: Fold<T>,
) -> Result<FoldedTraces<T>, QueryError> {
    let answer = crate::matched::search(engine, tenant, search).await?;
    let view = engine.view(tenant, search.range).await?;
    let attributes = [Attribute::Intrinsic(Intrinsic::Kind)];
    let wanted = SpanColumnsWanted::For(&attributes);
    let gather = Gather { engine, view: &view, wanted };
    let mut left = answer.traces.as_slice();
    while !left.is_empty() {
        let (some, rest) = left.split_at(n_together(left));
        left = rest;
        let n_spans: usize = some.iter().map(n_spans).sum();
        let held = memory::reserve(n_spans.saturating_mul(size_of::<Span>() + SPAN_BYTES))?;
        let ids: Vec<TraceId> = some.iter().map(|found| found.trace_id).collect();
        let traces = gather.traces(&ids).await?;
        value = cpu::run(move || {
            let _held = held;
            traces.iter().for_each(|trace| fold(&mut value, trace));
            value
        })
        .await?;
    }
    let (left_out, left_out_more) = match answer.next {
        None => (0, false),
        Some(_) => {
            count_behind(engine, tenant, Search { after: answer.next, ..search.clone() }).await?
        }
    };
    Ok(FoldedTraces { value, left_out, left_out_more })
}

/// How many traces lie behind a position, and whether there may be more.
async fn count_behind(
    engine: &QueryEngine,
    tenant: &TenantId,
    search: Search,
) -> Result<(u64, bool), QueryError> {
    let mut search = Search { traces_max: PAGE_TRACES, spans_per_spanset: 0, ..search };
    let mut n = 0;
    while search.after.is_some() {
        if n >= LEFT_OUT_MAX {
            return Ok((n, true));
        }
        let page = crate::matched::search(engine, tenant, &search).await?;
        n += page.traces.len() as u64;
        search.after = page.next;
    }
    Ok((n, false))
}

/// How many of the first ones are gathered together; at least one.
fn n_together(traces: &[TraceMatch]) -> usize {
    let mut sum = 0;
    let fits = |found: &&TraceMatch| {
        sum += n_spans(found);
        sum <= GATHERED_SPANS_MAX
    };
    traces.iter().take(GATHERED_TRACES_MAX).take_while(fits).count().max(1)
}

/// Spans of the whole trace.
fn n_spans(found: &TraceMatch) -> usize {
    found.services.values().map(|service| service.n_spans as usize).sum()
}
