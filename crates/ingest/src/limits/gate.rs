//! One tenant's limits at work: its memory, its rates and its live traces.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spandrel_base::memory::MemoryBudget;
use spandrel_model::TenantId;

use super::TenantLimits;
use super::bucket::{Bucket, Rate};
use super::traces::LiveTraces;

/// Name of the memory budget of one tenant's live spans.
const BUDGET_NAME: &str = "live spans of the tenant";

/// What is known of a tenant that sends or has live spans.
pub(crate) struct Gate {
    pub(crate) tenant: TenantId,
    /// Its live spans, those that wait for the log included.
    pub(crate) live: MemoryBudget,
    limits: Mutex<TenantLimits>,
    rates: Mutex<Rates>,
    pub(super) traces: Mutex<LiveTraces>,
}

#[derive(Default)]
struct Rates {
    bytes: Bucket,
    spans: Bucket,
}

/// Why a batch comes too soon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tenant {tenant} sends more than {per_second} {unit} per second")]
pub(crate) struct TooFast {
    tenant: TenantId,
    per_second: u64,
    unit: &'static str,
    /// When the batch would pass.
    pub(crate) wait: Duration,
}

impl Gate {
    /// A tenant that has sent nothing yet; its live spans are a part of `live`.
    pub(super) fn new(tenant: TenantId, limits: TenantLimits, live: &MemoryBudget) -> Self {
        let gate = Self {
            tenant,
            live: live.part(BUDGET_NAME, usize::MAX),
            limits: Mutex::default(),
            rates: Mutex::default(),
            traces: Mutex::default(),
        };
        gate.set_limits(limits);
        gate
    }

    /// Its limits now.
    pub(crate) fn limits(&self) -> TenantLimits {
        *self.limits.lock()
    }

    pub(super) fn set_limits(&self, limits: TenantLimits) {
        let live_max = limits.max_live_bytes.and_then(|max| usize::try_from(max).ok());
        self.live.set_limit(live_max.unwrap_or(usize::MAX));
        if !limits.limits_traces() {
            self.traces.lock().forget();
        }
        *self.limits.lock() = limits;
    }

    /// Whether a refusal by this budget is about this tenant alone.
    pub(crate) fn is_own(&self, budget: &str) -> bool {
        budget == self.live.name()
    }

    /// Takes a batch into the rates, or says when it may come. `n_spans` is asked only when spans are limited.
    pub(crate) fn charge(
        self: &Arc<Self>,
        n_bytes: usize,
        n_spans: impl FnOnce() -> u64,
        now: Duration,
    ) -> Result<RateCharge, TooFast> {
        let limits = self.limits();
        let mut charge = RateCharge { gate: Arc::clone(self), bytes: 0, spans: 0 };
        let bytes_rate = rate(limits.rate_limit_bytes, limits.burst_size_bytes);
        let spans_rate = rate(limits.rate_limit_spans, limits.burst_size_spans);
        if bytes_rate.is_none() && spans_rate.is_none() {
            return Ok(charge);
        }
        let n_bytes = n_bytes as u64;
        let n_spans = spans_rate.map_or(0, |_| n_spans());
        let mut rates = self.rates.lock();
        let Rates { bytes, spans } = &mut *rates;
        // Both are asked before either is charged.
        for (bucket, amount, rate, unit) in
            [(&*bytes, n_bytes, bytes_rate, "bytes"), (spans, n_spans, spans_rate, "spans")]
        {
            let Some(rate) = rate else { continue };
            let wait = bucket.wait(amount, rate, now);
            if !wait.is_zero() {
                let (tenant, per_second) = (self.tenant.clone(), rate.per_second);
                return Err(TooFast { tenant, per_second, unit, wait });
            }
        }
        if let Some(rate) = bytes_rate {
            bytes.take(n_bytes, rate, now);
            charge.bytes = n_bytes;
        }
        if let Some(rate) = spans_rate {
            spans.take(n_spans, rate, now);
            charge.spans = n_spans;
        }
        drop(rates);
        Ok(charge)
    }

    /// A live segment of the tenant was sealed.
    pub(crate) fn sealed(&self) {
        self.traces.lock().seal();
    }

    /// The oldest sealed segment of the tenant has become a block.
    pub(crate) fn flushed(&self) {
        self.traces.lock().flushed();
    }

    /// Whether forgetting the tenant would change nothing.
    pub(super) fn is_idle(&self, now: Duration) -> bool {
        let limits = self.limits();
        let rates = self.rates.lock();
        let full = |bucket: &Bucket, per_second, burst| {
            rate(per_second, burst).is_none_or(|rate| bucket.is_full(rate, now))
        };
        full(&rates.bytes, limits.rate_limit_bytes, limits.burst_size_bytes)
            && full(&rates.spans, limits.rate_limit_spans, limits.burst_size_spans)
            && self.live.used() == 0
            && self.traces.lock().is_empty()
    }
}

fn rate(per_second: Option<u64>, burst: Option<u64>) -> Option<Rate> {
    per_second.map(|per_second| Rate { per_second, burst: burst.unwrap_or(per_second) })
}

/// What a batch took of the rates; given back when it is dropped, because a batch that was refused after
/// this comes again.
pub(crate) struct RateCharge {
    gate: Arc<Gate>,
    bytes: u64,
    spans: u64,
}

impl RateCharge {
    /// The batch was dealt with.
    pub(crate) fn keep(mut self) {
        (self.bytes, self.spans) = (0, 0);
    }
}

impl Drop for RateCharge {
    fn drop(&mut self) {
        if self.bytes > 0 || self.spans > 0 {
            let mut rates = self.gate.rates.lock();
            rates.bytes.give_back(self.bytes);
            rates.spans.give_back(self.spans);
        }
    }
}
