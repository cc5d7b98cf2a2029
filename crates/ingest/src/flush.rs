//! Sealed segments become blocks: written, stored, committed, and only then given up in the log.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use object_store::{ObjectStoreExt, PutPayload};
use spandrel_base::cpu::{self, CpuError};
use spandrel_block::{BlockError, WriteOptions, WrittenBlock};
use spandrel_catalog::{BlockEntry, BlockId, CatalogError, Commit};
use tokio_util::sync::CancellationToken;

use crate::live::LiveSegment;
use crate::store::{Shared, Store, StoreError};
use crate::tenant::Tenant;

/// Pause after a failure: doubles up to the maximum, so that a broken store is not hammered.
const RETRY_MIN: Duration = Duration::from_millis(250);
const RETRY_MAX: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub(crate) enum FlushError {
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

/// Flushes sealed segments as they come, until stopped between two of them.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut pause = RETRY_MIN;
    loop {
        let wait = match flush_sealed(&shared).await {
            Ok(()) => {
                pause = RETRY_MIN;
                None
            }
            Err(error) => {
                shared.metrics.block().flush_failures.inc();
                tracing::error!(
                    error = %chain(&error),
                    retry_in = ?pause,
                    "block not written, its spans stay live and in the write-ahead log"
                );
                let wait = pause;
                pause = (pause * 2).min(RETRY_MAX);
                Some(wait)
            }
        };
        let retry = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => shared.sealed.notified().await,
            }
        };
        tokio::select! {
            biased; // A stop must not wait for the next segment.
            () = stop.cancelled() => return,
            () = retry => {}
        }
    }
}

/// Flushes everything that is sealed now, oldest first.
pub(crate) async fn flush_sealed(shared: &Arc<Shared>) -> Result<(), FlushError> {
    let _flushing = shared.flushing.lock().await;
    for tenant in shared.all_tenants() {
        while let Some(segment) = tenant.oldest_sealed() {
            flush_segment(shared, &tenant, &segment).await?;
        }
    }
    Ok(())
}

async fn flush_segment(
    shared: &Arc<Shared>,
    tenant: &Arc<Tenant>,
    segment: &Arc<LiveSegment>,
) -> Result<(), FlushError> {
    let started = shared.clock.monotonic();
    let catalog = shared.open_catalog(tenant).await?;
    let merged = Arc::clone(segment);
    let block = cpu::run(move || spandrel_block::write(&merged.merge(), &WriteOptions::default()))
        .await??;
    let id = BlockId::generate(shared.clock.now_unix_nanos());
    let entry = entry(id, &block);
    let path = Store::block_path(&tenant.id, &entry);
    shared.objects.put(&path, PutPayload::from_bytes(block.bytes)).await?;
    let committing = shared.clock.monotonic();
    let last_seq = segment.seqs.map_or(0, |seqs| seqs.1).cast_signed();
    let n_spans = entry.n_spans;
    let size_bytes = entry.size_bytes;
    let commit = Commit {
        add: vec![entry],
        remove: Vec::new(),
        application_ids: vec![(shared.wal_application.clone(), last_seq)],
    };
    let snapshot = match catalog.commit(commit).await {
        // An earlier attempt was applied although its answer did not arrive.
        Err(CatalogError::ApplicationIdBehind { .. }) => catalog.snapshot().await?,
        committed => committed?,
    };
    let done = shared.clock.monotonic();
    let freed = tenant.flushed(segment, snapshot);
    shared.live_bytes.fetch_sub(freed, Ordering::Relaxed);
    let metrics = shared.metrics.block();
    metrics.written.inc();
    metrics.written_bytes.add(size_bytes);
    metrics.spans.observe_count(n_spans);
    metrics.write_duration.observe(committing.saturating_sub(started));
    metrics.catalog_commit_duration.observe(done.saturating_sub(committing));
    tracing::info!(tenant = %tenant.id, block = %id, spans = n_spans, bytes = size_bytes, "block written");
    truncate_wal(shared).await;
    Ok(())
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
        format_version: spandrel_block::schema::FORMAT_VERSION,
        level: 0,
    }
}

/// Deletes log segments of which every record is in a block.
async fn truncate_wal(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    let truncated = cpu::run(move || {
        let mut wal = shared.wal.lock();
        // Read under the lock of the log: what is appended later has higher numbers.
        let live = shared.all_tenants();
        let first_live = live.iter().filter_map(|tenant| tenant.first_live_seq()).min();
        let keep_from = first_live.unwrap_or(wal.next_seq());
        if keep_from == wal.next_seq() {
            wal.rotate()?;
        }
        wal.truncate_before(keep_from)?;
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
