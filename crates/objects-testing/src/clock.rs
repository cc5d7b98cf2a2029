//! The time of a tokio runtime as a clock.

use std::time::Duration;

use spandrel_base::clock::Clock;
use tokio::time::Instant;

/// Shows how much of a runtime's time has passed, so that `tokio::time::pause` and `advance` move it.
#[derive(Debug)]
pub struct PausedClock {
    started: Instant,
}

impl PausedClock {
    /// A clock that shows zero. To be called within a runtime.
    #[expect(clippy::disallowed_methods, reason = "this is a clock")]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for PausedClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for PausedClock {
    fn now_unix_nanos(&self) -> u64 {
        u64::try_from(self.monotonic().as_nanos()).unwrap_or(u64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}
