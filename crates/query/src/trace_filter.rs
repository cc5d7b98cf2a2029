//! A query's decision about a trace, for tools that read traces themselves.

use spandrel_model::Trace;
use spandrel_trace_values::TraceValues;
use spandrel_traceql::{Attribute, FieldExpr, Query};

use crate::{QueryError, TimeRange};

/// Decides whether a search would find a trace.
#[derive(Debug, Clone)]
pub struct TraceFilter {
    filter: FieldExpr,
    attributes: Vec<Attribute>,
    range: TimeRange,
}

impl TraceFilter {
    /// The filter of a compiled query over the traces that overlap a range.
    ///
    /// # Errors
    /// [`QueryError::NotExecuted`] when the query is more than a spanset filter.
    pub fn new(query: &Query, range: TimeRange) -> Result<Self, QueryError> {
        let unexecuted = || query.first_unexecuted().unwrap_or("queries of this form");
        let filter = query.spanset_filter().ok_or_else(|| QueryError::NotExecuted(unexecuted()))?;
        let attributes = filter.attributes().cloned().collect();
        Ok(Self { filter: filter.clone(), attributes, range })
    }

    /// Whether a span of the trace, which has to be whole, passes.
    ///
    /// # Errors
    /// [`QueryError::Eval`] when the filter cannot be computed for some span.
    pub fn accepts(&self, trace: &Trace) -> Result<bool, QueryError> {
        let values = TraceValues::new(trace, self.attributes.iter());
        if !self.range.overlaps(values.start, values.end) {
            return Ok(false);
        }
        Ok(!values.matching(&self.filter)?.is_empty())
    }
}
