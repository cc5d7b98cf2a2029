//! What happens when the log is full, slow, or has no writer.

use std::sync::Arc;

use spandrel_base::clock::SharedClock;
use spandrel_pipeline::ConsumeError;
use spandrel_telemetry::{FailReason, RefuseReason};
use tokio::task::JoinSet;

use crate::TestResult;
use crate::fixture::{PATIENCE, Site, eventually, is_pending};
use crate::requests::numbered;
use crate::stalling_clock::StallingClock;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_log_refuses_and_recovers_by_itself() -> TestResult {
    let mut site = Site::new();
    site.options.wal_bytes_max = 64 << 10;
    site.options.wal_segment_bytes_max = 16 << 10;
    let store = site.open().await;
    let mut stored = Vec::new();
    let mut first = 0;
    let refused = loop {
        match store.consume(numbered(first..first + 10)).await {
            Ok(_) => stored.extend(first..first + 10),
            Err(error) => break error,
        }
        first += 10;
    };
    assert!(matches!(refused, ConsumeError::Unavailable { spans: 10, .. }), "{refused:?}");
    assert_eq!(store.metrics.spans().refused.get(&RefuseReason::WalFull), 10);
    eventually("there is room again", || async {
        store.consume(numbered(1_000_000..1_000_010)).await.is_ok()
    })
    .await;
    stored.extend(1_000_000..1_000_010);
    assert_eq!(store.numbers().await, stored);
    store.assert_accounts_agree();
    drop(store);
    assert_eq!(site.open().await.numbers().await, stored);
    Ok(())
}

fn stalling() -> (Arc<StallingClock>, Site) {
    let clock = Arc::new(StallingClock::new());
    let mut site = Site::new();
    site.clock = Arc::clone(&clock) as SharedClock;
    (clock, site)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_slow_disk_counts_as_memory() -> TestResult {
    let (clock, mut site) = stalling();
    site.options.live_bytes_max = 100_000;
    let store = site.open().await;
    clock.stall();
    let mut waiting = JoinSet::new();
    let mut first = 0;
    // Refusals are immediate; whoever is taken waits.
    while store.metrics.spans().refused.get(&RefuseReason::Memory) == 0 {
        let batch = Box::pin({
            let store = store.clone();
            async move { store.consume(numbered(first..first + 10)).await.map(|_| first) }
        });
        let mut batch = batch;
        if is_pending(&mut batch) {
            waiting.spawn(batch);
        }
        first += 10;
    }
    let taken = waiting.len() as u64;
    assert!((10..1_000).contains(&taken), "{taken}");
    assert_eq!(store.counts().await, (0, 0));
    clock.resume();
    let mut stored: Vec<u64> = Vec::new();
    while let Some(answer) = waiting.join_next().await {
        let first = answer??;
        stored.extend(first..first + 10);
    }
    stored.sort_unstable();
    assert_eq!(store.numbers().await, stored);
    assert_eq!(stored.len() as u64, taken * 10);
    store.assert_accounts_agree();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_writer_batches_fail_and_nobody_waits() -> TestResult {
    let (clock, site) = stalling();
    let store = site.open().await;
    store.consume(numbered(0..10)).await?;
    // One batch is with the committer when it dies, others wait in the shards.
    clock.stall();
    let mut batches = JoinSet::new();
    for i in 1..20 {
        let store = store.clone();
        let mut batch = Box::pin(async move { store.consume(numbered(i * 10..i * 10 + 10)).await });
        assert!(is_pending(&mut batch));
        batches.spawn(batch);
    }
    clock.kill();
    while let Some(answer) = batches.join_next().await {
        let error = answer?.unwrap_err();
        assert!(matches!(error, ConsumeError::Unavailable { spans: 10, .. }), "{error:?}");
    }
    // So do those that come later.
    for first in [1_000, 1_010] {
        store.consume(numbered(first..first + 10)).await.unwrap_err();
    }
    assert_eq!(store.metrics.spans().failed.get(&FailReason::Wal), 210);
    store.assert_accounts_agree();
    assert!(store.store.failed().await.contains("wal-committer"));
    store.store.shutdown(PATIENCE).await;
    clock.resume();
    drop(store);
    assert_eq!(site.open().await.numbers().await, (0..10).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_answers_everybody() -> TestResult {
    let (clock, site) = stalling();
    let store = site.open().await;
    clock.stall();
    let mut batches = JoinSet::new();
    for i in 0..20 {
        let store = store.clone();
        let first = i * 10;
        let mut batch =
            Box::pin(
                async move { store.consume(numbered(first..first + 10)).await.map(|_| first) },
            );
        assert!(is_pending(&mut batch));
        batches.spawn(batch);
    }
    let mut shutdown = Box::pin(store.store.shutdown(PATIENCE));
    assert!(is_pending(&mut shutdown));
    let refused = store.consume(numbered(1_000..1_010)).await.unwrap_err();
    assert!(matches!(refused, ConsumeError::Unavailable { spans: 10, .. }), "{refused:?}");
    assert_eq!(store.metrics.spans().refused.get(&RefuseReason::ShuttingDown), 10);
    clock.resume();
    shutdown.await;
    let mut n_stored = 0;
    while let Some(answer) = batches.join_next().await {
        answer??;
        n_stored += 10;
    }
    assert_eq!(n_stored, 200);
    assert_eq!(store.counts().await, (0, 1));
    store.consume(numbered(1_010..1_020)).await.unwrap_err();
    store.assert_accounts_agree();
    Ok(())
}
