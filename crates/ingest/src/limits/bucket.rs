//! A token bucket: how much a tenant has sent lately.
//!
//! It is kept as what was spent and not yet earned back, so that an untouched bucket is full whatever its size
//! is going to be, and a change of the limits needs no conversion.

use std::time::Duration;

/// Nobody is told to wait longer: limits change, and a sender that asks once a minute costs nothing.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// How fast a bucket fills, and its size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rate {
    pub(super) per_second: u64,
    pub(super) burst: u64,
}

/// What was taken of a bucket and has not come back yet.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bucket {
    spent: f64,
    /// When that was true.
    at: Duration,
}

impl Bucket {
    /// How long to wait until `amount` may be taken; zero for at once. An amount above the burst may be taken
    /// when the bucket is full, or it could never be, and is earned back like any other.
    pub(super) fn wait(&self, amount: u64, rate: Rate, now: Duration) -> Duration {
        if rate.per_second == 0 {
            return WAIT_MAX;
        }
        let needed = amount.min(rate.burst) as f64;
        let missing = self.spent(rate, now) + needed - rate.burst as f64;
        let seconds = missing.max(0.0) / rate.per_second as f64;
        Duration::try_from_secs_f64(seconds).unwrap_or(WAIT_MAX).min(WAIT_MAX)
    }

    /// Takes `amount`, whatever is left.
    pub(super) fn take(&mut self, amount: u64, rate: Rate, now: Duration) {
        *self = Self { spent: self.spent(rate, now) + amount as f64, at: now };
    }

    /// Puts `amount` back.
    pub(super) fn give_back(&mut self, amount: u64) {
        self.spent = (self.spent - amount as f64).max(0.0);
    }

    /// Whether it is as full as if it had never been touched.
    pub(super) fn is_full(&self, rate: Rate, now: Duration) -> bool {
        self.spent(rate, now) == 0.0
    }

    fn spent(&self, rate: Rate, now: Duration) -> f64 {
        let earned = now.saturating_sub(self.at).as_secs_f64() * rate.per_second as f64;
        (self.spent - earned).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 100, burst: 250 };

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let mut bucket = Bucket::default();
        assert_eq!(bucket.wait(250, RATE, at(0)), at(0));
        bucket.take(200, RATE, at(0));
        assert_eq!(bucket.wait(50, RATE, at(0)), at(0));
        assert_eq!(bucket.wait(100, RATE, at(0)), at(500));
        assert_eq!(bucket.wait(100, RATE, at(500)), at(0));
        bucket.take(100, RATE, at(500));
        assert!(!bucket.is_full(RATE, at(2_999)) && bucket.is_full(RATE, at(3_000)));
        bucket.give_back(100);
        assert!(bucket.is_full(RATE, at(2_000)));
        assert_eq!(bucket.wait(251, RATE, at(9_000)), at(0));
    }

    #[test]
    fn more_than_a_burst_waits_for_a_full_bucket_and_is_earned_back() {
        let mut bucket = Bucket::default();
        bucket.take(10, RATE, at(0));
        assert_eq!(bucket.wait(1_000, RATE, at(0)), at(100));
        bucket.take(1_000, RATE, at(100));
        assert_eq!(bucket.wait(250, RATE, at(100)), at(10_000));
        assert_eq!(bucket.wait(50, RATE, at(8_100)), at(0));
    }

    #[test]
    fn a_rate_of_zero_lets_nothing_pass() {
        let rate = Rate { per_second: 0, burst: 0 };
        assert_eq!(Bucket::default().wait(1, rate, at(0)), WAIT_MAX);
        let slow = Rate { per_second: 1, burst: u64::MAX };
        let mut bucket = Bucket::default();
        bucket.take(u64::MAX, slow, at(0));
        assert_eq!(bucket.wait(u64::MAX, slow, at(0)), WAIT_MAX);
    }
}
