//! A small data directory for tests.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::ObjectStore;
use prost::Message as _;
use spandrel_base::clock::{Clock, ManualClock, SharedClock};
use spandrel_demo::{Shop, TrafficGenerator, TrafficSettings};
use spandrel_ingest::{Store, StoreOptions};
use spandrel_model::TenantId;
use spandrel_objects::local::SyncedLocalFileSystem;
use spandrel_pipeline::{TraceBatch, TraceConsumer};
use spandrel_telemetry::Metrics;

use super::{Storage, StorageArgs, TenantBlocks};

/// 2026-01-01.
const BEGIN: u64 = 1_767_225_600_000_000_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// A data directory with the traffic of the demo shop in two blocks.
pub(crate) struct TestStore {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
}

impl TestStore {
    /// In memory is nothing left: all spans are in the blocks.
    pub(crate) async fn filled() -> Self {
        let filled =
            Self { folder: tempfile::tempdir().unwrap(), clock: Arc::new(ManualClock::new(BEGIN)) };
        let options = StoreOptions::new(filled.folder.path().join("wal"));
        let store = Store::open(options, filled.objects(), filled.shared_clock(), Metrics::new());
        let store = store.await.unwrap();
        let settings = TrafficSettings {
            traces_per_second: 20.0,
            start_unix_nanos: BEGIN,
            ..TrafficSettings::default()
        };
        let mut n_spans = 0;
        for export in TrafficGenerator::new(Shop::new(3), settings) {
            if n_spans >= 6_000 {
                break;
            }
            // The spans of a trace come in several requests, so some lie in both blocks.
            if n_spans < 3_000 && n_spans + export.span_count >= 3_000 {
                assert!(store.flush(PATIENCE).await);
            }
            n_spans += export.span_count;
            let otlp = Bytes::from(export.request.encode_to_vec());
            let batch = TraceBatch::otlp(TenantId::single(), otlp);
            store.consume(batch).await.unwrap();
        }
        assert!(store.flush(PATIENCE).await);
        store.shutdown(PATIENCE).await;
        filled
    }

    /// Where the blocks lie.
    pub(crate) fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::new(SyncedLocalFileSystem::new(self.folder.path()).unwrap())
    }

    pub(crate) fn shared_clock(&self) -> SharedClock {
        Arc::clone(&self.clock) as SharedClock
    }

    /// By the clock, in Unix nanoseconds.
    pub(crate) fn now(&self) -> i64 {
        i64::try_from(self.clock.now_unix_nanos()).unwrap()
    }

    /// The directory as a command sees it.
    pub(crate) async fn storage(&self) -> (Storage, TenantBlocks) {
        let data_dir = self.folder.path().to_owned();
        let args = StorageArgs { data_dir, storage: None, tenant: None };
        let storage = Storage::open(&args).await.unwrap();
        let blocks = storage.blocks(&args).await.unwrap().pop().unwrap();
        (storage, blocks)
    }
}
