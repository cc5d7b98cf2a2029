//! A store that is as far away as a cloud's, and counts what that costs.
//!
//! # Rounds
//! The round of a request is one more than the highest round among the requests that had ended when it
//! was sent; what is sent side by side is one round. So the number of rounds is how often somebody waited
//! for an answer before asking the next question, and `rounds * latency` is the time that no bandwidth buys.
//! Under `tokio::time::pause` time stands still while anything runs, so the count is exact. With real time a
//! slow machine may send a request of a round after the first answer of that round, which counts one more.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, OBJECT_STORE_COALESCE_DEFAULT,
    ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result, UploadPart, coalesce_ranges,
};
use parking_lot::Mutex;

/// What a request takes unless the test says otherwise: a store in the same region.
const LATENCY: Duration = Duration::from_millis(30);

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// All requests.
    pub requests: u64,
    /// Requests one after the other.
    pub rounds: u64,
    /// Bytes that were read.
    pub read_bytes: u64,
    /// Requests as `operation path`, in the order in which they were sent, with their round before it.
    pub log: Vec<String>,
}

/// A store whose requests take a time each.
pub struct LatencyStore {
    inner: Arc<dyn ObjectStore>,
    state: Arc<State>,
}

struct State {
    latency: Mutex<Duration>,
    tally: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    counts: Counts,
    /// The highest round among requests that have ended.
    ended: u64,
    /// Grows when counting starts anew, so that requests from before do not count.
    era: u64,
}

impl LatencyStore {
    /// `inner` with 30 ms a request.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        let state = State { latency: Mutex::new(LATENCY), tally: Mutex::default() };
        Self { inner, state: Arc::new(state) }
    }

    /// With this latency.
    #[must_use]
    pub fn with_latency(self, latency: Duration) -> Self {
        self.set_latency(latency);
        self
    }

    /// Changes the latency of requests from now on.
    pub fn set_latency(&self, latency: Duration) {
        *self.state.latency.lock() = latency;
    }

    /// What was counted since the last call, or ever.
    pub fn take_counts(&self) -> Counts {
        let mut tally = self.state.tally.lock();
        tally.ended = 0;
        tally.era += 1;
        std::mem::take(&mut tally.counts)
    }
}

impl State {
    /// Runs a request: it is sent now, and answered after the latency.
    async fn request<T>(
        &self,
        operation: &str,
        path: &Path,
        request: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let sent = self.send(operation, path);
        let latency = *self.latency.lock();
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let answer = request.await;
        self.end(sent);
        answer
    }

    fn send(&self, operation: &str, path: &Path) -> (u64, u64) {
        let mut tally = self.tally.lock();
        let round = tally.ended + 1;
        tally.counts.requests += 1;
        tally.counts.rounds = tally.counts.rounds.max(round);
        tally.counts.log.push(format!("{round} {operation} {path}"));
        (tally.era, round)
    }

    fn end(&self, (era, round): (u64, u64)) {
        let mut tally = self.tally.lock();
        if tally.era == era {
            tally.ended = tally.ended.max(round);
        }
    }

    fn read(&self, bytes: u64) {
        self.tally.lock().counts.read_bytes += bytes;
    }

    /// A stream whose first item takes as long as a request.
    fn stream<T: Send + 'static>(
        self: &Arc<Self>,
        operation: &'static str,
        path: Path,
        items: BoxStream<'static, Result<T>>,
    ) -> BoxStream<'static, Result<T>> {
        let state = Arc::clone(self);
        let begun = async move {
            let answered = state.request(operation, &path, async { Ok(()) }).await;
            stream::iter(answered.err().map(Err)).chain(items)
        };
        stream::once(begun).flatten().boxed()
    }
}

impl fmt::Debug for LatencyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for LatencyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LatencyStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for LatencyStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let put = self.inner.put_opts(location, payload, opts);
        self.state.request("put", location, put).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let begun = self.inner.put_multipart_opts(location, opts);
        let inner = self.state.request("begin_upload", location, begun).await?;
        let (state, location) = (Arc::clone(&self.state), location.clone());
        Ok(Box::new(SlowUpload { inner, state, location }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (operation, head) = if options.head { ("head", true) } else { ("get", false) };
        let got = self.inner.get_opts(location, options);
        let got = self.state.request(operation, location, got).await?;
        if !head {
            self.state.read(got.range.end - got.range.start);
        }
        Ok(got)
    }

    /// As the clients of remote stores do it: neighbors are joined, and each group is a request.
    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let get = |range| self.get_range(location, range);
        coalesce_ranges(ranges, get, OBJECT_STORE_COALESCE_DEFAULT).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let deleted = self.inner.delete_stream(locations);
        self.state.stream("delete", Path::default(), deleted)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let path = prefix.cloned().unwrap_or_default();
        self.state.stream("list", path, self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let path = prefix.cloned().unwrap_or_default();
        self.state.stream("list", path, self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let path = prefix.cloned().unwrap_or_default();
        self.state.request("list", &path, self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.state.request("copy", from, self.inner.copy_opts(from, to, options)).await
    }
}

struct SlowUpload {
    inner: Box<dyn MultipartUpload>,
    state: Arc<State>,
    location: Path,
}

impl fmt::Debug for SlowUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlowUpload({})", self.location)
    }
}

#[async_trait]
impl MultipartUpload for SlowUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (part, state) = (self.inner.put_part(data), Arc::clone(&self.state));
        let location = self.location.clone();
        Box::pin(async move { state.request("put_part", &location, part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.state.request("complete_upload", &self.location, self.inner.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.state.request("abort_upload", &self.location, self.inner.abort()).await
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use object_store::memory::InMemory;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_an_answer_is_another_round() {
        let store = LatencyStore::new(Arc::new(InMemory::new()));
        let path = Path::from("a");
        store.put(&path, vec![7; 4 << 20].into()).await.unwrap();
        assert_eq!(store.take_counts().log, ["1 put a"]);

        let clock = tokio::time::timeout(Duration::from_millis(61), async {
            store.head(&path).await.unwrap();
            // Two of these are so near to each other that they are one request.
            store.get_ranges(&path, &[0..10, 20..30, (3 << 20)..(3 << 20) + 5]).await.unwrap();
        });
        clock.await.unwrap();
        let counts = store.take_counts();
        assert_eq!((counts.requests, counts.rounds, counts.read_bytes), (3, 2, 35));

        join_all((0..40).map(|i| store.get_range(&path, i..i + 1))).await;
        let counts = store.take_counts();
        assert_eq!((counts.requests, counts.rounds), (40, 1));
    }
}
