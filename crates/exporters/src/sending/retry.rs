//! Sends one request until it is taken, refused for good, or has taken too long.
//!
//! A permanent error ends it at once. The wait before the next attempt is the larger of the back-off and what
//! the destination asked for; when that wait would end after `max_elapsed_time`, it is given up right away.

use std::sync::Arc;
use std::time::Duration;

use spandrel_config::blocks::Retry;
use spandrel_pipeline::{ConsumeError, TraceBatch, TraceConsumer, Traces};
use spandrel_telemetry::{ExporterSeries, Gauge};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::payload::{Exported, Payload, SendError, Transport};

/// When a sender whose spans could not be sent should come again, if the destination did not say.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a request was not sent.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It will not be tried again.
    GivenUp(SendError),
    /// The exporter is stopping; there might have been another attempt.
    Stopped(SendError),
}

/// Sends requests over a transport, each with its time limit and its attempts.
pub(crate) struct Sender<T> {
    pub(crate) id: Arc<str>,
    pub(crate) transport: T,
    pub(crate) timeout: Duration,
    pub(crate) retry: Option<Retry>,
    pub(crate) series: ExporterSeries,
    /// Takes what is not sent when the exporter stops, if anybody does.
    pub(crate) successor: Option<Arc<dyn TraceConsumer>>,
    /// Cancelled when the exporter stops: no waiting for another attempt from then on.
    pub(crate) stop: CancellationToken,
}

impl<T: Transport> Sender<T> {
    /// Sends `payload` with all the attempts that the settings allow; counts what was sent, not what failed.
    pub(crate) async fn send(&self, payload: &Payload) -> Result<Exported, Failure> {
        let Some(policy) = &self.retry else {
            return self.attempt(payload).await.map_err(Failure::GivenUp);
        };
        let mut backoff = Backoff::new(policy);
        let give_up_at = deadline(policy.max_elapsed_time);
        loop {
            let error = match self.attempt(payload).await {
                Ok(exported) => return Ok(exported),
                Err(error) => error,
            };
            let SendError::Retryable { delay, .. } = &error else {
                return Err(Failure::GivenUp(error));
            };
            let wait = backoff.next_delay().max(delay.unwrap_or_default());
            let next = now().checked_add(wait);
            if let Some(give_up_at) = give_up_at
                && next.is_none_or(|next| give_up_at < next)
            {
                return Err(Failure::GivenUp(error));
            }
            tracing::info!(
                exporter = %self.id, %error, ?wait, "exporting failed, will try again after the wait"
            );
            tokio::select! {
                () = self.stop.cancelled() => return Err(Failure::Stopped(error)),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Makes one attempt within the time limit.
    pub(crate) async fn attempt(&self, payload: &Payload) -> Result<Exported, SendError> {
        let _in_flight = InFlight::begin(&self.series.in_flight_requests);
        let export = self.transport.export(payload);
        let exported = if self.timeout.is_zero() {
            export.await?
        } else {
            let timed = tokio::time::timeout(self.timeout, export).await;
            timed.unwrap_or_else(|_elapsed| {
                let message = format!("no answer within the timeout of {:?}", self.timeout);
                Err(SendError::retryable(message))
            })?
        };
        let rejected = exported.rejected_spans.min(payload.spans);
        self.series.sent_spans.add(payload.spans - rejected);
        if rejected > 0 || !exported.message.is_empty() {
            self.series.rejected_spans.add(rejected);
            tracing::warn!(
                exporter = %self.id, rejected_spans = rejected, message = exported.message,
                "partial success"
            );
        }
        Ok(Exported { rejected_spans: rejected, message: exported.message })
    }

    /// Gives a request to the successor; `None` when there is none, or it does not take it.
    pub(crate) async fn hand_over(&self, payload: &Payload) -> Option<Exported> {
        let successor = self.successor.as_ref()?;
        let Payload { tenant, client, otlp, .. } = payload.clone();
        let batch = TraceBatch { tenant, client, traces: Traces::Otlp(otlp.into()) };
        let accepted = successor.consume(batch).await.ok()?;
        Some(Exported { rejected_spans: accepted.rejected_spans, message: accepted.message })
    }

    /// Counts and logs spans that will not be sent.
    pub(crate) fn record_failed(&self, spans: u64, error: &SendError) {
        self.series.send_failed_spans.add(spans);
        tracing::error!(
            exporter = %self.id, dropped_spans = spans, %error, permanent = error.is_permanent(),
            "exporting failed"
        );
    }
}

/// Keeps the number of requests on their way, however they end.
struct InFlight<'a>(&'a Gauge);

impl<'a> InFlight<'a> {
    fn begin(requests: &'a Gauge) -> Self {
        requests.add(1);
        Self(requests)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.sub(1);
    }
}

/// The moment `after` from now; `None` for zero, which is never, and for what no clock will show.
fn deadline(after: Duration) -> Option<Instant> {
    if after.is_zero() { None } else { now().checked_add(after) }
}

/// The time of tokio's timers, which the waits are made of.
#[expect(
    clippy::disallowed_methods,
    reason = "compared with waits of tokio's timers, whose clock tests hold still"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// What the component before hears when its spans were not taken.
pub(crate) fn to_consume_error(error: SendError, spans: u64) -> ConsumeError {
    match error {
        SendError::Permanent { message, .. } => ConsumeError::Permanent { message, spans },
        SendError::Retryable { message, delay } => {
            ConsumeError::Unavailable { message, retry_after: delay.unwrap_or(RETRY_AFTER), spans }
        }
    }
}
