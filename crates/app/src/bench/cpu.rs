//! CPU time of the process, and wall time beside it.

use std::time::{Duration, Instant};

/// The kernel counts in hundredths of a second (`USER_HZ`, fixed by its interface).
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds, user and system, of all threads of this process so far.
fn process_cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field, the name in parentheses, may hold spaces; utime and stime are fields 14 and 15.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = |field: usize| {
        let text = after_name.split_whitespace().nth(field);
        text.and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

/// CPU and wall time that something took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spent {
    pub(super) cpu_seconds: f64,
    pub(super) wall: Duration,
}

impl std::ops::AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.cpu_seconds += other.cpu_seconds;
        self.wall += other.wall;
    }
}

/// Measures from its creation to [`Stopwatch::stop`].
pub(super) struct Stopwatch {
    cpu_seconds: f64,
    started: Instant,
}

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    pub(super) fn start() -> Self {
        Self { cpu_seconds: process_cpu_seconds(), started: Instant::now() }
    }

    pub(super) fn stop(&self) -> Spent {
        Spent {
            cpu_seconds: process_cpu_seconds() - self.cpu_seconds,
            wall: self.started.elapsed(),
        }
    }
}
