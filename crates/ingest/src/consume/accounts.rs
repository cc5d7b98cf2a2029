//! What becomes of the spans of a batch, in numbers and in words.

use std::sync::atomic::Ordering;

use spandrel_otlp::{DecodeSummary, count_spans};
use spandrel_pipeline::ConsumeError;
use spandrel_telemetry::{FailReason, RefuseReason, RejectReason};

use super::RETRY_AFTER;
use crate::group::GroupError;
use crate::limits::{Gate, Rejections};
use crate::shared::Shared;

impl Shared {
    pub(super) fn not_stored(&self, gate: &Gate, error: GroupError, spans: u64) -> ConsumeError {
        match error {
            GroupError::LogFull => {
                self.refuse(gate, spans, RefuseReason::WalFull, "the write-ahead log is full")
            }
            GroupError::DiskFull => {
                self.refuse(gate, spans, RefuseReason::DiskFull, "the disk is full")
            }
            GroupError::Failed => {
                self.fail(gate, spans, FailReason::Wal, "the write-ahead log could not be written")
            }
        }
    }

    /// The answer when nobody writes the log any more.
    pub(super) fn closed(&self, gate: &Gate, spans: u64) -> ConsumeError {
        if self.stopping.load(Ordering::Acquire) {
            self.refuse(gate, spans, RefuseReason::ShuttingDown, "shutting down")
        } else {
            self.fail(gate, spans, FailReason::Wal, "the write-ahead log has no writer")
        }
    }

    pub(super) fn refuse(
        &self,
        gate: &Gate,
        spans: u64,
        reason: RefuseReason,
        message: &str,
    ) -> ConsumeError {
        self.metrics.spans().refused.add(&reason, spans);
        self.accounts.refused(&gate.tenant, reason, spans);
        unavailable(spans, message)
    }

    /// Counts the spans of a batch that a limit of the tenant keeps out for now, and says how many they are.
    pub(super) fn over_limit(&self, gate: &Gate, reason: RefuseReason, otlp: &[u8]) -> u64 {
        let spans = count_spans(otlp);
        self.metrics.spans().refused.add(&reason, spans);
        self.metrics.limits().record_refused(gate.tenant.as_str(), reason, spans);
        self.accounts.refused(&gate.tenant, reason, spans);
        spans
    }

    pub(super) fn fail(
        &self,
        gate: &Gate,
        spans: u64,
        reason: FailReason,
        message: &str,
    ) -> ConsumeError {
        self.metrics.spans().failed.add(&reason, spans);
        self.accounts.failed(&gate.tenant, spans);
        unavailable(spans, message)
    }

    /// Counts the spans of a batch that was stored, those of it that were rejected included.
    pub(super) fn account_stored(
        &self,
        gate: &Gate,
        summary: &DecodeSummary,
        rejections: &Rejections,
    ) {
        let tenant = &gate.tenant;
        self.metrics.spans().stored.add(summary.spans);
        self.accounts.stored(tenant, summary.spans);
        let rejected = &summary.rejected;
        for (reason, spans) in [
            (RejectReason::InvalidTraceId, rejected.invalid_trace_id),
            (RejectReason::InvalidSpanId, rejected.invalid_span_id),
            (RejectReason::InvalidParentSpanId, rejected.invalid_parent_span_id),
            (RejectReason::StartTimeOutOfRange, rejected.start_time_out_of_range),
        ] {
            if spans > 0 {
                self.metrics.spans().rejected.add(&reason, spans);
                self.accounts.rejected(tenant, reason, spans);
            }
        }
        for (reason, spans) in rejections.by_reason() {
            self.metrics.spans().rejected.add(&reason, spans);
            self.accounts.rejected(tenant, reason, spans);
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
