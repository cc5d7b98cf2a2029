//! `batch`: makes large requests of small ones, and acknowledges none before the next consumer did.
//!
//! Spans wait in the batch of their tenant (and of the metadata that the configuration tells apart), and their
//! senders wait with them: what the next consumer answers is the answer to everybody whose spans it held. A batch
//! is sent when it is full, when it is `timeout` old, or as soon as the senders have gone quiet: who waits for an
//! answer sends nothing more, so waiting longer would only cost time ([`Pause`]).
//!
//! Requests are joined by appending their bytes, which makes one request of them, and split by their frames.
//! When a later consumer rejects a batch for good, its parts are offered one by one, so that only the sender whose
//! spans are at fault hears it.
//!
//! # Memory
//! A batch holds its parts and, while it is sent, the joined request; both are taken from the budget, and what
//! does not fit is refused.

mod collecting;
mod send;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spandrel_base::task::TaskSet;
use spandrel_model::TenantId;
use spandrel_pipeline::{
    Accepted, Client, Component, ComponentContext, ComponentError, ConsumeError, Otlp, TraceBatch,
    TraceConsumer, Traces,
};
use spandrel_telemetry::ProcessorSeries;
use tokio::sync::oneshot;

use collecting::{Collecting, Part, Shard};

pub use settings::BatchSettings;

/// When to try again after a refusal.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// A combination of tenant and metadata that sent nothing for so long is forgotten.
const SHARD_IDLE_MAX: Duration = Duration::from_secs(60);
/// How long tasks may take to send what is left; the graph has a deadline of its own.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(3600);

/// See the module.
pub struct BatchProcessor {
    shared: Arc<Shared>,
    tasks: TaskSet,
}

/// What the tasks need.
struct Shared {
    settings: BatchSettings,
    next: Arc<dyn TraceConsumer>,
    context: ComponentContext,
    series: ProcessorSeries,
    shards: Mutex<BTreeMap<ShardKey, Arc<Shard>>>,
}

/// Whose spans may be in one request: tenant, and values of `metadata_keys` (`None` is unset).
type ShardKey = (TenantId, Vec<Option<Vec<String>>>);

impl BatchProcessor {
    /// # Errors
    /// None today.
    pub fn new(
        settings: BatchSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        let series = context.metrics.processors().processor(&context.id);
        let shards = Mutex::default();
        let shared = Arc::new(Shared { settings, next, context, series, shards });
        Ok(Self { shared, tasks: TaskSet::new() })
    }

    /// Puts a part into the batch of its shard, which is sent right away when that fills it.
    fn add(&self, key: ShardKey, part: Part) -> Result<(), ConsumeError> {
        let shared = &self.shared;
        let now = shared.context.clock.monotonic();
        let shard = shared.shard(key, part.spans, now)?;
        let mut state = shard.state.lock();
        state.pause.record(now, shared.settings.timeout);
        let (collecting, is_new) = match state.open.take() {
            Some(open) => (open, false),
            None => (Arc::new(Collecting::new(now)), true),
        };
        let n_spans = collecting.push(part, now);
        if n_spans < shared.settings.send_batch_size {
            state.open = Some(Arc::clone(&collecting));
        } else {
            collecting.full();
        }
        drop(state);
        if is_new {
            let (shared, token) = (Arc::clone(shared), self.tasks.token());
            self.tasks.spawn("batch", async move { shared.run(shard, collecting, token).await });
        }
        Ok(())
    }
}

impl Shared {
    /// The shard of a key; refuses new ones past the cardinality limit.
    fn shard(&self, key: ShardKey, spans: u64, now: Duration) -> Result<Arc<Shard>, ConsumeError> {
        let mut shards = self.shards.lock();
        if let Some(shard) = shards.get(&key) {
            return Ok(Arc::clone(shard));
        }
        shards.retain(|_, shard| !shard.is_idle(now, SHARD_IDLE_MAX));
        let limit = self.settings.metadata_cardinality_limit;
        let combinations = shards.keys().filter(|(tenant, _)| *tenant == key.0).count() as u64;
        if !self.settings.metadata_keys.is_empty() && limit > 0 && combinations >= limit {
            let message =
                format!("too many combinations of values of metadata_keys (limit {limit})");
            return Err(ConsumeError::Unavailable { message, retry_after: RETRY_AFTER, spans });
        }
        let client = Arc::new(self.client(&key));
        let shard = Arc::new(Shard::new(key.0.clone(), client));
        shards.insert(key, Arc::clone(&shard));
        self.series.set_batch_cardinality(shards.len() as u64);
        Ok(shard)
    }

    fn key(&self, batch: &TraceBatch) -> ShardKey {
        let values = self.settings.metadata_keys.iter();
        let values = values.map(|key| batch.client.metadata.get(key).cloned());
        (batch.tenant.clone(), values.collect())
    }

    /// What is left of the senders: the metadata that they have in common.
    fn client(&self, (_, values): &ShardKey) -> Client {
        let pairs = self.settings.metadata_keys.iter().zip(values);
        let metadata = pairs.filter_map(|(key, values)| Some((key.clone(), values.clone()?)));
        Client { metadata: metadata.collect(), ..Client::default() }
    }

    fn refused(&self, message: String, spans: u64) -> ConsumeError {
        ConsumeError::Unavailable { message, retry_after: RETRY_AFTER, spans }
    }
}

#[async_trait::async_trait]
impl TraceConsumer for BatchProcessor {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let shared = &self.shared;
        let key = shared.key(&batch);
        let otlp = batch.traces.into_counted();
        let spans = otlp.check_frames()?;
        let otlp = otlp.into_bytes();
        shared.series.record_incoming(spans);
        if spans == 0 {
            return Ok(Accepted::default());
        }
        // The part itself, and the joined request.
        let asked = otlp.len().saturating_mul(2);
        let memory = shared.context.memory.try_reserve(asked);
        let memory = memory.map_err(|error| shared.refused(error.to_string(), spans))?;
        let (answer, answered) = oneshot::channel();
        let part = Part { otlp, spans, answer, _memory: memory };
        if shared.settings.sends_at_once() {
            let client = Arc::new(shared.client(&key));
            shared.send(&key.0, &client, vec![part], true).await;
        } else if self.tasks.token().is_cancelled() {
            return Err(shared.refused("shutting down".to_owned(), spans));
        } else {
            self.add(key, part)?;
        }
        // Without an answer the task was aborted, at a shutdown that took too long.
        answered.await.unwrap_or_else(|_| Err(shared.refused("shutting down".to_owned(), spans)))
    }
}

#[async_trait::async_trait]
impl Component for BatchProcessor {
    async fn shutdown(&self) {
        if let Err(timeout) = self.tasks.shutdown(SHUTDOWN_DEADLINE).await {
            tracing::warn!(processor = %self.shared.context.id, error = %timeout, "batches were given up");
        }
    }
}

impl Shared {
    /// Hands one request on.
    async fn hand_on(
        &self,
        tenant: &TenantId,
        client: &Arc<Client>,
        otlp: Otlp,
    ) -> Result<Accepted, ConsumeError> {
        let (tenant, client) = (tenant.clone(), Arc::clone(client));
        self.next.consume(TraceBatch { tenant, client, traces: Traces::Otlp(otlp) }).await
    }
}
