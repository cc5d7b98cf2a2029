//! Hedged reads on a runtime whose time the tests own.

use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use spandrel_base::clock::Clock as _;
use spandrel_objects::{HedgeOptions, HedgedStore};
use spandrel_objects_testing::{Fault, FaultStore, LatencyStore, PausedClock};
use spandrel_telemetry::{HedgeOutcome, Metrics};

const LATENCY: Duration = Duration::from_millis(30);
const STALL: Duration = Duration::from_secs(10);

struct Fixture {
    faults: Arc<FaultStore>,
    latency: Arc<LatencyStore>,
    store: HedgedStore,
    metrics: Metrics,
    clock: Arc<PausedClock>,
    path: Path,
}

impl Fixture {
    async fn new(options: HedgeOptions) -> Self {
        let latency = Arc::new(LatencyStore::new(Arc::new(InMemory::new())).with_latency(LATENCY));
        let faults = Arc::new(FaultStore::new(Arc::clone(&latency) as _, 1));
        faults.set_timeout(STALL);
        let (clock, metrics) = (Arc::new(PausedClock::new()), Metrics::new());
        let inner = Arc::clone(&faults) as Arc<dyn ObjectStore>;
        let instruments = metrics.objects().clone();
        let store = HedgedStore::new(inner, options, Arc::clone(&clock) as _, instruments);
        let path = Path::from("a");
        store.put(&path, vec![7; 1_000].into()).await.unwrap();
        Self { faults, latency, store, metrics, clock, path }
    }

    /// Reads; returns how long it took.
    async fn read(&self) -> Duration {
        let began = self.clock.monotonic();
        let bytes = self.store.get_range(&self.path, 5..10).await.unwrap();
        assert_eq!(bytes, vec![7; 5]);
        self.clock.monotonic() - began
    }

    fn hedges(&self) -> [u64; 3] {
        let hedges = &self.metrics.objects().hedges;
        [HedgeOutcome::Won, HedgeOutcome::Lost, HedgeOutcome::Withheld].map(|o| hedges.get(&o))
    }
}

/// The test advances time in steps of a millisecond.
fn is_about(took: Duration, expected: Duration) -> bool {
    took >= expected && took <= expected + Duration::from_millis(5)
}

#[tokio::test(start_paused = true)]
async fn a_late_read_is_sent_twice_and_the_first_answer_counts() {
    let fixture = Fixture::new(HedgeOptions::default()).await;
    for _ in 0..100 {
        let took = fixture.read().await;
        assert!(is_about(took, LATENCY), "{took:?}");
    }
    assert_eq!(fixture.hedges(), [0, 0, 0]);
    fixture.latency.take_counts();

    // The wait has followed the latencies: 19 of 20 are back within 30 ms.
    fixture.faults.inject(Fault::TimeoutAfter, "a");
    let took = fixture.read().await;
    assert!(is_about(took, 2 * LATENCY), "{took:?}");
    assert_eq!(fixture.hedges(), [1, 0, 0]);
    assert_eq!(fixture.latency.take_counts().requests, 2);

    // Late, but not lost: both requests are on their way when the first answers.
    fixture.latency.set_latency(LATENCY * 3 / 2);
    let took = fixture.read().await;
    assert!(is_about(took, LATENCY * 3 / 2), "{took:?}");
    assert_eq!(fixture.hedges(), [1, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn before_anything_is_known_the_wait_is_fixed() {
    let fixture = Fixture::new(HedgeOptions { percent_max: 100, ..Default::default() }).await;
    fixture.faults.inject(Fault::TimeoutBefore, "a");
    let took = fixture.read().await;
    assert!(is_about(took, Duration::from_millis(250) + LATENCY), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn second_requests_are_a_bounded_share() {
    let options = HedgeOptions { delay_max: Duration::from_millis(20), ..Default::default() };
    let fixture =
        Fixture::new(HedgeOptions { delay_first: Duration::from_millis(20), ..options }).await;
    // All reads are slower than the longest wait, as when the whole store is slow.
    for _ in 0..1_000 {
        fixture.read().await;
    }
    let [won, lost, withheld] = fixture.hedges();
    assert_eq!((won + lost, withheld), (50, 950));
}

#[tokio::test(start_paused = true)]
async fn one_of_two_may_fail() {
    let fixture = Fixture::new(HedgeOptions { percent_max: 100, ..Default::default() }).await;
    // The first hangs and then fails, the second fails at once: the answer is the error of one of them.
    fixture.faults.inject(Fault::TimeoutBefore, "a");
    fixture.faults.inject(Fault::ErrorBefore, "a");
    let began = fixture.clock.monotonic();
    assert!(fixture.store.get_range(&fixture.path, 5..10).await.is_err());
    assert!(is_about(fixture.clock.monotonic() - began, STALL));
    // A first request that fails before it is late is the answer: the client below has repeated it already.
    fixture.faults.inject(Fault::ErrorBefore, "a");
    assert!(fixture.store.get_range(&fixture.path, 5..10).await.is_err());
    assert_eq!(fixture.read().await, LATENCY);
}
