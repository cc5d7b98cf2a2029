//! A store on a temporary folder, and what can be seen of it from outside.

#![expect(clippy::unwrap_used, reason = "a fixture that does not work fails the test")]

use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use futures::FutureExt as _;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parking_lot::Mutex;
use spandrel_base::clock::{SharedClock, SystemClock};
use spandrel_block::read::{BlockFile, Opened, SPAN_COLUMNS_LEFT_OUT, Step, assemble_spans};
use spandrel_catalog::BlockId;
use spandrel_ingest::{CutOptions, Store, StoreError, StoreOptions, StoreSnapshot};
use spandrel_model::{Span, TenantId};
use spandrel_otlp::{count_spans, span_at};
use spandrel_pipeline::{Accepted, ConsumeError, TraceBatch, TraceConsumer as _};
use spandrel_telemetry::{Metrics, RejectReason, Source};
use spandrel_wal::{Durability, Env, WalError};
use tempfile::TempDir;

/// Long enough for any machine, short enough to end a test that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A data folder and objects that outlive the stores opened on them.
pub(crate) struct Site {
    pub(crate) dir: TempDir,
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) clock: SharedClock,
    pub(crate) options: StoreOptions,
}

impl Site {
    /// With objects in memory, and segments that are cut only when a test asks for it.
    pub(crate) fn new() -> Self {
        Self::with_objects(Arc::new(InMemory::new()))
    }

    pub(crate) fn with_objects(objects: Arc<dyn ObjectStore>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut options = StoreOptions::new(dir.path().join("wal"));
        options.durability = Durability::Os;
        options.cut = CutOptions { age_max: Duration::from_secs(3_600), ..CutOptions::default() };
        Self { dir, objects, clock: Arc::new(SystemClock::new()), options }
    }

    pub(crate) fn wal_dir(&self) -> &Path {
        &self.options.wal_dir
    }

    /// Opens a store whose log has its segments in `env`.
    pub(crate) async fn open_in(&self, env: impl Env + 'static) -> TestStore {
        let metrics = Metrics::new();
        let opened = Store::open_in(
            self.options.clone(),
            Arc::new(env),
            Arc::clone(&self.objects),
            Arc::clone(&self.clock),
            metrics.clone(),
        );
        let store = Arc::new(opened.await.unwrap());
        TestStore { store, metrics, blocks: Arc::default() }
    }

    pub(crate) async fn try_open(&self) -> Result<TestStore, StoreError> {
        let metrics = Metrics::new();
        let opened = Store::open(
            self.options.clone(),
            Arc::clone(&self.objects),
            Arc::clone(&self.clock),
            metrics.clone(),
        );
        Ok(TestStore { store: Arc::new(opened.await?), metrics, blocks: Arc::default() })
    }

    /// Opens the log as soon as a store that was dropped lets go of it.
    pub(crate) async fn open(&self) -> TestStore {
        let opened = async {
            loop {
                match self.try_open().await {
                    Err(StoreError::Wal(WalError::Directory(_))) => tokio::task::yield_now().await,
                    opened => return opened.unwrap(),
                }
            }
        };
        tokio::time::timeout(PATIENCE, opened).await.unwrap()
    }

    pub(crate) fn wal_segments(&self) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(self.wal_dir()).unwrap().map(|entry| entry.unwrap().path());
        let mut segments: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|end| end == "wal")).collect();
        segments.sort();
        segments
    }
}

/// A store, and what its receiver would count.
#[derive(Clone)]
pub(crate) struct TestStore {
    pub(crate) store: Arc<Store>,
    pub(crate) metrics: Metrics,
    /// Spans of blocks that have been read; blocks do not change.
    blocks: Arc<Mutex<HashMap<BlockId, Arc<Vec<Span>>>>>,
}

pub(crate) fn single() -> TenantId {
    TenantId::single()
}

impl TestStore {
    /// Hands a batch over and counts it as a receiver does.
    pub(crate) async fn consume_as(
        &self,
        tenant: &TenantId,
        otlp: Bytes,
    ) -> Result<Accepted, ConsumeError> {
        let batch = TraceBatch::otlp(tenant.clone(), otlp.clone());
        let consumed = self.store.consume(batch).await;
        let received = match &consumed {
            Ok(accepted) => accepted.accepted_spans + accepted.rejected_spans,
            Err(
                ConsumeError::OverLimit { spans, .. }
                | ConsumeError::Permanent { spans, .. }
                | ConsumeError::Unavailable { spans, .. },
            ) => *spans,
            Err(ConsumeError::TooLarge(_)) => {
                let spans = count_spans(&otlp);
                self.metrics.spans().rejected.add(&RejectReason::TooLarge, spans);
                spans
            }
            Err(ConsumeError::Malformed(_)) => 0,
        };
        self.metrics.spans().received.add(&Source::OTLP_GRPC, received);
        consumed
    }

    pub(crate) async fn consume(&self, otlp: Bytes) -> Result<Accepted, ConsumeError> {
        self.consume_as(&single(), otlp).await
    }

    pub(crate) async fn flush(&self) -> bool {
        self.store.flush(PATIENCE).await
    }

    pub(crate) async fn snapshot(&self) -> StoreSnapshot {
        self.store.snapshot(&single()).await.unwrap()
    }

    /// Live spans, and blocks.
    pub(crate) async fn counts(&self) -> (u64, usize) {
        let snapshot = self.snapshot().await;
        let live = snapshot.live.iter().map(|run| u64::from(run.spans().len())).sum();
        (live, snapshot.catalog.map_or(0, |catalog| catalog.blocks().len()))
    }

    /// All spans of a tenant as one snapshot shows them.
    pub(crate) async fn spans_of(&self, tenant: &TenantId) -> anyhow::Result<Vec<Span>> {
        let snapshot = self.store.snapshot(tenant).await?;
        let mut spans = live_spans(&snapshot);
        for entry in snapshot.catalog.iter().flat_map(|catalog| catalog.blocks()) {
            let known = self.blocks.lock().get(&entry.id).cloned();
            let block = match known {
                Some(block) => block,
                None => {
                    let path = Store::block_path(tenant, entry);
                    let bytes = self.store.objects().get(&path).await?.bytes().await?;
                    ensure!(bytes.len() as u64 == entry.size_bytes, "size of {path}");
                    let block = Arc::new(block_spans(&bytes)?);
                    ensure!(block.len() as u64 == entry.n_spans, "spans of {path}");
                    self.blocks.lock().insert(entry.id, Arc::clone(&block));
                    block
                }
            };
            spans.extend(block.iter().cloned());
        }
        Ok(spans)
    }

    /// The numbers of all spans of a tenant, ascending.
    pub(crate) async fn numbers_of(&self, tenant: &TenantId) -> Vec<u64> {
        let spans = self.spans_of(tenant).await.unwrap();
        let mut numbers: Vec<u64> =
            spans.iter().map(|span| u64::from_be_bytes(span.span_id.0) - 1).collect();
        numbers.sort_unstable();
        numbers
    }

    pub(crate) async fn numbers(&self) -> Vec<u64> {
        self.numbers_of(&single()).await
    }

    pub(crate) fn assert_accounts_agree(&self) {
        let accounting = self.metrics.accounting();
        assert_eq!(accounting.unaccounted(), 0, "{accounting:?}");
    }

    /// The value of a line on the metrics page.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let page = self.metrics.encode();
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no metric {name}"))
    }
}

pub(crate) fn live_spans(snapshot: &StoreSnapshot) -> Vec<Span> {
    let rows =
        snapshot.live.iter().flat_map(|run| (0..run.spans().len()).map(move |row| (run, row)));
    rows.map(|(run, row)| span_at(run.spans(), row).unwrap()).collect()
}

pub(crate) fn block_spans(bytes: &Bytes) -> anyhow::Result<Vec<Span>> {
    let Opened::File(file) = BlockFile::open(bytes, bytes.len() as u64)? else {
        anyhow::bail!("the whole file was given");
    };
    let wanted: Vec<&str> =
        file.columns().filter(|name| !SPAN_COLUMNS_LEFT_OUT.contains(name)).collect();
    let mut spans = Vec::new();
    for row_group in 0..file.n_row_groups() {
        let mut decoder = file.decoder(row_group, wanted.iter().copied(), None)?;
        let batch = loop {
            match decoder.step()? {
                Step::Done(batch) => break batch.context("a row group has rows")?,
                Step::Needs(ranges) => {
                    let slice = |range: &std::ops::Range<u64>| {
                        bytes.slice(range.start as usize..range.end as usize)
                    };
                    let parts = ranges.iter().map(slice).collect();
                    decoder.push(ranges, parts)?;
                }
            }
        };
        spans.extend(assemble_spans(&batch)?);
    }
    Ok(spans)
}

/// Waits until it is true.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, is_true: impl Fn() -> F) {
    let waiting = async {
        while !is_true().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Whether a future is not ready yet.
pub(crate) fn is_pending<T>(future: &mut (impl Future<Output = T> + Unpin)) -> bool {
    future.now_or_never().is_none()
}
