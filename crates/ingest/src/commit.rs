//! The committer: one thread that writes groups into the log, makes them searchable and then answers.
//!
//! A thread of its own because it waits for the disk. When it ends, by [`Shared::stopping`] or by a panic,
//! nobody is left waiting; a panic is reported by [`Store::failed`](crate::Store::failed).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

use hashbrown::HashMap;
use spandrel_columns::SpanColumns;
use spandrel_model::TenantId;
use spandrel_wal::WalError;
use tokio_util::sync::CancellationToken;

use crate::flush::chain;
use crate::group::{Group, GroupError};
use crate::shared::Shared;

/// How the committer ended.
#[derive(Debug, Default)]
pub(crate) struct CommitterEnd {
    /// Set when the thread is at its end.
    pub(crate) ended: CancellationToken,
    /// Set when that was a panic.
    pub(crate) panicked: CancellationToken,
}

/// Starts the thread. It holds the store's state until [`Shared::stopping`] is set and the bell rung.
pub(crate) fn spawn(shared: Arc<Shared>, rung: Receiver<()>) -> std::io::Result<()> {
    let body = move || {
        // Unwind safety: a group under way when it panics was not acknowledged, and no further one will be.
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&shared, &rung)));
        // From here on entering fails; who entered before must hear of it.
        drop(rung);
        shared.groups.discard();
        if outcome.is_err() {
            shared.committer.panicked.cancel();
        }
        let ended = shared.committer.ended.clone();
        // Whoever waits for the end may open the log again.
        drop(shared);
        ended.cancel();
    };
    std::thread::Builder::new().name("wal-committer".to_owned()).spawn(body).map(drop)
}

fn run(shared: &Shared, rung: &Receiver<()>) {
    while rung.recv().is_ok() {
        loop {
            let taken = shared.groups.take();
            if taken.is_empty() {
                break;
            }
            commit(shared, taken);
        }
        if shared.stopping.load(Ordering::Acquire) {
            return;
        }
    }
}

fn commit(shared: &Shared, groups: Vec<Group>) {
    let mut records = Vec::new();
    let mut runs: HashMap<TenantId, Vec<SpanColumns>> = HashMap::new();
    let mut answers = Vec::new();
    // Given back when the spans are live, and count as such.
    let mut held = Vec::new();
    for group in groups {
        records.extend(group.records);
        for (tenant, spans) in group.small.into_iter().chain(group.large) {
            if !spans.is_empty() {
                runs.entry(tenant).or_default().push(spans);
            }
        }
        answers.extend(group.answers);
        held.extend(group.held);
    }
    if records.is_empty() {
        return;
    }
    let n_bytes: usize = records.iter().map(|record| record.payload.len()).sum();
    let started = shared.clock.monotonic();
    // The log stays locked until the spans are live: whoever truncates it must find them there.
    let mut wal = shared.wal.lock();
    let appended = wal.append_group(&records);
    let metrics = shared.metrics.wal();
    metrics.append_duration.observe(shared.clock.monotonic().saturating_sub(started));
    metrics.group_records.observe_count(records.len() as u64);
    metrics.group_bytes.observe_count(n_bytes as u64);
    metrics.disk_bytes.set(wal.bytes_on_disk());
    let outcome = match appended {
        Ok(seqs) => {
            for (tenant, runs) in runs {
                shared.publish(&tenant, runs, (seqs.start, seqs.end - 1));
            }
            Ok(())
        }
        Err(error) => Err(refuse(shared, &error)),
    };
    drop(wal);
    drop(held);
    for answer in answers {
        // A sender that has left does not listen; its spans are stored all the same.
        answer.send(outcome).ok();
    }
}

fn refuse(shared: &Shared, error: &WalError) -> GroupError {
    tracing::error!(error = %chain(error), "spans not taken, the write-ahead log cannot be written");
    if !error.is_disk_full() {
        return GroupError::Failed;
    }
    shared.make_room();
    match error {
        WalError::Full { .. } => GroupError::LogFull,
        _ => GroupError::DiskFull,
    }
}
