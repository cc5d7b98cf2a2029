//! Live tail: spans as they are acknowledged.
//!
//! Nothing is done when spans arrive. A tail looks at the live runs when it is asked, and knows by their positions what
//! it has seen; so it costs nothing when nobody looks, and cannot hold anybody up. Spans that became blocks between two
//! looks are counted as missed.
//!
//! A condition on a whole trace is decided by what has arrived of it in the same run.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::future::BoxFuture;
use spandrel_columns::SpanColumns;
use spandrel_ingest::LiveRun;
use spandrel_model::{SpanId, StatusCode, TenantId, TraceId};
use spandrel_traceql::FieldExpr;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::filter::{Node, RowMask};
use crate::scan::{Counters, passing_rows};
use crate::unit::Unit;
use crate::{QueryEngine, QueryError};

/// Tails at the same time.
const TAILS_MAX: usize = 64;

/// Places for tails.
pub(crate) struct Tails(Arc<Semaphore>);

impl Tails {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(TAILS_MAX)))
    }
}

/// Somebody who watches what arrives.
pub struct LiveTail {
    engine: Arc<QueryEngine>,
    tenant: TenantId,
    node: Node,
    service: Option<String>,
    /// The position of the first span that was not looked at.
    next: u64,
    _place: OwnedSemaphorePermit,
}

/// What has arrived since the last look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tailed {
    /// The last ones that pass, in the order of arrival.
    pub spans: Vec<TailedSpan>,
    /// How many passed, those that are not among them included.
    pub passed: u64,
    /// Spans that were not looked at, because they were in blocks before anybody could.
    pub missed: u64,
}

/// A span that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailedSpan {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// Its service; empty when it has no name.
    pub service: String,
    /// Its name.
    pub name: String,
    /// When it began.
    pub start_unix_nanos: i64,
    /// End minus start.
    pub duration_nanos: i64,
    /// Whether its status is error.
    pub is_error: bool,
    /// Whether it has no parent.
    pub is_root: bool,
}

impl QueryEngine {
    /// A tail of a tenant's spans from now on: those that pass the filter, and are of the service.
    ///
    /// # Errors
    /// [`QueryError::TooManyTails`]; [`QueryError::Store`] when the tenant cannot be opened.
    pub fn live_tail<'a>(
        self: &'a Arc<Self>,
        tenant: &'a TenantId,
        filter: Option<&'a FieldExpr>,
        service: Option<&'a str>,
    ) -> BoxFuture<'a, Result<LiveTail, QueryError>> {
        Box::pin(async move {
            let place = Arc::clone(&self.tails.0).try_acquire_owned();
            let place = place.map_err(|_none| QueryError::TooManyTails { max: TAILS_MAX })?;
            Ok(LiveTail {
                engine: Arc::clone(self),
                tenant: tenant.clone(),
                node: filter.map_or(Node::Const(true), |filter| Node::compile(filter, false)),
                service: service.map(str::to_owned),
                next: self.store.snapshot(tenant).await?.n_published,
                _place: place,
            })
        })
    }
}

impl LiveTail {
    /// What has arrived since the last look, at most so many spans of it; `None` when nothing will any more because the
    /// process is going down.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn look(&mut self, spans_max: usize) -> BoxFuture<'_, Result<Option<Tailed>, QueryError>> {
        Box::pin(async move {
            let engine = Arc::clone(&self.engine);
            if engine.store.is_stopping() {
                return Ok(None);
            }
            engine.within_deadline(self.look_at_live(spans_max)).await.map(Some)
        })
    }

    async fn look_at_live(&mut self, spans_max: usize) -> Result<Tailed, QueryError> {
        let snapshot = self.engine.store.snapshot(&self.tenant).await?;
        let mut found = Tailed::default();
        let mut last = VecDeque::new();
        for run in snapshot.live {
            let first = run.first_position();
            let end = first + u64::from(run.spans().len());
            if end <= self.next {
                continue;
            }
            found.missed += first.saturating_sub(self.next);
            let seen = usize::try_from(self.next.saturating_sub(first)).unwrap_or(usize::MAX);
            let passing = self.passing(&run).await?;
            for row in passing.set_indices().filter(|row| *row >= seen) {
                found.passed += 1;
                last.push_back(tailed(run.spans(), row));
                if last.len() > spans_max {
                    last.pop_front();
                }
            }
            self.next = end;
            // Nothing here waits for anything: others may need the core.
            tokio::task::yield_now().await;
        }
        found.missed += snapshot.n_published.saturating_sub(self.next);
        self.next = snapshot.n_published.max(self.next);
        found.spans = last.into();
        Ok(found)
    }

    async fn passing(&self, run: &Arc<LiveRun>) -> Result<RowMask, QueryError> {
        let unit = Unit::Live(Arc::clone(run));
        let passing = passing_rows(&self.node, &unit, &Counters::default()).await?;
        let Some(service) = &self.service else { return Ok(passing) };
        let spans = run.spans();
        let resources = spans.resource_table.values().iter();
        let wanted: Vec<bool> =
            resources.map(|resource| resource.service_name() == Some(service)).collect();
        let of_service =
            spans.resources.iter().map(|owner| wanted.get(*owner as usize) == Some(&true));
        Ok(&passing & &of_service.collect())
    }
}

fn tailed(spans: &SpanColumns, row: usize) -> TailedSpan {
    let resource = spans.resource_table.values().get(spans.resources[row] as usize);
    let service = resource.and_then(|resource| resource.service_name()).unwrap_or_default();
    TailedSpan {
        trace_id: spans.trace_ids[row],
        span_id: spans.span_ids[row],
        service: service.to_owned(),
        name: spans.name_dictionary.get(spans.names[row]).to_owned(),
        start_unix_nanos: spans.start_unix_nanos[row],
        duration_nanos: spans.duration_nanos[row],
        is_error: spans.status_codes[row] == StatusCode::Error as u8,
        is_root: spans.parent_span_ids[row].is_zero(),
    }
}
