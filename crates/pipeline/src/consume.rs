//! What a receiver hands on and what it gets back.

use std::sync::Arc;
use std::time::Duration;

use spandrel_model::TenantId;
use spandrel_otlp::DecodeError;

use crate::{Client, Otlp, Traces};

/// Spans of one request on their way through the process.
#[derive(Debug, Clone)]
pub struct TraceBatch {
    /// Whose they are.
    pub tenant: TenantId,
    /// Who sent them.
    pub client: Arc<Client>,
    /// The spans.
    pub traces: Traces,
}

impl TraceBatch {
    /// An OTLP `ExportTraceServiceRequest` in protobuf encoding, decompressed, from nobody in particular.
    pub fn otlp(tenant: TenantId, otlp: impl Into<Otlp>) -> Self {
        Self { tenant, client: Arc::default(), traces: Traces::Otlp(otlp.into()) }
    }

    /// Other spans of the same tenant and client.
    #[must_use]
    pub fn with_traces(&self, traces: Traces) -> Self {
        Self { tenant: self.tenant.clone(), client: Arc::clone(&self.client), traces }
    }
}

/// The batch is safe: it survives a crash of the process and will be found by queries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Spans that are stored.
    pub accepted_spans: u64,
    /// Spans that can never be stored (OTLP partial success); the sender must not send them again.
    pub rejected_spans: u64,
    /// Why spans were rejected, for the sender's log; empty when none were.
    pub message: String,
}

/// No span of the batch was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsumeError {
    /// The bytes are not an OTLP request; sending them again cannot help.
    #[error("{0}")]
    Malformed(String),
    /// The batch is larger than the consumer can ever take; sending it again cannot help.
    #[error("{0}")]
    TooLarge(String),
    /// The tenant is over a limit of its own, others are not; the sender should try again later.
    #[error("{message}")]
    OverLimit {
        /// Which limit it is, for the sender's log.
        message: String,
        /// When a new attempt makes sense.
        retry_after: Duration,
        /// How many spans the batch holds, for the accounting of the receiver; the consumer has counted
        /// them as refused.
        spans: u64,
    },
    /// The consumer is full or shutting down; the sender should try again.
    #[error("{message}")]
    Unavailable {
        /// What is short, for the sender's log.
        message: String,
        /// When a new attempt makes sense.
        retry_after: Duration,
        /// How many spans the batch holds, for the accounting of the receiver; the consumer has counted
        /// them as refused or failed.
        spans: u64,
    },
    /// What the spans were handed on to has refused them for good; sending them again cannot help.
    #[error("{message}")]
    Permanent {
        /// Who refused and why, for the sender's log.
        message: String,
        /// How many spans the batch holds.
        spans: u64,
    },
}

impl ConsumeError {
    /// Whether the same spans may be taken later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::OverLimit { .. } | Self::Unavailable { .. } => true,
            Self::Malformed(_) | Self::TooLarge(_) | Self::Permanent { .. } => false,
        }
    }
}

impl From<DecodeError> for ConsumeError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Takes responsibility for spans.
///
/// # Contract
/// - `Ok` MUST mean durable: the receiver answers its sender with success right away.
/// - An error MUST mean that no span of the batch is stored or will be.
/// - Cancellation (the receiver drops the future because its client left) MAY still store the batch.
/// - Implementations bound their memory and answer [`ConsumeError::Unavailable`] when they are full. What is
///   only about one tenant is [`ConsumeError::OverLimit`].
#[async_trait::async_trait]
pub trait TraceConsumer: Send + Sync {
    /// Stores the batch, or says why not.
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError>;
}
