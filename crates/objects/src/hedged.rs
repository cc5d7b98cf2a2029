//! Asks a second time for bytes that are late, and takes the answer that comes first.
//!
//! Object stores answer most reads in tens of milliseconds and a few in seconds, and a query waits for its
//! slowest read. A second request, sent when the first is slower than 19 of 20, is nearly always fast.
//! Second requests are bounded to a share of all reads: when the whole store is slow they would only add to
//! its load. The request that loses is dropped, which ends it.
//!
//! Only ranges of bounded length are hedged; everything else passes through.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::future::{Either, select};
use futures::stream::{self, BoxStream, StreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    collect_bytes,
};
use parking_lot::Mutex;
use spandrel_base::clock::SharedClock;
use spandrel_telemetry::{HedgeOutcome, ObjectsMetrics};

use crate::HedgeOptions;

/// Reads that are remembered to know what is late.
const LATENCIES: usize = 128;
/// After this many reads the wait is computed anew.
const RECOMPUTE_EVERY: usize = 16;
/// What a second request costs; each read pays in [`HedgeOptions::percent_max`].
const HEDGE_COST: u64 = 100;
/// So much is saved up at most: a burst of 10.
const SAVINGS_MAX: u64 = 10 * HEDGE_COST;

/// A store whose late reads are sent twice.
pub struct HedgedStore {
    inner: Arc<dyn ObjectStore>,
    options: HedgeOptions,
    clock: SharedClock,
    metrics: ObjectsMetrics,
    wait: Wait,
    savings: AtomicU64,
}

impl HedgedStore {
    /// Hedges reads from `inner`.
    pub fn new(
        inner: Arc<dyn ObjectStore>,
        options: HedgeOptions,
        clock: SharedClock,
        metrics: ObjectsMetrics,
    ) -> Self {
        let wait = Wait::new(options.delay_first);
        Self { inner, options, clock, metrics, wait, savings: AtomicU64::new(0) }
    }

    fn is_hedged(&self, options: &GetOptions) -> bool {
        let Some(GetRange::Bounded(range)) = &options.range else { return false };
        let length = range.end.saturating_sub(range.start);
        self.options.percent_max > 0 && !options.head && length <= self.options.range_bytes_max
    }

    /// One request, with its whole body.
    async fn ask(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut result = self.inner.get_opts(location, options).await?;
        if let GetResultPayload::Stream(pieces) = result.payload {
            let length = result.range.end.saturating_sub(result.range.start);
            let bytes = collect_bytes(pieces, Some(length)).await?;
            result.payload = GetResultPayload::Stream(stream::iter([Ok(bytes)]).boxed());
        }
        Ok(result)
    }

    async fn read(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.earn();
        let began = self.clock.monotonic();
        let answer = self.read_hedged(location, options).await;
        if answer.is_ok() {
            let took = self.clock.monotonic().saturating_sub(began);
            self.wait.learn(took, &self.options);
        }
        answer
    }

    async fn read_hedged(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut first = pin!(self.ask(location, options.clone()).fuse());
        if let Ok(answer) = tokio::time::timeout(self.wait.get(), &mut first).await {
            return answer;
        }
        if !self.pay() {
            self.metrics.hedges.inc(&HedgeOutcome::Withheld);
            return first.await;
        }
        let second = pin!(self.ask(location, options));
        let (answer, won) = match select(first, second).await {
            Either::Left((Ok(answer), _)) => (Ok(answer), false),
            Either::Right((Ok(answer), _)) => (Ok(answer), true),
            // One of them has failed, which the other need not.
            Either::Left((Err(_), second)) => (second.await, true),
            Either::Right((Err(_), first)) => (first.await, false),
        };
        let outcome = if won { HedgeOutcome::Won } else { HedgeOutcome::Lost };
        self.metrics.hedges.inc(&outcome);
        answer
    }

    fn earn(&self) {
        let income = u64::from(self.options.percent_max);
        let add = |savings: u64| Some(savings.saturating_add(income).min(SAVINGS_MAX));
        // The closure never declines.
        let _ = self.savings.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    fn pay(&self) -> bool {
        let take = |savings: u64| savings.checked_sub(HEDGE_COST);
        self.savings.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

/// How long a read is waited for before it counts as late: the 95th percentile of the last ones.
struct Wait {
    nanos: AtomicU64,
    latencies: Mutex<Latencies>,
}

struct Latencies {
    last: Vec<Duration>,
    /// How many there were in all.
    count: usize,
}

impl Wait {
    fn new(first: Duration) -> Self {
        let latencies = Latencies { last: Vec::with_capacity(LATENCIES), count: 0 };
        Self { nanos: AtomicU64::new(saturating_nanos(first)), latencies: Mutex::new(latencies) }
    }

    fn get(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }

    fn learn(&self, took: Duration, options: &HedgeOptions) {
        let mut latencies = self.latencies.lock();
        let slot = latencies.count % LATENCIES;
        match latencies.last.get_mut(slot) {
            Some(oldest) => *oldest = took,
            None => latencies.last.push(took),
        }
        latencies.count = latencies.count.wrapping_add(1);
        if !latencies.count.is_multiple_of(RECOMPUTE_EVERY) {
            return;
        }
        let mut sorted = latencies.last.clone();
        drop(latencies);
        // Less than the length, which is not zero here.
        let rank = sorted.len() * 19 / 20;
        let (_, percentile, _) = sorted.select_nth_unstable(rank);
        let wait = (*percentile).clamp(options.delay_min, options.delay_max);
        self.nanos.store(saturating_nanos(wait), Ordering::Relaxed);
    }
}

fn saturating_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Debug for HedgedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for HedgedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HedgedStore({})", self.inner)
    }
}

/// `get_ranges` is the trait's own: it joins neighbors and asks `get_opts` for each group.
#[async_trait]
impl ObjectStore for HedgedStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if self.is_hedged(&options) {
            self.read(location, options).await
        } else {
            self.inner.get_opts(location, options).await
        }
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
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
        self.inner.copy_opts(from, to, options).await
    }
}
