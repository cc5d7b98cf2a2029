//! What a connector does from time to time, from its start until its shutdown.

use std::future::Future;
use std::time::Duration;

use spandrel_base::task::TaskSet;
use tokio::time::MissedTickBehavior;

/// How long a task may take to stop once it was told to; the graph's own deadline is shorter.
const STOP: Duration = Duration::from_secs(60);

/// Tasks that repeat something.
#[derive(Debug, Default)]
pub(crate) struct Periodic(TaskSet);

impl Periodic {
    /// Does `act` every `interval`, first after one. A slow `act` delays the next.
    pub(crate) fn every<F, Fut>(&self, name: &str, interval: Duration, act: F)
    where
        F: Fn() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send,
    {
        let token = self.0.token();
        self.0.spawn(name, async move {
            let mut ticks = tokio::time::interval(interval);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks.tick().await;
            loop {
                tokio::select! {
                    () = token.cancelled() => return,
                    _ = ticks.tick() => act().await,
                }
            }
        });
    }

    /// Stops the tasks.
    pub(crate) async fn stop(&self) {
        if let Err(timeout) = self.0.shutdown(STOP).await {
            tracing::warn!(tasks = ?timeout.names, "tasks of a connector had to be aborted");
        }
    }
}
