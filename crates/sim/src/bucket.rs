//! The object store that all processes share: in memory, and its objects have the dates of simulated time.
//!
//! It does not fail; the connection that a process has to it does ([`crate::connection`]).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use futures::stream::{BoxStream, StreamExt as _};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use parking_lot::Mutex;
use spandrel_base::clock::SharedClock;

/// Objects in memory.
pub(crate) struct Bucket {
    objects: InMemory,
    clock: SharedClock,
    /// When each object was written last.
    dates: Arc<Mutex<BTreeMap<Path, u64>>>,
    /// Sabotage: a put that must not overwrite does.
    overwrites: bool,
}

impl Bucket {
    pub(crate) fn new(clock: SharedClock, overwrites: bool) -> Self {
        Self { objects: InMemory::new(), clock, dates: Arc::default(), overwrites }
    }
}

fn dated(mut meta: ObjectMeta, dates: &BTreeMap<Path, u64>) -> ObjectMeta {
    let nanos = |date: i64| Duration::from_nanos(u64::try_from(date).unwrap_or(0));
    let real = nanos(meta.last_modified.timestamp_nanos_opt().unwrap_or(0));
    let simulated = Duration::from_nanos(dates.get(&meta.location).copied().unwrap_or(0));
    meta.last_modified = meta.last_modified - real + simulated;
    meta
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bucket")
    }
}

#[async_trait]
impl ObjectStore for Bucket {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        mut opts: PutOptions,
    ) -> Result<PutResult> {
        if self.overwrites {
            opts.mode = PutMode::Overwrite;
        }
        let put = self.objects.put_opts(location, payload, opts).await?;
        self.dates.lock().insert(location.clone(), self.clock.now_unix_nanos());
        Ok(put)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut got = self.objects.get_opts(location, options).await?;
        got.meta = dated(got.meta, &self.dates.lock());
        Ok(got)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.objects.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let dates = Arc::clone(&self.dates);
        self.objects.list(prefix).map_ok(move |meta| dated(meta, &dates.lock())).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut listed = self.objects.list_with_delimiter(prefix).await?;
        let dates = self.dates.lock();
        listed.objects = listed.objects.into_iter().map(|meta| dated(meta, &dates)).collect();
        Ok(listed)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, options).await?;
        self.dates.lock().insert(to.clone(), self.clock.now_unix_nanos());
        Ok(())
    }
}
