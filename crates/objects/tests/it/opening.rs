//! URLs and settings that cannot be used, and secrets that are not shown.

use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions};
use spandrel_base::clock::SystemClock;
use spandrel_objects::{ObjectsError, ObjectsOptions, Settings, check, open};
use spandrel_objects_testing::{Fault, FaultStore};
use spandrel_telemetry::Metrics;

async fn opened(
    url: &str,
    settings: &[(&str, &str)],
) -> Result<Arc<dyn ObjectStore>, ObjectsError> {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let options =
        ObjectsOptions { settings: Settings(settings.collect()), ..ObjectsOptions::default() };
    open(url, &options, Arc::new(SystemClock::new()), &Metrics::new()).await
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(format!("{error} {error:?}"), |text, cause| format!("{text}: {cause}"))
}

#[tokio::test]
async fn what_cannot_work_is_said_at_once() {
    let failed = async |url: &str, settings: &[(&str, &str)]| {
        chain(&opened(url, settings).await.expect_err("it must not open"))
    };
    let plain = [("AWS_ENDPOINT_URL", "http://minio:9000")];
    let text = failed("s3://traces", &plain).await;
    assert!(text.contains("set AWS_ALLOW_HTTP=true"), "{text}");
    let text = failed("s3://traces", &[("AWS_ACCES_KEY", "x")]).await;
    assert!(text.contains("no setting `AWS_ACCES_KEY`"), "{text}");
    let half = [("AWS_SECRET_ACCESS_KEY", "hidden")];
    let text = failed("s3://traces", &half).await;
    assert!(text.contains("docs/storage.md") && !text.contains("hidden"), "{text}");
    let endpoint = [("AWS_ENDPOINT_URL", "https://user:hidden@minio:9000")];
    let text = failed("s3://traces", &endpoint).await;
    assert!(text.contains("contains credentials") && !text.contains("hidden"), "{text}");
    let text = failed("az://traces", &[("AZURE_STORAGE_ACCOUNT_KEY", "hidden!")]).await;
    assert!(!text.contains("hidden"), "{text}");
    let key = [("GOOGLE_SERVICE_ACCOUNT_KEY", "{\"private_key\":\"hidden\"")];
    let text = failed("gs://traces", &key).await;
    assert!(!text.contains("hidden"), "{text}");
    let text = failed("/proc/version/data", &[]).await;
    assert!(text.contains("/proc/version/data"), "{text}");
}

#[tokio::test]
async fn an_open_store_shows_where_it_is_and_no_secret() {
    let s3 = [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "hidden")];
    let azure =
        [("AZURE_STORAGE_ACCOUNT_NAME", "acme"), ("AZURE_STORAGE_SAS_KEY", "sv=2024&sig=hidden")];
    for (url, settings) in [("s3://traces/prod", s3), ("az://traces/prod", azure)] {
        let store = opened(url, &settings).await.unwrap();
        let shown = format!("{store:?} {store}");
        assert!(shown.contains(url) && !shown.contains("hidden"), "{shown}");
    }
}

#[tokio::test]
async fn a_store_that_forgets_conditions_is_not_used() {
    /// Overwrites whatever the mode.
    #[derive(Debug)]
    struct Forgetful(InMemory);

    impl std::fmt::Display for Forgetful {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Forgetful")
        }
    }

    #[async_trait::async_trait]
    impl ObjectStore for Forgetful {
        async fn put_opts(
            &self,
            location: &Path,
            payload: object_store::PutPayload,
            opts: PutOptions,
        ) -> object_store::Result<object_store::PutResult> {
            let mode = PutMode::Overwrite;
            self.0.put_opts(location, payload, PutOptions { mode, ..opts }).await
        }

        async fn put_multipart_opts(
            &self,
            location: &Path,
            opts: object_store::PutMultipartOptions,
        ) -> object_store::Result<Box<dyn object_store::MultipartUpload>> {
            self.0.put_multipart_opts(location, opts).await
        }

        async fn get_opts(
            &self,
            location: &Path,
            options: object_store::GetOptions,
        ) -> object_store::Result<object_store::GetResult> {
            self.0.get_opts(location, options).await
        }

        fn delete_stream(
            &self,
            locations: futures::stream::BoxStream<'static, object_store::Result<Path>>,
        ) -> futures::stream::BoxStream<'static, object_store::Result<Path>> {
            self.0.delete_stream(locations)
        }

        fn list(
            &self,
            prefix: Option<&Path>,
        ) -> futures::stream::BoxStream<'static, object_store::Result<object_store::ObjectMeta>>
        {
            self.0.list(prefix)
        }

        async fn list_with_delimiter(
            &self,
            prefix: Option<&Path>,
        ) -> object_store::Result<object_store::ListResult> {
            self.0.list_with_delimiter(prefix).await
        }

        async fn copy_opts(
            &self,
            from: &Path,
            to: &Path,
            options: object_store::CopyOptions,
        ) -> object_store::Result<()> {
            self.0.copy_opts(from, to, options).await
        }
    }

    let checked = check(&Forgetful(InMemory::new()), "s3://traces").await;
    assert!(matches!(checked, Err(ObjectsError::NoConditionalPut { .. })), "{checked:?}");
    check(&InMemory::new(), "memory://").await.unwrap();
}

#[tokio::test]
async fn memory_is_empty_at_every_start() {
    let path = Path::from("a");
    let first = opened("memory://", &[]).await.unwrap();
    first.put(&path, "x".into()).await.unwrap();
    let second = opened("memory://", &[]).await.unwrap();
    assert!(first.head(&path).await.is_ok() && second.head(&path).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_takes_too_long_may_pass() {
    let slow = FaultStore::new(Arc::new(InMemory::new()), 1);
    slow.inject(Fault::TimeoutBefore, "");
    let checked = check(&slow, "s3://traces").await;
    assert!(matches!(checked, Err(ObjectsError::Unreachable { .. })), "{checked:?}");
}
