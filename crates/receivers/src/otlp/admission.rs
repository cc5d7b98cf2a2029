//! The budget of bytes in flight: what a request holds until its consumer has answered.
//!
//! Nobody waits for the budget: a request that does not fit is refused at once, and its sender tries
//! again later. A length that a sender announces is checked against the budget but not held; only bytes
//! that have arrived are. Otherwise a few senders that announce much and send little could keep everybody
//! else out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that all requests together may hold.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes_max: usize,
    used_bytes: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes_max, used_bytes: AtomicUsize::new(0) })
    }

    /// Whether `bytes` would fit now; they are not held.
    pub(crate) fn has_room_for(&self, bytes: usize) -> bool {
        bytes <= self.bytes_max.saturating_sub(self.used_bytes.load(Ordering::Relaxed))
    }

    /// A share of nothing, to be grown.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share { budget: Arc::clone(self), bytes: 0 }
    }

    fn take(&self, bytes: usize) -> bool {
        let taken = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        self.used_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }
}

/// What one request holds of the budget; it goes back when this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Share {
    /// Holds `bytes` more, or returns `false` and holds what it held.
    #[must_use]
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let taken = self.budget.take(bytes);
        if taken {
            self.bytes += bytes;
        }
        taken
    }

    /// Gives back all but `bytes`.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.bytes.saturating_sub(bytes);
        self.bytes -= surplus;
        self.budget.used_bytes.fetch_sub(surplus, Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_exceed_the_budget_and_come_back() {
        let budget = Budget::new(100);
        let mut first = budget.share();
        let mut second = budget.share();
        assert!(first.grow(60) && second.grow(40));
        assert!(!second.grow(1) && !budget.has_room_for(1));
        first.shrink_to(50);
        assert!(budget.has_room_for(10) && !budget.has_room_for(11));
        assert!(second.grow(10));
        drop(first);
        assert!(!second.grow(usize::MAX), "the sum must not wrap around");
        drop(second);
        assert!(budget.has_room_for(100));
    }
}
