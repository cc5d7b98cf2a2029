//! Sealed segments become blocks: written, stored, committed, and only then given up in the log.
//!
//! A tenant's segments are flushed oldest first. A block that could not be stored or committed is kept and
//! tried again as it is: the object is put again with the same bytes (also when it has lain there for long), and a commit that was applied
//! although its answer was lost is recognized by the id of the block. What fails for one tenant does not
//! hold up the others.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use hashbrown::HashMap;
use spandrel_base::cpu::{self, CpuError};
use spandrel_base::memory::Reservation;
use spandrel_block::{BlockError, WriteOptions, WrittenBlock};
use spandrel_catalog::{
    BlockEntry, BlockId, BlockTail, Catalog, CatalogError, CatalogSnapshot, Commit,
};
use spandrel_model::TenantId;
use spandrel_objects::put_block;
use tokio_util::sync::CancellationToken;

use crate::live::LiveSegment;
use crate::shared::Shared;
use crate::store::{Store, StoreError};
use crate::tenant::Tenant;

/// Pause after a failure: doubles up to the maximum, so that a broken store is not hammered.
const RETRY_MIN: Duration = Duration::from_millis(250);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// A block whose commit fails for so long is stored again: a vacuum deletes files that stay without a
/// catalogue entry for an hour.
const STORED_VALID: Duration = Duration::from_secs(10 * 60);

/// What building a block takes for each byte of its segment: the merged copy, and Arrow arrays of it.
const BUILDING_BYTES_PER_BYTE: usize = 2;

#[derive(Debug, thiserror::Error)]
enum FlushError {
    #[error("block could not be built")]
    Build(#[from] BlockError),
    #[error("block could not be built")]
    Cpu(#[from] CpuError),
    #[error("block could not be stored")]
    Put(#[from] object_store::Error),
    #[error("block could not be committed")]
    Commit(#[from] CatalogError),
    #[error(transparent)]
    Open(#[from] StoreError),
}

/// What outlives an attempt: for each tenant the block of its oldest sealed segment, when an earlier
/// attempt has built it.
#[derive(Default)]
pub(crate) struct Flushing {
    unfinished: HashMap<TenantId, BuiltBlock>,
}

impl Flushing {
    /// The block of a tenant of which it is not known yet whether it is in the catalogue.
    pub(crate) fn block_in_doubt(&self, tenant: &TenantId) -> Option<BlockId> {
        self.unfinished.get(tenant).map(|block| block.entry.id)
    }
}

struct BuiltBlock {
    entry: BlockEntry,
    bytes: Bytes,
    stored_at_unix_nanos: Option<u64>,
    _held: Reservation,
}

impl BuiltBlock {
    /// Whether the file is there, and too young to be taken for an orphan.
    fn is_stored_since(&self, now_unix_nanos: u64) -> bool {
        let max = u64::try_from(STORED_VALID.as_nanos()).unwrap_or(u64::MAX);
        self.stored_at_unix_nanos
            .is_some_and(|at| now_unix_nanos.checked_sub(at).is_some_and(|age| age < max))
    }
}

/// An error with all its causes, for a log line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// Flushes sealed segments as they come, until stopped between two rounds.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut pause = RETRY_MIN;
    loop {
        let mut wait = None;
        if flush_sealed(&shared).await {
            pause = RETRY_MIN;
            // With nothing sealed and no room, segments go that are neither large nor old.
            let room_was_short = shared.room_was_short.swap(false, Ordering::AcqRel);
            if (room_was_short || shared.is_full()) && shared.seal_older_than(Duration::ZERO) {
                shared.sealed.notify_one();
            } else if room_was_short {
                // Nothing is left that a flush could make room by, unless an earlier one could not.
                truncate_wal(&shared).await;
            }
        } else {
            wait = Some(pause);
            pause = (pause * 2).min(RETRY_MAX);
        }
        let more = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => shared.sealed.notified().await,
            }
        };
        tokio::select! {
            biased; // A stop must not wait for the next segment.
            () = stop.cancelled() => return,
            () = more => {}
        }
    }
}

/// Flushes what is sealed now, one segment of each tenant in turn. Returns whether all of it was.
pub(crate) async fn flush_sealed(shared: &Arc<Shared>) -> bool {
    let mut flushing = shared.flushing.lock().await;
    let mut all_flushed = true;
    let mut queues: Vec<_> = shared
        .all_tenants()
        .into_iter()
        .map(|tenant| (tenant.sealed().into_iter(), tenant))
        .collect();
    loop {
        let mut left = Vec::new();
        for (mut segments, tenant) in queues {
            let Some(segment) = segments.next() else { continue };
            match flush_segment(shared, &mut flushing, &tenant, &segment).await {
                Ok(()) => left.push((segments, tenant)),
                Err(error) => {
                    all_flushed = false;
                    shared.metrics.block().flush_failures.inc();
                    tracing::error!(
                        tenant = %tenant.id,
                        error = %chain(&error),
                        "block not written, its spans stay live and in the write-ahead log"
                    );
                }
            }
        }
        if left.is_empty() {
            return all_flushed;
        }
        truncate_wal(shared).await;
        queues = left;
    }
}

async fn flush_segment(
    shared: &Arc<Shared>,
    flushing: &mut Flushing,
    tenant: &Arc<Tenant>,
    segment: &Arc<LiveSegment>,
) -> Result<(), FlushError> {
    let started = shared.clock.monotonic();
    let catalog = shared.open_catalog(tenant).await?;
    if !flushing.unfinished.contains_key(&tenant.id) {
        let block = build(shared, segment).await?;
        flushing.unfinished.insert(tenant.id.clone(), block);
    }
    let Some(block) = flushing.unfinished.get_mut(&tenant.id) else { return Ok(()) };
    let now_unix_nanos = shared.clock.now_unix_nanos();
    if !block.is_stored_since(now_unix_nanos) {
        let path = Store::block_path(&tenant.id, &block.entry);
        put_block(&*shared.objects, &path, block.bytes.clone()).await?;
        block.stored_at_unix_nanos = Some(now_unix_nanos);
    }
    let committing = shared.clock.monotonic();
    let snapshot = commit(shared, &*catalog, segment, &block.entry).await?;
    let done = shared.clock.monotonic();
    let Some(BuiltBlock { entry, .. }) = flushing.unfinished.remove(&tenant.id) else {
        return Ok(());
    };
    tenant.flushed(segment, snapshot);
    let metrics = shared.metrics.block();
    metrics.written.inc();
    metrics.written_bytes.add(entry.size_bytes);
    metrics.spans.observe_count(entry.n_spans);
    metrics.write_duration.observe(committing.saturating_sub(started));
    metrics.catalog_commit_duration.observe(done.saturating_sub(committing));
    tracing::info!(
        tenant = %tenant.id,
        block = %entry.id,
        spans = entry.n_spans,
        bytes = entry.size_bytes,
        "block written"
    );
    Ok(())
}

async fn build(shared: &Shared, segment: &Arc<LiveSegment>) -> Result<BuiltBlock, FlushError> {
    // Not refused, because nothing frees memory but this.
    let n_bytes = segment.size_bytes.saturating_mul(BUILDING_BYTES_PER_BYTE);
    let mut held = shared.options.memory.reserve_anyway(n_bytes);
    let segment = Arc::clone(segment);
    let block = cpu::run(move || spandrel_block::write(&segment.merge(), &WriteOptions::default()))
        .await??;
    let id = BlockId::generate(shared.clock.now_unix_nanos());
    held.set_anyway(block.bytes.len());
    Ok(BuiltBlock {
        entry: entry(id, &block),
        bytes: block.bytes,
        stored_at_unix_nanos: None,
        _held: held,
    })
}

async fn commit(
    shared: &Shared,
    catalog: &dyn Catalog,
    segment: &LiveSegment,
    entry: &BlockEntry,
) -> Result<Arc<CatalogSnapshot>, CatalogError> {
    let seqs = segment.seqs.unwrap_or_default();
    let mut commit = Commit {
        add: vec![entry.clone()],
        remove: Vec::new(),
        application_ids: shared.log_names.application_ids(seqs),
    };
    match catalog.commit(commit.clone()).await {
        Err(CatalogError::ApplicationIdBehind { committed, offered, .. }) => {
            // The table claims to contain these records, but not in this block. Whatever the reason,
            // storing them twice is better than believing it.
            tracing::error!(
                block = %entry.id,
                committed,
                offered,
                "catalogue is ahead of the write-ahead log, spans may be stored twice"
            );
            commit.application_ids.clear();
            catalog.commit(commit).await
        }
        committed => committed,
    }
}

fn entry(id: BlockId, block: &WrittenBlock) -> BlockEntry {
    let unsigned = |nanos: i64| u64::try_from(nanos).unwrap_or_default();
    BlockEntry {
        id,
        path: format!("blocks/{id}.parquet"),
        size_bytes: block.bytes.len() as u64,
        n_spans: u64::from(block.n_spans),
        n_traces: u64::from(block.n_traces),
        min_start_unix_nanos: unsigned(block.min_start_unix_nanos),
        max_end_unix_nanos: unsigned(block.max_end_unix_nanos),
        max_trace_start_unix_nanos: unsigned(block.max_trace_start_unix_nanos),
        max_received_unix_nanos: id.unix_nanos(),
        format_version: spandrel_block::schema::FORMAT_VERSION,
        level: 0,
        tail: Some(BlockTail {
            bytes: block.tail_bytes,
            trace_filter_bytes: block.trace_filter_bytes,
        }),
    }
}

/// Deletes log segments of which every record is in a block.
async fn truncate_wal(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    // Not among the CPU-bound work: it waits for the disk, and for the committer that does.
    let truncated = tokio::task::spawn_blocking(move || {
        let mut wal = shared.wal.lock();
        // Read under the lock of the log: what is appended later has higher numbers.
        let live = shared.all_tenants();
        let first_live = live.iter().filter_map(|tenant| tenant.first_live_seq()).min();
        let keep_from = first_live.unwrap_or(wal.next_seq());
        wal.truncate_before(keep_from)?;
        if keep_from == wal.next_seq() {
            // After the others are gone, because on a full disk they are the room for the new one.
            wal.rotate()?;
            wal.truncate_before(keep_from)?;
        }
        shared.metrics.wal().disk_bytes.set(wal.bytes_on_disk());
        Ok::<_, spandrel_wal::WalError>(())
    })
    .await;
    match truncated {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(error = %chain(&error), "write-ahead log not truncated"),
        Err(error) => tracing::warn!(%error, "write-ahead log not truncated"),
    }
}
