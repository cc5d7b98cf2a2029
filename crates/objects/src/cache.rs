//! Chunks of blocks from a remote store, kept on the local disk.
//!
//! Reads of ranges are widened to chunks of one size, looked up, and what is missing is fetched: neighbors
//! in one request, everything at once, so a read is one round to the store at most. What was fetched is
//! written to the disk behind the caller's back; when the disk is slow or full it is not, and that is all.
//!
//! # Invariants
//! - Only blocks are cached (`*.parquet` below a `blocks` directory), never what is below `_delta_log`. A block
//!   is written once, under a name of its own, so its bytes never become old. Writing, copying or deleting
//!   through this store drops the object's chunks all the same, also those on their way to the disk.
//! - A chunk counts only if its checksum and the full name of its object match.
//! - Files stay below the size limit, but for those being written; reads hold a bounded number of files open.

mod chunk_file;
mod chunks;
mod directory;
mod lru;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};
use spandrel_base::task::TaskSet;
use spandrel_telemetry::ObjectCacheMetrics;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use xxhash_rust::xxh3::xxh3_128;

use self::chunk_file::Chunk;
use self::chunks::{Grid, Known};
use self::directory::{CachedObject, ChunkDirectory, READERS_MAX};
use crate::{CacheOptions, ObjectsError};

/// Requests of one read under way at the same time.
const FETCHES_SIDE_BY_SIDE: usize = 10;
/// Reads whose chunks are being written at the same time. What comes on top is not kept.
const WRITES_MAX: usize = 16;

/// A store with a cache in front of it.
pub struct CachedStore {
    inner: Arc<dyn ObjectStore>,
    shared: Arc<Shared>,
    writers: TaskSet,
    grid: Grid,
    /// Part of the name of every chunk, so that one directory serves one store after the other.
    name: String,
    metrics: ObjectCacheMetrics,
}

struct Shared {
    directory: ChunkDirectory,
    readers: Semaphore,
    write_permits: Arc<Semaphore>,
    /// Grows whenever an object changes: what was fetched before may not be written any more.
    changes: AtomicU64,
}

impl Shared {
    fn forget(&self, object: u128) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.directory.forget(object);
    }
}

impl CachedStore {
    /// Puts a cache in front of `inner`. `name` tells stores apart that use the same directory, one after
    /// the other: that of another process is refused.
    ///
    /// # Errors
    /// [`ObjectsError::Cache`].
    pub fn open<'a>(
        inner: Arc<dyn ObjectStore>,
        name: &'a str,
        options: &'a CacheOptions,
        metrics: ObjectCacheMetrics,
    ) -> BoxFuture<'a, std::result::Result<Self, ObjectsError>> {
        Box::pin(async move {
            let (dir, bytes_max) = (options.dir.clone(), options.bytes_max);
            let directory = {
                let metrics = metrics.clone();
                spawn_blocking(move || {
                    ChunkDirectory::open(&dir, bytes_max, metrics)
                        .map_err(|source| ObjectsError::Cache { dir, source })
                })
            };
            let shared = Shared {
                directory: directory.await.map_err(|_stopping| ObjectsError::Interrupted)??,
                readers: Semaphore::new(READERS_MAX),
                write_permits: Arc::new(Semaphore::new(WRITES_MAX)),
                changes: AtomicU64::new(0),
            };
            Ok(Self {
                inner,
                shared: Arc::new(shared),
                writers: TaskSet::new(),
                grid: Grid::new(options.chunk_bytes),
                name: format!("{}\n{name}", options.chunk_bytes),
                metrics,
            })
        })
    }

    /// Returns when everything that was fetched so far is on the disk, or given up.
    pub async fn settle(&self) {
        let all = u32::try_from(WRITES_MAX).unwrap_or(u32::MAX);
        // Closed never: the semaphore lives as long as this.
        let _ = self.shared.write_permits.acquire_many(all).await;
    }

    fn object(&self, location: &Path) -> CachedObject {
        let name = format!("{}\n{location}", self.name);
        CachedObject {
            hash: xxh3_128(name.as_bytes()),
            name: name.into(),
            location: location.clone(),
        }
    }

    fn forget(&self, location: &Path) {
        if is_block(location) {
            self.shared.forget(self.object(location).hash);
        }
    }

    /// The chunks that cover these ranges, as far as the object has them.
    async fn chunks(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Known> {
        let object = self.object(location);
        let changes = self.shared.changes.load(Ordering::SeqCst);
        let wanted = self.grid.numbers(ranges);
        let mut known = Known::default();
        if self.shared.directory.has_any(object.hash, wanted.iter().copied()) {
            for (number, chunk) in self.look_up(&object, wanted.clone()).await? {
                known.add(number, chunk);
            }
        } else {
            self.metrics.lookups.add(&spandrel_telemetry::CacheResult::Miss, wanted.len() as u64);
        }
        let missing = self.grid.runs(&wanted, &known);
        let fetches = missing.into_iter().map(|run| async {
            let fetched = self.fetch(location, &run).await;
            (run, fetched)
        });
        let fetched: Vec<_> = stream::iter(fetches).buffered(FETCHES_SIDE_BY_SIDE).collect().await;
        let mut new = BTreeMap::new();
        let mut failed = None;
        for (run, answer) in fetched {
            match answer {
                Ok(piece) => new.extend(self.grid.cut(&run, &piece)),
                Err(error) => failed = Some((run, error)),
            }
        }
        new.iter().for_each(|(number, chunk)| known.add(*number, chunk.clone()));
        if let Some((run, error)) = failed {
            // A read that goes beyond the end of the object is answered with what there is.
            if known.meta.as_ref().is_none_or(|meta| run.start < meta.size) {
                return Err(error);
            }
        }
        self.keep(object, new, changes);
        Ok(known)
    }

    async fn look_up(&self, object: &CachedObject, numbers: Vec<u32>) -> Result<Vec<(u32, Chunk)>> {
        let _permit = self.shared.readers.acquire().await;
        let (shared, object) = (Arc::clone(&self.shared), object.clone());
        let read = spawn_blocking(move || {
            let chunk = |number| Some((number, shared.directory.read(&object, number)?));
            numbers.into_iter().filter_map(chunk).collect()
        });
        Ok(read.await?)
    }

    async fn fetch(&self, location: &Path, run: &Range<u64>) -> Result<Chunk> {
        let range = Some(GetRange::Bounded(run.clone()));
        let options = GetOptions { range, ..GetOptions::default() };
        let result = self.inner.get_opts(location, options).await?;
        let meta = result.meta.clone();
        Ok(Chunk { meta, bytes: result.bytes().await? })
    }

    /// Writes chunks to the disk while the caller goes on.
    fn keep(&self, object: CachedObject, chunks: BTreeMap<u32, Chunk>, changes: u64) {
        if chunks.is_empty() {
            return;
        }
        let Ok(permit) = Arc::clone(&self.shared.write_permits).try_acquire_owned() else {
            self.metrics.not_kept.add(chunks.len() as u64);
            return;
        };
        let shared = Arc::clone(&self.shared);
        let write = move || {
            // In this order, so that whoever waits for the permit finds the directory unlocked.
            let (_permit, shared) = (permit, shared);
            for (number, chunk) in chunks {
                if shared.changes.load(Ordering::SeqCst) != changes {
                    return;
                }
                shared.directory.write(&object, number, &chunk);
            }
            if shared.changes.load(Ordering::SeqCst) != changes {
                shared.directory.forget(object.hash);
            }
        };
        self.writers.spawn("object cache write", async move {
            if let Err(error) = spawn_blocking(write).await {
                tracing::warn!(%error, "object cache was not written");
            }
        });
    }
}

/// Whether an object never changes once it is there.
fn is_block(location: &Path) -> bool {
    let mut parts: Vec<_> = location.parts().collect();
    let name = parts.pop();
    let is = |name: &str| parts.iter().any(|part| part.as_ref() == name);
    name.is_some_and(|name| name.as_ref().ends_with(".parquet"))
        && is("blocks")
        && !is("_delta_log")
}

/// The range that a request asks for, if it asks for nothing else.
fn plain_range(options: &GetOptions) -> Option<&Range<u64>> {
    let GetOptions {
        if_match: None,
        if_none_match: None,
        if_modified_since: None,
        if_unmodified_since: None,
        range: Some(GetRange::Bounded(range)),
        version: None,
        head: false,
        extensions: _,
    } = options
    else {
        return None;
    };
    (range.start < range.end).then_some(range)
}

impl fmt::Debug for CachedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for CachedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CachedStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for CachedStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let put = self.inner.put_opts(location, payload, opts).await;
        // Also after an error, which may be that of the answer only.
        self.forget(location);
        put
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        if !is_block(location) {
            return Ok(inner);
        }
        let (shared, object) = (Arc::clone(&self.shared), self.object(location).hash);
        Ok(Box::new(ForgettingUpload { inner, shared, object }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let range = plain_range(&options).filter(|_| is_block(location)).cloned();
        if let Some(range) = range {
            let known = self.chunks(location, std::slice::from_ref(&range)).await?;
            if let Some((meta, bytes)) = known.meta.as_ref().zip(self.grid.slice(&known, &range)) {
                let range = range.start..range.start + bytes.len() as u64;
                let payload = GetResultPayload::Stream(stream::iter([Ok(bytes)]).boxed());
                let (meta, attributes) = (meta.clone(), Default::default());
                return Ok(GetResult { payload, meta, range, attributes });
            }
        }
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let is_plain = ranges.iter().all(|range| range.start < range.end);
        if !ranges.is_empty() && is_plain && is_block(location) {
            let known = self.chunks(location, ranges).await?;
            let slices: Option<Vec<Bytes>> =
                ranges.iter().map(|range| self.grid.slice(&known, range)).collect();
            if let Some(slices) = slices {
                return Ok(slices);
            }
        }
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let (shared, name) = (Arc::clone(&self.shared), self.name.clone());
        let forget = move |deleted: &Result<Path>| {
            if let Some(location) = deleted.as_ref().ok().filter(|location| is_block(location)) {
                shared.forget(xxh3_128(format!("{name}\n{location}").as_bytes()));
            }
        };
        self.inner.delete_stream(locations).inspect(forget).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let copied = self.inner.copy_opts(from, to, options).await;
        self.forget(to);
        copied
    }
}

/// An upload that replaces a block, should one be there.
struct ForgettingUpload {
    inner: Box<dyn MultipartUpload>,
    shared: Arc<Shared>,
    object: u128,
}

impl fmt::Debug for ForgettingUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForgettingUpload").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[async_trait]
impl MultipartUpload for ForgettingUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let completed = self.inner.complete().await;
        self.shared.forget(self.object);
        completed
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
