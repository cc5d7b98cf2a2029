//! Measures the catalogue on a local disk: latency of commits, alone and with four writers, and
//! time to open a table with 10,000 blocks.
//!
//! `cargo run -p spandrel-catalog --example measure -- [DIRECTORY]` works in a new directory below
//! the given one (default: the system's temporary directory) and removes it afterwards.

use std::io::{self, Write as _};
use std::path::Path as FsPath;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::try_join_all;
use object_store::ObjectStore;
use object_store::path::Path;
use spandrel_base::clock::{SharedClock, SystemClock};
use spandrel_catalog::{
    BlockEntry, BlockId, Catalog, ColumnType, Commit, DeltaCatalog, START_TIME_COLUMN, TableColumn,
};
use spandrel_objects::local::SyncedLocalFileSystem;

const BLOCKS: usize = 10_000;
const COMMITS_PER_WRITER: usize = 200;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let parent = std::env::args_os().nth(1);
    let dir = match &parent {
        Some(parent) => tempfile::tempdir_in(parent),
        None => tempfile::tempdir(),
    }
    .context("cannot create a directory to work in")?;
    let store: Arc<dyn ObjectStore> = Arc::new(SyncedLocalFileSystem::new(dir.path())?);
    let clock: SharedClock = Arc::new(SystemClock::new());

    for writers in [1, 4] {
        let table = Path::from(format!("writers-{writers}"));
        let latencies = commit_concurrently(&store, &table, &clock, writers).await?;
        report(&format!("commit, {writers} writers, one block each"), latencies)?;
    }
    open_large_table(&store, &clock, dir.path()).await
}

async fn open(
    store: &Arc<dyn ObjectStore>,
    table: &Path,
    clock: &SharedClock,
) -> anyhow::Result<DeltaCatalog> {
    let columns = [
        TableColumn::new("trace_id", ColumnType::Binary, false),
        TableColumn::new("name", ColumnType::String, true),
        TableColumn::new(START_TIME_COLUMN, ColumnType::Long, false),
    ];
    let store = Arc::clone(store);
    Ok(DeltaCatalog::open(store, table.clone(), &columns, Arc::clone(clock)).await?)
}

fn entry(clock: &SharedClock) -> BlockEntry {
    let now = clock.now_unix_nanos();
    let id = BlockId::generate(now);
    BlockEntry {
        id,
        path: format!("blocks/2026-01-01/{id}.parquet"),
        size_bytes: 40_000_000,
        n_spans: 1_000_000,
        n_traces: 60_000,
        min_start_unix_nanos: now.saturating_sub(60_000_000_000),
        max_end_unix_nanos: now,
        max_trace_start_unix_nanos: now,
        max_received_unix_nanos: id.unix_nanos(),
        format_version: 1,
        level: 0,
        tail: None,
    }
}

async fn commit_concurrently(
    store: &Arc<dyn ObjectStore>,
    table: &Path,
    clock: &SharedClock,
    writers: usize,
) -> anyhow::Result<Vec<Duration>> {
    let per_writer = try_join_all((0..writers).map(|writer| async move {
        let catalog = open(store, table, clock).await?;
        let mut latencies = Vec::new();
        for sequence in 0_i64.. {
            if latencies.len() == COMMITS_PER_WRITER {
                break;
            }
            let commit = Commit {
                add: vec![entry(clock)],
                application_ids: vec![(format!("wal/{writer}"), sequence)],
                ..Commit::default()
            };
            let started = clock.monotonic();
            catalog.commit(commit).await?;
            latencies.push(clock.monotonic().saturating_sub(started));
        }
        anyhow::Ok(latencies)
    }))
    .await?;
    Ok(per_writer.concat())
}

/// Fills a table with [`BLOCKS`] blocks in commits of 50 and opens it.
async fn open_large_table(
    store: &Arc<dyn ObjectStore>,
    clock: &SharedClock,
    dir: &FsPath,
) -> anyhow::Result<()> {
    let table = Path::from("large");
    let catalog = open(store, &table, clock).await?;
    let mut committed = 0;
    while committed < BLOCKS {
        let add: Vec<_> = (0..50).map(|_| entry(clock)).collect();
        committed += add.len();
        let commit = Commit { add, ..Commit::default() };
        catalog.commit(commit).await?;
    }
    let mut latencies = Vec::new();
    for _ in 0..10 {
        let started = clock.monotonic();
        let blocks = open(store, &table, clock).await?.snapshot().await?.blocks().len();
        latencies.push(clock.monotonic().saturating_sub(started));
        anyhow::ensure!(blocks == BLOCKS, "{blocks} blocks after opening");
    }
    report("open with 10,000 blocks", latencies)?;

    let mut latencies = Vec::new();
    for _ in 0..200 {
        let started = clock.monotonic();
        catalog.snapshot().await?;
        latencies.push(clock.monotonic().saturating_sub(started));
    }
    report("snapshot, nothing changed", latencies)?;
    let log_bytes = std::fs::read_dir(dir.join("large/_delta_log"))?
        .map(|file| Ok(file?.metadata()?.len()))
        .sum::<io::Result<u64>>()?;
    writeln!(io::stdout(), "log on disk: {} KiB", log_bytes / 1024)?;
    Ok(())
}

fn report(what: &str, mut latencies: Vec<Duration>) -> anyhow::Result<()> {
    latencies.sort_unstable();
    let at = |percent: usize| {
        let index = (latencies.len() * percent / 100).min(latencies.len().saturating_sub(1));
        latencies.get(index).copied().context("nothing was measured")
    };
    writeln!(
        io::stdout(),
        "{what}: n {}, p50 {:.1?}, p95 {:.1?}, max {:.1?}",
        latencies.len(),
        at(50)?,
        at(95)?,
        at(100)?
    )?;
    Ok(())
}
