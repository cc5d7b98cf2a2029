//! A trace by its id.

use futures::future::BoxFuture;
use spandrel_model::{TenantId, TraceId};

use crate::gather::{Gather, SpanColumnsWanted};
use crate::{QueryEngine, QueryError, TimeRange, TraceSpans};

impl QueryEngine {
    /// All spans of a trace, each once, in depth-first order as far as parents are known; `None` when
    /// there is no such trace or it lies outside of the range. The trace is whole wherever its spans lie.
    /// Needs no range.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn find_trace<'a>(
        &'a self,
        tenant: &'a TenantId,
        trace_id: TraceId,
        range: TimeRange,
    ) -> BoxFuture<'a, Result<Option<TraceSpans>, QueryError>> {
        Box::pin(self.within_deadline(async move {
            let view = self.view(tenant, range).await?;
            let gather = Gather { engine: self, view: &view, wanted: SpanColumnsWanted::All };
            let trace = gather.all_columns(trace_id).await?;
            Ok(trace.filter(|trace| {
                let (start, end) = trace.extent();
                range.overlaps(start, end)
            }))
        }))
    }
}
