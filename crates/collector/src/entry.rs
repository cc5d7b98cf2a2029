//! The two ends of a pipeline, where its spans are counted, and what is exchanged when a configuration changes.

use std::sync::Arc;
use std::time::Duration;

use spandrel_pipeline::{Accepted, Account, ConsumeError, TraceBatch, TraceConsumer};
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};

/// What receivers and connectors hold instead of what they hand spans to, so that it can be exchanged while spans
/// come. Whoever exchanges it waits for the batches that are on their way, and new ones wait for it.
#[derive(Clone)]
pub(crate) struct Switch(Arc<RwLock<Arc<dyn TraceConsumer>>>);

/// A switch that nobody passes.
pub(crate) type Held = OwnedRwLockWriteGuard<Arc<dyn TraceConsumer>>;

impl Switch {
    pub(crate) fn new(next: Arc<dyn TraceConsumer>) -> Self {
        Self(Arc::new(RwLock::new(next)))
    }

    /// Returns when no batch is on its way; none passes until what is returned is dropped.
    pub(crate) async fn hold(&self) -> Held {
        Arc::clone(&self.0).write_owned().await
    }

    /// Batches that come from now on go to `next`, those on their way to where they were going.
    pub(crate) async fn lead_to(&self, next: Arc<dyn TraceConsumer>) {
        *self.0.write().await = next;
    }
}

#[async_trait::async_trait]
impl TraceConsumer for Switch {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let next = self.0.read().await;
        next.consume(batch).await
    }
}

/// Stands where a pipeline was that is gone, or that could not be started.
pub(crate) struct Closed;

#[async_trait::async_trait]
impl TraceConsumer for Closed {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        Err(ConsumeError::Unavailable {
            message: "the configuration is being changed".to_owned(),
            retry_after: Duration::from_secs(1),
            spans: batch.traces.span_count(),
        })
    }
}

/// The begin of a pipeline.
pub(crate) struct Entry {
    account: Account,
    next: Arc<dyn TraceConsumer>,
}

impl Entry {
    pub(crate) fn new(account: Account, next: Arc<dyn TraceConsumer>) -> Self {
        Self { account, next }
    }
}

#[async_trait::async_trait]
impl TraceConsumer for Entry {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let spans = batch.traces.span_count();
        self.account.received(spans);
        let answer = self.next.consume(batch).await;
        match &answer {
            Ok(accepted) => self.account.refused(accepted.rejected_spans),
            Err(_) => self.account.refused(spans),
        }
        answer
    }
}

/// The end of a pipeline, before exporters and connectors.
pub(crate) struct Exit {
    account: Account,
    next: Arc<dyn TraceConsumer>,
}

impl Exit {
    pub(crate) fn new(account: Account, next: Arc<dyn TraceConsumer>) -> Self {
        Self { account, next }
    }
}

#[async_trait::async_trait]
impl TraceConsumer for Exit {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let spans = batch.traces.span_count();
        let answer = self.next.consume(batch).await;
        if let Ok(accepted) = &answer {
            self.account.sent(spans.saturating_sub(accepted.rejected_spans));
        }
        answer
    }
}
