//! Memory budgets: who may hold how much, decided before it is allocated.
//!
//! Budgets form a tree. The root is the memory of the process; a part is a use of it (what ingest holds,
//! what queries hold, one query) with a limit of its own. Bytes that are reserved from a part are held in
//! every budget above it too, so a limit anywhere on the way up refuses them.
//!
//! # Invariants
//! - [`Reservation::try_grow`] never brings a budget above its limit. What must be counted because it is
//!   there already ([`Reservation::set_anyway`]) may; others are refused until it has gone.
//! - A part that leaves room ([`MemoryBudget::part_leaving`]) is refused while its siblings can still grow:
//!   this is how one use has precedence over another.
//! - What a reservation holds goes back when it is dropped.
//!
//! Nobody waits for memory here: who is refused tells its caller, who knows whether to try again. Two that
//! ask at the same moment for the last bytes may both be refused.

mod available;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::byte_size::ByteSize;

pub use available::available_bytes;

/// An amount of memory that many may take from; clones are the same budget.
#[derive(Clone)]
pub struct MemoryBudget(Arc<Node>);

struct Node {
    name: &'static str,
    limit: AtomicUsize,
    used: AtomicUsize,
    part_of: Option<PartOf>,
}

struct PartOf {
    whole: MemoryBudget,
    /// Bytes of the whole that this part leaves to others.
    left: usize,
}

/// A budget has no room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{budget}: {} of {} are used, another {} do not fit",
    ByteSize(*.used as u64),
    ByteSize(*.limit as u64),
    ByteSize(*.asked as u64)
)]
pub struct MemoryExhausted {
    /// The name of the budget that refused.
    pub budget: &'static str,
    /// Bytes that were asked for.
    pub asked: usize,
    /// Bytes that were held.
    pub used: usize,
    /// The most that whoever asked may find held.
    pub limit: usize,
}

impl MemoryExhausted {
    /// Whether the same request is refused even when nobody else holds anything.
    pub fn is_permanent(&self) -> bool {
        self.asked > self.limit
    }
}

impl MemoryBudget {
    /// A budget of its own; `name` is for errors.
    pub fn new(name: &'static str, limit: usize) -> Self {
        Self::node(name, limit, None)
    }

    /// A budget that counts and never refuses.
    pub fn unlimited() -> Self {
        Self::new("memory", usize::MAX)
    }

    /// A part of this budget that may hold up to `limit` bytes.
    pub fn part(&self, name: &'static str, limit: usize) -> Self {
        self.part_leaving(name, limit, 0)
    }

    /// As [`MemoryBudget::part`], and it never takes the last `left` bytes of this budget.
    pub fn part_leaving(&self, name: &'static str, limit: usize, left: usize) -> Self {
        Self::node(name, limit, Some(PartOf { whole: self.clone(), left }))
    }

    fn node(name: &'static str, limit: usize, part_of: Option<PartOf>) -> Self {
        let (limit, used) = (AtomicUsize::new(limit), AtomicUsize::new(0));
        Self(Arc::new(Node { name, limit, used, part_of }))
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// The most that it may hold.
    pub fn limit(&self) -> usize {
        self.0.limit.load(Ordering::Relaxed)
    }

    /// Changes what it may hold; what it holds already stays.
    pub fn set_limit(&self, limit: usize) {
        self.0.limit.store(limit, Ordering::Relaxed);
    }

    /// What it holds, all its parts included.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Whether `bytes` would fit now; they are not held.
    pub fn has_room_for(&self, bytes: usize) -> bool {
        self.path().all(|(node, left)| {
            let limit = node.limit.load(Ordering::Relaxed).saturating_sub(left);
            node.used.load(Ordering::Relaxed).checked_add(bytes).is_some_and(|sum| sum <= limit)
        })
    }

    /// A reservation of nothing, to be grown.
    pub fn reservation(&self) -> Reservation {
        Reservation { budget: self.clone(), bytes: 0 }
    }

    /// Holds `bytes`.
    ///
    /// # Errors
    /// [`MemoryExhausted`] when they do not fit.
    pub fn try_reserve(&self, bytes: usize) -> Result<Reservation, MemoryExhausted> {
        let mut reservation = self.reservation();
        reservation.try_grow(bytes)?;
        Ok(reservation)
    }

    /// Holds `bytes` that are in memory already, or cannot be done without.
    pub fn reserve_anyway(&self, bytes: usize) -> Reservation {
        let mut reservation = self.reservation();
        reservation.set_anyway(bytes);
        reservation
    }

    /// This budget and those above it, each with what whoever comes from below leaves of it.
    fn path(&self) -> impl Iterator<Item = (&Node, usize)> {
        std::iter::successors(Some((&*self.0, 0)), |(node, _)| {
            node.part_of.as_ref().map(|part_of| (&*part_of.whole.0, part_of.left))
        })
    }

    fn try_take(&self, asked: usize) -> Result<(), MemoryExhausted> {
        for (n_taken, (node, left)) in self.path().enumerate() {
            let limit = node.limit.load(Ordering::Relaxed).saturating_sub(left);
            let sum = |used: usize| used.checked_add(asked).filter(|sum| *sum <= limit);
            let taken = node.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
            if let Err(used) = taken {
                for (below, _) in self.path().take(n_taken) {
                    below.used.fetch_sub(asked, Ordering::Relaxed);
                }
                return Err(MemoryExhausted { budget: node.name, asked, used, limit });
            }
        }
        Ok(())
    }

    fn take_anyway(&self, bytes: usize) {
        self.path().for_each(|(node, _)| {
            node.used.fetch_add(bytes, Ordering::Relaxed);
        });
    }

    fn give_back(&self, bytes: usize) {
        self.path().for_each(|(node, _)| {
            node.used.fetch_sub(bytes, Ordering::Relaxed);
        });
    }
}

/// Equal are clones of one budget.
impl PartialEq for MemoryBudget {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for MemoryBudget {}

impl fmt::Debug for MemoryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryBudget({}: {} of {})", self.name(), self.used(), self.limit())
    }
}

/// Bytes that somebody holds of a budget; they go back when this is dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: MemoryBudget,
    bytes: usize,
}

impl Reservation {
    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds `bytes` more, or what it held.
    ///
    /// # Errors
    /// [`MemoryExhausted`] when they do not fit.
    pub fn try_grow(&mut self, bytes: usize) -> Result<(), MemoryExhausted> {
        self.budget.try_take(bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Gives back all but `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.bytes.saturating_sub(bytes);
        self.bytes -= surplus;
        self.budget.give_back(surplus);
    }

    /// Holds exactly `bytes`, which are there whether they fit or not.
    pub fn set_anyway(&mut self, bytes: usize) {
        self.budget.take_anyway(bytes.saturating_sub(self.bytes));
        self.bytes = self.bytes.max(bytes);
        self.shrink_to(bytes);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests;
