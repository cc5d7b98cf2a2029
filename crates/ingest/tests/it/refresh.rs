//! Processes that share an object store see what the others store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use spandrel_base::clock::{ManualClock, SharedClock};
use spandrel_model::TenantId;

use crate::faulty_objects::{Fault, FaultyObjects};
use crate::fixture::{Site, TestStore, eventually, single};
use crate::requests::{NOW, numbered};

const INTERVAL: Duration = Duration::from_secs(10);

/// A process that writes, and one that is asked, whose clock stands still until it is moved.
struct Two {
    objects: Arc<FaultyObjects>,
    clock: Arc<ManualClock>,
    writer: TestStore,
    reader: TestStore,
    _sites: [Site; 2],
}

impl Two {
    async fn start() -> Self {
        let memory = Arc::new(InMemory::new());
        let writes = Site::with_objects(Arc::clone(&memory) as _);
        let objects = FaultyObjects::new(memory);
        let clock = Arc::new(ManualClock::new(NOW));
        let reads = Site {
            clock: Arc::clone(&clock) as SharedClock,
            ..Site::with_objects(Arc::clone(&objects) as _)
        };
        assert_eq!(reads.options.refresh_interval, INTERVAL);
        let (writer, reader) = (writes.open().await, reads.open().await);
        Self { objects, clock, writer, reader, _sites: [writes, reads] }
    }

    /// Stores these spans in a block.
    async fn write(&self, tenant: &TenantId, numbers: std::ops::Range<u64>) {
        self.writer.consume_as(tenant, numbered(numbers)).await.unwrap();
        assert!(self.writer.flush().await);
    }

    fn refreshes(&self) -> (u64, u64) {
        let metrics = self.reader.metrics.block();
        (metrics.catalog_refreshes.get(), metrics.catalog_refresh_failures.get())
    }

    /// Lets the interval pass, and waits until everything was looked at.
    async fn pass_time(&self) {
        let before = self.refreshes().0;
        self.clock.advance(INTERVAL);
        eventually("a refresh", || async { self.refreshes().0 > before }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_stores_is_seen_after_the_interval() {
    let two = Two::start().await;
    two.write(&single(), 0..5).await;
    assert_eq!(two.reader.numbers().await, [0, 1, 2, 3, 4]);
    two.write(&single(), 5..7).await;
    let before = two.reader.snapshot().await;
    two.clock.advance(INTERVAL - Duration::from_nanos(1));
    assert_eq!(two.reader.numbers().await, [0, 1, 2, 3, 4]);
    two.pass_time().await;
    assert_eq!(two.reader.numbers().await, [0, 1, 2, 3, 4, 5, 6]);
    // A query that has begun goes on with what it saw.
    assert_eq!(before.catalog.unwrap().blocks().len(), 1);
    assert_eq!(two.refreshes(), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn live_spans_of_the_process_stay_beside_the_blocks_of_others() {
    let two = Two::start().await;
    two.write(&single(), 0..2).await;
    two.reader.consume(numbered(2..4)).await.unwrap();
    two.write(&single(), 4..6).await;
    two.pass_time().await;
    assert_eq!(two.reader.numbers().await, [0, 1, 2, 3, 4, 5]);
    assert!(two.reader.flush().await);
    assert_eq!(two.reader.numbers().await, [0, 1, 2, 3, 4, 5]);
    assert_eq!(two.writer.counts().await.1, 2);
    two.writer.store.refresh().await.unwrap();
    assert_eq!(two.writer.numbers().await, [0, 1, 2, 3, 4, 5]);
}

/// Whoever only reads is asked about a tenant for the first time when the tenant is long known to the others.
#[tokio::test(flavor = "multi_thread")]
async fn tenants_that_are_new_are_found() {
    let two = Two::start().await;
    let tenant = TenantId::new("star*t").unwrap();
    assert!(two.reader.numbers_of(&tenant).await.is_empty());
    two.write(&tenant, 0..3).await;
    // That it is absent is believed for a while.
    assert!(two.reader.numbers_of(&tenant).await.is_empty());
    two.pass_time().await;
    let listings = two.objects.listings();
    assert_eq!(two.reader.numbers_of(&tenant).await, [0, 1, 2]);
    assert_eq!(two.objects.listings(), listings, "its catalogue is open");
    assert_eq!(two.reader.store.stored_tenants().await.unwrap(), [tenant]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_down_leaves_what_was_seen() {
    let two = Two::start().await;
    two.write(&single(), 0..2).await;
    two.pass_time().await;
    two.write(&single(), 2..4).await;
    two.objects.break_it(Fault::Down, "");
    two.pass_time().await;
    assert_eq!(two.reader.counts().await, (0, 1));
    // The list of tenants, and the table of the one that is known.
    assert_eq!(two.refreshes(), (2, 2));
    two.pass_time().await;
    assert_eq!(two.refreshes(), (3, 4));
    two.objects.heal();
    two.pass_time().await;
    assert_eq!(two.reader.numbers().await, [0, 1, 2, 3]);
    assert_eq!(two.refreshes(), (4, 4));
}
