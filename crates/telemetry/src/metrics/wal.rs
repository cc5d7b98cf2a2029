//! The write-ahead log: what durability costs and how full it is.

use crate::instrument::{Buckets, Registrar};
use crate::{Counter, Gauge, Histogram};

/// Instruments of the write-ahead log.
#[derive(Debug, Clone)]
pub struct WalMetrics {
    /// From handing a record over until it is durable.
    pub append_duration: Histogram,
    /// Records made durable by one fsync.
    pub group_records: Histogram,
    /// Bytes made durable by one fsync.
    pub group_bytes: Histogram,
    /// Size of all segments on disk.
    pub disk_bytes: Gauge,
    /// Records read back at start.
    pub replayed_records: Counter,
    /// Records that were cut off or skipped at start because their checksum failed.
    pub corrupt_records: Counter,
}

impl WalMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            append_duration: registrar.histogram(
                "spandrel_wal_append_duration_seconds",
                "From handing a record over until it is durable",
                Buckets::LOCAL_IO,
            ),
            group_records: registrar.histogram(
                "spandrel_wal_group_records",
                "Records made durable by one fsync",
                Buckets::COUNT,
            ),
            group_bytes: registrar.histogram(
                "spandrel_wal_group_bytes",
                "Bytes made durable by one fsync",
                Buckets::BYTES,
            ),
            disk_bytes: registrar.gauge("spandrel_wal_disk_bytes", "Size of all segments on disk"),
            replayed_records: registrar
                .counter("spandrel_wal_replayed_records", "Records read back at start"),
            corrupt_records: registrar.counter(
                "spandrel_wal_corrupt_records",
                "Records cut off or skipped at start because their checksum failed",
            ),
        }
    }
}
