//! Counts and times every request to a store.
//!
//! A request counts when it has ended: for a body or a listing with its last piece. One that is dropped
//! before counts as canceled. `Debug` and `Display` show the name that the store was given and nothing of
//! the client below, which knows secrets.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};
use spandrel_base::clock::SharedClock;
use spandrel_telemetry::{ObjectOperation, ObjectOutcome, ObjectsMetrics};

use crate::is_timeout;

/// A store whose requests are on the metrics page.
pub struct MeasuredStore {
    inner: Arc<dyn ObjectStore>,
    name: String,
    meter: Meter,
}

#[derive(Clone)]
struct Meter {
    clock: SharedClock,
    metrics: ObjectsMetrics,
}

impl MeasuredStore {
    /// Measures requests to `inner`, which is shown as `name`.
    pub fn new(
        inner: Arc<dyn ObjectStore>,
        name: String,
        clock: SharedClock,
        metrics: ObjectsMetrics,
    ) -> Self {
        Self { inner, name, meter: Meter { clock, metrics } }
    }
}

impl Meter {
    fn begin(&self, operation: ObjectOperation) -> Request {
        let began = self.clock.monotonic();
        Request { meter: self.clone(), operation, began, outcome: ObjectOutcome::Canceled }
    }

    async fn run<T>(
        &self,
        operation: ObjectOperation,
        request: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let mut measured = self.begin(operation);
        let answer = request.await;
        measured.outcome = outcome(&answer);
        answer
    }
}

/// A request under way; counted when dropped.
struct Request {
    meter: Meter,
    operation: ObjectOperation,
    began: Duration,
    outcome: ObjectOutcome,
}

impl Drop for Request {
    fn drop(&mut self) {
        let took = self.meter.clock.monotonic().saturating_sub(self.began);
        self.meter.metrics.record_request(self.operation, self.outcome, took);
    }
}

fn outcome<T>(answer: &Result<T>) -> ObjectOutcome {
    match answer {
        Ok(_) => ObjectOutcome::Ok,
        Err(Error::NotFound { .. }) => ObjectOutcome::NotFound,
        Err(
            Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. },
        ) => ObjectOutcome::Conflict,
        Err(Error::PermissionDenied { .. } | Error::Unauthenticated { .. }) => {
            ObjectOutcome::Denied
        }
        Err(error) if is_timeout(error) => ObjectOutcome::Timeout,
        Err(_) => ObjectOutcome::Error,
    }
}

/// The pieces of an answer; the request has ended with the last of them.
struct Pieces<T> {
    inner: BoxStream<'static, Result<T>>,
    request: Request,
    /// Bytes that are still to come, when that is known: whoever has them all need not ask for the end.
    left: Option<u64>,
    size: fn(&T) -> u64,
}

impl<T> Stream for Pieces<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = ready!(self.inner.as_mut().poll_next(cx));
        match &piece {
            None => self.request.outcome = ObjectOutcome::Ok,
            Some(Err(_)) => {
                if let Some(answer) = &piece {
                    self.request.outcome = outcome(answer);
                }
            }
            Some(Ok(piece)) => {
                let size = (self.size)(piece);
                self.request.meter.metrics.read_bytes.add(size);
                self.left = self.left.map(|left| left.saturating_sub(size));
                if self.left == Some(0) {
                    self.request.outcome = ObjectOutcome::Ok;
                }
            }
        }
        Poll::Ready(piece)
    }
}

impl MeasuredStore {
    fn each<T: 'static>(
        &self,
        operation: ObjectOperation,
        inner: BoxStream<'static, Result<T>>,
    ) -> BoxStream<'static, Result<T>> {
        let request = self.meter.begin(operation);
        Pieces { inner, request, left: None, size: |_| 0 }.boxed()
    }
}

impl fmt::Debug for MeasuredStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for MeasuredStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[async_trait]
impl ObjectStore for MeasuredStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let size = payload.content_length() as u64;
        let put = self.inner.put_opts(location, payload, opts);
        let put = self.meter.run(ObjectOperation::Put, put).await?;
        self.meter.metrics.written_bytes.add(size);
        Ok(put)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let begun = self.inner.put_multipart_opts(location, opts);
        let inner = self.meter.run(ObjectOperation::PutPart, begun).await?;
        Ok(Box::new(MeasuredUpload { inner, meter: self.meter.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if options.head {
            let head = self.inner.get_opts(location, options);
            let mut head = self.meter.run(ObjectOperation::Head, head).await?;
            head.meta.location = location.clone();
            return Ok(head);
        }
        let mut request = self.meter.begin(ObjectOperation::Get);
        let answer = self.inner.get_opts(location, options).await;
        request.outcome = outcome(&answer);
        let mut result = answer?;
        // `PrefixStore` takes its prefix out of names everywhere but here.
        result.meta.location = location.clone();
        let size = result.range.end.saturating_sub(result.range.start);
        match result.payload {
            GetResultPayload::Stream(inner) => {
                request.outcome =
                    if size == 0 { ObjectOutcome::Ok } else { ObjectOutcome::Canceled };
                let size_of = |bytes: &Bytes| bytes.len() as u64;
                let pieces = Pieces { inner, request, left: Some(size), size: size_of };
                result.payload = GetResultPayload::Stream(pieces.boxed());
            }
            // A local file: whoever has it reads it, and nothing can be late.
            GetResultPayload::File(..) => self.meter.metrics.read_bytes.add(size),
        }
        Ok(result)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let got = self.inner.get_ranges(location, ranges);
        let got = self.meter.run(ObjectOperation::Get, got).await?;
        self.meter.metrics.read_bytes.add(got.iter().map(|bytes| bytes.len() as u64).sum());
        Ok(got)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.each(ObjectOperation::Delete, self.inner.delete_stream(locations))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.each(ObjectOperation::List, self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.each(ObjectOperation::List, self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let listed = self.inner.list_with_delimiter(prefix);
        self.meter.run(ObjectOperation::List, listed).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.meter.run(ObjectOperation::Copy, self.inner.copy_opts(from, to, options)).await
    }
}

struct MeasuredUpload {
    inner: Box<dyn MultipartUpload>,
    meter: Meter,
}

impl fmt::Debug for MeasuredUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MeasuredUpload")
    }
}

#[async_trait]
impl MultipartUpload for MeasuredUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let size = data.content_length() as u64;
        let (part, meter) = (self.inner.put_part(data), self.meter.clone());
        Box::pin(async move {
            meter.run(ObjectOperation::PutPart, part).await?;
            meter.metrics.written_bytes.add(size);
            Ok(())
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.meter.run(ObjectOperation::PutPart, self.inner.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.meter.run(ObjectOperation::PutPart, self.inner.abort()).await
    }
}
