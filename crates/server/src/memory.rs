//! How the memory of the process is divided.
//!
//! ```text
//! limit: 3/4 of what the process may use, unless the operator says otherwise
//!   ingest    up to all of it: requests in flight, live spans, blocks that are being built
//!   queries   up to 1/2, and never the last 1/8: spans are taken before questions are answered
//!     one query   up to 1/4, unless the operator says otherwise
//!   cache     up to 1/8, held from the start
//!   metrics   up to 1/16: series that are generated from spans
//!   merge     the spans of one up to 1/16, and twice as much while they are written
//! ```
//!
//! The quarter outside the limit is for what is not counted: code, connections, the catalogue, and what the
//! allocator keeps.

use spandrel_base::byte_size::ByteSize;
use spandrel_base::memory::{MemoryBudget, available_bytes};
use spandrel_compaction::CompactionOptions;
use spandrel_ingest::StoreOptions;
use spandrel_query::QueryOptions;
use spandrel_receivers::OtlpOptions;
use spandrel_telemetry::{MemoryClass, Metrics};

use crate::MemoryOptions;

/// What the process may use where neither machine nor container can be asked.
const UNKNOWN_AVAILABLE_BYTES: u64 = 2 << 30;

/// The budgets of the process.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    total: MemoryBudget,
    ingest: MemoryBudget,
    query: MemoryBudget,
    cache: MemoryBudget,
    generated: MemoryBudget,
    query_bytes_max: usize,
}

impl Memory {
    /// Divides what the options, or else the machine, allow.
    pub(crate) fn new(options: MemoryOptions) -> Self {
        let share = || available_bytes().unwrap_or(UNKNOWN_AVAILABLE_BYTES) / 4 * 3;
        let limit = to_usize(options.limit_bytes.unwrap_or_else(share));
        let total = MemoryBudget::new("memory of the process", limit);
        let query_bytes_max = options.query_bytes_max.map_or(limit / 4, to_usize);
        Self {
            ingest: total.part("memory of ingest", limit),
            query: total.part_leaving("memory of all queries", limit / 2, limit / 8),
            cache: total.part("memory of the block cache", limit / 8),
            generated: total.part("memory of generated metrics", limit / 16),
            query_bytes_max: query_bytes_max.min(limit / 2),
            total,
        }
    }

    /// What takes spans in has this.
    pub(crate) fn of_ingest(&self) -> MemoryBudget {
        self.ingest.clone()
    }

    /// Series that are generated from spans have this.
    pub(crate) fn of_generated_metrics(&self) -> MemoryBudget {
        self.generated.clone()
    }

    /// Gives everybody their part. Limits of their own that are larger than that are lowered where that
    /// turns a refusal for now, which would come again and again, into one for good.
    pub(crate) fn divide(
        &self,
        store: &mut StoreOptions,
        query: &mut QueryOptions,
        otlp: &mut OtlpOptions,
    ) {
        store.memory = self.ingest.clone();
        otlp.memory = self.ingest.clone();
        otlp.in_flight_bytes_max = otlp.in_flight_bytes_max.min(self.total.limit() / 4);
        query.memory = self.query.clone();
        query.query_bytes_max = self.query_bytes_max;
        query.cache_memory = self.cache.clone();
        query.block_cache_bytes_max = query.block_cache_bytes_max.min(self.cache.limit() as u64);
        tracing::info!(
            limit = %ByteSize(self.total.limit() as u64),
            one_query = %ByteSize(self.query_bytes_max as u64),
            "memory divided"
        );
    }

    /// Gives merges their part. They count as ingest, which they hold up no more than a flush does.
    pub(crate) fn give(&self, compaction: Option<&mut CompactionOptions>) {
        let Some(CompactionOptions { merge, .. }) = compaction else { return };
        merge.memory = self.ingest.clone();
        merge.memory_bytes_max = merge.memory_bytes_max.min(self.total.limit() / 16);
    }

    /// Brings the gauges up to date.
    pub(crate) fn report(&self, metrics: &Metrics) {
        for (class, budget) in [
            (MemoryClass::Total, &self.total),
            (MemoryClass::Ingest, &self.ingest),
            (MemoryClass::Query, &self.query),
            (MemoryClass::Cache, &self.cache),
        ] {
            metrics.memory().used.set(&class, budget.used() as u64);
            metrics.memory().limit.set(&class, budget.limit() as u64);
        }
    }
}

fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(limit_bytes: Option<u64>, query_bytes_max: Option<u64>) -> Memory {
        Memory::new(MemoryOptions { limit_bytes, query_bytes_max })
    }

    #[test]
    fn parts_follow_from_the_limit() {
        let limits = |memory: &Memory| {
            let parts = [&memory.total, &memory.ingest, &memory.query, &memory.cache];
            (parts.map(MemoryBudget::limit), memory.query_bytes_max)
        };
        assert_eq!(limits(&memory(Some(8_000), None)), ([8_000, 8_000, 4_000, 1_000], 2_000));
        assert_eq!(memory(Some(8_000), Some(500)).query_bytes_max, 500);
        // One query is never more than all queries.
        assert_eq!(memory(Some(8_000), Some(9_000)).query_bytes_max, 4_000);
        let available = available_bytes().unwrap_or(UNKNOWN_AVAILABLE_BYTES);
        assert_eq!(memory(None, None).total.limit() as u64, available / 4 * 3);
    }

    #[test]
    fn small_machines_get_small_limits_and_gauges_follow() {
        let memory = memory(Some(80 << 20), None);
        let mut store = StoreOptions::new("wal");
        let (mut query, mut otlp) = (QueryOptions::default(), OtlpOptions::default());
        memory.divide(&mut store, &mut query, &mut otlp);
        assert_eq!(otlp.in_flight_bytes_max, 20 << 20);
        assert_eq!(query.block_cache_bytes_max, 10 << 20);

        let metrics = Metrics::new();
        let _live = store.memory.try_reserve(1_000).unwrap();
        let _columns = query.memory.try_reserve(200).unwrap();
        memory.report(&metrics);
        let used = |class| metrics.memory().used.get(&class);
        assert_eq!(
            [MemoryClass::Total, MemoryClass::Ingest, MemoryClass::Query].map(used),
            [1_200, 1_000, 200]
        );
        assert_eq!(metrics.memory().limit.get(&MemoryClass::Total), 80 << 20);
    }
}
