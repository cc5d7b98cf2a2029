//! The engine: what it is asked through, and how it gets at blocks.

use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use spandrel_base::memory::{MemoryBudget, Reservation};
use spandrel_catalog::BlockEntry;
use spandrel_ingest::{ByTenant, LiveRun, Store, StoreSnapshot};
use spandrel_model::TenantId;
use spandrel_telemetry::Metrics;

use crate::block_cache::BlockCache;
use crate::metrics::RepeatsCache;
use crate::read_limits::TenantReadLimits;
use crate::services::DifferenceCache;
use crate::tail::Tails;
use crate::{QueryError, ReadLimits, memory};

/// Blocks opened at the same time by who keeps them all. No more are held than that, so memory stays within the
/// cache's however many blocks there are.
pub(crate) const OPENING: usize = 64;

/// Parts of a trace that lie in blocks further than this from the time range of a search are not what brings the
/// trace into its answer. Traces that are found are always read whole, wherever their parts lie.
pub(crate) const SPLIT_NANOS_MAX: i64 = 15 * 60 * 1_000_000_000;

/// Limits of a query.
#[derive(Debug, Clone)]
pub struct QueryOptions {
    /// A query that takes longer is given up.
    pub deadline: Duration,
    /// Memory for the footers and indexes of blocks that were read before.
    pub block_cache_bytes_max: u64,
    /// What this memory is a part of; all of it is held from the start.
    pub cache_memory: MemoryBudget,
    /// Memory that one query may hold. A query that needs more is refused.
    pub query_bytes_max: usize,
    /// What the memory of all queries is a part of.
    pub memory: MemoryBudget,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            block_cache_bytes_max: 128 << 20,
            cache_memory: MemoryBudget::unlimited(),
            query_bytes_max: usize::MAX,
            memory: MemoryBudget::unlimited(),
        }
    }
}

/// A range of time, Unix nanoseconds, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// From.
    pub start_unix_nanos: i64,
    /// To.
    pub end_unix_nanos: i64,
}

impl TimeRange {
    /// Everything.
    pub const ALL: Self = Self { start_unix_nanos: i64::MIN, end_unix_nanos: i64::MAX };

    /// Whether something from `start` to `end` lies in the range, at least in part.
    pub fn overlaps(&self, start: i64, end: i64) -> bool {
        start <= self.end_unix_nanos && end >= self.start_unix_nanos
    }

    pub(crate) fn overlaps_block(&self, entry: &BlockEntry) -> bool {
        let (start, end) = times_of(entry);
        self.overlaps(start, end)
    }

    /// Whether all of a block lies in the range.
    pub(crate) fn covers_block(&self, entry: &BlockEntry) -> bool {
        let (start, end) = times_of(entry);
        self.start_unix_nanos <= start && end <= self.end_unix_nanos
    }
}

/// From when to when the spans of a block last.
fn times_of(entry: &BlockEntry) -> (i64, i64) {
    let signed = |nanos: u64| i64::try_from(nanos).unwrap_or(i64::MAX);
    (signed(entry.min_start_unix_nanos), signed(entry.max_end_unix_nanos))
}

/// Answers questions about one store.
pub struct QueryEngine {
    pub(crate) store: Arc<Store>,
    pub(crate) options: QueryOptions,
    pub(crate) metrics: Metrics,
    pub(crate) blocks: BlockCache,
    pub(crate) repeats: RepeatsCache,
    pub(crate) differences: DifferenceCache,
    pub(crate) read_limits: TenantReadLimits,
    pub(crate) tails: Tails,
    _cache: Reservation,
}

/// What one query looks at: it does not change while the query runs.
pub(crate) struct View {
    /// Live runs, oldest first.
    pub(crate) live: Vec<Arc<LiveRun>>,
    /// All blocks of the tenant, those with the newest trace first.
    pub(crate) entries: Vec<Arc<BlockEntry>>,
    pub(crate) tenant: TenantId,
    range: TimeRange,
}

impl View {
    /// Live runs with a span in the time range.
    pub(crate) fn live_in_range(&self) -> impl Iterator<Item = &Arc<LiveRun>> {
        self.live.iter().filter(|run| {
            let mut traces = run.arrangement().traces.iter();
            traces.any(|trace| self.range.overlaps(trace.start_unix_nanos, trace.end_unix_nanos))
        })
    }

    /// The time range that was asked for.
    pub(crate) fn range(&self) -> TimeRange {
        self.range
    }

    /// Blocks in the time range, in the view's order.
    pub(crate) fn in_range(&self) -> Vec<&Arc<BlockEntry>> {
        self.entries.iter().filter(|entry| self.is_in_range(entry)).collect()
    }

    pub(crate) fn is_in_range(&self, entry: &BlockEntry) -> bool {
        self.range.overlaps_block(entry)
    }

    /// Blocks that are in the time range or so near to it that they may hold parts of its traces, in the
    /// view's order.
    pub(crate) fn near_range(&self) -> Vec<&Arc<BlockEntry>> {
        let wider = TimeRange {
            start_unix_nanos: self.range.start_unix_nanos.saturating_sub(SPLIT_NANOS_MAX),
            end_unix_nanos: self.range.end_unix_nanos.saturating_add(SPLIT_NANOS_MAX),
        };
        self.entries.iter().filter(|entry| wider.overlaps_block(entry)).collect()
    }
}

impl QueryEngine {
    /// An engine over a store.
    pub fn new(store: Arc<Store>, options: QueryOptions, metrics: Metrics) -> Self {
        let blocks = BlockCache::new(Arc::clone(store.objects()), options.block_cache_bytes_max);
        // The cache gives nothing back while it is used, so it does not ask piece by piece.
        let cache_bytes = usize::try_from(options.block_cache_bytes_max).unwrap_or(usize::MAX);
        let cache_bytes = cache_bytes.saturating_add(RepeatsCache::BYTES_MAX);
        let cache_bytes = cache_bytes.saturating_add(DifferenceCache::BYTES_MAX);
        let cache = options.cache_memory.reserve_anyway(cache_bytes);
        let repeats = RepeatsCache::new();
        let differences = DifferenceCache::new();
        let read_limits = TenantReadLimits::default();
        let tails = Tails::new();
        Self {
            store,
            options,
            metrics,
            blocks,
            repeats,
            differences,
            read_limits,
            tails,
            _cache: cache,
        }
    }

    /// Where the blocks are, and beside them what else is kept of tenants.
    pub fn objects(&self) -> &Arc<dyn ObjectStore> {
        self.store.objects()
    }

    /// Puts limits of tenants in force, in place of all from before; they count for queries that start later.
    pub fn set_read_limits(&self, limits: ByTenant<ReadLimits>) {
        self.read_limits.set(limits);
    }

    /// Everything of the tenant.
    pub(crate) async fn view(
        &self,
        tenant: &TenantId,
        range: TimeRange,
    ) -> Result<View, QueryError> {
        let StoreSnapshot { live, catalog, .. } = self.store.snapshot(tenant).await?;
        let mut entries: Vec<_> =
            catalog.iter().flat_map(|catalog| catalog.blocks()).cloned().collect();
        entries
            .sort_by_key(|entry| std::cmp::Reverse((entry.max_trace_start_unix_nanos, entry.id)));
        Ok(View { live, entries, tenant: tenant.clone(), range })
    }

    /// Runs a query under the deadline and within its memory.
    pub(crate) async fn within_deadline<T>(
        &self,
        query: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        let QueryOptions { deadline, query_bytes_max, .. } = self.options;
        let query = memory::within(&self.options.memory, query_bytes_max, query);
        let answer = tokio::time::timeout(deadline, query).await;
        let answer = answer.unwrap_or(Err(QueryError::Deadline(deadline)));
        if let Err(QueryError::Memory(exhausted)) = &answer {
            self.metrics.query().refused.inc(&memory::reason(exhausted));
        }
        answer
    }
}
