//! The contract, on everything that is a store.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use spandrel_base::clock::SystemClock;
use spandrel_objects::local::SyncedLocalFileSystem;
use spandrel_objects::{
    CacheOptions, CachedStore, HedgeOptions, HedgedStore, MeasuredStore, ObjectsOptions, Settings,
    TimedStore, open,
};
use spandrel_objects_testing::contract::Store;
use spandrel_objects_testing::{LatencyStore, S3Server, store_contract};
use spandrel_telemetry::Metrics;
use tempfile::TempDir;

/// What must live as long as a store.
type Alive = Box<dyn Any + Send>;

fn memory() -> Store {
    Arc::new(InMemory::new())
}

fn local_disk() -> (Store, Alive) {
    let dir = TempDir::new().unwrap();
    (Arc::new(SyncedLocalFileSystem::new(dir.path()).unwrap()), Box::new(dir))
}

fn measured() -> Store {
    let (clock, metrics) = (Arc::new(SystemClock::new()), Metrics::new());
    Arc::new(MeasuredStore::new(memory(), "test".to_owned(), clock, metrics.objects().clone()))
}

/// Every read is late, and so is sent twice.
fn hedged() -> Store {
    let slow = LatencyStore::new(memory()).with_latency(Duration::from_millis(1));
    let options = HedgeOptions {
        delay_first: Duration::ZERO,
        delay_min: Duration::ZERO,
        delay_max: Duration::ZERO,
        percent_max: 100,
        ..HedgeOptions::default()
    };
    let (clock, metrics) = (Arc::new(SystemClock::new()), Metrics::new());
    Arc::new(HedgedStore::new(Arc::new(slow), options, clock, metrics.objects().clone()))
}

/// Chunks so small that every range has several, and room for few of them.
async fn cached() -> (Store, Alive) {
    let dir = TempDir::new().unwrap();
    let options = CacheOptions { chunk_bytes: 1_000, ..CacheOptions::new(dir.path(), 50_000) };
    let metrics = Metrics::new().objects().cache.clone();
    let cached = CachedStore::open(memory(), "test", &options, metrics).await.unwrap();
    (Arc::new(cached), Box::new(dir))
}

/// Everything that `open` puts before a remote store.
async fn s3_opened() -> (Store, Alive) {
    let (server, dir) = (S3Server::start().unwrap(), TempDir::new().unwrap());
    let options = ObjectsOptions {
        settings: Settings(server.environment()),
        cache: Some(CacheOptions::new(dir.path().join("cache"), 1 << 20)),
        ..ObjectsOptions::default()
    };
    let (clock, metrics) = (Arc::new(SystemClock::new()), Metrics::new());
    let store = open(&server.url("prod/eu"), &options, clock, &metrics).await.unwrap();
    (store, Box::new((server, dir)))
}

async fn opened(url: String, dir: TempDir) -> (Store, Alive) {
    let (clock, metrics) = (Arc::new(SystemClock::new()), Metrics::new());
    let store = open(&url, &ObjectsOptions::default(), clock, &metrics).await.unwrap();
    (store, Box::new(dir))
}

async fn file_url() -> (Store, Alive) {
    let dir = TempDir::new().unwrap();
    opened(format!("file://{}", dir.path().join("a/b").display()), dir).await
}

store_contract!(in_memory, (memory(), ()));
store_contract!(on_local_disk, local_disk());
store_contract!(
    with_time_limits,
    (Arc::new(TimedStore::new(memory(), Duration::from_secs(9))) as Store, ())
);
store_contract!(with_metrics, (measured(), ()));
store_contract!(with_hedged_reads, (hedged(), ()));
store_contract!(with_a_cache, cached().await);
store_contract!(
    far_away,
    (Arc::new(LatencyStore::new(memory()).with_latency(Duration::ZERO)) as Store, ())
);
store_contract!(opened_by_a_file_url, file_url().await);
store_contract!(opened_on_s3, s3_opened().await);
