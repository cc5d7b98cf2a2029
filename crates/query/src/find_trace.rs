//! A trace by its id.

use spandrel_model::{TenantId, Trace, TraceId};

use crate::gather::{Gather, SpanColumnsWanted};
use crate::trace_values::extent;
use crate::{QueryEngine, QueryError, TimeRange};

impl QueryEngine {
    /// All spans of a trace, each once, in depth-first order as far as parents are known; `None` when
    /// there is no such trace or it lies outside of the range. The trace is whole wherever its spans lie.
    /// Needs no range.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn find_trace(
        &self,
        tenant: &TenantId,
        trace_id: TraceId,
        range: TimeRange,
    ) -> Result<Option<Trace>, QueryError> {
        self.within_deadline(async {
            let view = self.view(tenant, range).await?;
            let gather = Gather { engine: self, view: &view, wanted: SpanColumnsWanted::All };
            let trace = gather.traces(&[trace_id]).await?.pop();
            Ok(trace.filter(|trace| {
                let (start, end) = extent(trace);
                range.overlaps(start, end)
            }))
        })
        .await
    }
}
