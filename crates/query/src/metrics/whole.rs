//! Traces that are evaluated whole: every span once, with the values that the language gives it.

use spandrel_model::{Span, Trace, TraceId};
use spandrel_retention::weight;
use spandrel_series::ExemplarSpan;
use spandrel_trace_values::TraceValues;
use spandrel_traceql::ast::MetricsFunction;

use super::compare;
use super::leaf::Sink;
use super::plan::Plan;
use super::scan::Scan;
use crate::engine::View;
use crate::gather::{Gather, SpanColumnsWanted};
use crate::{QueryEngine, QueryError, memory};

/// Traces that are gathered at a time, which bounds what is held.
const TRACES_AT_A_TIME: usize = 512;

/// Adds the traces that the columnar pass has left out.
pub(super) async fn add_traces(scan: &Scan<'_>, sink: &mut Sink) -> Result<(), QueryError> {
    let whole = Whole { engine: scan.engine, view: scan.view, plan: scan.plan, span_bytes: 0 };
    for ids in scan.apart.traces().chunks(TRACES_AT_A_TIME) {
        whole.add(ids, sink).await?;
    }
    Ok(())
}

/// Traces of a view, gathered and evaluated.
pub(super) struct Whole<'a> {
    pub(super) engine: &'a QueryEngine,
    pub(super) view: &'a View,
    pub(super) plan: &'a Plan<'a>,
    /// What each span takes while a pipeline is evaluated.
    pub(super) span_bytes: usize,
}

impl Whole<'_> {
    /// Adds these traces.
    pub(super) async fn add(&self, ids: &[TraceId], sink: &mut Sink) -> Result<(), QueryError> {
        let plan = self.plan;
        let compares = matches!(plan.aggregate.function, MetricsFunction::Compare { .. });
        let wanted = if compares || plan.settings.extrapolate {
            SpanColumnsWanted::All
        } else {
            SpanColumnsWanted::For(&plan.attributes)
        };
        let gather = Gather { engine: self.engine, view: self.view, wanted };
        for trace in gather.traces(ids).await? {
            let _held = memory::reserve(self.span_bytes * trace.spans.len())?;
            add_trace(plan, &trace, sink)?;
            tokio::task::yield_now().await;
        }
        sink.hold()
    }
}

fn add_trace(plan: &Plan<'_>, trace: &Trace, sink: &mut Sink) -> Result<(), QueryError> {
    let is_inside =
        |span: &Span| plan.settings.intervals.of(span.start_unix_nanos.cast_signed()).is_some();
    let inside: Vec<bool> = trace.spans.iter().map(is_inside).collect();
    // A trace of which nothing counts cannot keep the query from having an answer either.
    if !inside.contains(&true) {
        return Ok(());
    }
    let values = TraceValues::new(trace, plan.attributes.iter());
    for index in matching_spans(plan, &values, &inside)? {
        let (span, own) = (&trace.spans[index], values.span(index));
        let start = span.start_unix_nanos.cast_signed();
        match sink {
            Sink::Series(partial, _) => {
                let weight =
                    if plan.settings.extrapolate { weight(&span.trace_state) } else { 1.0 };
                let exemplar = (plan.settings.exemplars_max > 0).then(|| exemplar_of(span));
                partial.observe(&own, start, weight, exemplar);
            }
            Sink::Comparison(comparison, _) => {
                let selected = compare::is_selected(plan, &own, start);
                compare::add_span(plan, span, &own, selected, comparison);
            }
        }
    }
    Ok(())
}

/// The spans of a whole trace that the pipeline yields and that are in the time range, by index, each once.
fn matching_spans(
    plan: &Plan<'_>,
    values: &TraceValues<'_>,
    inside: &[bool],
) -> Result<Vec<usize>, QueryError> {
    let mut matching = Vec::new();
    if let Some(filter) = plan.filter() {
        for index in (0..inside.len()).filter(|index| inside[*index]) {
            if spandrel_traceql::matches(filter, &values.span(index))? {
                matching.push(index);
            }
        }
        return Ok(matching);
    }
    for spanset in values.pipeline(plan.pipeline)? {
        let spans = spanset.spans.into_iter().map(|index| index as usize);
        matching.extend(spans.filter(|index| inside[*index]));
    }
    // Several spansets may have a span in common.
    matching.sort_unstable();
    matching.dedup();
    Ok(matching)
}

fn exemplar_of(span: &Span) -> ExemplarSpan {
    ExemplarSpan {
        trace_id: span.trace_id,
        span_id: span.span_id,
        start_unix_nanos: span.start_unix_nanos.cast_signed(),
        value: None,
    }
}
