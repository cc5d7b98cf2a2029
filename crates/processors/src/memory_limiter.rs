//! `memory_limiter`: refuses spans while the process has more memory than it should, before they are decoded.
//!
//! Two things are looked at: the resident memory of the process, read at most once per `check_interval`, against
//! the limit less the spike; and the memory budget, which knows at once what is held and refuses what would not
//! fit. There is no garbage to collect here, so the settings for that are accepted and do nothing.
//!
//! The sender is told when to try again; nothing is lost that was acknowledged.

mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use spandrel_base::byte_size::ByteSize;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch, TraceConsumer,
};
use spandrel_telemetry::ProcessorSeries;

pub use settings::{MemoryLimit, MemoryLimiterSettings};

/// The shortest time after which a sender is asked to try again.
const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);

/// Reads the resident memory of the process, in bytes; nothing where it cannot be told.
pub type Meter = Box<dyn Fn() -> Option<u64> + Send + Sync>;

/// See the module.
pub struct MemoryLimiterProcessor {
    check_interval: Duration,
    /// Resident memory from which on spans are refused.
    soft_limit: u64,
    meter: Meter,
    /// When the next reading is due, in nanoseconds of the monotonic clock.
    next_check: AtomicU64,
    /// Whether the last reading was too high.
    is_over: AtomicBool,
    next: Arc<dyn TraceConsumer>,
    context: ComponentContext,
    series: ProcessorSeries,
}

impl MemoryLimiterProcessor {
    /// # Errors
    /// When the limit is a percentage, and it cannot be told of what.
    pub fn new(
        settings: MemoryLimiterSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Self::with_meter(settings, next, context, Box::new(resident_bytes))
    }

    /// As [`Self::new`], with another way to read memory.
    ///
    /// # Errors
    /// Those of [`Self::new`].
    pub fn with_meter(
        settings: MemoryLimiterSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
        meter: Meter,
    ) -> Result<Self, ComponentError> {
        let available = spandrel_base::memory::available_bytes();
        let soft_limit = settings.soft_limit(available).ok_or_else(|| {
            ComponentError::new(
                "cannot tell how much memory there is; set limit_mib instead of limit_percentage",
            )
        })?;
        let series = context.metrics.processors().processor(&context.id);
        Ok(Self {
            check_interval: settings.check_interval,
            soft_limit,
            meter,
            next_check: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            next,
            context,
            series,
        })
    }

    /// Why spans of `bytes` cannot be taken now.
    fn refusal(&self, bytes: usize) -> Option<String> {
        if self.is_over() {
            return Some("data refused due to high memory usage".to_owned());
        }
        let memory = &self.context.memory;
        if memory.has_room_for(bytes) {
            return None;
        }
        Some(format!("data refused due to high memory usage: {} is full", memory.name()))
    }

    /// Whether resident memory was too high at the last reading, which is repeated when it is too old.
    fn is_over(&self) -> bool {
        let now = self.context.clock.monotonic();
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let due = self.next_check.load(Ordering::Relaxed);
        if nanos(now) < due {
            return self.is_over.load(Ordering::Relaxed);
        }
        // Never zero, so that the first call reads. One of those who come at the same moment reads.
        let next = nanos(now.saturating_add(self.check_interval)).max(1);
        let ours =
            self.next_check.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed);
        if ours.is_err() {
            return self.is_over.load(Ordering::Relaxed);
        }
        let resident = (self.meter)().unwrap_or_else(|| self.context.memory.used() as u64);
        let is_over = resident >= self.soft_limit;
        if self.is_over.swap(is_over, Ordering::Relaxed) != is_over {
            self.log_change(is_over, resident);
        }
        is_over
    }

    fn log_change(&self, is_over: bool, resident: u64) {
        let (resident, limit) = (ByteSize(resident), ByteSize(self.soft_limit));
        let processor = &*self.context.id;
        if is_over {
            tracing::warn!(processor, %resident, %limit, "memory usage is above the soft limit, refusing spans");
        } else {
            tracing::info!(processor, %resident, %limit, "memory usage is back within limits");
        }
    }
}

#[async_trait::async_trait]
impl TraceConsumer for MemoryLimiterProcessor {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let spans = batch.traces.span_count();
        self.series.record_incoming(spans);
        if let Some(message) = self.refusal(batch.traces.otlp_bytes()) {
            self.series.record_refused(spans);
            let retry_after = self.check_interval.max(RETRY_AFTER_MIN);
            return Err(ConsumeError::Unavailable { message, retry_after, spans });
        }
        self.series.record_admitted(spans);
        self.series.record_outgoing(spans);
        self.next.consume(batch).await
    }
}

#[async_trait::async_trait]
impl Component for MemoryLimiterProcessor {}

/// The line `VmRSS:    5432 kB` of `/proc/self/status`.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
