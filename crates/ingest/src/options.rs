//! Settings of the store.

use std::path::PathBuf;
use std::time::Duration;

use spandrel_base::memory::MemoryBudget;
use spandrel_wal::Durability;

use crate::LimitsSource;

/// When live spans become a block: whatever comes first.
#[derive(Debug, Clone)]
pub struct CutOptions {
    /// Spans of a segment. One block of this many rows is written from it.
    pub spans_max: u32,
    /// Bytes of memory of a segment.
    pub bytes_max: usize,
    /// Age of a segment's oldest span, counted from its arrival.
    pub age_max: Duration,
}

impl Default for CutOptions {
    /// Measured: a block of 200,000 spans is written in about a second of one core and takes under 10 MB,
    /// and a replay after a crash takes about as long.
    fn default() -> Self {
        Self { spans_max: 200_000, bytes_max: 128 << 20, age_max: Duration::from_secs(300) }
    }
}

/// Settings of a [`crate::Store`].
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Folder of the write-ahead log, on a local disk.
    pub wal_dir: PathBuf,
    /// What an acknowledgment is worth.
    pub durability: Durability,
    /// Disk budget of the write-ahead log; above it batches are refused.
    pub wal_bytes_max: u64,
    /// Size at which a segment of the write-ahead log is sealed.
    pub wal_segment_bytes_max: u64,
    /// When live spans become a block.
    pub cut: CutOptions,
    /// Memory budget of all live spans, those that wait for the log and those on their way into blocks
    /// included. Building a block takes about twice the memory of its segment on top, once at a time.
    pub live_bytes_max: usize,
    /// What all of that is a part of, blocks that are being built included; shared with others.
    pub memory: MemoryBudget,
    /// Limits of single tenants.
    pub limits: LimitsSource,
    /// How often it is looked for blocks that other processes have stored. Each time costs a listing, and a
    /// request for each tenant.
    pub refresh_interval: Duration,
}

impl StoreOptions {
    /// The defaults, with the write-ahead log in this folder.
    pub fn new(wal_dir: impl Into<PathBuf>) -> Self {
        Self {
            wal_dir: wal_dir.into(),
            durability: Durability::Fsync,
            wal_bytes_max: 8 << 30,
            wal_segment_bytes_max: 64 << 20,
            cut: CutOptions::default(),
            live_bytes_max: 512 << 20,
            memory: MemoryBudget::unlimited(),
            limits: LimitsSource::Unlimited,
            refresh_interval: Duration::from_secs(10),
        }
    }
}
