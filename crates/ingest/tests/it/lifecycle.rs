//! The way of spans when nothing goes wrong.

use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use spandrel_base::clock::ManualClock;
use spandrel_demo::{Shop, TrafficGenerator, TrafficSettings};
use spandrel_model::{Span, TenantId};
use spandrel_objects::local::SyncedLocalFileSystem;
use spandrel_wal::Durability;

use crate::TestResult;
use crate::faulty_objects::FaultyObjects;
use crate::fixture::{PATIENCE, Site, eventually, live_spans, single};
use crate::requests::{NOW, malformed, numbered, request, span};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_searchable_and_survives_a_restart() -> TestResult {
    let site = Site::new();
    let store = site.open().await;
    for first in (0..300).step_by(10) {
        let accepted = store.consume(numbered(first..first + 10)).await?;
        assert_eq!((accepted.accepted_spans, accepted.rejected_spans), (10, 0));
        assert_eq!(store.numbers().await, (0..first + 10).collect::<Vec<_>>());
    }
    store.assert_accounts_agree();
    drop(store);

    let store = site.open().await;
    assert_eq!(store.counts().await, (300, 0));
    assert_eq!(store.numbers().await, (0..300).collect::<Vec<_>>());
    assert_eq!(store.metrics.wal().replayed_records.get(), 30);
    // Replayed spans were received by another process.
    assert_eq!(store.metrics.accounting().received, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_moves_spans_from_memory_and_log_into_a_block() -> TestResult {
    let site = Site::new();
    let store = site.open().await;
    store.consume(numbered(0..100)).await?;
    store.consume(numbered(100..200)).await?;
    let before = store.snapshot().await;
    assert!(store.flush().await);
    assert_eq!(store.counts().await, (0, 1));
    assert_eq!(store.numbers().await, (0..200).collect::<Vec<_>>());
    // A snapshot taken before shows the same spans as it did then.
    assert_eq!((live_spans(&before).len(), before.catalog.is_none()), (200, true));
    // The log holds nothing but the header of an empty segment.
    assert_eq!(store.metric("spandrel_wal_disk_bytes"), 24.0);
    assert_eq!(site.wal_segments().len(), 1);

    // With nothing live there is nothing to write.
    assert!(store.flush().await);
    assert_eq!(store.counts().await, (0, 1));

    store.consume(numbered(200..300)).await?;
    assert_eq!(store.counts().await, (100, 1));
    store.store.shutdown(PATIENCE).await;
    drop(store);
    let store = site.open().await;
    assert_eq!(store.counts().await, (0, 2));
    assert_eq!(store.numbers().await, (0..300).collect::<Vec<_>>());
    assert_eq!(store.metrics.wal().replayed_records.get(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_cut_by_spans_bytes_and_age() -> TestResult {
    let clock = Arc::new(ManualClock::new(NOW));
    let mut site = Site::new();
    site.clock = Arc::clone(&clock) as _;
    site.options.cut.spans_max = 100;
    let store = site.open().await;
    store.consume(numbered(0..100)).await?;
    let counts = |expected| {
        let store = &store;
        move || async move { store.counts().await == expected }
    };
    eventually("cut by spans", counts((0, 1))).await;

    store.consume(numbered(100..150)).await?;
    clock.advance(site.options.cut.age_max);
    eventually("cut by age", counts((0, 2))).await;
    drop(store);

    site.options.cut.bytes_max = 1;
    let store = site.open().await;
    store.consume(numbered(150..151)).await?;
    eventually("cut by bytes", || async { store.counts().await == (0, 3) }).await;
    assert_eq!(store.numbers().await, (0..151).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_do_not_see_each_other() -> TestResult {
    let site = Site::new();
    let store = site.open().await;
    let tenants = [TenantId::new("a")?, TenantId::new("b")?, TenantId::new("c")?];
    for round in 0..10 {
        let batches = tenants[..2].iter().zip([0, 1_000]).map(|(tenant, base)| {
            let first = base + round * 10;
            store.consume_as(tenant, numbered(first..first + 10))
        });
        futures::future::try_join_all(batches).await?;
        if round == 4 {
            assert!(store.flush().await);
        }
    }
    let expected = [(0..100).collect(), (1_000..1_100).collect(), Vec::new()];
    for (tenant, numbers) in tenants.iter().zip(&expected) {
        assert_eq!(store.numbers_of(tenant).await, *numbers, "{tenant}");
    }
    drop(store);
    let store = site.open().await;
    for (tenant, numbers) in tenants.iter().zip(&expected) {
        assert_eq!(store.numbers_of(tenant).await, *numbers, "{tenant}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_tenants_without_blocks_is_cheap() -> TestResult {
    let clock = Arc::new(ManualClock::new(NOW));
    let objects = FaultyObjects::new(Arc::new(InMemory::new()));
    let mut site = Site::with_objects(Arc::clone(&objects) as _);
    site.clock = Arc::clone(&clock) as _;
    let store = site.open().await;
    store.consume(numbered(0..10)).await?;
    let unknown = TenantId::new("nobody")?;
    for _ in 0..100 {
        assert_eq!(store.counts().await, (10, 0));
        assert!(store.store.snapshot(&unknown).await?.live.is_empty());
    }
    assert_eq!(objects.listings(), 2);
    // What this process writes is seen at once.
    assert!(store.flush().await);
    assert_eq!(store.counts().await, (0, 1));
    // What another process writes is seen a little later.
    let other = Site::with_objects(Arc::clone(&objects) as _);
    let elsewhere = other.open().await;
    elsewhere.consume_as(&unknown, numbered(0..10)).await?;
    assert!(elsewhere.flush().await);
    clock.advance(Duration::from_secs(6));
    assert_eq!(store.numbers_of(&unknown).await, (0..10).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_spans_and_bad_batches_leave_nothing_behind() -> TestResult {
    let site = Site::new();
    let store = site.open().await;
    let mut half_bad: Vec<_> = (0..10).map(span).collect();
    half_bad[3].trace_id.clear();
    half_bad[4].span_id.clear();
    half_bad[5].start_time_unix_nano = u64::MAX;
    let accepted = store.consume(request(half_bad)).await?;
    assert_eq!((accepted.accepted_spans, accepted.rejected_spans), (7, 3));
    assert!(!accepted.message.is_empty());

    let mut all_bad: Vec<_> = (10..20).map(span).collect();
    all_bad.iter_mut().for_each(|span| span.trace_id.clear());
    let accepted = store.consume(request(all_bad)).await?;
    assert_eq!((accepted.accepted_spans, accepted.rejected_spans), (0, 10));

    store.consume(malformed(20..30)).await.unwrap_err();
    // Large batches take another path.
    store.consume(malformed(20..5_000)).await.unwrap_err();
    store.consume(Vec::new().into()).await?;
    store.consume(numbered(30..40)).await?;

    let expected: Vec<u64> = (0..3).chain(6..10).chain(30..40).collect();
    assert_eq!(store.numbers().await, expected);
    assert!(store.flush().await);
    assert_eq!(store.numbers().await, expected);
    store.assert_accounts_agree();
    let accounting = store.metrics.accounting();
    assert_eq!((accounting.received, accounting.stored, accounting.rejected), (30, 17, 13));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_without_spans_writes_neither_log_nor_block() -> TestResult {
    let site = Site::new();
    let store = site.open().await;
    store.consume(request(Vec::new())).await?;
    assert!(store.flush().await);
    assert_eq!(store.counts().await, (0, 0));
    store.store.shutdown(PATIENCE).await;
    drop(store);
    let store = site.open().await;
    assert_eq!(store.metrics.wal().replayed_records.get(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_shop_reads_the_same_from_memory_log_and_block() -> TestResult {
    let dir = tempfile::tempdir()?;
    let objects = Arc::new(SyncedLocalFileSystem::new(dir.path())?);
    let mut site = Site::with_objects(objects);
    site.options.durability = Durability::Fsync;
    let store = site.open().await;
    let settings = TrafficSettings { traces_per_second: 500.0, ..TrafficSettings::default() };
    let mut n_spans = 0;
    for export in TrafficGenerator::new(Shop::new(7), settings) {
        n_spans += export.span_count;
        store.consume(prost::Message::encode_to_vec(&export.request).into()).await?;
        if n_spans > 5_000 {
            break;
        }
    }
    let live = sorted(store.spans_of(&single()).await?);
    assert_eq!(live.len(), n_spans);
    drop(store);
    let store = site.open().await;
    assert_eq!(sorted(store.spans_of(&single()).await?), live);
    assert!(store.flush().await);
    assert_eq!(store.counts().await, (0, 1));
    assert_eq!(sorted(store.spans_of(&single()).await?), live);
    Ok(())
}

/// Spans by id, with attributes by key: their order is not kept.
fn sorted(mut spans: Vec<Span>) -> Vec<Span> {
    let by_key = |attributes: &mut Vec<spandrel_model::Attribute>| {
        attributes.sort_by(|a, b| a.key.cmp(&b.key));
    };
    for span in &mut spans {
        by_key(&mut span.attributes);
        by_key(&mut Arc::make_mut(&mut span.resource).attributes);
        by_key(&mut Arc::make_mut(&mut span.scope).attributes);
    }
    spans.sort_by_key(|span| (span.trace_id.0, span.span_id.0));
    spans
}
