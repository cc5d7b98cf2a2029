//! A tenant whose table lies on an object store in memory.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use parking_lot::Mutex;
use spandrel_base::clock::{Clock, ManualClock, SharedClock, SystemClock};
use spandrel_block::read::{BlockFile, Opened, SPAN_COLUMNS_LEFT_OUT, Step, assemble_spans};
use spandrel_block::{WriteOptions, write};
use spandrel_catalog::{
    BlockEntry, BlockId, Catalog, CatalogSnapshot, ColumnType, Commit, DeltaCatalog,
    START_TIME_COLUMN, TableColumn,
};
use spandrel_columns::SpanColumns;
use spandrel_compaction::{
    CompactionOptions, Compactor, MergeOptions, PlanOptions, TenantTable, Tenants, TenantsError,
};
use spandrel_model::{Attribute, Resource, Scope, Span, TenantId, TraceId};
use spandrel_telemetry::Metrics;

use crate::faulty_objects::FaultyObjects;

/// When the spans of tests happen.
pub(crate) const BASE: u64 = 1_767_225_600_000_000_000;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// An object store, and a clock that began with the real time: the store dates its objects.
pub(crate) struct Fixture {
    pub(crate) objects: Arc<FaultyObjects>,
    pub(crate) clock: Arc<ManualClock>,
}

/// One process's view of the tenant.
pub(crate) struct Process {
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) published: Mutex<Arc<CatalogSnapshot>>,
}

pub(crate) fn root() -> Path {
    Path::from("tenants/t")
}

pub(crate) fn tenant() -> TenantId {
    TenantId::single()
}

/// Everything is due as soon as there are two blocks of a level.
pub(crate) fn eager() -> CompactionOptions {
    CompactionOptions {
        plan: PlanOptions { fan_in: 2, final_fan_in: 2, ..PlanOptions::default() },
        merge: MergeOptions::default(),
        vacuum_interval: Duration::ZERO,
        ..CompactionOptions::default()
    }
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock::new().now_unix_nanos()));
        Self { objects: FaultyObjects::new(Arc::new(InMemory::new())), clock }
    }

    pub(crate) async fn process(&self) -> Arc<Process> {
        let objects: Arc<dyn ObjectStore> = Arc::clone(&self.objects) as Arc<dyn ObjectStore>;
        let columns = [TableColumn::new(START_TIME_COLUMN, ColumnType::Long, false)];
        let clock: SharedClock = Arc::clone(&self.clock) as SharedClock;
        let catalog =
            DeltaCatalog::open(Arc::clone(&objects), root(), &columns, clock).await.unwrap();
        let published = Mutex::new(catalog.snapshot().await.unwrap());
        Arc::new(Process { objects, catalog: Arc::new(catalog), published })
    }

    pub(crate) fn compactor(
        &self,
        process: &Arc<Process>,
        options: CompactionOptions,
    ) -> Compactor {
        Compactor::new(
            Arc::clone(&process.objects),
            Arc::clone(process) as Arc<dyn Tenants>,
            options,
            Arc::clone(&self.clock) as SharedClock,
            Metrics::new(),
        )
    }

    /// Writes a run as a block and commits it.
    pub(crate) async fn add(&self, process: &Process, run: &SpanColumns) -> BlockEntry {
        let block = write(run, &WriteOptions::default()).unwrap();
        let id = BlockId::generate(self.clock.now_unix_nanos());
        let unsigned = |nanos: i64| u64::try_from(nanos).unwrap();
        let entry = BlockEntry {
            id,
            path: format!("blocks/{id}.parquet"),
            size_bytes: block.bytes.len() as u64,
            n_spans: block.n_spans.into(),
            n_traces: block.n_traces.into(),
            min_start_unix_nanos: unsigned(block.min_start_unix_nanos),
            max_end_unix_nanos: unsigned(block.max_end_unix_nanos),
            max_trace_start_unix_nanos: unsigned(block.max_trace_start_unix_nanos),
            max_received_unix_nanos: id.unix_nanos(),
            format_version: 1,
            level: 0,
            tail: None,
        };
        let payload = PutPayload::from_bytes(block.bytes);
        process.objects.put(&path_of(&entry), payload).await.unwrap();
        let commit = Commit { add: vec![entry.clone()], ..Commit::default() };
        let snapshot = process.catalog.commit(commit).await.unwrap();
        process.publish(&tenant(), snapshot).await;
        entry
    }

    /// Names of all files of blocks, sorted.
    pub(crate) async fn files(&self) -> Vec<String> {
        let listed = self.objects.list(Some(&root().join("blocks")));
        let listed: Vec<_> = listed.try_collect().await.unwrap();
        let mut names: Vec<_> = listed.iter().map(|meta| meta.location.to_string()).collect();
        names.sort();
        names
    }
}

pub(crate) fn path_of(entry: &BlockEntry) -> Path {
    entry.path.split('/').fold(root(), |path, part| path.join(part))
}

impl Process {
    /// The blocks of the newest state.
    pub(crate) async fn blocks(&self) -> Vec<Arc<BlockEntry>> {
        self.catalog.snapshot().await.unwrap().blocks().cloned().collect()
    }

    /// The files of the blocks of the newest state, sorted.
    pub(crate) async fn named_files(&self) -> Vec<String> {
        let blocks = self.blocks().await;
        let mut names: Vec<_> = blocks.iter().map(|entry| path_of(entry).to_string()).collect();
        names.sort();
        names
    }

    /// All spans of the newest state, as text, sorted.
    pub(crate) async fn spans(&self) -> Vec<String> {
        let mut all = Vec::new();
        for entry in self.blocks().await {
            all.extend(self.read(&entry).await.into_iter().map(comparable));
        }
        all.sort();
        all
    }

    /// The spans of a block in its order, read without what is tested here.
    pub(crate) async fn read(&self, entry: &BlockEntry) -> Vec<Span> {
        let bytes = self.objects.get(&path_of(entry)).await.unwrap().bytes().await.unwrap();
        let file = open(&bytes);
        assert_eq!(u64::from(file.n_rows()), entry.n_spans);
        let mut spans = Vec::new();
        for row_group in 0..file.n_row_groups() {
            let columns = file.columns().filter(|name| !SPAN_COLUMNS_LEFT_OUT.contains(name));
            let mut decoder = file.decoder(row_group, columns, None).unwrap();
            let batch = loop {
                match decoder.step().unwrap() {
                    Step::Done(batch) => break batch.unwrap(),
                    Step::Needs(ranges) => {
                        let slice = |range: &Range<u64>| {
                            bytes.slice(range.start as usize..range.end as usize)
                        };
                        let slices = ranges.iter().map(slice).collect();
                        decoder.push(ranges, slices).unwrap();
                    }
                }
            };
            spans.extend(assemble_spans(&batch).unwrap());
        }
        spans
    }

    /// The file of a block.
    pub(crate) async fn open(&self, entry: &BlockEntry) -> Box<BlockFile> {
        open(&self.objects.get(&path_of(entry)).await.unwrap().bytes().await.unwrap())
    }

    /// Traces that more than one block holds a part of.
    pub(crate) async fn split_traces(&self) -> usize {
        let mut ids: Vec<TraceId> = Vec::new();
        for entry in self.blocks().await {
            let file = self.open(&entry).await;
            ids.extend(file.index().traces().unwrap().ids());
        }
        let n = ids.len();
        ids.sort_unstable();
        ids.dedup();
        n - ids.len()
    }
}

fn open(bytes: &Bytes) -> Box<BlockFile> {
    match BlockFile::open(bytes, bytes.len() as u64).unwrap() {
        Opened::File(file) => file,
        Opened::NeedsTail(_) => panic!("the whole file is not enough"),
    }
}

#[async_trait]
impl Tenants for Process {
    async fn list(&self) -> Result<Vec<TenantId>, TenantsError> {
        Ok(vec![tenant()])
    }

    async fn open(&self, _: &TenantId) -> Result<Option<TenantTable>, TenantsError> {
        let snapshot = Arc::clone(&self.published.lock());
        Ok(Some(TenantTable { root: root(), catalog: Arc::clone(&self.catalog), snapshot }))
    }

    async fn publish(&self, _: &TenantId, snapshot: Arc<CatalogSnapshot>) {
        let mut published = self.published.lock();
        if snapshot.version() > published.version() {
            *published = snapshot;
        }
    }
}

/// A span as text, its attributes sorted: their order is not kept. Text, so that a NaN equals itself.
pub(crate) fn comparable(mut span: Span) -> String {
    let sort = |attributes: &mut Vec<Attribute>| attributes.sort_by(|a, b| a.key.cmp(&b.key));
    sort(&mut span.attributes);
    let mut resource = Resource::clone(&span.resource);
    sort(&mut resource.attributes);
    let mut scope = Scope::clone(&span.scope);
    sort(&mut scope.attributes);
    (span.resource, span.scope) = (resource.into(), scope.into());
    format!("{span:?}")
}

/// The spans of a run as text, sorted, each once.
pub(crate) fn distinct_spans(run: &SpanColumns) -> Vec<String> {
    let spans = (0..run.len()).map(|row| spandrel_otlp::span_at(run, row).unwrap());
    let mut spans: Vec<_> = spans.map(comparable).collect();
    spans.sort();
    spans.dedup();
    spans
}
