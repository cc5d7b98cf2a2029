//! Example blocks, an example table, and a store that loses answers.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use spandrel_base::clock::{SharedClock, SystemClock};
use spandrel_catalog::{
    BlockEntry, BlockId, BlockTail, CatalogError, ColumnType, Commit, DeltaCatalog,
    START_TIME_COLUMN, TableColumn,
};
use spandrel_objects::{ObjectsOptions, Settings};
use spandrel_objects_testing::S3Server;
use spandrel_telemetry::Metrics;

/// Root of the example table. The percent sign is there because it once meant something in a URL.
pub(crate) fn table() -> Path {
    Path::from_iter(["tenants", "50%20acme", "spans"])
}

fn columns() -> Vec<TableColumn> {
    let column = TableColumn::new;
    vec![
        column("trace_id", ColumnType::Binary, false),
        column("span_id", ColumnType::Binary, false),
        column("name", ColumnType::String, true),
        column(START_TIME_COLUMN, ColumnType::Long, false),
        column("duration_nanos", ColumnType::Long, true),
        column("resource.service.name", ColumnType::String, true),
        column("attributes", ColumnType::Map(Box::new(ColumnType::String)), true),
        column(
            "events",
            ColumnType::List(Box::new(ColumnType::Struct(vec![column(
                "name",
                ColumnType::String,
                true,
            )]))),
            true,
        ),
    ]
}

/// The server's bucket, as a process opens it.
pub(crate) async fn s3(server: &S3Server) -> anyhow::Result<Arc<dyn ObjectStore>> {
    let settings = Settings(server.environment());
    let options = ObjectsOptions { settings, ..ObjectsOptions::default() };
    let (clock, metrics) = (Arc::new(SystemClock::new()), Metrics::new());
    Ok(spandrel_objects::open(&server.url("prod"), &options, clock, &metrics).await?)
}

pub(crate) async fn open(store: &Arc<dyn ObjectStore>) -> Result<DeltaCatalog, CatalogError> {
    open_with_clock(store, Arc::new(SystemClock::new())).await
}

pub(crate) async fn open_with_clock(
    store: &Arc<dyn ObjectStore>,
    clock: SharedClock,
) -> Result<DeltaCatalog, CatalogError> {
    DeltaCatalog::open(Arc::clone(store), table(), &columns(), clock).await
}

/// A block whose id and numbers follow from `seed`; ids sort like seeds. Some numbers are beyond
/// what the signed types of the protocol hold.
pub(crate) fn entry(seed: u64) -> BlockEntry {
    let id = BlockId::from_bytes(u128::from(seed).to_be_bytes());
    BlockEntry {
        id,
        path: format!("blocks/2026-01-01/{id}.parquet"),
        size_bytes: 1000 + seed,
        n_spans: 100 + seed,
        n_traces: 10 + seed,
        min_start_unix_nanos: 1_767_225_600_000_000_000 + seed,
        max_end_unix_nanos: u64::MAX - seed,
        max_trace_start_unix_nanos: 1_767_225_600_500_000_000 + seed,
        max_received_unix_nanos: 1_767_225_601_000_000_000 + seed,
        format_version: u16::MAX,
        level: 3,
        tail: seed
            .is_multiple_of(2)
            .then_some(BlockTail { bytes: 900, trace_filter_bytes: 90 + seed % 7 }),
    }
}

pub(crate) fn adding(seeds: impl IntoIterator<Item = u64>) -> Commit {
    Commit { add: seeds.into_iter().map(entry).collect(), ..Commit::default() }
}

/// A store that can do a write and then report that it failed.
#[derive(Debug)]
pub(crate) struct AnswersLost {
    inner: Arc<dyn ObjectStore>,
    lose_next_put: AtomicBool,
}

impl AnswersLost {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, lose_next_put: AtomicBool::new(false) }
    }

    pub(crate) fn lose_next_put(&self) {
        self.lose_next_put.store(true, Ordering::SeqCst);
    }
}

impl fmt::Display for AnswersLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnswersLost({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for AnswersLost {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let result = self.inner.put_opts(location, payload, opts).await?;
        if self.lose_next_put.swap(false, Ordering::SeqCst) {
            return Err(Error::Generic { store: "AnswersLost", source: "connection reset".into() });
        }
        Ok(result)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
