//! What the generator does from time to time: it writes what was counted.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use spandrel_base::clock::SharedClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_base::task::TaskSet;
use spandrel_exporters::Extensions;
use spandrel_metrics_exporters::remote_write::{RemoteWriteExporter, RemoteWriteSettings};
use spandrel_pipeline::{
    Account, Component, ComponentContext, ComponentError, MetricBatch, MetricConsumer,
};
use spandrel_telemetry::Metrics;
use tokio::time::MissedTickBehavior;

use crate::Generator;

/// How often it is looked which tenant's metrics are due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Writes what a generator has counted, until it is stopped.
pub struct GeneratorTasks {
    generator: Arc<Generator>,
    writers: Arc<Vec<RemoteWriteExporter>>,
    tasks: TaskSet,
}

impl GeneratorTasks {
    /// Starts writing to these receivers; with none, series end all the same when their time is over. Must be called
    /// within a runtime.
    ///
    /// # Errors
    /// When a receiver's settings cannot be used.
    pub fn start(
        generator: Arc<Generator>,
        targets: Vec<RemoteWriteSettings>,
        (clock, metrics, memory): (SharedClock, Metrics, MemoryBudget),
    ) -> BoxFuture<'static, Result<Self, ComponentError>> {
        Box::pin(async move {
            let mut writers = Vec::new();
            for (number, settings) in targets.into_iter().enumerate() {
                let context = ComponentContext {
                    id: format!("metrics_generator/{number}").into(),
                    pipeline: "".into(),
                    clock: Arc::clone(&clock),
                    metrics: metrics.clone(),
                    memory: memory.clone(),
                    data_dir: PathBuf::new(),
                    account: Account::detached(),
                };
                let writer = RemoteWriteExporter::new(settings, &Extensions::default(), context)?;
                writer.start().await?;
                writers.push(writer);
            }
            let (writers, tasks) = (Arc::new(writers), TaskSet::new());
            let token = tasks.token();
            let shared = (Arc::clone(&generator), Arc::clone(&writers));
            tasks.spawn("metrics generator", async move {
                let mut looks = tokio::time::interval(LOOK_EVERY);
                looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    tokio::select! {
                        biased; // A stop must not wait for the next look.
                        () = token.cancelled() => return,
                        _ = looks.tick() => write(&shared.0, &shared.1, false).await,
                    }
                }
            });
            Ok(Self { generator, writers, tasks })
        })
    }

    /// Writes everything once more and stops.
    pub fn shutdown(&self, deadline: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let stop = async {
                let _ = self.tasks.shutdown(deadline).await;
                write(&self.generator, &self.writers, true).await;
                for writer in &*self.writers {
                    writer.shutdown().await;
                }
            };
            if tokio::time::timeout(deadline, stop).await.is_err() {
                tracing::warn!("generated metrics were not all written");
            }
        })
    }
}

async fn write(generator: &Generator, writers: &[RemoteWriteExporter], all: bool) {
    for batch in generator.collect(all) {
        for writer in writers {
            let MetricBatch { tenant, .. } = &batch;
            if let Err(error) = writer.consume_metrics(batch.clone()).await {
                generator.record_failed(tenant);
                tracing::warn!(%tenant, %error, "generated metrics were not written");
            }
        }
    }
}
