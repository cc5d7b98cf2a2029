//! What every exporter to a network shares: the sending queue, batches, attempts with a time limit, retries.
//!
//! # Who answers for a span
//! Without a queue the caller waits, and its outcome is that of the last attempt. With one, `Ok` means that the
//! queue has the spans (or, with `wait_for_result`, that they were sent): what is given up later is counted in the
//! account as failed, and in `otelcol_exporter_send_failed_spans`. A queue on disk gives nothing up when the
//! process stops or is killed.
//!
//! # Stopping
//! The queue closes, waits between attempts end, and what is in memory is sent once, without retries. Waiting for
//! that may be given up at any time; what is left then is counted as failed.

mod backoff;
mod batcher;
mod consumers;
mod payload;
mod queue;
mod queue_log;
mod retry;
mod settings;
mod ticket;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use spandrel_base::task::TaskSet;
use spandrel_config::blocks;
use spandrel_otlp::screen_request;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch, TraceConsumer,
};

use crate::extensions::{Extensions, FileStorage};
use queue::{Queue, QueueContext};
use retry::{Failure, Sender};

pub(crate) use retry::to_consume_error;

pub use payload::{Exported, Payload, SendError, Transport};
pub use queue_log::QueueLogError;
pub(crate) use queue_log::{LogOptions, QueueLog, Stored};
pub use settings::SendingSettings;

/// When a sender that came before the start, or after the end, should come again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// An exporter that sends over the transport `T`.
pub struct Sending<T: Transport> {
    context: ComponentContext,
    sender: Arc<Sender<T>>,
    settings: Option<blocks::Queue>,
    storage: Option<Arc<FileStorage>>,
    queue: OnceLock<Arc<Queue>>,
    tasks: Arc<TaskSet>,
}

impl<T: Transport> Sending<T> {
    /// An exporter that is not started yet.
    ///
    /// # Errors
    /// When the storage that the queue names is not among the extensions.
    pub fn with_transport(
        transport: T,
        settings: SendingSettings,
        extensions: &Extensions,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        let storage = settings.queue.as_ref().and_then(|queue| queue.storage.as_ref());
        let storage = storage.map(|id| extensions.storage(&id.to_string())).transpose()?;
        let tasks = Arc::new(TaskSet::new());
        let sender = Sender {
            id: Arc::clone(&context.id),
            transport,
            timeout: settings.timeout,
            retry: settings.retry,
            series: T::series(&context.metrics, &context.id),
            successor: None,
            stop: tasks.token(),
        };
        let sender = Arc::new(sender);
        let queue = OnceLock::new();
        Ok(Self { context, sender, settings: settings.queue, storage, queue, tasks })
    }

    /// What is not sent when this exporter stops goes to `successor`. Must be called before the start.
    pub(crate) fn hand_over_to(&mut self, successor: Arc<dyn TraceConsumer>) {
        if let Some(sender) = Arc::get_mut(&mut self.sender) {
            sender.successor = Some(successor);
        }
    }

    /// Takes a request as the transport sends it: into the queue, or to the destination when there is none.
    ///
    /// # Errors
    /// [`ConsumeError`] when it was not taken.
    pub async fn send(&self, payload: Payload) -> Result<Accepted, ConsumeError> {
        if self.settings.is_none() {
            return self.send_now(payload).await;
        }
        let spans = payload.spans;
        let Some(queue) = self.queue.get() else {
            let message = "the exporter is not started".to_owned();
            return Err(ConsumeError::Unavailable { message, retry_after: RETRY_AFTER, spans });
        };
        queue.offer(payload).await.map(|exported| accepted(spans, exported))
    }

    /// Sends spans while the caller waits.
    async fn send_now(&self, payload: Payload) -> Result<Accepted, ConsumeError> {
        match self.sender.send(&payload).await {
            Ok(exported) => Ok(accepted(payload.spans, exported)),
            Err(Failure::GivenUp(error) | Failure::Stopped(error)) => {
                self.sender.record_failed(payload.spans, &error);
                Err(to_consume_error(error, payload.spans))
            }
        }
    }

    async fn open_log(&self) -> Result<Option<(QueueLog, Vec<queue_log::Stored>)>, ComponentError> {
        let Some(storage) = self.storage.clone() else { return Ok(None) };
        let id = Arc::clone(&self.context.id);
        let opened = tokio::task::spawn_blocking(move || storage.open_queue(&id)).await;
        let opened = opened.map_err(|_stopping| ComponentError::new("the process is stopping"))?;
        opened.map(Some).map_err(|error| ComponentError::new(error.to_string()))
    }
}

fn accepted(spans: u64, exported: Exported) -> Accepted {
    let Exported { rejected_spans, message } = exported;
    Accepted { accepted_spans: spans - rejected_spans.min(spans), rejected_spans, message }
}

#[async_trait::async_trait]
impl<T: Transport> TraceConsumer for Sending<T> {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let TraceBatch { tenant, client, traces } = batch;
        let spans = traces.span_count();
        let payload = Payload { tenant, client, otlp: traces.into_otlp(), spans };
        if self.settings.as_ref().is_some_and(|settings| settings.batch.is_some()) {
            // Put together with others, damaged bytes would cost those too.
            screen_request(&payload.otlp, |_| true)
                .map_err(|error| ConsumeError::Malformed(error.to_string()))?;
        }
        self.send(payload).await
    }
}

#[async_trait::async_trait]
impl<T: Transport> Component for Sending<T> {
    async fn start(&self) -> Result<(), ComponentError> {
        self.sender.transport.start().await?;
        let Some(settings) = &self.settings else { return Ok(()) };
        let context = QueueContext {
            memory: self.context.memory.clone(),
            account: self.context.account.clone(),
            series: self.sender.series.clone(),
        };
        let log = self.open_log().await?;
        let queue = Queue::new(settings.clone(), log, context);
        if self.queue.set(Arc::clone(&queue)).is_err() {
            return Err(ComponentError::new("the exporter is started already"));
        }
        consumers::start(settings, &queue, &self.sender, &self.tasks);
        Ok(())
    }

    async fn shutdown(&self) {
        if let Some(queue) = self.queue.get() {
            queue.close();
        }
        self.sender.stop.cancel();
        // The one who shuts down gives up by dropping this future, which aborts the tasks that are left.
        while self.tasks.running() > 0 {
            let _ = self.tasks.shutdown(Duration::MAX).await;
            tokio::task::yield_now().await;
        }
        self.sender.transport.stop().await;
    }
}

impl<T: Transport> Drop for Sending<T> {
    fn drop(&mut self) {
        // Entries hold the queue that holds them.
        if let Some(queue) = self.queue.get() {
            queue.close();
            queue.clear();
        }
    }
}

#[cfg(test)]
mod tests;
