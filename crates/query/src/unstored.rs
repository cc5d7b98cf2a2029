//! Traces out of spans that are stored nowhere, such as those of a file that somebody looks at.

use spandrel_columns::SpanColumns;
use spandrel_columns::arrange::{TraceFacts, arrange};

use crate::trace_spans::{push_spans, read_rows};
use crate::{QueryError, TraceSpans};

/// The traces that some spans are of, the one that starts first first; each is made when it is asked for.
pub fn unstored_traces(
    spans: &SpanColumns,
) -> impl ExactSizeIterator<Item = Result<TraceSpans, QueryError>> {
    let arrangement = arrange(spans);
    let mut traces = arrangement.traces;
    traces.sort_unstable_by_key(|trace| (trace.start_unix_nanos, trace.trace_id));
    let order = arrangement.order;
    traces.into_iter().map(move |trace| one(spans, &order, &trace))
}

fn one(spans: &SpanColumns, order: &[u32], trace: &TraceFacts) -> Result<TraceSpans, QueryError> {
    let rows = trace.first_row as usize..(trace.first_row + trace.n_rows) as usize;
    let rows = order.get(rows).unwrap_or_default();
    let mut own = SpanColumns::default();
    push_spans(trace.trace_id, read_rows(spans, rows)?, &mut own)?;
    TraceSpans::new(trace.trace_id, own, false)
}
