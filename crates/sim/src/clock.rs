//! The one clock of a world: the paused time of its runtime, plus what operations pretended to take.
//!
//! It can be read from every thread. A thread outside of the runtime, such as the one that writes a log, would
//! otherwise see the real time instead of the paused one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use spandrel_base::clock::Clock;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// When every world begins: 2026-03-01 00:00 UTC.
pub(crate) const BEGIN_UNIX_NANOS: u64 = 1_772_323_200_000_000_000;

/// Simulated time.
#[derive(Debug)]
pub(crate) struct SimClock {
    runtime: Handle,
    began: Instant,
    skipped_nanos: AtomicU64,
}

impl SimClock {
    /// A clock that shows [`BEGIN_UNIX_NANOS`]. To be called within a runtime whose time is paused.
    #[expect(clippy::disallowed_methods, reason = "this is a clock")]
    pub(crate) fn new() -> Self {
        let skipped_nanos = AtomicU64::new(0);
        Self { runtime: Handle::current(), began: Instant::now(), skipped_nanos }
    }

    /// Lets time pass without anybody's timers noticing.
    pub(crate) fn skip(&self, time: Duration) {
        self.skipped_nanos.fetch_add(nanos(time), Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now_unix_nanos(&self) -> u64 {
        BEGIN_UNIX_NANOS.saturating_add(nanos(self.monotonic()))
    }

    fn monotonic(&self) -> Duration {
        let _runtime = self.runtime.enter();
        let skipped = Duration::from_nanos(self.skipped_nanos.load(Ordering::SeqCst));
        self.began.elapsed().saturating_add(skipped)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
