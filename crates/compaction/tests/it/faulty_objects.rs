//! An object store of which one write fails.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use parking_lot::Mutex;

/// How a write fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not done.
    Before,
    /// It is done, and reported as failed.
    After,
    /// It is done, and reported as failed, and everything that follows fails.
    AfterThenDown,
}

#[derive(Debug, Default)]
struct State {
    /// Writes until the fault, which is over afterwards.
    next: Option<(usize, Fault)>,
    is_down: bool,
}

#[derive(Debug)]
pub(crate) struct FaultyObjects {
    inner: Arc<dyn ObjectStore>,
    state: Arc<Mutex<State>>,
}

impl FaultyObjects {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>) -> Arc<Self> {
        Arc::new(Self { inner, state: Arc::default() })
    }

    /// Lets the write (or deletion) behind the next `n` ones fail.
    pub(crate) fn fail_after(&self, n: usize, fault: Fault) {
        *self.state.lock() = State { next: Some((n, fault)), is_down: false };
    }

    /// Ends all faults. Returns whether the one that was asked for never came.
    pub(crate) fn heal(&self) -> bool {
        std::mem::take(&mut *self.state.lock()).next.is_some()
    }
}

impl State {
    fn write(&mut self) -> Option<Fault> {
        if self.is_down {
            return Some(Fault::Before);
        }
        match &mut self.next {
            Some((0, fault)) => {
                let fault = *fault;
                self.next = None;
                self.is_down = fault == Fault::AfterThenDown;
                Some(fault)
            }
            Some((n, _)) => {
                *n -= 1;
                None
            }
            None => None,
        }
    }

    fn read(&self) -> Result<()> {
        if self.is_down { Err(broken()) } else { Ok(()) }
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
        let fault = self.state.lock().write();
        match fault {
            None => self.inner.put_opts(location, payload, opts).await,
            Some(Fault::Before) => Err(broken()),
            Some(Fault::After | Fault::AfterThenDown) => {
                self.inner.put_opts(location, payload, opts).await?;
                Err(broken())
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.state.lock().read()?;
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.state.lock().read()?;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.state.lock().read()?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let (inner, state) = (Arc::clone(&self.inner), Arc::clone(&self.state));
        let deleted = locations.and_then(move |path| {
            let (inner, fault) = (Arc::clone(&inner), state.lock().write());
            async move {
                if fault == Some(Fault::Before) {
                    return Err(broken());
                }
                let one = futures::stream::iter([Ok(path.clone())]).boxed();
                inner.delete_stream(one).try_collect::<Vec<_>>().await?;
                if fault.is_some() { Err(broken()) } else { Ok(path) }
            }
        });
        deleted.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.state.lock().read() {
            Ok(()) => self.inner.list(prefix),
            Err(error) => futures::stream::iter([Err(error)]).boxed(),
        }
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.state.lock().read() {
            Ok(()) => self.inner.list_with_offset(prefix, offset),
            Err(error) => futures::stream::iter([Err(error)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.state.lock().read()?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.state.lock().read()?;
        self.inner.copy_opts(from, to, options).await
    }
}
