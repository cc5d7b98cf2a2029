//! What the queue still owes to a request that it has taken: room, an answer, a line in the books.
//!
//! A request may be sent in several parts, and parts of several requests together; each part holds the ticket
//! and reports its outcome. The last one that lets go of it settles everything, however it came to that, so
//! that no path (an abort, a panic) leaves spans uncounted or room taken.

use std::sync::Arc;

use parking_lot::Mutex;
use spandrel_base::memory::Reservation;
use tokio::sync::oneshot;

use super::payload::{Exported, SendError};
use super::queue::Queue;

/// The answer for a sender that waits for the result.
pub(crate) type Answer = Result<Exported, SendError>;

/// One request in the queue.
pub(crate) struct Ticket {
    queue: Arc<Queue>,
    /// Its number in the log on disk.
    sequence: Option<u64>,
    spans: u64,
    size: u64,
    _memory: Option<Reservation>,
    outcome: Mutex<Outcome>,
}

#[derive(Default)]
struct Outcome {
    is_accepted: bool,
    sent_spans: u64,
    failed_spans: u64,
    exported: Exported,
    error: Option<SendError>,
    reply: Option<oneshot::Sender<Answer>>,
}

impl Ticket {
    /// A ticket for a request whose `size` has been claimed; dropped before [`Ticket::accept`], it gives the
    /// room back and nothing else.
    pub(crate) fn new(
        queue: Arc<Queue>,
        spans: u64,
        size: u64,
        memory: Option<Reservation>,
    ) -> Self {
        let outcome = Mutex::default();
        Self { queue, sequence: None, spans, size, _memory: memory, outcome }
    }

    /// Names the record of the request in the log.
    pub(crate) fn with_sequence(mut self, sequence: u64) -> Self {
        self.sequence = Some(sequence);
        self
    }

    /// From here on the queue answers for the spans.
    pub(crate) fn accept(&self, reply: Option<oneshot::Sender<Answer>>) {
        self.queue.account().hold(self.spans);
        let mut outcome = self.outcome.lock();
        outcome.is_accepted = true;
        outcome.reply = reply;
    }

    /// Where the request lies in the log.
    pub(crate) fn sequence(&self) -> Option<u64> {
        self.sequence
    }

    /// Spans of the request.
    pub(crate) fn spans(&self) -> u64 {
        self.spans
    }

    /// The destination took `spans` of the request, and of those rejected what `exported` says.
    pub(crate) fn sent(&self, spans: u64, exported: &Exported) {
        let mut outcome = self.outcome.lock();
        outcome.sent_spans += spans;
        outcome.exported.rejected_spans += exported.rejected_spans;
        outcome.exported.message.clone_from(&exported.message);
    }

    /// `spans` of the request will not be sent again.
    pub(crate) fn failed(&self, spans: u64, error: SendError) {
        let mut outcome = self.outcome.lock();
        outcome.failed_spans += spans;
        outcome.error = Some(error);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let outcome = std::mem::take(self.outcome.get_mut());
        self.queue.free(self.size);
        if !outcome.is_accepted {
            return;
        }
        let open = self.spans.saturating_sub(outcome.sent_spans + outcome.failed_spans);
        match self.sequence {
            // What has no outcome stays in the log, and is sent after the next start.
            Some(_) if open > 0 => return,
            Some(sequence) => self.queue.forget(sequence),
            None => self.queue.series().send_failed_spans.add(open),
        }
        let account = self.queue.account();
        account.release(self.spans);
        let lost = outcome.failed_spans + open + outcome.exported.rejected_spans;
        if lost > 0 {
            account.failed(lost);
        }
        if let Some(reply) = outcome.reply {
            let answer = match outcome.error {
                Some(error) => Err(error),
                None if open > 0 => Err(SendError::retryable("the exporter is shutting down")),
                None => Ok(outcome.exported),
            };
            // The sender may have left; its spans are counted all the same.
            let _ = reply.send(answer);
        }
    }
}
