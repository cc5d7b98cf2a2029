//! What becomes of the spans of a batch, in numbers and in words.

use std::sync::atomic::Ordering;

use spandrel_model::TenantId;
use spandrel_otlp::{DecodeSummary, count_spans};
use spandrel_pipeline::ConsumeError;
use spandrel_telemetry::{FailReason, RefuseReason, RejectReason};

use super::RETRY_AFTER;
use crate::group::GroupError;
use crate::limits::{Gate, Rejections};
use crate::shared::Shared;

impl Shared {
    pub(super) fn not_stored(&self, error: GroupError, spans: u64) -> ConsumeError {
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
    pub(super) fn closed(&self, spans: u64) -> ConsumeError {
        if self.stopping.load(Ordering::Acquire) {
            self.refuse(spans, RefuseReason::ShuttingDown, "shutting down")
        } else {
            self.fail(spans, FailReason::Wal, "the write-ahead log has no writer")
        }
    }

    pub(super) fn refuse(&self, spans: u64, reason: RefuseReason, message: &str) -> ConsumeError {
        self.metrics.spans().refused.add(&reason, spans);
        unavailable(spans, message)
    }

    /// Counts the spans of a batch that a limit of the tenant keeps out for now, and says how many they are.
    pub(super) fn over_limit(&self, gate: &Gate, reason: RefuseReason, otlp: &[u8]) -> u64 {
        let spans = count_spans(otlp);
        self.metrics.spans().refused.add(&reason, spans);
        self.metrics.limits().record_refused(gate.tenant.as_str(), reason, spans);
        spans
    }

    pub(super) fn fail(&self, spans: u64, reason: FailReason, message: &str) -> ConsumeError {
        self.metrics.spans().failed.add(&reason, spans);
        unavailable(spans, message)
    }

    pub(super) fn account_rejected(
        &self,
        tenant: &TenantId,
        summary: &DecodeSummary,
        rejections: &Rejections,
    ) {
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
        for (reason, spans) in rejections.by_reason() {
            self.metrics.spans().rejected.add(&reason, spans);
            self.metrics.limits().record_rejected(tenant.as_str(), reason, spans);
        }
    }
}

/// Why spans were rejected, for the sender; empty when none were.
pub(super) fn message(summary: &DecodeSummary, rejections: &Rejections) -> String {
    let parts = [summary.rejected.message(), rejections.message()];
    let said: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    said.join("; ")
}

fn unavailable(spans: u64, message: &str) -> ConsumeError {
    ConsumeError::Unavailable { message: message.to_owned(), retry_after: RETRY_AFTER, spans }
}
