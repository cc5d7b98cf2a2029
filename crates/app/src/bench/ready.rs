//! How long a server takes to start when its tenant has many blocks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use spandrel_base::clock::{SharedClock, SystemClock};
use spandrel_catalog::{BlockEntry, BlockId, Commit};
use spandrel_ingest::{Store, StoreOptions};
use spandrel_model::TenantId;
use spandrel_objects::local::SyncedLocalFileSystem;
use spandrel_pipeline::{TraceBatch, TraceConsumer};
use spandrel_telemetry::Metrics;

use super::cpu::Stopwatch;
use super::memory::Server;
use super::report::{Figure, Report};
use super::{queries, traffic};

/// Blocks in the catalogue, and how many of them one commit adds.
const BLOCKS: usize = 10_000;
const BLOCKS_OF_COMMIT: usize = 50;
/// Merged so often that no compaction wants them.
const LEVEL: u8 = u8::MAX;
/// Starts; the median counts.
const STARTS: usize = 5;

/// Catalogues blocks, of which only the first has a file, and starts a server on them.
pub(super) async fn measure(seed: u64, report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::Builder::new().prefix("spandrel-bench-ready").tempdir()?;
    catalogue(dir.path(), seed).await?;
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let watch = Stopwatch::start();
        let server = Server::start(dir.path())?;
        server.wait_until_ready().await?;
        times.push(watch.stop().wall.as_secs_f64() * 1e3);
    }
    let value = queries::latency("", times, 0).median_ms;
    let name = "start to ready, 10,000 blocks catalogued (ms)";
    report.others.push(Figure { name, value, bar: Some(300.0) });
    Ok(())
}

async fn catalogue(dir: &Path, seed: u64) -> anyhow::Result<()> {
    let clock: SharedClock = Arc::new(SystemClock::new());
    let objects = Arc::new(SyncedLocalFileSystem::new(dir)?);
    let options = StoreOptions::new(dir.join("wal"));
    let store = Store::open(options, objects, Arc::clone(&clock), Metrics::new()).await?;
    for otlp in traffic::take(&mut traffic::generator(seed, clock.now_unix_nanos()), 1000).bodies {
        store.consume(TraceBatch::otlp(TenantId::single(), otlp)).await?;
    }
    anyhow::ensure!(store.flush(Duration::from_secs(60)).await, "no block was written");
    let blocks = queries::blocks(&store).await?;
    let first = blocks.first().context("no block was written")?;
    let catalog = store.catalog(&TenantId::single()).await?.context("no catalogue was made")?;
    let copy = || {
        let id = BlockId::generate(clock.now_unix_nanos());
        let path = first.path.replace(&first.id.to_string(), &id.to_string());
        BlockEntry { id, path, level: LEVEL, ..(**first).clone() }
    };
    for _ in 0..BLOCKS / BLOCKS_OF_COMMIT {
        let add = (0..BLOCKS_OF_COMMIT).map(|_| copy()).collect();
        catalog.commit(Commit { add, ..Commit::default() }).await?;
    }
    store.shutdown(Duration::from_secs(10)).await;
    Ok(())
}
