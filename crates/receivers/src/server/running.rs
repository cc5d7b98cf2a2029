//! What a receiver that is running consists of, and how it stops.

use std::sync::Arc;
use std::time::Duration;

use spandrel_base::clock::SharedClock;
use spandrel_base::task::{ShutdownTimeout, TaskSet};
use spandrel_pipeline::TraceConsumer;
use spandrel_telemetry::Metrics;

use super::intake::Intake;
use super::options::IntakeOptions;

/// The tasks of a receiver and what they share. Dropping it ends them at once.
#[derive(Debug)]
pub(crate) struct Running {
    /// Listeners, connections and the streams on them.
    pub(crate) tasks: Arc<TaskSet>,
    pub(crate) intake: Arc<Intake>,
}

impl Running {
    pub(crate) fn new(
        options: &IntakeOptions,
        consumer: Arc<dyn TraceConsumer>,
        metrics: Metrics,
        clock: SharedClock,
    ) -> Self {
        let intake = Arc::new(Intake::new(options, consumer, metrics, clock));
        Self { tasks: Arc::new(TaskSet::new()), intake }
    }

    /// Closes the ports, lets requests that have begun finish, then closes their connections. What is not
    /// finished after `deadline` is cut off.
    pub(crate) async fn shutdown(&self, deadline: Duration) -> Result<(), ShutdownTimeout> {
        let began = self.intake.clock.monotonic();
        let closed = self.tasks.shutdown(deadline).await;
        let left = deadline.saturating_sub(self.intake.clock.monotonic().saturating_sub(began));
        // Only requests whose senders have hung up are left here.
        closed.and(self.intake.deliveries.shutdown(left).await)
    }
}
