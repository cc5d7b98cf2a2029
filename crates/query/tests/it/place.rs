//! Stores with the same spans in different places.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use spandrel_base::clock::{Clock, SystemClock};
use spandrel_block::WriteOptions;
use spandrel_catalog::{
    BlockEntry, BlockId, BlockTail, Catalog, ColumnType, Commit, DeltaCatalog, START_TIME_COLUMN,
    TableColumn,
};
use spandrel_columns::SpanColumns;
use spandrel_ingest::{Store, StoreOptions};
use spandrel_model::{Span, TenantId, Trace};
use spandrel_otlp::{DecodeLimits, decode_request, encode_trace};
use spandrel_pipeline::{TraceBatch, TraceConsumer};
use spandrel_query::{QueryEngine, QueryOptions};
use spandrel_telemetry::Metrics;
use tempfile::TempDir;

/// Where spans are put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// In live runs only.
    Live,
    /// In one block.
    OneBlock,
    /// In one block of many small row groups.
    RowGroups,
    /// In several blocks and a live run, in order of arrival.
    Spread,
}

impl Placement {
    pub(crate) const ALL: [Self; 4] = [Self::Live, Self::OneBlock, Self::RowGroups, Self::Spread];
}

/// A store with its folder and its engine.
pub(crate) struct Place {
    pub(crate) store: Arc<Store>,
    pub(crate) engine: QueryEngine,
    pub(crate) objects: Arc<dyn ObjectStore>,
    _folder: TempDir,
}

impl Place {
    pub(crate) async fn empty() -> Self {
        Self::over(Arc::new(InMemory::new()), QueryOptions::default()).await
    }

    pub(crate) async fn over(objects: Arc<dyn ObjectStore>, options: QueryOptions) -> Self {
        let folder = TempDir::new().unwrap();
        let mut store_options = StoreOptions::new(folder.path());
        store_options.durability = spandrel_wal::Durability::Os;
        let clock = Arc::new(SystemClock::new());
        let metrics = Metrics::new();
        let store =
            Store::open(store_options, Arc::clone(&objects), clock, metrics.clone()).await.unwrap();
        let store = Arc::new(store);
        let engine = QueryEngine::new(Arc::clone(&store), options, metrics);
        Self { store, engine, objects, _folder: folder }
    }

    /// A store that got these batches one after the other.
    pub(crate) async fn with(batches: &[Vec<Span>], placement: Placement) -> Self {
        if placement == Placement::RowGroups {
            let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
            // A store makes the table; its block is replaced.
            let whole = Self::over(Arc::clone(&objects), QueryOptions::default()).await;
            for batch in batches {
                whole.send(&TenantId::single(), batch).await;
            }
            whole.close().await;
            replace_block(&objects, batches, 8).await;
            return Self::over(objects, QueryOptions::default()).await;
        }
        let place = Self::empty().await;
        for (i, batch) in batches.iter().enumerate() {
            place.send(&TenantId::single(), batch).await;
            if placement == Placement::Spread && i + 1 < batches.len() {
                place.flush().await;
            }
        }
        if placement == Placement::OneBlock {
            place.flush().await;
        }
        place
    }

    pub(crate) async fn send(&self, tenant: &TenantId, spans: &[Span]) {
        let otlp = request(spans);
        let batch = TraceBatch::otlp(tenant.clone(), otlp);
        let accepted = self.store.consume(batch).await.unwrap();
        assert_eq!(accepted.accepted_spans, spans.len() as u64);
    }

    pub(crate) async fn flush(&self) {
        assert!(self.store.flush(Duration::from_secs(60)).await);
    }

    pub(crate) async fn close(self) {
        self.store.shutdown(Duration::from_secs(10)).await;
    }
}

/// The request that carries these spans, in their order, each with a resource of its own.
pub(crate) fn request(spans: &[Span]) -> Bytes {
    let mut bytes = Vec::new();
    for span in spans {
        encode_trace(&Trace { trace_id: span.trace_id, spans: vec![span.clone()] }, &mut bytes);
    }
    bytes.into()
}

/// Replaces the blocks by one with row groups of `row_group_rows_max` rows, which a store would not cut that small.
async fn replace_block(
    objects: &Arc<dyn ObjectStore>,
    batches: &[Vec<Span>],
    row_group_rows_max: u32,
) {
    let mut columns = SpanColumns::default();
    for batch in batches {
        decode_request(&request(batch), &DecodeLimits::default(), &mut columns).unwrap();
    }
    if columns.is_empty() {
        return;
    }
    let block = spandrel_block::write(
        &columns,
        &WriteOptions { row_group_rows_max, ..WriteOptions::default() },
    )
    .unwrap();
    let clock = Arc::new(SystemClock::new());
    let id = BlockId::generate(clock.now_unix_nanos());
    let entry = BlockEntry {
        id,
        path: format!("blocks/{id}.parquet"),
        size_bytes: block.bytes.len() as u64,
        n_spans: u64::from(block.n_spans),
        n_traces: u64::from(block.n_traces),
        min_start_unix_nanos: u64::try_from(block.min_start_unix_nanos).unwrap(),
        max_end_unix_nanos: u64::try_from(block.max_end_unix_nanos).unwrap_or_default(),
        max_trace_start_unix_nanos: u64::try_from(block.max_trace_start_unix_nanos).unwrap(),
        max_received_unix_nanos: id.unix_nanos(),
        format_version: spandrel_block::schema::FORMAT_VERSION,
        level: 0,
        tail: Some(BlockTail {
            bytes: block.tail_bytes,
            trace_filter_bytes: block.trace_filter_bytes,
        }),
    };
    let tenant = TenantId::single();
    let path = Store::block_path(&tenant, &entry);
    objects.put(&path, PutPayload::from_bytes(block.bytes)).await.unwrap();
    let columns = [TableColumn::new(START_TIME_COLUMN, ColumnType::Long, false)];
    let root = Store::tenant_root(&tenant);
    let catalog = DeltaCatalog::open(Arc::clone(objects), root, &columns, clock).await.unwrap();
    let snapshot = catalog.snapshot().await.unwrap();
    let remove = snapshot.blocks().map(|entry| entry.id).collect();
    catalog.commit(Commit { add: vec![entry], remove, ..Commit::default() }).await.unwrap();
}
