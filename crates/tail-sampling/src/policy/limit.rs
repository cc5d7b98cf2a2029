//! Policies with a rate: token buckets, and the shares of `composite`.

use std::time::Duration;

use parking_lot::Mutex;

use super::{Policy, PolicyError, Subject, Verdict};
use crate::facts::Wanted;
use crate::settings::LimitSettings;

/// Takes as many tokens as a trace has spans or bytes, or none.
pub(crate) struct TokenBucket {
    limit: LimitSettings,
    state: Mutex<BucketState>,
}

struct BucketState {
    tokens: f64,
    at: Duration,
}

impl TokenBucket {
    /// A bucket that is full.
    pub(super) fn new(limit: LimitSettings) -> Self {
        let state = BucketState { tokens: limit.burst_capacity as f64, at: Duration::ZERO };
        Self { limit, state: Mutex::new(state) }
    }

    /// Whether there were `n` tokens; they are gone then.
    pub(super) fn take(&self, n: u64, now: Duration) -> bool {
        let mut state = self.state.lock();
        let elapsed = now.saturating_sub(state.at);
        let inflow = elapsed.as_secs_f64() * self.limit.per_second as f64;
        state.tokens = (state.tokens + inflow).min(self.limit.burst_capacity as f64);
        state.at = state.at.max(now);
        let enough = n as f64 <= state.tokens;
        if enough {
            state.tokens -= n as f64;
        }
        enough
    }
}

/// `composite`: the first sub-policy that samples decides, as long as it stays within its share of the current second.
pub(crate) struct Composite {
    subs: Vec<(Policy, u64)>,
    max_total: u64,
    state: Mutex<Window>,
}

struct Window {
    second: u64,
    /// Spans that each sub-policy has sampled in this second.
    sampled: Vec<u64>,
}

impl Composite {
    /// Sub-policies with the spans a second that each may sample.
    pub(super) fn new(subs: Vec<(Policy, u64)>, max_total: u64) -> Self {
        let state = Mutex::new(Window { second: 0, sampled: vec![0; subs.len()] });
        Self { subs, max_total, state }
    }

    pub(super) fn verdict(
        &self,
        subject: &Subject<'_>,
        wanted: &Wanted,
    ) -> Result<Verdict, PolicyError> {
        for (place, (sub, share)) in self.subs.iter().enumerate() {
            let Verdict::Sampled(threshold) = sub.evaluate(subject, wanted)? else { continue };
            let fits = self.take(place, subject.spans, (*share).min(self.max_total), subject.now);
            return Ok(if fits { Verdict::Sampled(threshold) } else { Verdict::NotSampled });
        }
        Ok(Verdict::NotSampled)
    }

    fn take(&self, place: usize, spans: u64, limit: u64, now: Duration) -> bool {
        let mut window = self.state.lock();
        if window.second != now.as_secs() {
            window.second = now.as_secs();
            window.sampled.fill(0);
        }
        let Some(sampled) = window.sampled.get_mut(place) else { return false };
        let after = sampled.saturating_add(spans);
        if after <= limit {
            *sampled = after;
        }
        after <= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_starts_full_fills_by_time_and_never_overflows() {
        let bucket = TokenBucket::new(LimitSettings { per_second: 10, burst_capacity: 20 });
        let at = |millis| Duration::from_millis(millis);
        assert!(!bucket.take(21, at(0)));
        assert!(bucket.take(20, at(0)));
        assert!(!bucket.take(1, at(99)));
        assert!(bucket.take(1, at(100)));
        assert!(!bucket.take(20, at(1000)));
        assert!(bucket.take(20, at(9000)));
        // Time that goes back gives nothing.
        assert!(!bucket.take(1, at(8000)));
    }
}
