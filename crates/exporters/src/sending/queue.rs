//! The sending queue: what was acknowledged and is not sent yet, in memory or in a log on disk.
//!
//! Its size counts what waits and what is being sent, so that `queue_size` bounds all that the exporter owes.
//! In memory each request also holds its bytes of the process's budget; what does not fit is refused like
//! what finds the queue full. On disk only the order and the sizes are in memory.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spandrel_base::memory::MemoryBudget;
use spandrel_config::blocks;
use spandrel_pipeline::{Account, ConsumeError};
use spandrel_telemetry::{ExporterSeries, Gauge};
use tokio::sync::{Notify, oneshot};

use super::payload::{Exported, Payload};
use super::queue_log::{QueueLog, QueueLogError, Stored};
use super::retry::to_consume_error;
use super::settings::size_of;
use super::ticket::Ticket;

/// When a sender that found the queue full should come again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The queue of one exporter.
pub(crate) struct Queue {
    settings: blocks::Queue,
    log: Option<QueueLog>,
    memory: MemoryBudget,
    account: Account,
    series: ExporterSeries,
    /// Size and capacity.
    gauges: [Gauge; 2],
    state: Mutex<State>,
    /// A request was put, or the queue was closed.
    ready: Notify,
    /// Room was freed, or the queue was closed.
    room: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Entry>,
    size: u64,
    is_closed: bool,
}

/// A request that waits.
pub(crate) struct Entry {
    /// The request; in the log when `None`.
    pub(crate) payload: Option<Payload>,
    /// What is owed to it.
    pub(crate) ticket: Arc<Ticket>,
}

/// What the queue needs of its exporter.
pub(crate) struct QueueContext {
    pub(crate) memory: MemoryBudget,
    pub(crate) account: Account,
    pub(crate) series: ExporterSeries,
}

impl Queue {
    /// An empty queue, or one with what the log holds.
    pub(crate) fn new(
        settings: blocks::Queue,
        log: Option<(QueueLog, Vec<Stored>)>,
        context: QueueContext,
    ) -> Arc<Self> {
        let QueueContext { memory, account, series } = context;
        let gauges = series.queue();
        let [_, capacity] = &gauges;
        capacity.add(settings.queue_size);
        let (log, stored) = log.map_or((None, Vec::new()), |(log, stored)| (Some(log), stored));
        let state = Mutex::default();
        let (ready, room) = (Notify::new(), Notify::new());
        let queue = Self { settings, log, memory, account, series, gauges, state, ready, room };
        let queue = Arc::new(queue);
        queue.restore(stored);
        queue
    }

    /// Puts what survived in the log back, in its order, even when it is more than the queue may hold now.
    fn restore(self: &Arc<Self>, stored: Vec<Stored>) {
        for Stored { sequence, spans, otlp_bytes } in stored {
            let size = size_of(self.settings.sizer, spans, otlp_bytes);
            self.state.lock().size += size;
            self.gauges[0].add(size);
            let ticket = Ticket::new(Arc::clone(self), spans, size, None).with_sequence(sequence);
            ticket.accept(None);
            let entry = Entry { payload: None, ticket: Arc::new(ticket) };
            self.state.lock().waiting.push_back(entry);
        }
    }

    /// Takes a request, or says why not. Waits for room when the settings say so, and for the outcome.
    pub(crate) async fn offer(
        self: &Arc<Self>,
        payload: Payload,
    ) -> Result<Exported, ConsumeError> {
        let spans = payload.spans;
        let offered = self.put(payload).await;
        let answer = offered.inspect_err(|_| self.series.enqueue_failed_spans.add(spans))?;
        let Some(answer) = answer else { return Ok(Exported::default()) };
        match answer.await {
            Ok(result) => result.map_err(|error| to_consume_error(error, spans)),
            Err(_dropped) => Err(unavailable("the exporter has stopped".to_owned(), spans)),
        }
    }

    async fn put(
        self: &Arc<Self>,
        payload: Payload,
    ) -> Result<Option<oneshot::Receiver<super::ticket::Answer>>, ConsumeError> {
        let spans = payload.spans;
        let size = size_of(self.settings.sizer, spans, payload.otlp.len());
        if size > self.settings.queue_size {
            let max = self.settings.queue_size;
            let message = format!("a request of size {size} exceeds the queue_size of {max}");
            return Err(ConsumeError::TooLarge(message));
        }
        self.claim(size, spans).await?;
        let queue = Arc::clone(self);
        if self.log.is_some() {
            let ticket = Ticket::new(queue, spans, size, None);
            return self.put_stored(payload, ticket).await.map(|()| None);
        }
        let memory = self.memory.try_reserve(payload.otlp.len());
        let is_refused = memory.is_err();
        let ticket = Ticket::new(queue, spans, size, memory.ok());
        if is_refused {
            return Err(unavailable("no memory is left for the sending queue".to_owned(), spans));
        }
        let (reply, answer) = oneshot::channel();
        let answer = self.settings.wait_for_result.then_some(answer);
        ticket.accept(answer.is_some().then_some(reply));
        self.push(Entry { payload: Some(payload), ticket: Arc::new(ticket) });
        Ok(answer)
    }

    /// Writes the request to the log. It is in the queue as soon as it is in the log, even when the caller has
    /// left by then.
    async fn put_stored(
        self: &Arc<Self>,
        payload: Payload,
        ticket: Ticket,
    ) -> Result<(), ConsumeError> {
        let spans = payload.spans;
        let queue = Arc::clone(self);
        let written = tokio::task::spawn_blocking(move || {
            let Some(log) = &queue.log else { return Ok(()) };
            let sequence = log.append(&payload)?;
            let ticket = ticket.with_sequence(sequence);
            ticket.accept(None);
            queue.push(Entry { payload: None, ticket: Arc::new(ticket) });
            Ok::<(), QueueLogError>(())
        });
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(unavailable(error.to_string(), spans)),
            Err(_stopping) => Err(unavailable("the exporter has stopped".to_owned(), spans)),
        }
    }

    /// Claims room for `size`.
    async fn claim(&self, size: u64, spans: u64) -> Result<(), ConsumeError> {
        loop {
            let freed = self.room.notified();
            tokio::pin!(freed);
            // From here on a notification is kept, so that room freed after the look is not missed.
            freed.as_mut().enable();
            {
                let mut state = self.state.lock();
                if state.is_closed {
                    return Err(unavailable("the exporter is shutting down".to_owned(), spans));
                }
                if state.size.saturating_add(size) <= self.settings.queue_size {
                    state.size += size;
                    self.gauges[0].add(size);
                    return Ok(());
                }
            }
            if !self.settings.block_on_overflow {
                return Err(unavailable("sending queue is full".to_owned(), spans));
            }
            freed.await;
        }
    }

    fn push(&self, entry: Entry) {
        self.state.lock().waiting.push_back(entry);
        self.ready.notify_one();
    }

    /// The next request, in order; `None` when the queue is closed and nothing more is to be sent: in memory
    /// when it is empty, on disk at once.
    pub(crate) async fn take(&self) -> Option<Entry> {
        loop {
            let put = self.ready.notified();
            tokio::pin!(put);
            put.as_mut().enable();
            {
                let mut state = self.state.lock();
                if state.is_closed && self.log.is_some() {
                    return None;
                }
                if let Some(entry) = state.waiting.pop_front() {
                    return Some(entry);
                }
                if state.is_closed {
                    return None;
                }
            }
            put.await;
        }
    }

    /// The request of an entry, read from the log when it is there. What cannot be read is given up.
    pub(crate) async fn load(self: &Arc<Self>, entry: &mut Entry) -> Option<Payload> {
        if let Some(payload) = entry.payload.take() {
            return Some(payload);
        }
        let sequence = entry.ticket.sequence()?;
        let queue = Arc::clone(self);
        let read =
            tokio::task::spawn_blocking(move || queue.log.as_ref().map(|log| log.read(sequence)));
        match read.await {
            Ok(Some(Ok(payload))) => Some(payload),
            Ok(Some(Err(error))) => {
                tracing::error!(%error, "cannot read a request of the sending queue, dropping it");
                let message = super::payload::SendError::permanent(error.to_string());
                let spans = entry.ticket.spans();
                self.series.send_failed_spans.add(spans);
                entry.ticket.failed(spans, message);
                None
            }
            Ok(None) | Err(_) => None,
        }
    }

    /// Refuses from now on, and wakes everybody who waits.
    pub(crate) fn close(&self) {
        self.state.lock().is_closed = true;
        self.ready.notify_waiters();
        self.room.notify_waiters();
    }

    /// Lets go of everything that waits.
    pub(crate) fn clear(&self) {
        // Dropped after the lock, which their tickets take.
        let waiting = std::mem::take(&mut self.state.lock().waiting);
        drop(waiting);
    }

    /// Gives back what a request held of the queue's size.
    pub(crate) fn free(&self, size: u64) {
        self.gauges[0].sub(size);
        self.state.lock().size -= size;
        self.room.notify_waiters();
    }

    /// Gives up a record of the log.
    pub(crate) fn forget(&self, sequence: u64) {
        if let Some(log) = &self.log {
            log.forget(sequence);
        }
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn series(&self) -> &ExporterSeries {
        &self.series
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.gauges[1].sub(self.settings.queue_size);
    }
}

fn unavailable(message: String, spans: u64) -> ConsumeError {
    ConsumeError::Unavailable { message, retry_after: RETRY_AFTER, spans }
}
