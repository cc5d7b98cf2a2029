//! What every processor counts, and how it hands on what is left of a batch.

use spandrel_pipeline::{
    Accepted, Account, ComponentContext, ConsumeError, TraceBatch, TraceConsumer, Traces,
};
use spandrel_telemetry::ProcessorSeries;

/// Why spans were taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removed {
    Filtered,
    SampledOut,
}

/// The counters of one processor.
pub(crate) struct Flow {
    pub(crate) series: ProcessorSeries,
    pub(crate) account: Account,
}

impl Flow {
    pub(crate) fn of(context: &ComponentContext) -> Self {
        let series = context.metrics.processors().processor(&context.id);
        Self { series, account: context.account.clone() }
    }

    /// Spans came. Returns how many.
    pub(crate) fn arrived(&self, traces: &Traces) -> u64 {
        let spans = traces.span_count();
        self.series.record_incoming(spans);
        spans
    }

    /// Hands on a batch that has all `spans` that came.
    pub(crate) async fn hand_on(
        &self,
        next: &dyn TraceConsumer,
        batch: TraceBatch,
        spans: u64,
    ) -> Result<Accepted, ConsumeError> {
        let result = next.consume(batch).await;
        if result.is_ok() {
            self.series.record_outgoing(spans);
        }
        result
    }

    /// Hands on a batch that had `spans`, of which `removed` have been taken out. They count as removed only when
    /// the rest was taken: otherwise the sender will send all of them again.
    pub(crate) async fn hand_on_rest(
        &self,
        next: &dyn TraceConsumer,
        batch: TraceBatch,
        spans: u64,
        (reason, removed): (Removed, u64),
    ) -> Result<Accepted, ConsumeError> {
        let left = spans.saturating_sub(removed);
        let result = match left {
            0 => Ok(Accepted::default()),
            _ => self.hand_on(next, batch, left).await,
        };
        match result {
            Ok(mut accepted) => {
                match reason {
                    Removed::Filtered => self.account.filtered(removed),
                    Removed::SampledOut => self.account.sampled_out(removed),
                }
                accepted.accepted_spans += removed;
                Ok(accepted)
            }
            Err(error) => Err(about(error, spans)),
        }
    }
}

/// The error when it is about `n` spans.
pub(crate) fn about(mut error: ConsumeError, n: u64) -> ConsumeError {
    if let ConsumeError::OverLimit { spans, .. }
    | ConsumeError::Unavailable { spans, .. }
    | ConsumeError::Permanent { spans, .. } = &mut error
    {
        *spans = n;
    }
    error
}
