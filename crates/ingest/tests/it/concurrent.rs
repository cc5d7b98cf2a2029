//! Many senders, tiny segments, and a reader that never stops looking.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use spandrel_pipeline::ConsumeError;
use tokio::task::JoinSet;

use crate::TestResult;
use crate::fixture::{Site, eventually, is_pending};
use crate::requests::{malformed, numbered};
use crate::stalling_clock::StallingClock;

const TASKS: u64 = 64;
const BATCHES: u64 = 50;
const SPANS: u64 = 7;

/// Every span acknowledged before a snapshot began is in it once, and none is in it that nobody sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_snapshot_shows_every_acknowledged_span_once() -> TestResult {
    let mut site = Site::new();
    site.options.cut.spans_max = 500;
    site.options.wal_segment_bytes_max = 20_000;
    let store = site.open().await;
    let acknowledged: Arc<Mutex<Vec<u64>>> = Arc::default();
    let n_malformed = Arc::new(AtomicU64::new(0));
    let done = Arc::new(AtomicBool::new(false));

    let mut senders = JoinSet::new();
    for task in 0..TASKS {
        let (store, acknowledged) = (store.clone(), Arc::clone(&acknowledged));
        let n_malformed = Arc::clone(&n_malformed);
        senders.spawn(async move {
            for batch in 0..BATCHES {
                let first = (task * BATCHES + batch) * SPANS;
                let numbers = first..first + SPANS;
                if batch % 5 == 4 {
                    let bad = store.consume(malformed(1_000_000..1_000_010)).await;
                    assert!(matches!(bad, Err(ConsumeError::Malformed(_))), "{bad:?}");
                    n_malformed.fetch_add(1, Ordering::Relaxed);
                }
                store.consume(numbered(numbers.clone())).await.unwrap();
                acknowledged.lock().extend(numbers);
            }
        });
    }
    let reader = {
        let (store, acknowledged) = (store.clone(), Arc::clone(&acknowledged));
        let done = Arc::clone(&done);
        async move {
            let mut n_snapshots = 0_u64;
            loop {
                let last = done.load(Ordering::SeqCst);
                let mut expected = acknowledged.lock().clone();
                expected.sort_unstable();
                let found = store.numbers().await;
                assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "a span is there twice");
                assert!(found.last().is_none_or(|last| *last < TASKS * BATCHES * SPANS));
                let missing = expected.iter().find(|number| found.binary_search(number).is_err());
                assert_eq!(missing, None, "in snapshot {n_snapshots}");
                n_snapshots += 1;
                if last {
                    return n_snapshots;
                }
                tokio::task::yield_now().await;
            }
        }
    };
    let mut readers = JoinSet::new();
    readers.spawn(reader);
    while let Some(sender) = senders.join_next().await {
        sender?;
    }
    done.store(true, Ordering::SeqCst);
    while let Some(n_snapshots) = readers.join_next().await {
        assert!(n_snapshots? > 5);
    }

    assert!(store.flush().await);
    let all: Vec<u64> = (0..TASKS * BATCHES * SPANS).collect();
    assert_eq!(store.numbers().await, all);
    let (live, n_blocks) = store.counts().await;
    assert_eq!(live, 0);
    assert!(n_blocks > 10, "{n_blocks}");
    assert_eq!(n_malformed.load(Ordering::Relaxed), TASKS * BATCHES / 5);
    store.assert_accounts_agree();
    assert_eq!(store.metrics.accounting().stored, TASKS * BATCHES * SPANS);
    drop(store);
    assert_eq!(site.open().await.numbers().await, all);
    Ok(())
}

/// All spans that a tenant has in a group go into one segment; otherwise the block of the first half
/// would say that the log is stored up to the end of the second.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_group_is_never_split_over_two_segments() -> TestResult {
    let clock = Arc::new(StallingClock::new());
    let mut site = Site::new();
    site.clock = Arc::clone(&clock) as _;
    // Each batch alone would seal a segment.
    site.options.cut.spans_max = 1;
    let store = site.open().await;
    clock.stall();
    let mut senders = JoinSet::new();
    let send = |senders: &mut JoinSet<_>, first: u64, spans: u64| {
        let store = store.clone();
        let mut sent = Box::pin(async move { store.consume(numbered(first..first + spans)).await });
        assert!(is_pending(&mut sent));
        senders.spawn(sent);
    };
    send(&mut senders, 0, 3);
    eventually("the first group is with the committer", || async { clock.is_stalling() }).await;
    // They spread over the shards and are one group all the same.
    for first in 1..=16 {
        send(&mut senders, first * 10, 3);
    }
    clock.resume();
    while let Some(sent) = senders.join_next().await {
        sent??;
    }
    assert!(store.flush().await);
    assert_eq!(store.counts().await, (0, 2));
    assert_eq!(store.numbers().await, (0..17).flat_map(|i| i * 10..i * 10 + 3).collect::<Vec<_>>());
    Ok(())
}
