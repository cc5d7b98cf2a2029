//! Time limits, what is counted, and uploads that fail half way.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use spandrel_base::clock::Clock as _;
use spandrel_objects::{MULTIPART_ABOVE_BYTES, MeasuredStore, TimedStore, is_timeout, put_block};
use spandrel_objects_testing::{Fault, FaultStore, LatencyStore, Operation, PausedClock};
use spandrel_telemetry::{Metrics, ObjectOperation, ObjectOutcome};

const LIMIT: Duration = Duration::from_secs(1);

struct Fixture {
    faults: Arc<FaultStore>,
    store: MeasuredStore,
    metrics: Metrics,
    clock: Arc<PausedClock>,
}

impl Fixture {
    fn new() -> Self {
        let faults = Arc::new(FaultStore::new(Arc::new(InMemory::new()), 1));
        let (clock, metrics) = (Arc::new(PausedClock::new()), Metrics::new());
        let timed = Arc::new(TimedStore::new(Arc::clone(&faults) as _, LIMIT));
        let instruments = metrics.objects().clone();
        let store = MeasuredStore::new(timed, "test".into(), Arc::clone(&clock) as _, instruments);
        Self { faults, store, metrics, clock }
    }

    fn count(&self, operation: ObjectOperation, outcome: ObjectOutcome) -> u64 {
        self.metrics.objects().requests(operation, outcome)
    }
}

#[tokio::test(start_paused = true)]
async fn no_request_is_waited_for_longer_than_the_limit() {
    let fixture = Fixture::new();
    let (store, path) = (&fixture.store, Path::from("a"));
    store.put(&path, "content".into()).await.unwrap();
    for _ in 0..6 {
        fixture.faults.inject(Fault::TimeoutBefore, "");
    }
    let began = fixture.clock.monotonic();
    let outcomes = [
        store.put(&path, "x".into()).await.map(drop),
        store.get(&path).await.map(drop),
        store.head(&path).await.map(drop),
        store.list(None).try_collect::<Vec<_>>().await.map(drop),
        store.list_with_delimiter(None).await.map(drop),
        store.delete(&path).await,
    ];
    assert!(fixture.clock.monotonic() - began <= 6 * LIMIT + Duration::from_millis(10));
    for outcome in outcomes {
        assert!(outcome.as_ref().is_err_and(is_timeout), "{outcome:?}");
    }
    let timeouts = [
        (ObjectOperation::Put, 1),
        (ObjectOperation::Get, 1),
        (ObjectOperation::Head, 1),
        (ObjectOperation::List, 2),
        (ObjectOperation::Delete, 1),
    ];
    for (operation, expected) in timeouts {
        assert_eq!(fixture.count(operation, ObjectOutcome::Timeout), expected, "{operation}");
    }
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "content");
}

#[tokio::test(start_paused = true)]
async fn requests_are_counted_when_they_end() {
    let fixture = Fixture::new();
    let (store, path) = (&fixture.store, Path::from("a"));
    store.put(&path, "content".into()).await.unwrap();
    let unread = store.get(&path).await.unwrap();
    assert_eq!(fixture.count(ObjectOperation::Get, ObjectOutcome::Ok), 0);
    drop(unread);
    assert_eq!(fixture.count(ObjectOperation::Get, ObjectOutcome::Canceled), 1);
    store.get(&path).await.unwrap().bytes().await.unwrap();
    store.get_ranges(&path, &[0..2, 5..7]).await.unwrap();
    assert_eq!(fixture.count(ObjectOperation::Get, ObjectOutcome::Ok), 2);
    assert!(store.get(&Path::from("absent")).await.is_err());
    assert_eq!(fixture.count(ObjectOperation::Get, ObjectOutcome::NotFound), 1);
    let objects = fixture.metrics.objects();
    assert_eq!((objects.read_bytes.get(), objects.written_bytes.get()), (11, 7));
    assert!(
        fixture
            .metrics
            .encode()
            .contains("spandrel_objects_request_duration_seconds_count{operation=\"get\"} 4")
    );
}

#[tokio::test]
async fn an_upload_that_fails_is_aborted() {
    let latency = LatencyStore::new(Arc::new(InMemory::new())).with_latency(Duration::ZERO);
    let latency = Arc::new(latency);
    let faults = FaultStore::new(Arc::clone(&latency) as Arc<dyn ObjectStore>, 1);
    let path = Path::from("tenants/a/blocks/one.parquet");
    let bytes = Bytes::from(vec![7; MULTIPART_ABOVE_BYTES + 1]);
    let uploads = |latency: &LatencyStore| -> Vec<String> {
        let log = latency.take_counts().log.into_iter();
        log.filter_map(|line| line.split(' ').nth(1).map(str::to_owned)).collect()
    };
    faults.inject_into(Fault::ErrorBefore, Operation::BeginUpload, "blocks");
    assert!(put_block(&faults, &path, bytes.clone()).await.is_err());
    assert_eq!(uploads(&latency), Vec::<String>::new());
    for operation in [Operation::PutPart, Operation::EndUpload] {
        faults.inject_into(Fault::ErrorBefore, operation, "blocks");
        assert!(put_block(&faults, &path, bytes.clone()).await.is_err());
        let log = uploads(&latency);
        assert_eq!(log.first().map(String::as_str), Some("begin_upload"));
        assert_eq!(log.last().map(String::as_str), Some("abort_upload"));
        assert!(latency.head(&path).await.is_err());
        latency.take_counts();
    }
    put_block(&faults, &path, bytes.clone()).await.unwrap();
    let log = uploads(&latency);
    assert_eq!(log, ["begin_upload", "put_part", "put_part", "put_part", "complete_upload"]);
    let stored = latency.get(&path).await.unwrap().bytes().await.unwrap();
    assert!(stored == bytes);
}
