//! An object store that fails on demand.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// What goes wrong, for operations on paths that contain a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Everything fails.
    Down,
    /// Writes fail.
    PutsFail,
    /// Writes do not end before the fault does, and are not done.
    PutsHang,
    /// Writes are done and reported as failed, and from then on everything fails.
    AnswerLostThenDown,
}

#[derive(Debug)]
pub(crate) struct FaultyObjects {
    inner: Arc<dyn ObjectStore>,
    fault: Mutex<Option<(Fault, &'static str)>>,
    healed: Notify,
    listings: AtomicU64,
}

impl FaultyObjects {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            fault: Mutex::default(),
            healed: Notify::new(),
            listings: AtomicU64::new(0),
        })
    }

    pub(crate) fn break_it(&self, fault: Fault, paths_with: &'static str) {
        *self.fault.lock() = Some((fault, paths_with));
    }

    pub(crate) fn heal(&self) {
        *self.fault.lock() = None;
        self.healed.notify_waiters();
    }

    /// How many directories were listed.
    pub(crate) fn listings(&self) -> u64 {
        self.listings.load(Ordering::SeqCst)
    }

    /// Waits for the end of the fault: nobody may hang for longer, whoever it was.
    async fn hang(&self, location: &Path) {
        let healed = self.healed.notified();
        if self.fault(location).is_some() {
            healed.await;
        }
    }

    fn fault(&self, location: &Path) -> Option<Fault> {
        let fault = *self.fault.lock();
        fault.filter(|(_, part)| location.as_ref().contains(part)).map(|(fault, _)| fault)
    }

    fn check(&self, location: &Path) -> Result<()> {
        if self.fault(location) == Some(Fault::Down) { Err(broken()) } else { Ok(()) }
    }
}

fn broken() -> Error {
    Error::Generic { store: "FaultyObjects", source: "connection reset".into() }
}

impl fmt::Display for FaultyObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultyObjects({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultyObjects {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        match self.fault(location) {
            Some(Fault::Down | Fault::PutsFail) => return Err(broken()),
            Some(Fault::PutsHang) => {
                self.hang(location).await;
                return Err(broken());
            }
            Some(Fault::AnswerLostThenDown) => {
                self.inner.put_opts(location, payload, opts).await?;
                self.break_it(Fault::Down, "");
                return Err(broken());
            }
            None => {}
        }
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.check(location)?;
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.check(location)?;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.check(location)?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.check(prefix.unwrap_or(&Path::default())) {
            Ok(()) => self.inner.list(prefix),
            Err(error) => futures::stream::iter([Err(error)]).boxed(),
        }
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.check(prefix.unwrap_or(&Path::default())) {
            Ok(()) => self.inner.list_with_offset(prefix, offset),
            Err(error) => futures::stream::iter([Err(error)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.listings.fetch_add(1, Ordering::SeqCst);
        self.check(prefix.unwrap_or(&Path::default()))?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.check(from)?;
        self.inner.copy_opts(from, to, options).await
    }
}
