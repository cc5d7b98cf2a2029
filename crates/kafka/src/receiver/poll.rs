//! The consumer: its group, and the partitions that it has.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::{ClientContext, Message, TopicPartitionList};
use spandrel_base::memory::Reservation;
use spandrel_base::task::TaskSet;
use spandrel_pipeline::ComponentError;
use spandrel_telemetry::{Gauge, RecordOutcome};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::partition::{State, WAITING_MAX, Worker, mark};
use super::record::{Handler, Record};
use crate::client::Voice;
use crate::settings::receiver::PREFETCHED_BYTES_MAX;

/// How long to wait before a member that was put out of its group for good comes again.
const RECONNECT_WAIT: Duration = Duration::from_secs(10);
/// How long records on their way may take when a consumer is given up.
const DRAIN_DEADLINE: Duration = Duration::from_secs(3600);

/// A member of a group.
pub(super) type Consumer = StreamConsumer<Group>;

/// Partitions by topic and number.
type Partitions = HashMap<(String, i32), Partition>;

/// What a consumer tells when its partitions change.
pub(super) struct Group {
    voice: Voice,
    paused: Gauge,
    partitions: Mutex<Partitions>,
    _prefetched: Reservation,
}

/// A partition that this member has, as the poller knows it.
struct Partition {
    topic: Arc<str>,
    queue: mpsc::Sender<Record>,
    state: Arc<State>,
    revoked: CancellationToken,
}

impl ClientContext for Group {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.voice.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.voice.error(error, reason);
    }
}

impl ConsumerContext for Group {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(revoked) = rebalance {
            let mut partitions = self.partitions.lock();
            for element in revoked.elements() {
                let key = (element.topic().to_owned(), element.partition());
                if let Some(partition) = partitions.remove(&key) {
                    self.let_go(&partition);
                }
            }
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(assigned) = rebalance
            && assigned.count() > 0
            // Paused before it went and came back.
            && let Err(error) = consumer.resume(assigned)
        {
            tracing::debug!(receiver = &*self.voice.0, %error, "partitions are not resumed");
        }
    }
}

impl Group {
    fn let_go(&self, partition: &Partition) {
        partition.revoked.cancel();
        if partition.state.is_paused.swap(false, Ordering::Relaxed) {
            self.paused.sub(1);
        }
    }
}

/// A new member of the group; brokers need not be there yet.
pub(super) fn connect(handler: &Handler) -> Result<Arc<Consumer>, ComponentError> {
    let group = Group {
        voice: Voice(Arc::clone(&handler.id)),
        paused: handler.series.paused.clone(),
        partitions: Mutex::default(),
        _prefetched: handler.memory.reserve_anyway(PREFETCHED_BYTES_MAX),
    };
    let failed = |error: KafkaError| ComponentError::new(error.to_string());
    let created = handler.settings.to_config().create_with_context(group);
    let consumer: Consumer = created.map_err(failed)?;
    let topics: Vec<&str> = handler.settings.topics.iter().map(String::as_str).collect();
    consumer.subscribe(&topics).map_err(failed)?;
    Ok(Arc::new(consumer))
}

/// The task that polls.
pub(super) struct Poller {
    handler: Arc<Handler>,
    wake: Arc<Notify>,
}

impl Poller {
    pub(super) fn new(handler: Arc<Handler>) -> Self {
        Self { handler, wake: Arc::default() }
    }

    /// Polls until the receiver stops.
    pub(super) async fn run(self, mut consumer: Arc<Consumer>) {
        loop {
            let workers = TaskSet::new();
            self.serve(&consumer, &workers).await;
            self.close(consumer, workers).await;
            consumer = loop {
                let stopping = self.handler.stopping.cancelled();
                if tokio::time::timeout(RECONNECT_WAIT, stopping).await.is_ok() {
                    return;
                }
                match connect(&self.handler) {
                    Ok(consumer) => break consumer,
                    Err(error) => {
                        tracing::error!(receiver = &*self.handler.id, %error, "no kafka client");
                    }
                }
            };
        }
    }

    /// Until the receiver stops, or this member is out of its group for good.
    async fn serve(&self, consumer: &Arc<Consumer>, workers: &TaskSet) {
        loop {
            tokio::select! {
                biased;
                () = self.handler.stopping.cancelled() => return,
                () = self.wake.notified() => self.balance(consumer),
                received = consumer.recv() => match received {
                    Ok(message) => self.accept(consumer, workers, &message).await,
                    Err(KafkaError::MessageConsumptionFatal(code)) => {
                        let receiver = &*self.handler.id;
                        tracing::error!(receiver, %code, "a member of a consumer group is put out");
                        return;
                    }
                    Err(error) => {
                        tracing::warn!(receiver = &*self.handler.id, %error, "no records");
                    }
                },
            }
        }
    }

    async fn accept(
        &self,
        consumer: &Arc<Consumer>,
        workers: &TaskSet,
        message: &BorrowedMessage<'_>,
    ) {
        let handler = &self.handler;
        handler.series.received.inc();
        handler.series.received_bytes.add(message.payload_len() as u64);
        let (topic, queue, state) = self.partition(consumer, workers, message);
        if !handler.settings.marking.after {
            let place = (message.topic(), message.partition(), message.offset());
            let commits_itself = handler.settings.autocommit_interval.is_some();
            if let Err(error) = mark(consumer, place, commits_itself) {
                tracing::debug!(receiver = &*handler.id, %error, "an offset is not stored");
            }
        }
        let record = Record::of(message, topic, &handler.memory);
        state.waiting.fetch_add(1, Ordering::Relaxed);
        // There is room: a partition that has as much is paused. If librdkafka had more under way, it waits.
        if queue.send(record).await.is_err() {
            handler.series.finished(RecordOutcome::Returned);
        }
        if !state.is_paused.load(Ordering::Relaxed) && self.has_enough(&state) {
            self.pause(consumer, message.topic(), message.partition());
        }
    }

    /// The partition of a record, which begins with its first one.
    fn partition(
        &self,
        consumer: &Arc<Consumer>,
        workers: &TaskSet,
        message: &BorrowedMessage<'_>,
    ) -> (Arc<str>, mpsc::Sender<Record>, Arc<State>) {
        let key = (message.topic().to_owned(), message.partition());
        let mut partitions = consumer.context().partitions.lock();
        let partition = partitions.entry(key).or_insert_with(|| {
            let (queue, records) = mpsc::channel(2 * WAITING_MAX);
            let (state, revoked) = (Arc::<State>::default(), CancellationToken::new());
            let worker = Worker {
                handler: Arc::clone(&self.handler),
                consumer: Arc::clone(consumer),
                state: Arc::clone(&state),
                revoked: revoked.clone(),
                wake: Arc::clone(&self.wake),
            };
            workers.spawn("kafka partition", worker.run(records));
            Partition { topic: message.topic().into(), queue, state, revoked }
        });
        (Arc::clone(&partition.topic), partition.queue.clone(), Arc::clone(&partition.state))
    }

    fn has_enough(&self, state: &State) -> bool {
        let waiting = state.waiting.load(Ordering::Relaxed);
        let is_over_budget = waiting > 0 && !self.handler.memory.has_room_for(1);
        waiting >= WAITING_MAX || is_over_budget || state.refused.load(Ordering::Relaxed) > 0
    }

    /// Pauses partitions whose records are refused, and resumes those that got on.
    fn balance(&self, consumer: &Arc<Consumer>) {
        let (mut paused, mut resumed) = (Vec::new(), Vec::new());
        for ((topic, number), partition) in consumer.context().partitions.lock().iter() {
            let state = &partition.state;
            let has_few = state.waiting.load(Ordering::Relaxed) <= WAITING_MAX / 2;
            match (state.is_paused.load(Ordering::Relaxed), self.has_enough(state)) {
                (false, true) => paused.push((topic.clone(), *number)),
                (true, false) if has_few => resumed.push((topic.clone(), *number)),
                _ => {}
            }
        }
        for (topic, number) in paused {
            self.pause(consumer, &topic, number);
        }
        for (topic, number) in resumed {
            self.resume(consumer, &topic, number);
        }
    }

    fn pause(&self, consumer: &Arc<Consumer>, topic: &str, number: i32) {
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition(topic, number);
        match consumer.pause(&list) {
            Ok(()) => self.set_paused(consumer, topic, number, true),
            Err(error) => tracing::warn!(topic, number, %error, "a partition is not paused"),
        }
    }

    fn resume(&self, consumer: &Arc<Consumer>, topic: &str, number: i32) {
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition(topic, number);
        match consumer.resume(&list) {
            Ok(()) => self.set_paused(consumer, topic, number, false),
            Err(error) => tracing::warn!(topic, number, %error, "a partition is not resumed"),
        }
    }

    fn set_paused(&self, consumer: &Arc<Consumer>, topic: &str, number: i32, is_paused: bool) {
        let partitions = consumer.context().partitions.lock();
        let Some(partition) = partitions.get(&(topic.to_owned(), number)) else { return };
        if partition.state.is_paused.swap(is_paused, Ordering::Relaxed) != is_paused {
            match is_paused {
                true => self.handler.series.paused.add(1),
                false => self.handler.series.paused.sub(1),
            }
        }
        // What ended in between did not know that it had to tell.
        if is_paused {
            self.wake.notify_one();
        }
    }

    /// Waits for what is under way, and leaves the group; what is stored is committed by that.
    async fn close(&self, consumer: Arc<Consumer>, workers: TaskSet) {
        {
            let mut partitions = consumer.context().partitions.lock();
            for (_, partition) in partitions.drain() {
                if partition.state.is_paused.swap(false, Ordering::Relaxed) {
                    self.handler.series.paused.sub(1);
                }
                if !self.handler.stopping.is_cancelled() {
                    partition.revoked.cancel();
                }
            }
        }
        if let Err(error) = workers.shutdown(DRAIN_DEADLINE).await {
            tracing::warn!(receiver = &*self.handler.id, %error, "records were cut off");
        }
        // Leaving the group waits for the brokers.
        let closed = tokio::task::spawn_blocking(move || drop(consumer)).await;
        if let Err(error) = closed {
            tracing::error!(receiver = &*self.handler.id, %error, "leaving a group failed");
        }
    }
}
