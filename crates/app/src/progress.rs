//! A line on the terminal that shows how far long work has come.

use std::time::Duration;

use spandrel_base::clock::{Clock, SystemClock};

use crate::output;

/// Work that is over sooner needs no line.
const FIRST_AFTER: Duration = Duration::from_millis(500);
const RENEW: Duration = Duration::from_millis(200);

/// The line; shown only where it can be overwritten, and gone when this is dropped.
pub(crate) struct ProgressLine {
    clock: SystemClock,
    /// When the line may be written next; `None` without a terminal.
    due: Option<Duration>,
    /// Characters on the terminal.
    width: usize,
}

impl ProgressLine {
    /// For work that begins now.
    pub(crate) fn start() -> Self {
        let clock = SystemClock::new();
        let due = output::notes_are_seen().then(|| clock.monotonic().saturating_add(FIRST_AFTER));
        Self { clock, due, width: 0 }
    }

    /// Shows `text` if the last one has been there for a while.
    pub(crate) fn update(&mut self, text: impl FnOnce() -> String) {
        let now = self.clock.monotonic();
        if self.due.is_some_and(|due| now >= due) {
            self.due = Some(now.saturating_add(RENEW));
            let text = text();
            output::note(&format!("\r{text:<width$}", width = self.width));
            self.width = text.chars().count();
        }
    }

    /// Takes the line away, so that something else can be said.
    pub(crate) fn clear(&mut self) {
        if self.width > 0 {
            output::note(&format!("\r{:width$}\r", "", width = self.width));
            self.width = 0;
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.clear();
    }
}
