//! A clock that stops, or kills, the thread that writes the log: the only thing of ours it calls before
//! and after the disk.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use spandrel_base::clock::{Clock, SystemClock};

const RUN: u8 = 0;
const STALL: u8 = 1;
const PANIC: u8 = 2;

#[derive(Debug)]
pub(crate) struct StallingClock {
    inner: SystemClock,
    mode: AtomicU8,
    stalled: Mutex<bool>,
    changed: Condvar,
    is_waiting: AtomicBool,
}

impl StallingClock {
    pub(crate) fn new() -> Self {
        Self {
            inner: SystemClock::new(),
            mode: AtomicU8::new(RUN),
            stalled: Mutex::new(false),
            changed: Condvar::new(),
            is_waiting: AtomicBool::new(false),
        }
    }

    /// From now on the thread stops before it writes.
    pub(crate) fn stall(&self) {
        *self.stalled.lock() = true;
        self.mode.store(STALL, Ordering::SeqCst);
    }

    /// Whether the thread has stopped.
    pub(crate) fn is_stalling(&self) -> bool {
        self.is_waiting.load(Ordering::SeqCst)
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.mode.store(RUN, Ordering::SeqCst);
        *self.stalled.lock() = false;
        self.changed.notify_all();
    }

    /// The thread panics before it writes the next group.
    pub(crate) fn kill(&self) {
        self.mode.store(PANIC, Ordering::SeqCst);
        *self.stalled.lock() = false;
        self.changed.notify_all();
    }
}

impl Clock for StallingClock {
    fn now_unix_nanos(&self) -> u64 {
        self.inner.now_unix_nanos()
    }

    fn monotonic(&self) -> Duration {
        if std::thread::current().name() == Some("wal-committer") {
            if self.mode.load(Ordering::SeqCst) == STALL {
                let mut stalled = self.stalled.lock();
                self.is_waiting.store(true, Ordering::SeqCst);
                self.changed.wait_while(&mut stalled, |stalled| *stalled);
            }
            assert!(self.mode.load(Ordering::SeqCst) != PANIC, "the test kills the committer");
        }
        self.inner.monotonic()
    }
}
