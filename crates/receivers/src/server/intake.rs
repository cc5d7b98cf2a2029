//! The step that both transports share: hand the bytes to the consumer, and count what became of them.
//!
//! # Accounts
//! See [`spandrel_telemetry::SpanAccounting`]; they are kept here when the consumer is the store. It counts the fate of each span; this module
//! counts the same spans as received, from the consumer's own numbers. It counts a fate itself where
//! the consumer cannot have: for a batch that was too large for it, and for one on which it panicked. What
//! is refused before the consumer sees it is not decoded, so it counts as a request and not as spans.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use http::HeaderMap;
use spandrel_base::clock::SharedClock;
use spandrel_base::cpu::CpuError;
use spandrel_base::memory::{MemoryBudget, Reservation};
use spandrel_base::task::TaskSet;
use spandrel_model::TenantId;
use spandrel_otlp::count_spans;
use spandrel_pipeline::{Accepted, Client, ConsumeError, TraceBatch, TraceConsumer, Traces};
use spandrel_telemetry::{FailReason, Metrics, RejectReason, Request, Source};
use tokio::sync::oneshot;

use super::options::IntakeOptions;
use super::status::Failure;

/// Header, and gRPC metadata key, that names the tenant.
const TENANT_HEADER: &str = "x-scope-orgid";

/// What all requests of a receiver share.
pub(crate) struct Intake {
    pub(crate) clock: SharedClock,
    /// What all requests hold until the consumer has answered. A length that a sender announces is checked
    /// and not held, or a few that announce much and send little could keep everybody else out.
    pub(crate) in_flight: MemoryBudget,
    /// Batches that the consumer has and that nobody may cancel.
    pub(crate) deliveries: TaskSet,
    pub(crate) body_read_timeout: Duration,
    retry_after: Duration,
    /// Whether the consumer is the store; behind pipelines its accounts begin at their end.
    is_before_store: bool,
    consumer: Arc<dyn TraceConsumer>,
    pub(crate) metrics: Metrics,
}

/// Where spans came in, whose they are, and who sent them.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) source: Source,
    pub(crate) tenant: TenantId,
    pub(crate) client: Arc<Client>,
}

/// What a request weighs, for the metrics.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weight {
    pub(crate) wire_bytes: usize,
    pub(crate) decompressed_bytes: usize,
}

impl Intake {
    pub(crate) fn new(
        options: &IntakeOptions,
        consumer: Arc<dyn TraceConsumer>,
        metrics: Metrics,
        clock: SharedClock,
    ) -> Self {
        Self {
            clock,
            in_flight: options.memory.part("requests in flight", options.in_flight_bytes_max),
            deliveries: TaskSet::new(),
            body_read_timeout: options.body_read_timeout,
            retry_after: options.retry_after,
            is_before_store: options.is_before_store,
            consumer,
            metrics,
        }
    }

    /// Gives `otlp` to the consumer and waits for its answer. The consumer is not called for an empty
    /// request. `held` is kept until it has answered, even when the caller stops waiting.
    pub(crate) async fn deliver(
        self: &Arc<Self>,
        sender: Sender,
        otlp: Bytes,
        held: Reservation,
    ) -> Result<Accepted, Failure> {
        if otlp.is_empty() {
            return Ok(Accepted::default());
        }
        let intake = Arc::clone(self);
        let (answer, answered) = oneshot::channel();
        self.deliveries.spawn("delivery of spans", async move {
            let consumed = intake.consume(sender, otlp).await;
            drop(held);
            // A sender that has hung up does not hear it.
            drop(answer.send(consumed));
        });
        let aborted = |_closed| Failure::unavailable("shutting down", self.retry_after);
        answered.await.map_err(aborted)?
    }

    async fn consume(&self, sender: Sender, otlp: Bytes) -> Result<Accepted, Failure> {
        let Sender { source, tenant, client } = sender;
        let batch = TraceBatch { tenant, client, traces: Traces::Otlp(otlp.clone().into()) };
        // Unwind safety: what the consumer shares with others is behind locks that it judges itself.
        let consumed = AssertUnwindSafe(self.consumer.consume(batch)).catch_unwind().await;
        let Ok(consumed) = consumed else {
            let spans = count_spans(&otlp);
            if self.is_before_store {
                self.metrics.spans().failed.add(&FailReason::Internal, spans);
            }
            self.count_spans(source, 0, spans);
            tracing::error!(spans, "the consumer of spans panicked");
            return Err(Failure::internal("internal error, see the log of the receiver"));
        };
        match &consumed {
            Ok(accepted) => {
                self.count_spans(source, accepted.accepted_spans, accepted.rejected_spans);
            }
            Err(
                ConsumeError::OverLimit { spans, .. } | ConsumeError::Unavailable { spans, .. },
            ) => self.count_spans(source, 0, *spans),
            Err(ConsumeError::TooLarge(_)) => {
                let spans = count_spans(&otlp);
                if self.is_before_store {
                    self.metrics.spans().rejected.add(&RejectReason::TooLarge, spans);
                }
                self.count_spans(source, 0, spans);
            }
            Err(ConsumeError::Permanent { spans, .. }) => self.count_spans(source, 0, *spans),
            Err(ConsumeError::Malformed(_)) => {}
        }
        consumed.map_err(Failure::from)
    }

    fn count_spans(&self, source: Source, accepted: u64, others: u64) {
        if self.is_before_store {
            self.metrics.spans().received.add(&source, accepted.saturating_add(others));
        }
        self.metrics.receiver().record_accepted_spans(source, accepted);
        self.metrics.receiver().record_refused_spans(source, others);
    }

    /// Counts a request that has been answered with `code`; `arrived` is by [`Intake::clock`].
    pub(crate) fn count_request(
        &self,
        source: Source,
        code: u16,
        weight: Weight,
        arrived: Duration,
    ) {
        let request = Request {
            code,
            wire_bytes: weight.wire_bytes as u64,
            decompressed_bytes: weight.decompressed_bytes as u64,
            duration: self.clock.monotonic().saturating_sub(arrived),
        };
        self.metrics.receiver().record_request(source, request);
    }

    /// Refuses a body of this length if it has no room now, and for good if it never has.
    pub(crate) fn check_room(&self, n_bytes: usize) -> Result<(), Failure> {
        let max = self.in_flight.limit();
        if n_bytes > max {
            let message = format!("request of {n_bytes} bytes exceeds the {max} of all requests");
            return Err(Failure::too_large(message));
        }
        if self.in_flight.has_room_for(n_bytes) { Ok(()) } else { Err(self.no_room()) }
    }

    /// The answer when requests, or the process, may hold no more.
    pub(crate) fn no_room(&self) -> Failure {
        Failure::unavailable("no memory left for another request", self.retry_after)
    }

    /// The answer when work on a request had no result.
    pub(crate) fn no_cpu(&self, error: &CpuError) -> Failure {
        match error {
            CpuError::Panicked { message } => {
                tracing::error!(panic = %message, "work on a request panicked");
                Failure::internal("internal error, see the log of the receiver")
            }
            CpuError::Stopping => Failure::unavailable("shutting down", self.retry_after),
        }
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}

/// Whose spans a request brings; without the header those of everybody.
pub(crate) fn tenant_of(headers: &HeaderMap) -> Result<TenantId, Failure> {
    let Some(value) = headers.get(TENANT_HEADER) else { return Ok(TenantId::single()) };
    let name = String::from_utf8_lossy(value.as_bytes());
    TenantId::new(&name).map_err(|error| Failure::invalid(format!("X-Scope-OrgID: {error}")))
}
