//! A real S3 server: retries, uploads in parts, metrics, the check before the start.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use spandrel_base::clock::SystemClock;
use spandrel_objects::{
    MULTIPART_ABOVE_BYTES, ObjectsError, ObjectsOptions, RetryOptions, Settings, check, open,
    put_block,
};
use spandrel_objects_testing::S3Server;
use spandrel_telemetry::{AttemptOutcome, Metrics, ObjectOperation, ObjectOutcome};

struct Fixture {
    server: S3Server,
    store: Arc<dyn ObjectStore>,
    metrics: Metrics,
}

fn impatient() -> RetryOptions {
    RetryOptions {
        retries_max: 3,
        pause_first: Duration::from_millis(1),
        pause_max: Duration::from_millis(2),
        ..RetryOptions::default()
    }
}

impl Fixture {
    async fn new() -> Self {
        let server = S3Server::start().unwrap();
        let metrics = Metrics::new();
        let store = Self::open(&server, &metrics, &[]).await;
        Self { server, store, metrics }
    }

    async fn open(
        server: &S3Server,
        metrics: &Metrics,
        settings: &[(&str, &str)],
    ) -> Arc<dyn ObjectStore> {
        let own = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = Settings(server.environment().into_iter().chain(own).collect());
        let options = ObjectsOptions { settings, retry: impatient(), ..ObjectsOptions::default() };
        open(&server.url("prod"), &options, Arc::new(SystemClock::new()), metrics).await.unwrap()
    }

    fn requests(&self, operation: ObjectOperation, outcome: ObjectOutcome) -> u64 {
        self.metrics.objects().requests(operation, outcome)
    }
}

#[tokio::test]
async fn what_fails_for_a_moment_is_repeated() {
    let fixture = Fixture::new().await;
    let path = Path::from("tenants/a/blocks/one.parquet");
    for refusals in [1, 3] {
        fixture.server.refuse_next(refusals);
        fixture.store.put(&path, "content".into()).await.unwrap();
        fixture.server.refuse_next(refusals);
        assert_eq!(fixture.store.get_range(&path, 0..4).await.unwrap(), "cont");
    }
    fixture.server.refuse_next(4);
    assert!(fixture.store.get_range(&path, 0..4).await.is_err());

    let attempts = |outcome| fixture.metrics.objects().attempts.get(&outcome);
    assert_eq!((attempts(AttemptOutcome::Throttled), attempts(AttemptOutcome::Ok)), (12, 4));
    assert_eq!(fixture.requests(ObjectOperation::Put, ObjectOutcome::Ok), 2);
    assert_eq!(fixture.requests(ObjectOperation::Get, ObjectOutcome::Ok), 2);
    assert_eq!(fixture.requests(ObjectOperation::Get, ObjectOutcome::Error), 1);
    let bytes = &fixture.metrics.objects();
    assert_eq!((bytes.written_bytes.get(), bytes.read_bytes.get()), (14, 8));
}

#[tokio::test]
async fn blocks_of_all_sizes_are_stored() {
    let fixture = Fixture::new().await;
    let path = Path::from("tenants/a/blocks/one.parquet");
    for length in [0, 1_000, MULTIPART_ABOVE_BYTES, MULTIPART_ABOVE_BYTES + 1] {
        let bytes: Bytes = (0..length).map(|i| (i % 253) as u8).collect();
        put_block(&*fixture.store, &path, bytes.clone()).await.unwrap();
        let got = fixture.store.get(&path).await.unwrap().bytes().await.unwrap();
        assert!(got == bytes, "{length}");
    }
    // One upload: begun, three parts, completed.
    assert_eq!(fixture.requests(ObjectOperation::Put, ObjectOutcome::Ok), 3);
    assert_eq!(fixture.requests(ObjectOperation::PutPart, ObjectOutcome::Ok), 5);
}

#[tokio::test]
async fn a_store_is_checked_before_it_is_used() {
    let fixture = Fixture::new().await;
    check(&*fixture.store, "s3://traces").await.unwrap();
    let left = fixture.store.list_with_delimiter(None).await.unwrap();
    assert_eq!((left.objects.len(), left.common_prefixes.len()), (0, 0));

    let wrong = [("AWS_SECRET_ACCESS_KEY", "not-the-secret")];
    let store = Fixture::open(&fixture.server, &fixture.metrics, &wrong).await;
    let refused = check(&*store, "s3://traces").await;
    assert!(matches!(refused, Err(ObjectsError::Refused { .. })), "{refused:?}");
    let shown = format!("{refused:?} {store:?} {store}");
    assert!(!shown.contains("not-the-secret"), "{shown}");
    assert_eq!(fixture.requests(ObjectOperation::Put, ObjectOutcome::Denied), 1);

    let settings = Settings(fixture.server.environment());
    let options = ObjectsOptions { settings, ..ObjectsOptions::default() };
    let clock = Arc::new(SystemClock::new());
    let store = open("s3://absent", &options, clock, &fixture.metrics).await.unwrap();
    let refused = check(&*store, "s3://absent").await;
    assert!(matches!(refused, Err(ObjectsError::Refused { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_told_from_one_that_refuses() {
    let fixture = Fixture::new().await;
    fixture.server.refuse_next(u32::MAX);
    let unreachable = check(&*fixture.store, "s3://traces").await;
    assert!(matches!(unreachable, Err(ObjectsError::Unreachable { .. })), "{unreachable:?}");
    let settings = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1")];
    let store = Fixture::open(&fixture.server, &fixture.metrics, &settings).await;
    let unreachable = check(&*store, "s3://traces").await;
    assert!(matches!(unreachable, Err(ObjectsError::Unreachable { .. })), "{unreachable:?}");
    assert!(fixture.metrics.objects().attempts.get(&AttemptOutcome::Connection) > 0);
}
