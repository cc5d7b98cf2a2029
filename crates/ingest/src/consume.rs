//! Taking a batch: admission, screening, decoding, waiting for the committer, and the accounts of its spans.
//!
//! # Accounts
//! Of a batch with an answer other than malformed or too large, every span is counted once: as stored or
//! rejected when the batch is accepted; as refused or failed, the rejectable ones included, when it is not.
//! The receiver counts the same spans as received.

mod accounts;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use spandrel_base::cpu;
use spandrel_base::memory::{MemoryExhausted, Reservation};
use spandrel_otlp::{DecodeError, DecodeSummary, count_spans};
use spandrel_pipeline::{Accepted, ConsumeError, TraceBatch, TraceConsumer};
use spandrel_telemetry::{FailReason, RefuseReason};
use spandrel_wal::PAYLOAD_BYTES_MAX;

use crate::Store;
use crate::group::{Answered, BYTES_HELD_PER_BYTE, Batch, EnterError, GroupError, SMALL_BYTES_MAX};
use crate::limits::{Gate, RateCharge, Rejections, Screened, TraceCharge};
use crate::shared::Shared;

/// What a refused sender is told to wait: about as long as flushing a block takes.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[async_trait::async_trait]
impl TraceConsumer for Store {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let shared = &self.shared;
        let TraceBatch { tenant, traces, .. } = batch;
        let otlp = traces.into_otlp();
        if otlp.len() > PAYLOAD_BYTES_MAX {
            let message = format!("request of {} bytes exceeds {PAYLOAD_BYTES_MAX}", otlp.len());
            return Err(ConsumeError::TooLarge(message));
        }
        let arrived = shared.clock.monotonic();
        let gate = shared.gates.of(&tenant, arrived);
        let Admitted { held, rate } = shared.admit(&gate, &otlp, arrived)?;
        let entered = match enter(shared, &gate, otlp, held).await {
            Ok(entered) => entered,
            Err(error) => {
                // A malformed batch cost as much as any other, and does not come again.
                if matches!(error, ConsumeError::Malformed(_)) {
                    rate.keep();
                }
                return Err(error);
            }
        };
        let Entered { summary, rejections, charge, answered } = entered;
        if let Some(answered) = answered {
            let stored = answered.await.unwrap_or(Err(GroupError::Failed));
            let spans = summary.spans + summary.rejected.total() + rejections.total();
            stored.map_err(|error| shared.not_stored(&gate, error, spans))?;
        }
        rate.keep();
        charge.keep();
        let waited = shared.clock.monotonic().saturating_sub(arrived);
        shared.metrics.live().acknowledged_to_searchable.observe(waited);
        shared.account_stored(&gate, &summary, &rejections);
        Ok(Accepted {
            accepted_spans: summary.spans,
            rejected_spans: summary.rejected.total() + rejections.total(),
            message: accounts::message(&summary, &rejections),
        })
    }
}

/// What a batch took before it was looked at.
struct Admitted {
    held: Reservation,
    rate: RateCharge,
}

/// A batch in a group.
struct Entered {
    summary: DecodeSummary,
    rejections: Rejections,
    charge: TraceCharge,
    /// `None` when nothing of it is to be stored.
    answered: Option<Answered>,
}

/// Screens and decodes a batch into the next group, on another thread when that takes long.
async fn enter(
    shared: &Arc<Shared>,
    gate: &Arc<Gate>,
    otlp: Bytes,
    held: Reservation,
) -> Result<Entered, ConsumeError> {
    let received_unix_nanos = shared.clock.now_unix_nanos();
    let work = {
        let (shared, gate, otlp) = (Arc::clone(shared), Arc::clone(gate), otlp.clone());
        move || {
            let Screened { otlp, rejections, charge } = gate.screen(&otlp)?;
            let tenant = gate.tenant.clone();
            let batch = Batch { tenant, otlp, received_unix_nanos, held };
            let (summary, answered) = shared.groups.enter(batch)?;
            Ok(Entered { summary, rejections, charge, answered })
        }
    };
    let entered = if otlp.len() <= SMALL_BYTES_MAX {
        work()
    } else {
        cpu::run(work).await.map_err(|error| {
            shared.fail(gate, count_spans(&otlp), FailReason::Internal, &error.to_string())
        })?
    };
    entered.map_err(|error| match error {
        EnterError::Malformed(error) => ConsumeError::Malformed(error.to_string()),
        EnterError::Full => {
            let message = "too many spans wait for the write-ahead log";
            shared.refuse(gate, count_spans(&otlp), RefuseReason::Memory, message)
        }
        EnterError::Closed => shared.closed(gate, count_spans(&otlp)),
    })
}

impl From<DecodeError> for EnterError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl Shared {
    /// Takes what a batch needs, or refuses what cannot be taken now.
    fn admit(
        &self,
        gate: &Arc<Gate>,
        otlp: &[u8],
        now: Duration,
    ) -> Result<Admitted, ConsumeError> {
        if self.stopping.load(Ordering::Acquire) {
            return Err(self.closed(gate, count_spans(otlp)));
        }
        let held = gate.live.try_reserve(otlp.len().saturating_mul(BYTES_HELD_PER_BYTE));
        let held = held.map_err(|exhausted| self.no_memory(gate, &exhausted, otlp))?;
        let rate = gate.charge(otlp.len(), || count_spans(otlp), now).map_err(|too_fast| {
            let (message, retry_after) = (too_fast.to_string(), too_fast.wait);
            let spans = self.over_limit(gate, RefuseReason::TenantRate, otlp);
            ConsumeError::OverLimit { message, retry_after, spans }
        })?;
        Ok(Admitted { held, rate })
    }

    fn no_memory(&self, gate: &Gate, exhausted: &MemoryExhausted, otlp: &[u8]) -> ConsumeError {
        let is_own = gate.is_own(exhausted.budget);
        if exhausted.is_permanent() {
            return ConsumeError::TooLarge(format!(
                "request of {} bytes can never fit: {exhausted}",
                otlp.len()
            ));
        }
        if is_own {
            self.make_room_of(&gate.tenant);
            let message = format!("tenant {}: {exhausted}", gate.tenant);
            let spans = self.over_limit(gate, RefuseReason::TenantLiveBytes, otlp);
            return ConsumeError::OverLimit { message, retry_after: RETRY_AFTER, spans };
        }
        // Segments that are neither large nor old have to go then.
        self.make_room();
        self.refuse(gate, count_spans(otlp), RefuseReason::Memory, &exhausted.to_string())
    }
}
