//! A query's decision about a trace, for tools that read traces themselves.

use spandrel_model::Trace;
use spandrel_trace_values::TraceValues;
use spandrel_traceql::ast::Root;
use spandrel_traceql::{Attribute, Query};

use crate::{QueryError, TimeRange};

/// Decides whether a search would find a trace.
#[derive(Debug, Clone)]
pub struct TraceFilter {
    root: Root,
    attributes: Vec<Attribute>,
    range: TimeRange,
}

impl TraceFilter {
    /// What a compiled query finds among the traces that overlap a range.
    ///
    /// # Errors
    /// [`QueryError::NotExecuted`] when the query is for metrics.
    pub fn new(query: &Query, range: TimeRange) -> Result<Self, QueryError> {
        if let Root::Metrics(_) = &query.root {
            return Err(QueryError::NotExecuted("metrics queries"));
        }
        let attributes = query.attributes().into_iter().cloned().collect();
        Ok(Self { root: query.root.clone(), attributes, range })
    }

    /// Whether the query finds spans in the trace, which has to be whole.
    ///
    /// # Errors
    /// [`QueryError::Eval`] when the query cannot be computed for some span.
    pub fn accepts(&self, trace: &Trace) -> Result<bool, QueryError> {
        let values = TraceValues::new(trace, self.attributes.iter());
        if !self.range.overlaps(values.start, values.end) {
            return Ok(false);
        }
        Ok(!values.query(&self.root)?.is_empty())
    }
}
