//! `groupbytrace`: holds the spans of a trace for a while and hands them on together.
//!
//! Senders are answered before: waiting would take `wait_duration` for each request. What is held is counted as
//! such in the account of the pipeline, and its bytes are taken from the memory budget; what does not fit there is
//! refused. Where the Collector forgets the oldest trace when there are too many, this hands it on early. A trace
//! that the next consumer cannot take now is offered again until it can, or until shutdown.

mod release;
mod settings;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spandrel_base::task::TaskSet;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch, TraceConsumer,
};
use tokio::sync::Notify;

use crate::flow::Flow;
use store::Store;

pub use settings::GroupByTraceSettings;

/// When to try again after a refusal.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long shutdown may take; the graph has a deadline of its own.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(3600);

/// See the module.
pub struct GroupByTraceProcessor {
    shared: Arc<Shared>,
    tasks: TaskSet,
}

struct Shared {
    settings: GroupByTraceSettings,
    next: Arc<dyn TraceConsumer>,
    context: ComponentContext,
    flow: Flow,
    store: Mutex<Store>,
    /// A trace came into an empty store, or too many did.
    changed: Notify,
}

impl GroupByTraceProcessor {
    /// # Errors
    /// None today.
    pub fn new(
        settings: GroupByTraceSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        let flow = Flow::of(&context);
        flow.series.set_traces_max(settings.num_traces as u64);
        let (store, changed) = (Mutex::default(), Notify::new());
        let shared = Arc::new(Shared { settings, next, context, flow, store, changed });
        Ok(Self { shared, tasks: TaskSet::new() })
    }
}

#[async_trait::async_trait]
impl TraceConsumer for GroupByTraceProcessor {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let shared = &self.shared;
        let spans = shared.flow.arrived(&batch.traces);
        let refused =
            |message| ConsumeError::Unavailable { message, retry_after: RETRY_AFTER, spans };
        if self.tasks.token().is_cancelled() {
            return Err(refused("shutting down".to_owned()));
        }
        let otlp = batch.traces.into_otlp();
        let now = shared.context.clock.monotonic();
        let until = now.saturating_add(shared.settings.wait_duration);
        let fragments = store::fragments(&otlp)?;
        let memory = &shared.context.memory;
        let memory = fragments.iter().map(|fragment| memory.try_reserve(fragment.bytes()));
        let memory: Result<Vec<_>, _> = memory.collect();
        let memory = memory.map_err(|error| refused(error.to_string()))?;
        let mut store = shared.store.lock();
        let was_empty = store.is_empty();
        for part in fragments.into_iter().zip(memory) {
            store.add(&batch.tenant, part, until);
        }
        let is_crowded = store.len() > shared.settings.num_traces;
        shared.flow.series.set_traces_held(store.len() as u64);
        shared.flow.account.hold(spans);
        drop(store);
        if was_empty || is_crowded {
            shared.changed.notify_one();
        }
        Ok(Accepted { accepted_spans: spans, ..Accepted::default() })
    }
}

#[async_trait::async_trait]
impl Component for GroupByTraceProcessor {
    async fn start(&self) -> Result<(), ComponentError> {
        let (shared, token) = (Arc::clone(&self.shared), self.tasks.token());
        self.tasks.spawn("groupbytrace", async move { shared.run(token).await });
        Ok(())
    }

    async fn shutdown(&self) {
        if let Err(timeout) = self.tasks.shutdown(SHUTDOWN_DEADLINE).await {
            tracing::warn!(processor = %self.shared.context.id, error = %timeout, "traces were given up");
        }
    }
}
