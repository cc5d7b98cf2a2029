//! The receiver `kafka`.
//!
//! # Every record at least once
//! One task polls the consumer and gives records to the task of their partition, which hands several on at once and
//! stores an offset only when everything before it is finished. What is stored is committed by librdkafka, every
//! `autocommit::interval` and when a partition goes. So a crash, a restart or a rebalance repeats records and loses
//! none.
//!
//! # Refusals
//! A record that the pipeline cannot take now stays where it is and is tried again; its partition is paused
//! meanwhile. One that is malformed, or refused for good, is counted and left out, unless `on_permanent_error` is
//! false: then it holds its partition.
//!
//! # Memory
//! What is copied out of librdkafka is counted against the component's budget. A partition that has enough on its way,
//! or that comes when the budget is used up, is paused; each assigned partition may hold one record beyond the
//! budget, so that it gets on.

mod partition;
mod poll;
mod record;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use spandrel_base::task::TaskSet;
use spandrel_pipeline::{Component, ComponentContext, ComponentError, TraceConsumer};

use crate::encoding::Encoding;
use crate::settings::receiver::KafkaReceiverSettings;
use poll::{Poller, connect};
use record::Handler;

/// How long records on their way may take when the receiver stops; who stops it usually waits less.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(3600);
/// What values of records may hold, out of the component's budget.
const RECORD_BYTES_MAX: usize = 256 << 20;

/// The `kafka` receiver, which is a member of its group from its start to its shutdown.
pub struct KafkaReceiver {
    settings: Arc<KafkaReceiverSettings>,
    encoding: Encoding,
    next: Arc<dyn TraceConsumer>,
    context: ComponentContext,
    running: Mutex<Option<Arc<TaskSet>>>,
}

impl KafkaReceiver {
    /// Hands everything that it receives to `next`.
    ///
    /// # Errors
    /// When the encoding is none of spans.
    pub fn new(
        settings: KafkaReceiverSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        let encoding = settings.encoding.clone();
        let encoding = encoding.map_err(|name| ComponentError::new(Encoding::unknown(&name)))?;
        let settings = Arc::new(settings);
        Ok(Self { settings, encoding, next, context, running: Mutex::new(None) })
    }
}

#[async_trait]
impl Component for KafkaReceiver {
    async fn start(&self) -> Result<(), ComponentError> {
        let tasks = Arc::new(TaskSet::new());
        let handler = Arc::new(Handler {
            settings: Arc::clone(&self.settings),
            encoding: self.encoding,
            next: Arc::clone(&self.next),
            memory: self.context.memory.part("kafka records", RECORD_BYTES_MAX),
            metrics: self.context.metrics.clone(),
            series: self.context.metrics.kafka().receiver(&self.context.id),
            clock: self.context.clock.clone(),
            stopping: tasks.token(),
            id: Arc::clone(&self.context.id),
        });
        // Wrong settings show here; that brokers do not answer shows later, and is waited for.
        let connection = connect(&handler)?;
        let poller = Poller::new(handler);
        tasks.spawn("kafka poll", poller.run(connection));
        tracing::info!(
            receiver = &*self.context.id,
            brokers = self.settings.client.brokers.join(","),
            topics = self.settings.topics.join(","),
            group = self.settings.group_id,
            "receiving from kafka"
        );
        *self.running.lock() = Some(tasks);
        Ok(())
    }

    async fn shutdown(&self) {
        let running = self.running.lock().take();
        if let Some(tasks) = running
            && let Err(error) = tasks.shutdown(SHUTDOWN_DEADLINE).await
        {
            tracing::warn!(receiver = &*self.context.id, %error, "a receiver was cut off");
        }
    }
}

impl Drop for KafkaReceiver {
    fn drop(&mut self) {
        if let Some(tasks) = self.running.lock().take() {
            tasks.token().cancel();
        }
    }
}
