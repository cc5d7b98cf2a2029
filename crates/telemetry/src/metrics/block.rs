//! Blocks written and committed to the catalog.

use crate::instrument::{Buckets, Registrar};
use crate::{Counter, Histogram};

/// Instruments of the way from live spans to committed blocks.
#[derive(Debug, Clone)]
pub struct BlockMetrics {
    /// Blocks written completely.
    pub written: Counter,
    /// Their size in storage.
    pub written_bytes: Counter,
    /// Writing one block, upload included.
    pub write_duration: Histogram,
    /// Spans in one block.
    pub spans: Histogram,
    /// Attempts to flush live spans into a block that failed and will be made again.
    pub flush_failures: Counter,
    /// Committing blocks to the catalog.
    pub catalog_commit_duration: Histogram,
    /// Looks at the tables of all tenants for what other processes have committed.
    pub catalog_refreshes: Counter,
    /// Tables, and lists of tenants, that could not be read then.
    pub catalog_refresh_failures: Counter,
}

impl BlockMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            written: registrar.counter("spandrel_block_written", "Blocks written completely"),
            written_bytes: registrar
                .counter("spandrel_block_written_bytes", "Size of the written blocks"),
            write_duration: registrar.histogram(
                "spandrel_block_write_duration_seconds",
                "Writing one block, upload included",
                Buckets::REQUEST,
            ),
            spans: registrar.histogram(
                "spandrel_block_spans",
                "Spans in one written block",
                Buckets::SPANS,
            ),
            flush_failures: registrar.counter(
                "spandrel_block_flush_failures",
                "Attempts to flush live spans into a block that failed",
            ),
            catalog_commit_duration: registrar.histogram(
                "spandrel_catalog_commit_duration_seconds",
                "Committing blocks to the catalog",
                Buckets::REQUEST,
            ),
            catalog_refreshes: registrar.counter(
                "spandrel_catalog_refreshes",
                "Looks at all tables for what other processes have committed",
            ),
            catalog_refresh_failures: registrar.counter(
                "spandrel_catalog_refresh_failures",
                "Tables that could not be read when what others have committed was looked for",
            ),
        }
    }
}
