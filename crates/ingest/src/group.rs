//! Batches on their way into the log: what arrives while the disk is busy shares the next write and sync.
//!
//! Batches are decoded into the columns of a shard (as many shards as cores, so that senders decode side
//! by side); the committer takes all shards at once. Large batches are decoded before the shard is locked,
//! so that nobody waits for them.
//!
//! # Bounds
//! What waits for the disk is held of the memory budget of the store ([`Batch::held`]), and a shard takes no
//! more than [`SHARD_BYTES_MAX`] of request bytes. A malformed request is held as well: the dictionaries keep
//! strings of it until the shard is taken.
//!
//! # When the committer is gone
//! Nobody waits for it: whoever enters finds the bell without a listener, and who entered before hears of
//! it because the answers are dropped.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use bytes::Bytes;
use hashbrown::HashMap;
use parking_lot::{Mutex, MutexGuard};
use spandrel_base::memory::Reservation;
use spandrel_columns::SpanColumns;
use spandrel_model::TenantId;
use spandrel_otlp::{DecodeError, DecodeLimits, DecodeSummary, decode_request};
use spandrel_wal::Record;
use tokio::sync::oneshot;

/// Batches up to this size are decoded under the lock of a shard, and on the thread that brings them
/// (about 200 microseconds).
pub(crate) const SMALL_BYTES_MAX: usize = 64 << 10;
/// Keeps the columns of a shard well below the 4 GiB that they can address.
const SHARD_BYTES_MAX: usize = 256 << 20;
/// What a batch holds for each of its bytes: they are there twice while they wait, as they came and as columns.
pub(crate) const BYTES_HELD_PER_BYTE: usize = 2;

/// Tells a sender that its batch is durable and searchable, or why not.
pub(crate) type Answer = oneshot::Sender<Result<(), GroupError>>;
/// Where the sender hears it; closed without an answer when the committer is gone.
pub(crate) type Answered = oneshot::Receiver<Result<(), GroupError>>;

/// Why a group was not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupError {
    /// The budget of the log is used up.
    LogFull,
    /// The disk is full.
    DiskFull,
    /// The disk failed.
    Failed,
}

/// Why a batch did not enter a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EnterError {
    /// It is no request.
    Malformed(DecodeError),
    /// Too much waits for the disk.
    Full,
    /// The committer is gone.
    Closed,
}

/// A request on its way into a group.
pub(crate) struct Batch {
    pub(crate) tenant: TenantId,
    pub(crate) otlp: Bytes,
    pub(crate) received_unix_nanos: u64,
    /// [`BYTES_HELD_PER_BYTE`] for each of its bytes, until its spans are live.
    pub(crate) held: Reservation,
}

/// What the committer takes at once.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) records: Vec<Record>,
    /// Spans of all small batches of a tenant.
    pub(crate) small: HashMap<TenantId, SpanColumns>,
    /// Spans of one large batch each.
    pub(crate) large: Vec<(TenantId, SpanColumns)>,
    pub(crate) answers: Vec<Answer>,
    /// Memory of all requests, malformed ones included.
    pub(crate) held: Vec<Reservation>,
    /// Bytes of all requests, malformed ones included.
    pub(crate) n_bytes: usize,
    /// Whether a batch is being added. Seen by others only when that panicked: the columns cannot be
    /// trusted then, and nothing of the group has been acknowledged.
    is_half_done: bool,
}

/// The shards, and the bell of the committer.
pub(crate) struct Groups {
    shards: Vec<Mutex<Group>>,
    next: AtomicUsize,
    /// Capacity 1: a bell that has been rung need not be rung again.
    bell: SyncSender<()>,
}

impl Groups {
    /// The shards, and what the committer waits on.
    pub(crate) fn new(n_shards: usize) -> (Self, Receiver<()>) {
        let (bell, rung) = sync_channel(1);
        let shards = (0..n_shards.max(1)).map(|_| Mutex::default()).collect();
        (Self { shards, next: AtomicUsize::new(0), bell }, rung)
    }

    /// Decodes a batch into the next group. The answer comes when the group is stored; there is none when
    /// the batch holds no span that can be stored.
    ///
    /// Blocks the thread for as long as decoding takes.
    pub(crate) fn enter(
        &self,
        batch: Batch,
    ) -> Result<(DecodeSummary, Option<Answered>), EnterError> {
        let Batch { tenant, otlp, received_unix_nanos, held } = batch;
        let limits = DecodeLimits::default();
        let n_bytes = otlp.len();
        let mut large = None;
        if n_bytes > SMALL_BYTES_MAX {
            let mut columns = SpanColumns::default();
            let decoded = decode_request(&otlp, &limits, &mut columns);
            large = Some((decoded.map_err(EnterError::Malformed)?, columns));
        }

        let mut group = self.free_shard();
        if group.n_bytes.saturating_add(n_bytes) > SHARD_BYTES_MAX && group.n_bytes > 0 {
            return Err(EnterError::Full);
        }
        group.is_half_done = true;
        group.n_bytes += n_bytes;
        group.held.push(held);
        let decoded = match large {
            Some((summary, columns)) => {
                if summary.spans > 0 {
                    group.large.push((tenant.clone(), columns));
                }
                Ok(summary)
            }
            None => {
                let columns = group.small.entry(tenant.clone()).or_default();
                decode_request(&otlp, &limits, columns).map_err(EnterError::Malformed)
            }
        };
        let mut answered = None;
        if decoded.as_ref().is_ok_and(|summary| summary.spans > 0) {
            let (answer, receiver) = oneshot::channel();
            let tenant = tenant.as_str().into();
            group.records.push(Record { tenant, received_unix_nanos, payload: otlp });
            group.answers.push(answer);
            answered = Some(receiver);
        }
        group.is_half_done = false;
        drop(group);
        // Also for a batch without spans: what it left in the dictionaries is to be taken away.
        if let Err(TrySendError::Disconnected(())) = self.bell.try_send(()) {
            self.discard();
            return Err(EnterError::Closed);
        }
        decoded.map(|summary| (summary, answered))
    }

    /// Everything that has entered since the last call.
    pub(crate) fn take(&self) -> Vec<Group> {
        let groups = self.shards.iter().map(|shard| std::mem::take(&mut *self.lock(shard)));
        groups.filter(|group| group.n_bytes > 0).collect()
    }

    /// Drops everything that has entered; its senders hear that nobody is going to store it.
    pub(crate) fn discard(&self) {
        drop(self.take());
    }

    /// Wakes the committer, for it to notice that it should stop.
    pub(crate) fn wake(&self) {
        // A full bell has been rung already.
        self.bell.try_send(()).ok();
    }

    fn free_shard(&self) -> MutexGuard<'_, Group> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let shard = |i: usize| &self.shards[first.wrapping_add(i) % self.shards.len()];
        let free = (0..self.shards.len()).map(shard).find(|shard| !shard.is_locked());
        self.lock(free.unwrap_or_else(|| shard(0)))
    }

    fn lock<'a>(&self, shard: &'a Mutex<Group>) -> MutexGuard<'a, Group> {
        let mut group = shard.lock();
        if group.is_half_done {
            *group = Group::default();
        }
        group
    }
}

#[cfg(test)]
mod tests {
    use spandrel_base::memory::MemoryBudget;

    use super::*;

    /// A request with one span.
    const REQUEST: &[u8] = b"\x0a\x20\x12\x1e\x12\x1c\x0a\x10aaaaaaaaaaaaaaaa\x12\x08bbbbbbbb";
    /// The same without its last byte.
    const MALFORMED: &[u8] = b"\x0a\x20\x12\x1e\x12\x1c\x0a\x10aaaaaaaaaaaaaaaa\x12\x08bbbbbbb";

    fn enter(
        groups: &Groups,
        memory: &MemoryBudget,
        otlp: &'static [u8],
    ) -> Result<Option<Answered>, EnterError> {
        let held = memory.try_reserve(otlp.len()).unwrap();
        let (tenant, otlp) = (TenantId::single(), Bytes::from_static(otlp));
        let entered = groups.enter(Batch { tenant, otlp, received_unix_nanos: 0, held });
        entered.map(|(_, answered)| answered)
    }

    #[test]
    fn a_malformed_batch_counts_until_it_is_taken_away() {
        let ((groups, rung), memory) = (Groups::new(1), MemoryBudget::unlimited());
        assert!(matches!(enter(&groups, &memory, MALFORMED), Err(EnterError::Malformed(_))));
        assert_eq!(memory.used(), MALFORMED.len());
        // The committer is called for it.
        assert_eq!(rung.try_recv(), Ok(()));
        let taken = groups.take();
        assert_eq!((taken.len(), taken[0].records.len(), taken[0].answers.len()), (1, 0, 0));
        assert!(taken[0].small.values().all(SpanColumns::is_empty));
        drop(taken);
        assert_eq!(memory.used(), 0);
        assert!(groups.take().is_empty());
    }

    #[test]
    fn a_panic_within_a_group_drops_the_group() {
        let ((groups, _rung), memory) = (Groups::new(1), MemoryBudget::unlimited());
        let mut first = enter(&groups, &memory, REQUEST).unwrap().unwrap();
        groups.shards[0].lock().is_half_done = true;
        let mut second = enter(&groups, &memory, REQUEST).unwrap().unwrap();
        assert_eq!(first.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert_eq!(second.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        assert_eq!(memory.used(), REQUEST.len());
        assert_eq!(groups.take()[0].records.len(), 1);
    }

    #[test]
    fn without_a_committer_nobody_enters_or_waits() {
        let ((groups, rung), memory) = (Groups::new(2), MemoryBudget::unlimited());
        let mut answered = enter(&groups, &memory, REQUEST).unwrap().unwrap();
        drop(rung);
        assert_eq!(enter(&groups, &memory, REQUEST).unwrap_err(), EnterError::Closed);
        assert_eq!(answered.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn a_shard_takes_no_more_than_its_columns_can_hold() {
        let ((groups, _rung), memory) = (Groups::new(1), MemoryBudget::unlimited());
        enter(&groups, &memory, REQUEST).unwrap();
        groups.shards[0].lock().n_bytes = SHARD_BYTES_MAX;
        assert_eq!(enter(&groups, &memory, REQUEST).unwrap_err(), EnterError::Full);
        assert_eq!(memory.used(), REQUEST.len());
    }
}
