//! `file`: requests as JSON lines or length-prefixed messages, in one file or one for each value of an attribute.
//!
//! A request has been handed to the operating system when it is acknowledged, so it survives the end of the
//! process; that is why there is nothing to flush in intervals. Compressed messages, and those in protobuf, have
//! their length in front (four bytes, big-endian); JSON that is not compressed ends in a line feed.

mod group;
mod rotation;
mod settings;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spandrel_base::clock::SharedClock;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch, TraceConsumer,
};
use spandrel_telemetry::ExporterSeries;

use group::Groups;
use writer::{FileError, FileWriter};

pub use settings::FileSettings;

/// When a sender should come again after a disk was full or broken.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The exporter `file`.
pub struct FileExporter {
    files: Arc<Mutex<Option<Files>>>,
    settings: FileSettings,
    clock: SharedClock,
    series: ExporterSeries,
}

enum Files {
    One(FileWriter),
    Grouped(Groups),
}

impl FileExporter {
    /// An exporter that has not opened its file yet.
    pub fn new(settings: FileSettings, context: ComponentContext) -> Self {
        Self {
            files: Arc::default(),
            settings,
            series: context.metrics.exporters().exporter(&context.id),
            clock: context.clock,
        }
    }

    fn open(settings: &FileSettings, clock: SharedClock) -> Result<Files, FileError> {
        match &settings.group_by {
            Some(group_by) => Ok(Files::Grouped(Groups::new(settings, group_by, clock)?)),
            None => FileWriter::open(&settings.path, settings, clock).map(Files::One),
        }
    }
}

#[async_trait::async_trait]
impl TraceConsumer for FileExporter {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let traces = batch.traces;
        let spans = traces.span_count();
        let files = Arc::clone(&self.files);
        let written = tokio::task::spawn_blocking(move || match files.lock().as_mut() {
            Some(Files::One(file)) => file.write(traces),
            Some(Files::Grouped(groups)) => groups.write(traces),
            None => Err(FileError::Closed),
        });
        let error = match written.await {
            Ok(Ok(())) => {
                self.series.sent_spans.add(spans);
                return Ok(Accepted { accepted_spans: spans, ..Accepted::default() });
            }
            Ok(Err(error)) => error,
            Err(_stopping) => FileError::Closed,
        };
        self.series.send_failed_spans.add(spans);
        Err(match error {
            FileError::Malformed(error) => error,
            error => {
                let message = error.to_string();
                ConsumeError::Unavailable { message, retry_after: RETRY_AFTER, spans }
            }
        })
    }
}

#[async_trait::async_trait]
impl Component for FileExporter {
    async fn start(&self) -> Result<(), ComponentError> {
        let (settings, clock) = (self.settings.clone(), self.clock.clone());
        let opened = tokio::task::spawn_blocking(move || Self::open(&settings, clock)).await;
        let opened = opened.map_err(|_stopping| ComponentError::new("the process is stopping"))?;
        let opened = opened.map_err(|error| ComponentError::new(error.to_string()))?;
        *self.files.lock() = Some(opened);
        Ok(())
    }

    async fn shutdown(&self) {
        let files = self.files.lock().take();
        // Syncing may take a while.
        let _ = tokio::task::spawn_blocking(move || match files {
            Some(Files::One(file)) => file.close(),
            Some(Files::Grouped(groups)) => groups.close(),
            None => {}
        })
        .await;
    }
}
