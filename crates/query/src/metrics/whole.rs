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
use crate::QueryError;
use crate::gather::{Gather, SpanColumnsWanted};

/// Traces that are gathered at a time, which bounds what is held.
const TRACES_AT_A_TIME: usize = 512;

/// Adds the traces that the columnar pass has left out.
pub(super) async fn add_traces(scan: &Scan<'_>, sink: &mut Sink) -> Result<(), QueryError> {
    for ids in scan.apart.traces().chunks(TRACES_AT_A_TIME) {
        add_some(scan, ids, sink).await?;
        sink.hold()?;
    }
    Ok(())
}

async fn add_some(scan: &Scan<'_>, ids: &[TraceId], sink: &mut Sink) -> Result<(), QueryError> {
    let plan = scan.plan;
    let compares = matches!(plan.aggregate.function, MetricsFunction::Compare { .. });
    let wanted = if compares || plan.settings.extrapolate {
        SpanColumnsWanted::All
    } else {
        SpanColumnsWanted::For(&plan.attributes)
    };
    let gather = Gather { engine: scan.engine, view: scan.view, wanted };
    for trace in gather.traces(ids).await? {
        add_trace(plan, &trace, sink)?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

fn add_trace(plan: &Plan<'_>, trace: &Trace, sink: &mut Sink) -> Result<(), QueryError> {
    let values = TraceValues::new(trace, plan.attributes.iter());
    for index in matching_spans(plan, &values, trace)? {
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

/// The spans of a whole trace that the pipeline yields and that are in the time range, by index.
fn matching_spans(
    plan: &Plan<'_>,
    values: &TraceValues<'_>,
    trace: &Trace,
) -> Result<Vec<usize>, QueryError> {
    let mut matching = Vec::new();
    for (index, span) in trace.spans.iter().enumerate() {
        let start = span.start_unix_nanos.cast_signed();
        if plan.settings.intervals.of(start).is_some()
            && spandrel_traceql::matches(&plan.filter.expr, &values.span(index))?
        {
            matching.push(index);
        }
    }
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
