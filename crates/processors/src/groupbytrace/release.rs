//! The task that hands on traces when they are due.

use std::time::Duration;

use spandrel_pipeline::{ConsumeError, TraceBatch};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::store::{Held, TraceKey};

impl Shared {
    /// Hands on what is due until the token is cancelled, then everything.
    pub(super) async fn run(&self, token: CancellationToken) {
        while !token.is_cancelled() {
            let now = self.context.clock.monotonic();
            let (due, is_crowded) = {
                let store = self.store.lock();
                (store.next_due(), store.len() > self.settings.num_traces)
            };
            let wait = due.map(|due| due.saturating_sub(now));
            if is_crowded || wait.is_some_and(|wait| wait.is_zero()) {
                let is_early = wait.is_some_and(|wait| !wait.is_zero());
                self.release_oldest(is_early, Some(&token)).await;
                continue;
            }
            tokio::select! {
                () = token.cancelled() => {}
                () = self.changed.notified() => {}
                () = tokio::time::sleep(wait.unwrap_or(Duration::MAX)), if wait.is_some() => {}
            }
        }
        while !self.store.lock().is_empty() {
            self.release_oldest(false, None).await;
        }
    }

    /// Hands on the oldest trace. Offers it again while the next consumer cannot take it now, and, at shutdown,
    /// once.
    async fn release_oldest(&self, is_early: bool, token: Option<&CancellationToken>) {
        let (popped, left) = {
            let mut store = self.store.lock();
            (store.pop(), store.len())
        };
        self.flow.series.set_traces_held(left as u64);
        let Some((key, held)) = popped else { return };
        let result = loop {
            let result = self.next.consume(batch(&key, &held)).await;
            let wait = match &result {
                Err(
                    ConsumeError::Unavailable { retry_after, .. }
                    | ConsumeError::OverLimit { retry_after, .. },
                ) => *retry_after,
                _ => break result,
            };
            let Some(token) = token.filter(|token| !token.is_cancelled()) else { break result };
            tokio::select! {
                () = token.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        };
        self.flow.account.release(held.spans);
        match result {
            Ok(_) => {
                self.flow.series.record_outgoing(held.spans);
                self.flow.series.record_trace_released(held.spans, is_early);
            }
            Err(error) => {
                self.flow.account.failed(held.spans);
                self.flow.series.record_incomplete_release();
                tracing::error!(
                    processor = %self.context.id, %error, spans = held.spans, "a trace was lost"
                );
            }
        }
    }
}

fn batch((tenant, _): &TraceKey, held: &Held) -> TraceBatch {
    TraceBatch::otlp(tenant.clone(), held.otlp())
}
