//! Where every component gets the time, so that a test can hold it still.
//!
//! Wall time ([`Clock::now_unix_nanos`]) is for values that are stored or shown; it may jump.
//! Durations are differences of [`Clock::monotonic`], which never goes back and whose zero has no
//! meaning outside the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A clock that many components share.
pub type SharedClock = Arc<dyn Clock>;

/// A source of wall time and of monotonic time.
pub trait Clock: Send + Sync {
    /// Nanoseconds since 1970-01-01 00:00 UTC, good until the year 2554.
    fn now_unix_nanos(&self) -> u64;

    /// Time since an arbitrary moment before the first call; it never decreases.
    fn monotonic(&self) -> Duration;
}

/// The clock of the operating system.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic zero is now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads real time")]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads real time")]
    fn now_unix_nanos(&self) -> u64 {
        // A machine whose clock stands before 1970 gets zero: such a time is wrong whatever is said.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        saturating_nanos(since_epoch)
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that stands still until it is told to advance.
#[derive(Debug)]
pub struct ManualClock {
    start_unix_nanos: u64,
    elapsed_nanos: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `start_unix_nanos` and a monotonic time of zero.
    pub fn new(start_unix_nanos: u64) -> Self {
        Self { start_unix_nanos, elapsed_nanos: AtomicU64::new(0) }
    }

    /// Moves wall time and monotonic time forward by `step`.
    pub fn advance(&self, step: Duration) {
        self.elapsed_nanos.fetch_add(saturating_nanos(step), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_unix_nanos(&self) -> u64 {
        self.start_unix_nanos.saturating_add(self.elapsed_nanos.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.elapsed_nanos.load(Ordering::SeqCst))
    }
}

fn saturating_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_moves_only_when_told() {
        let clock = ManualClock::new(1_000);
        assert_eq!((clock.now_unix_nanos(), clock.monotonic()), (1_000, Duration::ZERO));
        clock.advance(Duration::from_micros(2));
        assert_eq!((clock.now_unix_nanos(), clock.monotonic()), (3_000, Duration::from_micros(2)));
    }

    #[test]
    fn system_clock_is_past_2020_and_never_goes_back() {
        const START_OF_2020_UNIX_NANOS: u64 = 1_577_836_800_000_000_000;
        let clock = SystemClock::new();
        let earlier = clock.monotonic();
        assert!(clock.now_unix_nanos() > START_OF_2020_UNIX_NANOS);
        assert!(clock.monotonic() >= earlier);
    }
}
