//! The records of one partition: handed on side by side, counted as read in their order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::StreamExt;
use futures::stream::FuturesOrdered;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use spandrel_telemetry::RecordOutcome;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::poll::Consumer;
use super::record::{Ending, Handler, Record};

/// Records of a partition that are with the pipeline at once.
const UNDER_WAY_MAX: usize = 16;
/// Records that a partition has here when it is paused.
pub(super) const WAITING_MAX: usize = 64;

/// What poller and worker know of each other.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Records that are not finished.
    pub(super) waiting: AtomicUsize,
    /// Of them, those that the pipeline did not take at the last attempt.
    pub(super) refused: AtomicUsize,
    /// Whether the poller has paused the partition, so that it wants to hear of progress.
    pub(super) is_paused: AtomicBool,
}

/// Hands on the records of one partition until it is revoked, or the receiver stops.
pub(super) struct Worker {
    pub(super) handler: Arc<Handler>,
    pub(super) consumer: Arc<Consumer>,
    pub(super) state: Arc<State>,
    pub(super) revoked: CancellationToken,
    /// Wakes the poller.
    pub(super) wake: Arc<Notify>,
}

/// A record that has ended.
struct Ended {
    topic: Arc<str>,
    partition: i32,
    offset: i64,
    ending: Ending,
}

impl Worker {
    pub(super) async fn run(self, mut queue: mpsc::Receiver<Record>) {
        let mut under_way = FuturesOrdered::new();
        let (mut is_open, mut is_intact) = (true, true);
        loop {
            tokio::select! {
                biased;
                Some(ended) = under_way.next() => self.settle(&ended, &mut is_intact),
                () = self.end(), if is_open => {
                    is_open = false;
                    queue.close();
                    while queue.try_recv().is_ok() {
                        self.count(self.returned());
                    }
                }
                record = queue.recv(), if is_open && under_way.len() < UNDER_WAY_MAX => {
                    match record {
                        Some(record) => under_way.push_back(self.finish(record)),
                        None => is_open = false,
                    }
                }
                else => return,
            }
        }
    }

    async fn end(&self) {
        tokio::select! {
            () = self.revoked.cancelled() => {}
            () = self.handler.stopping.cancelled() => {}
        }
    }

    async fn finish(&self, record: Record) -> Ended {
        let (topic, partition, offset) =
            (Arc::clone(&record.topic), record.partition, record.offset);
        let was_refused = AtomicBool::new(false);
        let refused = || {
            if !was_refused.swap(true, Ordering::Relaxed) {
                self.state.refused.fetch_add(1, Ordering::Relaxed);
                self.wake.notify_one();
            }
        };
        let ending = self.handler.finish(record, &self.revoked, refused).await;
        if was_refused.load(Ordering::Relaxed) {
            self.state.refused.fetch_sub(1, Ordering::Relaxed);
        }
        Ended { topic, partition, offset, ending }
    }

    /// Counts the next record in order, and stores its offset if none before it was left.
    fn settle(&self, ended: &Ended, is_intact: &mut bool) {
        match ended.ending {
            Ending::Finished(outcome) => {
                if *is_intact && self.handler.settings.marking.after {
                    self.mark(ended);
                }
                self.count(outcome);
            }
            Ending::Returned => {
                *is_intact = false;
                self.count(self.returned());
            }
        }
    }

    /// What becomes of a record that is not finished here. One that counted as read when it came is not read again.
    fn returned(&self) -> RecordOutcome {
        match self.handler.settings.marking.after {
            true => RecordOutcome::Returned,
            false => RecordOutcome::GivenUp,
        }
    }

    fn count(&self, outcome: RecordOutcome) {
        self.handler.series.finished(outcome);
        self.state.waiting.fetch_sub(1, Ordering::Relaxed);
        if self.state.is_paused.load(Ordering::Relaxed) {
            self.wake.notify_one();
        }
    }

    /// What is revoked belongs to somebody else, whose offsets must not be overwritten.
    fn mark(&self, ended: &Ended) {
        if self.revoked.is_cancelled() {
            return;
        }
        let commits_itself = self.handler.settings.autocommit_interval.is_some();
        let marked =
            mark(&self.consumer, (&ended.topic, ended.partition, ended.offset), commits_itself);
        if let Err(error) = marked {
            let (topic, partition, offset) = (&*ended.topic, ended.partition, ended.offset);
            tracing::debug!(topic, partition, offset, %error, "an offset is not stored");
        }
    }
}

/// Counts everything up to this record as read: with the next commit, or with one of its own.
pub(super) fn mark(
    consumer: &Consumer,
    (topic, partition, offset): (&str, i32, i64),
    commits_itself: bool,
) -> Result<(), KafkaError> {
    if commits_itself {
        return consumer.store_offset(topic, partition, offset);
    }
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, partition, Offset::Offset(offset.saturating_add(1)))?;
    consumer.commit(&offsets, CommitMode::Async)
}
