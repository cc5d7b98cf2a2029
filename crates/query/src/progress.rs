//! How far a running query is, for answers that are sent piece by piece.
//!
//! A query reports after each of its jobs: all live spans together are one job, each block in the time range is
//! another. It waits for whoever takes the reports, so that a slow client holds up its query and nothing else;
//! the deadline of the query goes on meanwhile.

use futures::future::BoxFuture;
use spandrel_model::TenantId;
use tokio::sync::mpsc;

use crate::{QueryEngine, QueryError, Search, SearchAnswer, SearchInspected, TraceMatch};

/// Where a query reports to.
#[derive(Debug, Clone)]
pub struct Progress<T>(Option<mpsc::Sender<T>>);

impl<T> Progress<T> {
    /// Nobody watches; nothing is computed for reports.
    pub fn unwatched() -> Self {
        Self(None)
    }

    /// Somebody watches, who has at most so many reports waiting.
    ///
    /// # Panics
    /// When `waiting_max` is 0.
    pub fn watched(waiting_max: usize) -> (Self, mpsc::Receiver<T>) {
        let (sender, receiver) = mpsc::channel(waiting_max);
        (Self(Some(sender)), receiver)
    }

    /// Reports, once there is room. Without a watcher, or when it has left, nothing happens: a query whose client
    /// left is dropped by whoever asked it.
    pub(crate) async fn report(&self, report: impl FnOnce() -> T) {
        if let Some(sender) = &self.0 {
            drop(sender.send(report()).await);
        }
    }

    fn is_watched(&self) -> bool {
        self.0.is_some()
    }
}

/// Jobs of a query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Jobs {
    /// Done to the end. Fewer than all when a limit of the answer was reached before.
    pub done: u64,
    /// All of them.
    pub total: u64,
}

/// What a search has found since its last report.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchReport {
    /// Traces that are certain to be in the answer, in its order; each is reported once.
    pub traces: Vec<TraceMatch>,
    /// What it took until now.
    pub inspected: SearchInspected,
    /// How far the search is.
    pub jobs: Jobs,
}

impl QueryEngine {
    /// As [`QueryEngine::search`], reporting what is certain before it ends. The answer has everything, with
    /// the traces that were reported first.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn search_reporting<'a>(
        &'a self,
        tenant: &'a TenantId,
        search: &'a Search,
        progress: &'a Progress<SearchReport>,
    ) -> BoxFuture<'a, Result<SearchAnswer, QueryError>> {
        Box::pin(
            self.within_deadline(crate::matched::search_reporting(self, tenant, search, progress)),
        )
    }
}

/// Tells which of the traces that a search has found are certain to be in its answer.
pub(crate) struct SearchWatch<'a> {
    progress: &'a Progress<SearchReport>,
    /// How many of the best were reported; they stay the best.
    n_reported: usize,
    jobs: Jobs,
}

impl<'a> SearchWatch<'a> {
    pub(crate) fn new(progress: &'a Progress<SearchReport>, n_blocks: u64) -> Self {
        Self { progress, n_reported: 0, jobs: Jobs { done: 0, total: 1 + n_blocks } }
    }

    /// Reports after `n_jobs` more are done. `best` are the traces found so far with their ranks, in the order of
    /// the answer; no trace that is still to come has a rank above `best_left`.
    pub(crate) async fn done(
        &mut self,
        n_jobs: u64,
        best_left: i64,
        best: impl Iterator<Item = (i64, &'_ TraceMatch)>,
        inspected: impl FnOnce() -> SearchInspected,
    ) {
        self.jobs.done = self.jobs.total.min(self.jobs.done + n_jobs);
        if !self.progress.is_watched() {
            return;
        }
        let certain = best.take_while(|(rank, _)| *rank > best_left);
        let traces: Vec<TraceMatch> =
            certain.skip(self.n_reported).map(|(_, found)| found.clone()).collect();
        self.n_reported += traces.len();
        let jobs = self.jobs;
        self.progress.report(|| SearchReport { traces, inspected: inspected(), jobs }).await;
    }
}
