//! Parts of one trace, and one trace out of several tenants' parts.

use futures::future::BoxFuture;
use hashbrown::{HashMap, HashSet};
use spandrel_base::cpu;
use spandrel_model::{Span, SpanId, Trace};
use spandrel_trace_values::TraceValues;
use spandrel_traceql::{Attribute, FieldExpr, Scope};

use crate::trace_spans::read_rows;
use crate::{QueryEngine, QueryError, TraceSpans, memory};

/// What a span takes as values without its attributes, about.
const SPAN_VALUE_BYTES: usize = 2 * size_of::<Span>();
/// Spans that are whole values at the same time.
const PIECE_SPANS: usize = 4096;

/// Which spans of a trace are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct SpansKept {
    /// Those that pass this filter,
    pub filter: FieldExpr,
    /// so many generations of spans above each of them,
    pub ancestors: Generations,
    /// and so many below.
    pub descendants: Generations,
}

/// How far relatives are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generations {
    /// At most so many generations away; 0 is none.
    UpTo(u32),
    /// However far away.
    All,
}

impl Generations {
    /// One generation fewer; `None` when there is none left.
    fn less_one(self) -> Option<Self> {
        match self {
            Self::All => Some(Self::All),
            Self::UpTo(n) => n.checked_sub(1).map(Self::UpTo),
        }
    }
}

impl QueryEngine {
    /// A trace without the spans that are not kept; `None` when no span is.
    ///
    /// # Errors
    /// [`QueryError`], among them that the filter cannot be computed for some span.
    pub fn keep_spans(
        &self,
        trace: TraceSpans,
        kept: SpansKept,
    ) -> BoxFuture<'_, Result<Option<TraceSpans>, QueryError>> {
        Box::pin(self.within_deadline(async move {
            let _held = memory::reserve(trace.n_spans().saturating_mul(SPAN_VALUE_BYTES))?;
            cpu::run(move || keep(trace, &kept)).await?
        }))
    }

    /// One trace out of what several tenants have of it: every span once.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn join_traces(
        &self,
        traces: Vec<TraceSpans>,
    ) -> BoxFuture<'_, Result<Option<TraceSpans>, QueryError>> {
        Box::pin(async move {
            if traces.len() < 2 {
                return Ok(traces.into_iter().next());
            }
            let joining = async {
                let held = memory::reserve(traces.iter().map(TraceSpans::size_bytes).sum())?;
                let joined = cpu::run(move || TraceSpans::join(traces)).await??;
                Ok(joined.map(|trace| trace.holding(held)))
            };
            self.within_deadline(joining).await
        })
    }
}

fn keep(mut trace: TraceSpans, kept: &SpansKept) -> Result<Option<TraceSpans>, QueryError> {
    let attributes: Vec<&Attribute> = kept.filter.attributes().collect();
    let mut values = Vec::with_capacity(trace.n_spans());
    for rows in trace.order.chunks(PIECE_SPANS) {
        let mut spans = read_rows(&trace.spans, rows)?;
        spans.iter_mut().for_each(|span| strip(span, &attributes));
        values.append(&mut spans);
    }
    let values = Trace { trace_id: trace.trace_id, spans: values };
    let matching = TraceValues::new(&values, attributes.iter().copied()).matching(&kept.filter)?;
    let mut is_kept = vec![false; values.spans.len()];
    matching.iter().for_each(|&index| is_kept[index] = true);
    let seeds: Vec<SpanId> = matching.iter().map(|&index| values.spans[index].span_id).collect();
    let (mut parents, mut children) = (Relatives::new(), Relatives::new());
    for span in &values.spans {
        if let Some(parent) = span.parent_span_id {
            parents.entry(span.span_id).or_default().push(parent);
            children.entry(parent).or_default().push(span.span_id);
        }
    }
    let above = within_reach(&seeds, kept.ancestors, &parents);
    let below = within_reach(&seeds, kept.descendants, &children);
    for (span, is_kept) in values.spans.iter().zip(&mut is_kept) {
        *is_kept |= above.contains(&span.span_id) || below.contains(&span.span_id);
    }
    let mut is_kept = is_kept.into_iter();
    trace.order.retain(|_| is_kept.next().unwrap_or(false));
    Ok((!trace.order.is_empty()).then_some(trace))
}

/// Ids of related spans, by the id of a span. Several spans may share an id.
type Relatives = HashMap<SpanId, Vec<SpanId>>;

/// The ids that are reached from the seeds. Breadth first, so that each id is found by its shortest way.
fn within_reach(seeds: &[SpanId], reach: Generations, relatives: &Relatives) -> HashSet<SpanId> {
    let mut reached = HashSet::new();
    let (mut now, mut left) = (seeds.to_vec(), reach.less_one());
    while let (false, Some(behind)) = (now.is_empty(), left) {
        let next = now.iter().filter_map(|id| relatives.get(id)).flatten();
        let next: Vec<SpanId> = next.copied().collect();
        // A cycle ends where it began.
        now = next.into_iter().filter(|id| reached.insert(*id)).collect();
        left = behind.less_one();
    }
    reached
}

/// Leaves out what the filter does not look at.
fn strip(span: &mut Span, attributes: &[&Attribute]) {
    let reads = |scopes: &[Scope], key: &str| {
        attributes.iter().any(|attribute| {
            matches!(attribute, Attribute::Scoped { scope, name, .. }
                if scopes.contains(scope) && name == key)
        })
    };
    span.attributes.retain(|a| reads(&[Scope::None, Scope::Span], &a.key));
    for event in &mut span.events {
        event.attributes.retain(|a| reads(&[Scope::Event], &a.key));
    }
    for link in &mut span.links {
        link.attributes.retain(|a| reads(&[Scope::Link], &a.key));
    }
}
