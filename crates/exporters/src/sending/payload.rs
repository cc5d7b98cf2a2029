//! What is sent, how an attempt to send it ends, and who sends.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use spandrel_model::TenantId;
use spandrel_pipeline::{Client, ComponentError};
use spandrel_telemetry::{ExporterSeries, Metrics};

/// Spans as a transport takes them.
#[derive(Debug, Clone)]
pub struct Payload {
    /// Whose spans they are.
    pub tenant: TenantId,
    /// Who sent them to this process.
    pub client: Arc<Client>,
    /// `ExportTraceServiceRequest`, protobuf; of an exporter of metrics, the body that its transport sends.
    pub otlp: Bytes,
    /// How many spans, or data points, it holds.
    pub spans: u64,
}

/// The destination took a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    /// Spans that it left out for good (OTLP partial success).
    pub rejected_spans: u64,
    /// Its words about that, or a warning; empty when it had none.
    pub message: String,
}

/// The destination did not take a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Sending the same again cannot help.
    #[error("{message}")]
    Permanent {
        /// What the destination said.
        message: String,
        /// Whether the content is at fault, so that another request may still be taken.
        is_content: bool,
    },
    /// Sending again may help.
    #[error("{message}")]
    Retryable {
        /// What the destination said, or what went wrong on the way.
        message: String,
        /// The least time to wait, when the destination asked for one.
        delay: Option<Duration>,
    },
}

impl SendError {
    /// A retryable error without a delay of its own.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self::Retryable { message: message.into(), delay: None }
    }

    /// A permanent error that is not about the content.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::Permanent { message: message.into(), is_content: false }
    }

    /// Whether sending again cannot help.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Permanent { .. })
    }
}

/// Sends one request at a time to one kind of destination. Several calls of [`Transport::export`] run at once.
#[async_trait::async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Where the exporter with this component id counts.
    fn series(metrics: &Metrics, id: &str) -> ExporterSeries
    where
        Self: Sized,
    {
        metrics.exporters().exporter(id)
    }

    /// Prepares what the first request needs.
    async fn start(&self) -> Result<(), ComponentError> {
        Ok(())
    }

    /// Makes one attempt. The caller limits its time by dropping the future.
    async fn export(&self, payload: &Payload) -> Result<Exported, SendError>;

    /// Closes what is open; no request follows.
    async fn stop(&self) {}
}
