//! Sampled traces go to the next component.

use std::sync::Arc;
use std::time::Duration;

use spandrel_base::cpu;
use spandrel_pipeline::{ConsumeError, TraceBatch};
use tokio_util::sync::CancellationToken;

use super::Engine;
use crate::output::{Outgoing, encode};

/// Between two attempts, doubled each time, unless the next component says more.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(30);

impl Engine {
    /// Sends what is in the output, until `stop` is cancelled between two batches.
    pub(crate) async fn send_all(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let batch = tokio::select! {
                biased;
                batch = self.output.next() => batch,
                () = stop.cancelled() => return,
            };
            let batch = self.loaded(batch).await;
            let Err(err) = self.offer(&batch).await else { continue };
            if batch.len() == 1 {
                self.lose(&batch, &err);
                continue;
            }
            // One of them is to blame, and only that one shall go.
            for trace in batch {
                let alone = [trace];
                if let Err(err) = self.offer(&alone).await {
                    self.lose(&alone, &err);
                }
            }
        }
    }

    /// Reads back what is only on disk.
    async fn loaded(self: &Arc<Self>, mut batch: Vec<Outgoing>) -> Vec<Outgoing> {
        let in_memory = |trace: &Outgoing| trace.fragments.iter().all(|f| f.content().is_some());
        if batch.iter().all(in_memory) {
            return batch;
        }
        let engine = Arc::clone(self);
        let load = move || {
            for trace in &mut batch {
                let lost = engine.load_fragments(&mut trace.fragments);
                engine.output.forget(trace, lost);
            }
            batch
        };
        match cpu::run(load).await {
            Ok(batch) => batch,
            Err(error) => {
                tracing::error!(%error, "sampled traces could not be read back");
                Vec::new()
            }
        }
    }

    /// Offers a batch until the next component has taken it.
    ///
    /// # Errors
    /// Its answer when it will never take it.
    async fn offer(&self, batch: &[Outgoing]) -> Result<(), ConsumeError> {
        let Some(first) = batch.first() else { return Ok(()) };
        let tenant = self.tenants.name(first.tenant);
        let otlp = encode(batch);
        let mut backoff = BACKOFF_MIN;
        loop {
            let offered = TraceBatch::otlp(tenant.clone(), otlp.clone());
            let retry_after = match self.next.consume(offered).await {
                Ok(_) => {
                    self.settle(batch);
                    return Ok(());
                }
                Err(
                    ConsumeError::Unavailable { retry_after, .. }
                    | ConsumeError::OverLimit { retry_after, .. },
                ) => retry_after,
                Err(err) => return Err(err),
            };
            self.counters().retries.inc();
            let _waiting = self.output.sender_waits();
            tokio::time::sleep(backoff.max(retry_after.min(BACKOFF_MAX))).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    /// The next component has answered for good.
    fn settle(&self, batch: &[Outgoing]) {
        self.account.release(batch.iter().map(|trace| trace.spans).sum());
        let fragments = batch.iter().flat_map(|trace| &trace.fragments);
        self.finish_in_journal(&fragments.filter_map(|f| f.place).collect::<Vec<_>>());
        self.output.settle(batch);
        self.counters().buffered_bytes.set(self.buffered_bytes() as u64);
        self.room.notify_waiters();
    }

    fn lose(&self, batch: &[Outgoing], error: &ConsumeError) {
        let spans = batch.iter().map(|trace| trace.spans).sum();
        tracing::error!(spans, %error, "a sampled trace was refused for good");
        self.account.failed(spans);
        self.settle(batch);
    }
}
