//! `prometheus_remote_write`: series pushed to Prometheus, Mimir and whatever else speaks remote write.
//!
//! A batch becomes series, series become requests, and requests wait in one queue for each consumer, in memory or on
//! disk, with the retries of all exporters. A series always goes through the same queue, and each queue has one
//! request on its way at a time: no receiver sees the samples of a series out of order, whatever fails in between.
//!
//! What is answered with 5xx or 429 is tried again, with the delay that the receiver asks for; what is answered
//! with any other error is given up and counted in `otelcol_exporter_send_failed_metric_points`.

mod encode;
mod owner;
mod proto;
mod series;
mod settings;
mod transport;

use std::sync::Arc;

use spandrel_base::cpu;
use spandrel_config::ComponentId;
use spandrel_config::blocks::Queue;
use spandrel_exporters::{
    Extensions, FileStorage, FileStorageSettings, Payload, Sending, SendingSettings,
};
use spandrel_pipeline::{
    Accepted, Account, Component, ComponentContext, ComponentError, ConsumeError, MetricBatch,
    MetricConsumer,
};
use spandrel_telemetry::Counter;

use encode::{Encoded, Shape, encode};
use series::translate;
pub use settings::{ProtobufMessage, RemoteWriteQueue, RemoteWriteSettings, RemoteWriteWal};
pub use transport::RemoteWriteTransport;

/// The name under which the lanes find their storage.
const STORAGE: &str = "file_storage/remote_write";
/// Larger batches are translated away from the threads that serve connections.
const INLINE_POINTS_MAX: u64 = 500;

/// Writes metrics to a receiver of remote write.
pub struct RemoteWriteExporter {
    settings: Arc<RemoteWriteSettings>,
    lanes: Vec<Sending<RemoteWriteTransport>>,
    rejected: Counter,
    id: Arc<str>,
}

impl RemoteWriteExporter {
    /// An exporter that is not started yet. Blocks when a queue on disk has to be made.
    ///
    /// # Errors
    /// When the endpoint or TLS files cannot be used, or an extension that the settings name is missing.
    pub fn new(
        settings: RemoteWriteSettings,
        extensions: &Extensions,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        let n_lanes = settings.queue.map_or(1, |queue| queue.num_consumers.max(1));
        let (extensions, storage) = with_storage(&settings, extensions)?;
        let lane = |number: usize| {
            let queue = settings.queue.map(|queue| Queue {
                num_consumers: 1,
                queue_size: (queue.queue_size / n_lanes as u64).max(1),
                storage: storage.clone(),
                ..Queue::default()
            });
            let (timeout, retry) = (settings.client.timeout, settings.retry.clone());
            let transport =
                RemoteWriteTransport::new(&settings, &extensions, context.clock.clone())?;
            // The queues of all lanes add up under the name of the exporter; on disk each has its own.
            let id = match (&storage, number) {
                (Some(_), number) => format!("{}#{number}", context.id).into(),
                (None, _) => Arc::clone(&context.id),
            };
            // The accounts of pipelines are about spans.
            let context = ComponentContext { id, account: Account::detached(), ..context.clone() };
            let sending = SendingSettings { timeout, retry, queue };
            Sending::with_transport(transport, sending, &extensions, context)
        };
        let lanes = (0..n_lanes).map(lane).collect::<Result<Vec<_>, _>>()?;
        let rejected = context.metrics.exporters().exporter_of_metrics(&context.id).rejected_spans;
        Ok(Self { settings: Arc::new(settings), lanes, rejected, id: context.id })
    }

    /// Requests for the batch, how many of its data points are in them, and how many cannot be.
    async fn prepare(&self, batch: MetricBatch) -> Result<(Vec<Encoded>, Accepted), ConsumeError> {
        let points = batch.data_point_count();
        let (settings, lanes) = (Arc::clone(&self.settings), self.lanes.len());
        let work = move || {
            let translated = translate(&settings, &batch);
            let shape = Shape {
                message: settings.message,
                lanes,
                bytes_max: settings.max_batch_size_bytes,
                send_metadata: settings.send_metadata,
            };
            let accepted = Accepted {
                accepted_spans: translated.accepted,
                rejected_spans: translated.rejected,
                message: translated.message.to_owned(),
            };
            (encode(translated.series, shape), accepted)
        };
        if points <= INLINE_POINTS_MAX {
            return Ok(work());
        }
        cpu::run(work)
            .await
            .map_err(|error| ConsumeError::Permanent { message: error.to_string(), spans: points })
    }
}

/// The extensions, and the id of the one in which queues are kept, if they are.
fn with_storage(
    settings: &RemoteWriteSettings,
    extensions: &Extensions,
) -> Result<(Extensions, Option<ComponentId>), ComponentError> {
    let mut extensions = extensions.clone();
    let Some(wal) = settings.wal.as_ref().filter(|_| settings.queue.is_some()) else {
        return Ok((extensions, None));
    };
    let storage = FileStorage::open(FileStorageSettings {
        directory: wal.directory.clone(),
        create_directory: true,
        directory_permissions: 0o750,
        fsync: wal.fsync,
        max_size: wal.max_size,
    })?;
    extensions.add_storage(STORAGE, Arc::new(storage));
    let id = ComponentId::parse(STORAGE).map_err(ComponentError::new)?;
    Ok((extensions, Some(id)))
}

#[async_trait::async_trait]
impl MetricConsumer for RemoteWriteExporter {
    async fn consume_metrics(&self, batch: MetricBatch) -> Result<Accepted, ConsumeError> {
        let (tenant, client) = (batch.tenant.clone(), Arc::clone(&batch.client));
        let (requests, accepted) = self.prepare(batch).await?;
        if accepted.rejected_spans > 0 {
            self.rejected.add(accepted.rejected_spans);
            tracing::warn!(
                exporter = %self.id, data_points = accepted.rejected_spans,
                reason = accepted.message, "data points cannot be written"
            );
        }
        let mut failure = None;
        for Encoded { lane, body, samples } in requests {
            let Some(lane) = self.lanes.get(lane) else { continue };
            let (tenant, client) = (tenant.clone(), Arc::clone(&client));
            let payload = Payload { tenant, client, otlp: body, spans: samples };
            // The others are sent all the same: they are about other series.
            if let Err(error) = lane.send(payload).await {
                failure = Some(error);
            }
        }
        failure.map_or(Ok(accepted), Err)
    }
}

#[async_trait::async_trait]
impl Component for RemoteWriteExporter {
    async fn start(&self) -> Result<(), ComponentError> {
        for lane in &self.lanes {
            lane.start().await?;
        }
        Ok(())
    }

    async fn shutdown(&self) {
        futures::future::join_all(self.lanes.iter().map(Component::shutdown)).await;
    }
}
