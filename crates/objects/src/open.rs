//! From a URL to a store.

use std::sync::Arc;

use futures::future::BoxFuture;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use spandrel_base::clock::SharedClock;
use spandrel_telemetry::Metrics;
use tokio::task::spawn_blocking;

use crate::cloud::Cloud;
use crate::local::SyncedLocalFileSystem;
use crate::location::Kind;
use crate::{
    CachedStore, HedgedStore, Location, MeasuredStore, ObjectsError, ObjectsOptions, TimedStore,
};

/// Opens the store at a path or URL.
///
/// A remote store is not asked for anything: [`crate::check`] does that. Memory is empty at every call, and
/// lost with the store.
///
/// # Errors
/// [`ObjectsError`], for a URL, settings or a directory that cannot be used.
pub async fn open(
    url: &str,
    options: &ObjectsOptions,
    clock: SharedClock,
    metrics: &Metrics,
) -> Result<Arc<dyn ObjectStore>, ObjectsError> {
    open_at(&Location::parse(url)?, options, clock, metrics).await
}

/// As [`open`], for a place that was taken apart before.
///
/// # Errors
/// [`ObjectsError`], for settings or a directory that cannot be used.
pub fn open_at<'a>(
    location: &'a Location,
    options: &'a ObjectsOptions,
    clock: SharedClock,
    metrics: &'a Metrics,
) -> BoxFuture<'a, Result<Arc<dyn ObjectStore>, ObjectsError>> {
    Box::pin(async move {
        let metrics = metrics.objects();
        let measured = |store: Arc<dyn ObjectStore>| -> Arc<dyn ObjectStore> {
            let name = location.to_string();
            Arc::new(MeasuredStore::new(store, name, Arc::clone(&clock), metrics.clone()))
        };
        let cloud = || Cloud { place: location.to_string(), options, metrics };
        let (store, prefix) = match &location.kind {
            Kind::Local(dir) => {
                let dir = dir.clone();
                let opened = spawn_blocking(move || {
                    SyncedLocalFileSystem::new(&dir)
                        .map_err(|source| ObjectsError::Local { dir, source })
                });
                let store = opened.await.map_err(|_stopping| ObjectsError::Interrupted)??;
                return Ok(measured(Arc::new(store)));
            }
            Kind::Memory => return Ok(measured(Arc::new(InMemory::new()))),
            Kind::S3 { bucket, prefix } => (cloud().s3(bucket)?, prefix),
            Kind::Gcs { bucket, prefix } => (cloud().gcs(bucket)?, prefix),
            Kind::Azure { url, prefix } => (cloud().azure(url)?, prefix),
        };
        let store =
            measured(Arc::new(TimedStore::new(below(store, prefix), options.retry.give_up_after)));
        let hedged =
            HedgedStore::new(store, options.hedge.clone(), Arc::clone(&clock), metrics.clone());
        let hedged: Arc<dyn ObjectStore> = Arc::new(hedged);
        match &options.cache {
            None => Ok(hedged),
            Some(cache) => {
                let name = location.to_string();
                let cached = CachedStore::open(hedged, &name, cache, metrics.cache.clone()).await?;
                Ok(Arc::new(cached))
            }
        }
    })
}

fn below(store: Arc<dyn ObjectStore>, prefix: &Path) -> Arc<dyn ObjectStore> {
    if prefix.as_ref().is_empty() {
        return store;
    }
    Arc::new(PrefixStore::new(store, prefix.clone()))
}
