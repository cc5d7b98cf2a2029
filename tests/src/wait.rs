//! Time of tests that look at another process from outside: they can only ask again.

use std::time::{Duration, Instant, SystemTime};

const PAUSE: Duration = Duration::from_millis(5);

/// Time since it was started.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    #[expect(clippy::disallowed_methods, reason = "the process under test has the real clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Reads it.
    pub fn read(self) -> Duration {
        self.0.elapsed()
    }
}

/// Now, in Unix nanoseconds.
///
/// # Panics
/// When the clock stands before 1970 or after 2554.
#[expect(clippy::disallowed_methods, reason = "the process under test has the real clock")]
pub fn unix_nanos() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let nanos = since.expect("the clock stands after 1970").as_nanos();
    nanos.try_into().expect("the clock stands before 2554")
}

/// Asks until there is an answer.
///
/// # Panics
/// When there is none in time; the message names `what`.
pub fn wait_until<T>(what: &str, within: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let watch = Stopwatch::start();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(watch.read() < within, "not within {within:?}: {what}");
        pause(PAUSE);
    }
}

/// Lets the process under test run for a time that the test has chosen, such as until it is killed.
pub fn let_run(duration: Duration) {
    pause(duration);
}

#[expect(clippy::disallowed_methods, reason = "another process gives no event to wait for")]
fn pause(duration: Duration) {
    // tidy: allow(sleep) another process is asked again after a bounded interval
    std::thread::sleep(duration);
}
