//! What the size of cached chunks costs: `cargo run -p spandrel-objects --example chunk_size`.
//!
//! A cold search opens blocks by their tails and reads a few columns of one row group in each; a second one with
//! other columns finds the tails and some of the columns. Counted are requests and bytes; the time is
//! that of a store that takes 30 ms a request and sends 80 MB/s, all blocks one after the other.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use spandrel_objects::{CacheOptions, CachedStore};
use spandrel_objects_testing::{Counts, LatencyStore};
use spandrel_telemetry::Metrics;

const BLOCKS: u64 = 20;
/// A block of 200,000 spans.
const BLOCK_BYTES: u64 = 7_300_000;
const TAIL_BYTES: u64 = 1 << 20;
/// Columns of a row group: most are small, names and ids are not.
const COLUMN_BYTES: [u64; 10] =
    [2_000, 3_000, 5_000, 8_000, 12_000, 20_000, 45_000, 90_000, 180_000, 400_000];

/// The columns whose number has a remainder of `search`, in the second quarter of the block.
fn columns(search: u64) -> Vec<Range<u64>> {
    let mut start = BLOCK_BYTES / 4;
    let mut ranges = Vec::new();
    for (number, bytes) in (0..).zip(COLUMN_BYTES) {
        if number % 3 != search {
            ranges.push(start..start + bytes);
        }
        start += bytes;
    }
    ranges
}

#[expect(clippy::print_stdout, reason = "a table for whoever runs it")]
fn print(what: &str, wanted: u64, counts: &Counts) {
    let seconds = counts.rounds as f64 * 0.030 + counts.read_bytes as f64 / 80e6;
    println!(
        "{what:<24}{:>10}{:>12.2}{:>12.2}{seconds:>10.3}",
        counts.requests,
        wanted as f64 / 1e6,
        counts.read_bytes as f64 / 1e6
    );
}

#[expect(clippy::print_stdout, reason = "a table for whoever runs it")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    println!(
        "{:<24}{:>10}{:>12}{:>12}{:>10}",
        "chunks", "requests", "wanted MB", "read MB", "seconds"
    );
    for chunk_bytes in [32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20] {
        let store =
            LatencyStore::new(Arc::new(InMemory::new())).with_latency(Duration::from_millis(1));
        let store = Arc::new(store);
        let path = |block: u64| Path::from(format!("tenants/a/blocks/{block}.parquet"));
        for block in 0..BLOCKS {
            store.put(&path(block), vec![7; BLOCK_BYTES as usize].into()).await?;
        }
        let dir = tempfile::tempdir()?;
        let options = CacheOptions { chunk_bytes, ..CacheOptions::new(dir.path(), 1 << 30) };
        let inner = Arc::clone(&store) as Arc<dyn ObjectStore>;
        let metrics = Metrics::new().objects().cache.clone();
        let cache = CachedStore::open(inner, "measured", &options, metrics).await?;
        for search in 0..2 {
            store.take_counts();
            let wanted: u64 = columns(search).iter().map(|range| range.end - range.start).sum();
            for block in 0..BLOCKS {
                cache.get_range(&path(block), BLOCK_BYTES - TAIL_BYTES..BLOCK_BYTES).await?;
                cache.get_ranges(&path(block), &columns(search)).await?;
            }
            cache.settle().await;
            let what = format!("{} KiB, search {}", chunk_bytes >> 10, search + 1);
            print(&what, (wanted + TAIL_BYTES) * BLOCKS, &store.take_counts());
        }
    }
    Ok(())
}
