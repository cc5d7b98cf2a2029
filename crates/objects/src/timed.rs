//! Gives up on requests that take too long.
//!
//! The clients of remote stores limit one HTTP exchange; this limits what the caller waits for, repetitions
//! and credentials included. A write that is given up may still be done by the store.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use object_store::client::{HttpError, HttpErrorKind};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};

/// A request that was given up.
#[derive(Debug, thiserror::Error)]
#[error("no answer to {operation} within {limit:?}")]
pub struct TimedOut {
    /// What was asked for.
    pub operation: &'static str,
    /// How long it was waited for.
    pub limit: Duration,
}

/// Whether an error says that something took too long, here or in the client of the store.
pub fn is_timeout(error: &Error) -> bool {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        let http = error.downcast_ref::<HttpError>();
        let io = error.downcast_ref::<io::Error>();
        if error.is::<TimedOut>()
            || http.is_some_and(|error| error.kind() == HttpErrorKind::Timeout)
            || io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
        {
            return true;
        }
        next = error.source();
    }
    false
}

/// A store whose requests end.
pub struct TimedStore {
    inner: Arc<dyn ObjectStore>,
    limit: Duration,
}

impl TimedStore {
    /// Every request to `inner` ends within `limit`; a body or a listing may take longer in all, but not
    /// between two pieces.
    pub fn new(inner: Arc<dyn ObjectStore>, limit: Duration) -> Self {
        Self { inner, limit }
    }

    async fn within<T>(
        &self,
        operation: &'static str,
        request: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        within(self.limit, operation, request).await
    }

    fn each<T: Send + 'static>(
        &self,
        operation: &'static str,
        items: BoxStream<'static, Result<T>>,
    ) -> BoxStream<'static, Result<T>> {
        each(self.limit, operation, items)
    }
}

async fn within<T>(
    limit: Duration,
    operation: &'static str,
    request: impl Future<Output = Result<T>>,
) -> Result<T> {
    let answer = tokio::time::timeout(limit, request).await;
    answer.unwrap_or_else(|_elapsed| Err(timed_out(limit, operation)))
}

fn timed_out(limit: Duration, operation: &'static str) -> Error {
    Error::Generic { store: "TimedStore", source: Box::new(TimedOut { operation, limit }) }
}

/// The stream until it ends, or until an item is late.
fn each<T: Send + 'static>(
    limit: Duration,
    operation: &'static str,
    items: BoxStream<'static, Result<T>>,
) -> BoxStream<'static, Result<T>> {
    let next = move |items: Option<BoxStream<'static, Result<T>>>| async move {
        let mut items = items?;
        match tokio::time::timeout(limit, items.next()).await {
            Ok(item) => item.map(|item| (item, Some(items))),
            Err(_elapsed) => Some((Err(timed_out(limit, operation)), None)),
        }
    };
    // Who collects a body asks once more after its end.
    stream::unfold(Some(items), next).fuse().boxed()
}

impl fmt::Debug for TimedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TimedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimedStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for TimedStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        self.within("put", self.inner.put_opts(location, payload, opts)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let begun = self.inner.put_multipart_opts(location, opts);
        let inner = self.within("begin of an upload", begun).await?;
        Ok(Box::new(TimedUpload { inner, limit: self.limit }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut result = self.within("get", self.inner.get_opts(location, options)).await?;
        if let GetResultPayload::Stream(bytes) = result.payload {
            result.payload = GetResultPayload::Stream(self.each("get", bytes));
        }
        Ok(result)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.each("delete", self.inner.delete_stream(locations))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.each("list", self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.each("list", self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.within("list", self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.within("copy", self.inner.copy_opts(from, to, options)).await
    }
}

#[derive(Debug)]
struct TimedUpload {
    inner: Box<dyn MultipartUpload>,
    limit: Duration,
}

#[async_trait]
impl MultipartUpload for TimedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        Box::pin(within(self.limit, "put of a part", self.inner.put_part(data)))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        within(self.limit, "end of an upload", self.inner.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        within(self.limit, "abort of an upload", self.inner.abort()).await
    }
}
