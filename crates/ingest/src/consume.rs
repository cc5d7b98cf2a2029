//! Taking a batch: admission, decoding, waiting for the committer, and the accounts of its spans.
//!
//! # Accounts
//! Of a batch with an answer other than malformed or too large, every span is counted once: as stored or
//! rejected when the batch is accepted; as refused or failed, the rejectable ones included, when it is not.
//! The receiver counts the same spans as received.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use spandrel_base::cpu;
use spandrel_model::TenantId;
use spandrel_otlp::{DecodeSummary, count_spans};
use spandrel_pipeline::{Accepted, ConsumeError, TraceBatch, TraceConsumer};
use spandrel_telemetry::{FailReason, RefuseReason, RejectReason};
use spandrel_wal::PAYLOAD_BYTES_MAX;

use crate::Store;
use crate::group::{Answered, EnterError, GroupError, SMALL_BYTES_MAX};
use crate::shared::Shared;

/// What a refused sender is told to wait: about as long as flushing a block takes.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[async_trait::async_trait]
impl TraceConsumer for Store {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let shared = &self.shared;
        let TraceBatch { tenant, otlp } = batch;
        if otlp.len() > PAYLOAD_BYTES_MAX {
            let message = format!("request of {} bytes exceeds {PAYLOAD_BYTES_MAX}", otlp.len());
            return Err(ConsumeError::TooLarge(message));
        }
        let arrived = shared.clock.monotonic();
        shared.admit(&otlp)?;
        let (summary, answered) = enter(shared, tenant, otlp).await?;
        if let Some(answered) = answered {
            let stored = answered.await.unwrap_or(Err(GroupError::Failed));
            stored.map_err(|error| shared.not_stored(error, &summary))?;
        }
        let waited = shared.clock.monotonic().saturating_sub(arrived);
        shared.metrics.live().acknowledged_to_searchable.observe(waited);
        shared.metrics.spans().stored.add(summary.spans);
        shared.account_rejected(&summary);
        Ok(Accepted {
            accepted_spans: summary.spans,
            rejected_spans: summary.rejected.total(),
            message: summary.rejected.message(),
        })
    }
}

/// Decodes a batch into the next group, on another thread when that takes long.
async fn enter(
    shared: &Arc<Shared>,
    tenant: TenantId,
    otlp: Bytes,
) -> Result<(DecodeSummary, Option<Answered>), ConsumeError> {
    let received = shared.clock.now_unix_nanos();
    let entered = if otlp.len() <= SMALL_BYTES_MAX {
        shared.groups.enter(&tenant, otlp.clone(), received)
    } else {
        let (entering, payload) = (Arc::clone(shared), otlp.clone());
        let entered = cpu::run(move || entering.groups.enter(&tenant, payload, received)).await;
        entered.map_err(|error| {
            shared.fail(count_spans(&otlp), FailReason::Internal, &error.to_string())
        })?
    };
    entered.map_err(|error| match error {
        EnterError::Malformed(error) => ConsumeError::Malformed(error.to_string()),
        EnterError::Full => {
            let message = "too many spans wait for the write-ahead log";
            shared.refuse(count_spans(&otlp), RefuseReason::Memory, message)
        }
        EnterError::Closed => shared.closed(count_spans(&otlp)),
    })
}

impl Shared {
    /// Refuses what cannot be taken now.
    fn admit(&self, otlp: &[u8]) -> Result<(), ConsumeError> {
        if self.stopping.load(Ordering::Acquire) {
            return Err(self.closed(count_spans(otlp)));
        }
        if self.is_full() {
            // Segments that are neither large nor old have to go then.
            self.sealed.notify_one();
            let message = "too many live spans wait to become blocks";
            return Err(self.refuse(count_spans(otlp), RefuseReason::Memory, message));
        }
        Ok(())
    }

    fn not_stored(&self, error: GroupError, summary: &DecodeSummary) -> ConsumeError {
        let spans = summary.spans + summary.rejected.total();
        match error {
            GroupError::LogFull => {
                self.refuse(spans, RefuseReason::WalFull, "the write-ahead log is full")
            }
            GroupError::DiskFull => self.refuse(spans, RefuseReason::DiskFull, "the disk is full"),
            GroupError::Failed => {
                self.fail(spans, FailReason::Wal, "the write-ahead log could not be written")
            }
        }
    }

    /// The answer when nobody writes the log any more.
    fn closed(&self, spans: u64) -> ConsumeError {
        if self.stopping.load(Ordering::Acquire) {
            self.refuse(spans, RefuseReason::ShuttingDown, "shutting down")
        } else {
            self.fail(spans, FailReason::Wal, "the write-ahead log has no writer")
        }
    }

    fn refuse(&self, spans: u64, reason: RefuseReason, message: &str) -> ConsumeError {
        self.metrics.spans().refused.add(&reason, spans);
        unavailable(spans, message)
    }

    fn fail(&self, spans: u64, reason: FailReason, message: &str) -> ConsumeError {
        self.metrics.spans().failed.add(&reason, spans);
        unavailable(spans, message)
    }

    fn account_rejected(&self, summary: &DecodeSummary) {
        let rejected = &summary.rejected;
        for (reason, spans) in [
            (RejectReason::InvalidTraceId, rejected.invalid_trace_id),
            (RejectReason::InvalidSpanId, rejected.invalid_span_id),
            (RejectReason::InvalidParentSpanId, rejected.invalid_parent_span_id),
            (RejectReason::StartTimeOutOfRange, rejected.start_time_out_of_range),
        ] {
            if spans > 0 {
                self.metrics.spans().rejected.add(&reason, spans);
            }
        }
    }
}

fn unavailable(spans: u64, message: &str) -> ConsumeError {
    ConsumeError::Unavailable { message: message.to_owned(), retry_after: RETRY_AFTER, spans }
}
