//! When a report becomes a message: at once when it has something new, and otherwise now and then, for the progress
//! alone.

use std::time::Duration;

use spandrel_base::clock::SharedClock;

/// Without anything new, a message comes no more often than this.
const EVERY: Duration = Duration::from_millis(500);

/// Keeps the time of the last message.
pub(super) struct Pace {
    clock: SharedClock,
    last: Duration,
}

impl Pace {
    pub(super) fn new(clock: SharedClock) -> Self {
        let last = clock.monotonic();
        Self { clock, last }
    }

    /// Whether a message is due, which is then taken as sent.
    pub(super) fn is_due(&mut self, has_new: bool) -> bool {
        let now = self.clock.monotonic();
        let is_due = has_new || now.saturating_sub(self.last) >= EVERY;
        if is_due {
            self.last = now;
        }
        is_due
    }
}
