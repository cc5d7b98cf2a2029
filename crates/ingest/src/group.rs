//! Group commit: batches that arrive while the disk is busy share the next write and sync.
//!
//! Batches are decoded into the columns of a shard (as many shards as cores, so that senders decode side
//! by side); the committer thread takes all shards at once, appends their records to the WAL, publishes
//! the columns as live runs and then tells the senders. When the WAL refuses, the columns are dropped
//! and all senders of the group hear why.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::Bytes;
use hashbrown::HashMap;
use parking_lot::Mutex;
use spandrel_columns::SpanColumns;
use spandrel_model::TenantId;
use spandrel_otlp::{DecodeError, DecodeLimits, DecodeSummary, decode_request};
use spandrel_wal::{Record, Wal, WalError};
use tokio::sync::oneshot;

/// Tells a sender that its batch is durable and searchable, or why not.
pub(crate) type Answer = oneshot::Sender<Result<(), GroupError>>;

/// Why a group was not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupError {
    /// The disk or its budget is used up.
    Full,
    /// The disk failed.
    Failed,
}

/// What the committer takes at once.
#[derive(Default)]
pub(crate) struct Group {
    records: Vec<Record>,
    columns: HashMap<TenantId, SpanColumns>,
    answers: Vec<Answer>,
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
    pub(crate) fn enter(
        &self,
        tenant: &TenantId,
        otlp: Bytes,
        received_unix_nanos: u64,
    ) -> Result<(DecodeSummary, Option<oneshot::Receiver<Result<(), GroupError>>>), DecodeError>
    {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let shard = |i: usize| &self.shards[(first + i) % self.shards.len()];
        let free = (0..self.shards.len()).find_map(|i| shard(i).try_lock());
        let mut group = free.unwrap_or_else(|| shard(0).lock());
        let columns = group.columns.entry(tenant.clone()).or_default();
        let summary = decode_request(&otlp, &DecodeLimits::default(), columns)?;
        if summary.spans == 0 {
            return Ok((summary, None));
        }
        let (answer, answered) = oneshot::channel();
        let tenant = tenant.as_str().into();
        group.records.push(Record { tenant, received_unix_nanos, payload: otlp });
        group.answers.push(answer);
        drop(group);
        // A full bell has been rung already.
        self.bell.try_send(()).ok();
        Ok((summary, Some(answered)))
    }

    fn take(&self) -> Vec<Group> {
        let groups = self.shards.iter().map(|shard| std::mem::take(&mut *shard.lock()));
        groups.filter(|group| !group.records.is_empty()).collect()
    }
}

/// What the committer needs of the store.
pub(crate) trait Publish: Send + Sync {
    /// Spans that are durable in the WAL records of these sequence numbers (first, last).
    fn publish(&self, tenant: &TenantId, spans: SpanColumns, seqs: (u64, u64));
    /// A group went into the WAL.
    fn appended(&self, wal: &Wal, n_records: usize, n_bytes: usize, took: std::time::Duration);
    /// The WAL refused a group.
    fn refused(&self, error: &WalError);
    /// A monotonic reading.
    fn now(&self) -> std::time::Duration;
}

/// Runs until the bell's other end is gone. For a thread of its own: it waits for the disk.
pub(crate) fn run_committer(
    groups: &Groups,
    rung: &Receiver<()>,
    wal: &Mutex<Wal>,
    publish: &Arc<dyn Publish>,
    stopped: &std::sync::atomic::AtomicBool,
) {
    while rung.recv().is_ok() {
        loop {
            let taken = groups.take();
            if taken.is_empty() {
                break;
            }
            commit(taken, wal, &**publish);
        }
        if stopped.load(Ordering::Acquire) {
            return;
        }
    }
}

impl Groups {
    /// Wakes the committer, for it to notice that it should stop.
    pub(crate) fn wake(&self) {
        self.bell.try_send(()).ok();
    }
}

fn commit(groups: Vec<Group>, wal: &Mutex<Wal>, publish: &dyn Publish) {
    let mut records = Vec::new();
    let mut runs = Vec::new();
    let mut answers = Vec::new();
    for group in groups {
        records.extend(group.records);
        runs.extend(group.columns);
        answers.extend(group.answers);
    }
    let n_bytes = records.iter().map(|record| record.payload.len()).sum();
    let started = publish.now();
    // The log stays locked until the spans are live: whoever truncates it must find them there.
    let mut wal = wal.lock();
    let appended = wal.append_group(&records);
    publish.appended(&wal, records.len(), n_bytes, publish.now().saturating_sub(started));
    let outcome = match appended {
        Ok(seqs) => {
            for (tenant, spans) in runs {
                if !spans.is_empty() {
                    publish.publish(&tenant, spans, (seqs.start, seqs.end - 1));
                }
            }
            Ok(())
        }
        Err(error) => {
            publish.refused(&error);
            Err(if error.is_disk_full() { GroupError::Full } else { GroupError::Failed })
        }
    };
    drop(wal);
    for answer in answers {
        // A sender that has left does not listen; its spans are stored all the same.
        answer.send(outcome).ok();
    }
}
