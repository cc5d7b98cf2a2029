//! The engine: what it is asked through, and how it gets at blocks.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};
use spandrel_catalog::BlockEntry;
use spandrel_ingest::{LiveRun, Store, StoreSnapshot};
use spandrel_model::TenantId;
use spandrel_telemetry::Metrics;

use crate::QueryError;
use crate::block_cache::{BlockCache, OpenBlock};

/// Blocks opened at the same time.
const OPENING: usize = 16;

/// Limits of a query.
#[derive(Debug, Clone)]
pub struct QueryOptions {
    /// A query that takes longer is given up.
    pub deadline: Duration,
    /// Memory for the footers and indexes of blocks that were read before.
    pub block_cache_bytes_max: u64,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(30), block_cache_bytes_max: 128 << 20 }
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

    fn overlaps_block(&self, entry: &BlockEntry) -> bool {
        let signed = |nanos: u64| i64::try_from(nanos).unwrap_or(i64::MAX);
        self.overlaps(signed(entry.min_start_unix_nanos), signed(entry.max_end_unix_nanos))
    }
}

/// Answers questions about one store.
pub struct QueryEngine {
    pub(crate) store: Arc<Store>,
    pub(crate) options: QueryOptions,
    pub(crate) metrics: Metrics,
    blocks: BlockCache,
}

/// What one query looks at: it does not change while the query runs.
pub(crate) struct View {
    /// Live runs, oldest first.
    pub(crate) live: Vec<Arc<LiveRun>>,
    /// Blocks in the time range, those with the newest trace first.
    pub(crate) entries: Vec<Arc<BlockEntry>>,
    pub(crate) tenant: TenantId,
}

impl QueryEngine {
    /// An engine over a store.
    pub fn new(store: Arc<Store>, options: QueryOptions, metrics: Metrics) -> Self {
        let blocks = BlockCache::new(Arc::clone(store.objects()), options.block_cache_bytes_max);
        Self { store, options, metrics, blocks }
    }

    /// Everything of the tenant that may hold spans in the range.
    pub(crate) async fn view(
        &self,
        tenant: &TenantId,
        range: TimeRange,
    ) -> Result<View, QueryError> {
        let StoreSnapshot { live, catalog } = self.store.snapshot(tenant).await?;
        let blocks = catalog.iter().flat_map(|catalog| catalog.blocks());
        let mut entries: Vec<_> =
            blocks.filter(|entry| range.overlaps_block(entry)).cloned().collect();
        entries
            .sort_by_key(|entry| std::cmp::Reverse((entry.max_trace_start_unix_nanos, entry.id)));
        Ok(View { live, entries, tenant: tenant.clone() })
    }

    /// A block with its metadata and index.
    pub(crate) async fn open(
        &self,
        view: &View,
        entry: &Arc<BlockEntry>,
    ) -> Result<Arc<OpenBlock>, QueryError> {
        self.blocks.open(Store::block_path(&view.tenant, entry), entry).await
    }

    /// All blocks of the view, in its order.
    pub(crate) async fn open_all(&self, view: &View) -> Result<Vec<Arc<OpenBlock>>, QueryError> {
        let opening = view.entries.iter().map(|entry| self.open(view, entry));
        stream::iter(opening).buffered(OPENING).try_collect().await
    }

    /// Runs a query under the deadline.
    pub(crate) async fn within_deadline<T>(
        &self,
        query: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        let deadline = self.options.deadline;
        let answer = tokio::time::timeout(deadline, query).await;
        answer.unwrap_or(Err(QueryError::Deadline(deadline)))
    }
}
