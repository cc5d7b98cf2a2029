//! What a receiver that is running consists of, and how it stops.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spandrel_base::clock::SharedClock;
use spandrel_base::task::{ShutdownTimeout, TaskSet};
use spandrel_config::blocks::HttpServer;
use spandrel_pipeline::{ComponentContext, TraceConsumer};
use spandrel_telemetry::Metrics;

use super::intake::Intake;
use super::options::IntakeOptions;
use super::settings::{SHUTDOWN_DEADLINE, intake_options};

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

    /// Of a component, with the limits of its HTTP server if it has one.
    pub(crate) fn of(
        context: &ComponentContext,
        http: Option<&HttpServer>,
        next: &Arc<dyn TraceConsumer>,
    ) -> Self {
        let options = intake_options(context, http);
        Self::new(&options, Arc::clone(next), context.metrics.clone(), context.clock.clone())
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

/// What a component runs from its start to its shutdown, and where it listens.
#[derive(Debug)]
pub(crate) struct RunningSlot<Addresses>(Mutex<Option<(Arc<Running>, Addresses)>>);

impl<Addresses: Copy> RunningSlot<Addresses> {
    pub(crate) fn empty() -> Self {
        Self(Mutex::new(None))
    }

    pub(crate) fn set(&self, running: Running, addresses: Addresses) {
        *self.0.lock() = Some((Arc::new(running), addresses));
    }

    /// Where it listens while it is running.
    pub(crate) fn addresses(&self) -> Option<Addresses> {
        self.0.lock().as_ref().map(|(_, addresses)| *addresses)
    }

    /// Ends what runs for the component with this id; nothing, if nothing does.
    pub(crate) async fn shutdown(&self, receiver: &str) {
        let running = self.0.lock().as_ref().map(|(running, _)| Arc::clone(running));
        if let Some(running) = running
            && let Err(error) = running.shutdown(SHUTDOWN_DEADLINE).await
        {
            tracing::warn!(receiver, %error, "a receiver was cut off");
        }
        self.0.lock().take();
    }
}
