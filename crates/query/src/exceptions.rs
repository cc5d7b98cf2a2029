//! Exceptions: events of spans by OpenTelemetry's conventions, grouped by what makes them the same.
//!
//! Two exceptions are the same when their service, `exception.type` and first own frame are; without a stack trace
//! that tells one, when their messages are, but for numbers and ids. Every exception in the range is counted, once,
//! however often and wherever its span is stored. One belongs to the range when it happened in it and its span has a
//! moment there.
//!
//! Memory grows with the number of groups, of which there are at most ten thousand; what comes later is counted as
//! left out.

mod events;
mod fold;
mod frame;
mod groups;
mod scan;

use futures::future::BoxFuture;
use spandrel_model::{SpanId, TenantId, TraceId};
use spandrel_traceql::FieldExpr;

use crate::engine::View;
use crate::{QueryEngine, QueryError, TimeRange};
use groups::Groups;

/// Which exceptions are asked for.
#[derive(Debug, Clone, Copy)]
pub struct ExceptionsQuery<'a> {
    /// Of spans that pass this filter only.
    pub filter: Option<&'a FieldExpr>,
    /// When they happened.
    pub range: TimeRange,
    /// Into how many equal steps the range is divided, at least one.
    pub n_steps: usize,
    /// How many groups to return at most, those with the most exceptions.
    pub groups_max: usize,
}

/// The exceptions of a range.
#[derive(Debug, Clone, PartialEq)]
pub struct Exceptions {
    /// The most frequent first; of equal ones, the one that happened last.
    pub groups: Vec<ExceptionGroup>,
    /// Exceptions of other groups.
    pub left_out: u64,
    /// What the steps divide: the range that was asked for, as far as there are spans when it is open.
    pub range: TimeRange,
}

/// Exceptions that are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionGroup {
    /// `exception.type`; empty when none was sent.
    pub type_name: String,
    /// `exception.message` of the last one, shortened when long.
    pub message: String,
    /// The first own frame of the stack trace.
    pub frame: Option<String>,
    /// The service; empty when it has no name.
    pub service: String,
    /// How many.
    pub count: u64,
    /// When the first one happened.
    pub first_unix_nanos: i64,
    /// When the last one happened.
    pub last_unix_nanos: i64,
    /// How many in each step.
    pub series: Vec<u64>,
    /// The versions of the service, at most five, the one that was seen last first.
    pub versions: Vec<String>,
    /// Spans that have one, the newest first.
    pub examples: Vec<(TraceId, SpanId)>,
}

impl QueryEngine {
    /// The exceptions of a range.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn exceptions<'a>(
        &'a self,
        tenant: &'a TenantId,
        query: &'a ExceptionsQuery<'_>,
    ) -> BoxFuture<'a, Result<Exceptions, QueryError>> {
        Box::pin(self.within_deadline(async move {
            let view = self.view(tenant, query.range).await?;
            let mut groups = Groups::new(bounded(&view), query.n_steps.max(1))?;
            scan::scan(self, &view, query.filter, &mut groups).await?;
            Ok(groups.finish(query))
        }))
    }
}

/// The range of a view; where it is open, from the first start to the last end that is there.
fn bounded(view: &View) -> TimeRange {
    let range = view.range();
    if range != TimeRange::ALL {
        return range;
    }
    let signed = |nanos: u64| i64::try_from(nanos).unwrap_or(i64::MAX);
    let stored = view.entries.iter();
    let stored =
        stored.map(|entry| (signed(entry.min_start_unix_nanos), signed(entry.max_end_unix_nanos)));
    let live = view.live.iter().flat_map(|run| &run.arrangement().traces);
    let live = live.map(|trace| (trace.start_unix_nanos, trace.end_unix_nanos));
    let found = stored.chain(live).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let (start_unix_nanos, end_unix_nanos) = found.unwrap_or((0, 0));
    TimeRange { start_unix_nanos, end_unix_nanos: end_unix_nanos.max(start_unix_nanos) }
}
