//! What became of every span: the accounting that makes loss visible.
//!
//! # Invariant
//! At rest (no request in flight), `received = stored + rejected + refused + failed`. Each span
//! of a decoded request is counted once as received, and once as exactly one of the others:
//!
//! - **stored**: durable in the write-ahead log, so the sender heard success;
//! - **rejected**: can never be stored; the sender must not send it again;
//! - **refused**: not stored now; the sender was asked to try again;
//! - **failed**: not stored because something here broke.
//!
//! A request that cannot be decoded at all has no countable spans; it shows up only in
//! `spandrel_receiver_requests_total` by its code. Spans replayed from the log after a restart are
//! not received again and are counted by the WAL's own metrics.

use crate::Counter;
use crate::instrument::{CounterFamily, Registrar};
use crate::label::label_enum;
use crate::metrics::receiver::Source;

label_enum! {
    /// Why a span can never be stored.
    pub enum RejectReason("reason") {
        /// The trace id is not 16 bytes, or is all zeros.
        InvalidTraceId = "invalid_trace_id",
        /// The span id is not 8 bytes, or is all zeros.
        InvalidSpanId = "invalid_span_id",
        /// The parent span id has neither 0 nor 8 bytes.
        InvalidParentSpanId = "invalid_parent_span_id",
        /// The start time is too far from now to belong to any block.
        StartTimeOutOfRange = "start_time_out_of_range",
        /// The span's bytes break its protocol.
        Malformed = "malformed",
        /// The request is larger than can ever be taken.
        TooLarge = "too_large",
        /// The live part of its trace has as many bytes as the tenant's limit allows.
        TraceBytes = "trace_bytes",
        /// The live part of its trace has as many spans as the tenant's limit allows.
        TraceSpans = "trace_spans",
        /// An attribute value is longer than the tenant's limit allows.
        AttributeBytes = "attribute_bytes",
        /// It has more attributes than the tenant's limit allows.
        SpanAttributes = "span_attributes",
    }
}

label_enum! {
    /// Why a span was not taken now.
    pub enum RefuseReason("reason") {
        /// The write-ahead log has reached its size limit.
        WalFull = "wal_full",
        /// Live spans, or everything together, have reached their memory limit.
        Memory = "memory",
        /// The tenant sends faster than its limit allows.
        TenantRate = "tenant_rate",
        /// The tenant has as many bytes of live spans as its limit allows.
        TenantLiveBytes = "tenant_live_bytes",
        /// The process is going down.
        ShuttingDown = "shutting_down",
        /// The file system has no space left.
        DiskFull = "disk_full",
    }
}

label_enum! {
    /// What broke while a span was being stored.
    pub enum FailReason("reason") {
        /// The write-ahead log could not be written or synced.
        Wal = "wal",
        /// Anything else; the log has the error.
        Internal = "internal",
    }
}

/// Counters by fate; see the invariant in [`SpanAccounting`].
#[derive(Debug, Clone)]
pub struct SpanMetrics {
    /// Spans in decoded requests, by where they came in.
    pub received: CounterFamily<Source>,
    /// Spans that are durable.
    pub stored: Counter,
    /// Spans that can never be stored.
    pub rejected: CounterFamily<RejectReason>,
    /// Spans that the sender was asked to send again.
    pub refused: CounterFamily<RefuseReason>,
    /// Spans lost to a fault of ours.
    pub failed: CounterFamily<FailReason>,
}

/// The sums of [`SpanMetrics`] at one moment.
///
/// At rest, `received == stored + rejected + refused + failed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanAccounting {
    /// Spans in decoded requests.
    pub received: u64,
    /// Spans that are durable.
    pub stored: u64,
    /// Spans that can never be stored.
    pub rejected: u64,
    /// Spans that the sender was asked to send again.
    pub refused: u64,
    /// Spans lost to a fault of ours.
    pub failed: u64,
}

impl SpanAccounting {
    /// Received spans whose fate is not counted yet; negative when a fate was counted first.
    ///
    /// Zero at rest; a value that stays away from zero is a bug.
    pub fn unaccounted(&self) -> i64 {
        let fates = [self.stored, self.rejected, self.refused, self.failed];
        let accounted = fates.into_iter().fold(0, u64::wrapping_add);
        self.received.wrapping_sub(accounted).cast_signed()
    }
}

impl SpanMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            received: registrar.counters(
                "spandrel_spans_received",
                "Spans in decoded requests",
                &Source::ALL,
            ),
            stored: registrar
                .counter("spandrel_spans_stored", "Spans durable in the write-ahead log"),
            rejected: registrar.counters(
                "spandrel_spans_rejected",
                "Spans that can never be stored",
                RejectReason::ALL,
            ),
            refused: registrar.counters(
                "spandrel_spans_refused",
                "Spans that were not taken and may be sent again",
                RefuseReason::ALL,
            ),
            failed: registrar.counters(
                "spandrel_spans_failed",
                "Spans not stored because of an internal fault",
                FailReason::ALL,
            ),
        }
    }

    pub(crate) fn accounting(&self) -> SpanAccounting {
        SpanAccounting {
            received: self.received.sum(&Source::ALL),
            stored: self.stored.get(),
            rejected: self.rejected.sum(RejectReason::ALL),
            refused: self.refused.sum(RefuseReason::ALL),
            failed: self.failed.sum(FailReason::ALL),
        }
    }
}
