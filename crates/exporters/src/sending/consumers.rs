//! The tasks that empty the queue: each sends one request at a time, or one puts requests together.

use std::sync::Arc;

use spandrel_base::task::TaskSet;
use spandrel_config::blocks;
use tokio::sync::Semaphore;

use super::batcher::{Batch, Batcher, Piece};
use super::payload::{Exported, Payload, SendError, Transport};
use super::queue::Queue;
use super::retry::{Failure, Sender};

/// Starts the tasks that `settings` ask for. They end when the queue is closed and has nothing for them.
pub(crate) fn start<T: Transport>(
    settings: &blocks::Queue,
    queue: &Arc<Queue>,
    sender: &Arc<Sender<T>>,
    tasks: &Arc<TaskSet>,
) {
    let name: Arc<str> = format!("exporter {}", sender.id).into();
    if let Some(batch) = &settings.batch {
        let batching = Batching {
            queue: Arc::clone(queue),
            sender: Arc::clone(sender),
            tasks: Arc::downgrade(tasks),
            places: Arc::new(Semaphore::new(settings.num_consumers)),
            name: Arc::clone(&name),
        };
        tasks.spawn(name, batching.run(batch.clone()));
        return;
    }
    for _ in 0..settings.num_consumers {
        tasks.spawn(Arc::clone(&name), consume(Arc::clone(queue), Arc::clone(sender)));
    }
}

async fn consume<T: Transport>(queue: Arc<Queue>, sender: Arc<Sender<T>>) {
    while let Some(mut entry) = queue.take().await {
        let Some(payload) = queue.load(&mut entry).await else { continue };
        send_piece(&sender, &Piece { payload, ticket: entry.ticket }).await;
    }
}

/// Sends one request, and tells its ticket.
async fn send_piece<T: Transport>(sender: &Sender<T>, piece: &Piece) {
    match send(sender, &piece.payload, piece.is_stored()).await {
        Ok(exported) => piece.ticket.sent(piece.payload.spans, &exported),
        Err(Failure::GivenUp(error)) => {
            sender.record_failed(piece.payload.spans, &error);
            piece.ticket.failed(piece.payload.spans, error);
        }
        // It is in the log, and will be sent after the next start.
        Err(Failure::Stopped(_)) => {}
    }
}

/// Sends a request. When the exporter stops, its successor is asked to take it, and what is only in memory gets
/// a last attempt.
async fn send<T: Transport>(
    sender: &Sender<T>,
    payload: &Payload,
    is_stored: bool,
) -> Result<Exported, Failure> {
    let was_stopped = sender.stop.is_cancelled();
    if was_stopped && let Some(exported) = sender.hand_over(payload).await {
        return Ok(exported);
    }
    let error = match sender.send(payload).await {
        Err(Failure::Stopped(error)) => error,
        result => return result,
    };
    match sender.hand_over(payload).await {
        Some(exported) => Ok(exported),
        None if is_stored => Err(Failure::Stopped(error)),
        None if was_stopped => Err(Failure::GivenUp(error)),
        None => sender.attempt(payload).await.map_err(Failure::GivenUp),
    }
}

/// The task that puts requests together and starts a task for each batch.
struct Batching<T> {
    queue: Arc<Queue>,
    sender: Arc<Sender<T>>,
    /// Weak, because the set holds this task.
    tasks: std::sync::Weak<TaskSet>,
    places: Arc<Semaphore>,
    name: Arc<str>,
}

impl<T: Transport> Batching<T> {
    async fn run(self, settings: blocks::Batch) {
        let mut batcher = Batcher::new(settings);
        loop {
            let due = batcher.due();
            let batches = tokio::select! {
                entry = self.queue.take() => match entry {
                    Some(mut entry) => match self.queue.load(&mut entry).await {
                        Some(payload) => batcher.add(Piece { payload, ticket: entry.ticket }),
                        None => continue,
                    },
                    None => break,
                },
                () = sleep_until(due) => batcher.flush_due(),
            };
            for batch in batches {
                self.dispatch(batch).await;
            }
        }
        for batch in batcher.flush_all() {
            self.dispatch(batch).await;
        }
        // The tasks of the batches are of the same set, and end for themselves.
    }

    /// Waits for a place, and sends the batch in a task of its own.
    async fn dispatch(&self, batch: Batch) {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let Some(tasks) = self.tasks.upgrade() else { return };
        let sender = Arc::clone(&self.sender);
        tasks.spawn(Arc::clone(&self.name), async move {
            let _place = place;
            send_batch(&sender, batch).await;
        });
    }
}

async fn sleep_until(due: Option<tokio::time::Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Sends a batch. When its content is rejected, one request may be at fault, and the others must not be lost
/// with it: each is sent by itself.
async fn send_batch<T: Transport>(sender: &Sender<T>, batch: Batch) {
    let [piece] = batch.pieces.as_slice() else {
        let merged = batch.merged();
        let is_stored = batch.pieces.iter().all(Piece::is_stored);
        match send(sender, &merged, is_stored).await {
            Ok(exported) => settle_sent(&batch.pieces, exported),
            Err(Failure::GivenUp(SendError::Permanent { is_content: true, message })) => {
                tracing::warn!(
                    exporter = %sender.id, message, requests = batch.pieces.len(),
                    "batch rejected, sending its requests one by one"
                );
                for piece in &batch.pieces {
                    send_piece(sender, piece).await;
                }
            }
            Err(Failure::GivenUp(error)) => {
                sender.record_failed(merged.spans, &error);
                for piece in &batch.pieces {
                    piece.ticket.failed(piece.payload.spans, error.clone());
                }
            }
            Err(Failure::Stopped(_)) => {}
        }
        return;
    };
    send_piece(sender, piece).await;
}

/// Tells the tickets of a batch that it was sent. Which requests rejected spans are of is not known; the books
/// need each of them once.
fn settle_sent(pieces: &[Piece], exported: Exported) {
    let mut rejected_spans = exported.rejected_spans;
    for piece in pieces {
        let rejected = rejected_spans.min(piece.payload.spans);
        rejected_spans -= rejected;
        let message = exported.message.clone();
        piece.ticket.sent(piece.payload.spans, &Exported { rejected_spans: rejected, message });
    }
}
