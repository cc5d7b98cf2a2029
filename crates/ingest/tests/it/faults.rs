//! What happens when blocks or commits cannot be written.

use std::sync::Arc;

use anyhow::Context as _;
use futures::TryStreamExt as _;
use object_store::ObjectStore as _;
use object_store::memory::InMemory;
use spandrel_catalog::Commit;
use spandrel_model::TenantId;
use spandrel_telemetry::RefuseReason;

use crate::TestResult;
use crate::faulty_objects::{Fault, FaultyObjects};
use crate::fixture::{PATIENCE, Site, eventually, single};
use crate::requests::numbered;

fn faulty() -> (Arc<FaultyObjects>, Site) {
    let objects = FaultyObjects::new(Arc::new(InMemory::new()));
    let site = Site::with_objects(Arc::clone(&objects) as _);
    (objects, site)
}

async fn n_block_files(objects: &FaultyObjects) -> anyhow::Result<usize> {
    let all: Vec<_> = objects.list(None).try_collect().await?;
    Ok(all.iter().filter(|meta| meta.location.as_ref().ends_with(".parquet")).count())
}

/// A crash with the block put and not committed, or with neither.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_commit_loses_nothing_and_stores_nothing_twice() -> TestResult {
    for broken in ["blocks/", "_delta_log/"] {
        let (objects, site) = faulty();
        let store = site.open().await;
        // The table exists before it happens.
        store.consume(numbered(0..10)).await?;
        assert!(store.flush().await);
        objects.break_it(Fault::PutsFail, broken);
        store.consume(numbered(10..100)).await?;
        assert!(!store.flush().await);
        assert_eq!(store.numbers().await, (0..100).collect::<Vec<_>>());
        drop(store);

        objects.heal();
        let store = site.open().await;
        assert_eq!(store.counts().await, (90, 1), "{broken}");
        assert_eq!(store.numbers().await, (0..100).collect::<Vec<_>>());
        assert!(store.flush().await);
        assert_eq!(store.counts().await, (0, 2));
        assert_eq!(store.numbers().await, (0..100).collect::<Vec<_>>());
    }
    Ok(())
}

/// A crash with the block committed and the log as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_log_is_truncated_stores_nothing_twice() -> TestResult {
    for retries in [false, true] {
        let (objects, site) = faulty();
        let store = site.open().await;
        store.consume(numbered(0..10)).await?;
        assert!(store.flush().await);
        store.consume(numbered(10..100)).await?;
        // The commit is applied, the store does not learn of it, and nothing works after that.
        objects.break_it(Fault::AnswerLostThenDown, "_delta_log/");
        assert!(!store.flush().await);
        assert_eq!(store.counts().await, (90, 1));
        objects.heal();
        if retries {
            assert!(store.flush().await);
            assert_eq!(store.counts().await, (0, 2));
        }
        assert_eq!(store.numbers().await, (0..100).collect::<Vec<_>>());
        drop(store);
        let store = site.open().await;
        assert_eq!(store.counts().await, (0, 2));
        assert_eq!(store.numbers().await, (0..100).collect::<Vec<_>>());
        // The second attempt did not leave a second file.
        assert_eq!(n_block_files(&objects).await?, 2);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_put_leaves_no_second_file() -> TestResult {
    let (objects, site) = faulty();
    let store = site.open().await;
    store.consume(numbered(0..100)).await?;
    objects.break_it(Fault::AnswerLostThenDown, "blocks/");
    assert!(!store.flush().await);
    objects.heal();
    assert!(store.flush().await);
    assert_eq!(store.numbers().await, (0..100).collect::<Vec<_>>());
    assert_eq!(n_block_files(&objects).await?, 1);
    Ok(())
}

/// A flush that runs into its deadline, then goes on as if nothing had been.
#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_put_is_given_up_at_the_deadline() -> TestResult {
    let (objects, site) = faulty();
    let store = site.open().await;
    store.consume(numbered(0..100)).await?;
    objects.break_it(Fault::PutsHang, "blocks/");
    assert!(!store.store.flush(std::time::Duration::from_secs(2)).await);
    assert_eq!(store.numbers().await, (0..100).collect::<Vec<_>>());
    objects.heal();
    assert!(store.flush().await);
    assert_eq!((store.counts().await, n_block_files(&objects).await?), ((0, 1), 1));
    assert_eq!(store.numbers().await, (0..100).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_objects_are_down_spans_are_taken_until_memory_is_full() -> TestResult {
    let (objects, mut site) = faulty();
    site.options.cut.spans_max = 50;
    site.options.live_bytes_max = 400_000;
    let store = site.open().await;
    store.consume(numbered(0..10)).await?;
    assert!(store.flush().await);
    objects.break_it(Fault::Down, "");
    let mut stored: Vec<u64> = (0..10).collect();
    let mut first = 10;
    loop {
        match store.consume(numbered(first..first + 10)).await {
            Ok(_) => stored.extend(first..first + 10),
            Err(_) => break,
        }
        first += 10;
    }
    assert!(stored.len() > 100, "{}", stored.len());
    assert_eq!(store.metrics.spans().refused.get(&RefuseReason::Memory), 10);
    store.assert_accounts_agree();

    objects.heal();
    assert_eq!(store.numbers().await, stored);
    // It recovers by itself, segments that are neither large nor old included.
    eventually("memory is free again", || async {
        store.consume(numbered(1_000_000..1_000_010)).await.is_ok()
    })
    .await;
    assert!(store.flush().await);
    stored.extend(1_000_000..1_000_010);
    assert_eq!(store.numbers().await, stored);
    eventually("the gauge follows", || async { store.metric("spandrel_live_bytes") == 0.0 }).await;
    store.assert_accounts_agree();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_whose_blocks_fail_does_not_hold_up_the_others() -> TestResult {
    let (objects, site) = faulty();
    let store = site.open().await;
    let tenants = [TenantId::new("good-1")?, TenantId::new("bad")?, TenantId::new("good-2")?];
    for tenant in &tenants {
        store.consume_as(tenant, numbered(0..10)).await?;
    }
    objects.break_it(Fault::Down, "tenants/bad");
    assert!(!store.flush().await);
    for tenant in [&tenants[0], &tenants[2]] {
        let snapshot = store.store.snapshot(tenant).await?;
        assert_eq!((snapshot.live.len(), snapshot.catalog.map(|c| c.blocks().len())), (0, Some(1)));
    }
    assert_eq!(store.metric("spandrel_block_flush_failures_total"), 1.0);
    objects.heal();
    assert!(store.flush().await);
    assert_eq!(store.numbers_of(&tenants[1]).await, (0..10).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_while_the_objects_are_down_keeps_the_log() -> TestResult {
    let (objects, site) = faulty();
    let store = site.open().await;
    store.consume(numbered(0..10)).await?;
    objects.break_it(Fault::Down, "");
    store.store.shutdown(PATIENCE).await;
    drop(store);
    // A tenant in the log may have blocks that contain the record: without the answer there is no start.
    assert!(site.try_open().await.is_err());
    objects.heal();
    let store = site.open().await;
    assert_eq!(store.numbers_of(&single()).await, (0..10).collect::<Vec<_>>());
    Ok(())
}

/// Scenario: somebody else commits to the table, and wants queries to see it, while the store does not know
/// whether a commit of its own was applied.
/// Guarantees: queries see every span once at any time, and never go back to an older state.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_others_is_seen_without_blocks_whose_spans_are_live() -> TestResult {
    let (objects, site) = faulty();
    let store = site.open().await;
    store.consume(numbered(0..10)).await?;
    assert!(store.flush().await);
    store.consume(numbered(10..100)).await?;
    objects.break_it(Fault::AnswerLostThenDown, "_delta_log/");
    assert!(!store.flush().await);
    objects.heal();
    let catalog = store.store.catalog(&single()).await?.context("it has blocks")?;
    let newest = catalog.snapshot().await?;
    assert_eq!(newest.blocks().len(), 2);
    store.store.publish_catalog(&single(), Arc::clone(&newest)).await;
    assert_eq!(store.counts().await, (90, 1));
    assert!(store.flush().await);
    assert_eq!(store.counts().await, (0, 2));

    let first = newest.blocks().next().context("it has blocks")?.id;
    let commit = Commit { remove: vec![first], ..Commit::default() };
    let removed = catalog.commit(commit).await?;
    assert_eq!(store.counts().await, (0, 2));
    for state in [removed, newest] {
        store.store.publish_catalog(&single(), state).await;
        assert_eq!(store.counts().await, (0, 1));
        assert_eq!(store.numbers().await, (10..100).collect::<Vec<_>>());
    }
    assert!(store.store.catalog(&TenantId::new("nobody")?).await?.is_none());
    Ok(())
}
