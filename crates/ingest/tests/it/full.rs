//! Disk full, log full, objects down: what is acknowledged is there once, what is refused is not, and when the
//! trouble is over everything goes on by itself.

use std::sync::Arc;

use object_store::memory::InMemory;
use spandrel_pipeline::ConsumeError;
use spandrel_telemetry::RefuseReason;

use crate::TestResult;
use crate::fault_env::FaultEnv;
use crate::faulty_objects::{Fault, FaultyObjects};
use crate::fixture::{Site, TestStore, eventually};
use crate::requests::numbered;

fn faulty() -> (Arc<FaultyObjects>, Site) {
    let objects = FaultyObjects::new(Arc::new(InMemory::new()));
    let site = Site::with_objects(Arc::clone(&objects) as _);
    (objects, site)
}

/// Makes the catalogue and reads the block, so that the spans can be looked at while the objects are down.
async fn begin(store: &TestStore) -> anyhow::Result<Vec<u64>> {
    store.consume(numbered(0..10)).await?;
    assert!(store.flush().await);
    Ok(store.numbers().await)
}

/// Sends batches of ten until one is refused.
async fn fill(store: &TestStore, stored: &mut Vec<u64>) -> ConsumeError {
    let mut first = stored.last().map_or(0, |last| last + 1);
    loop {
        match store.consume(numbered(first..first + 10)).await {
            Ok(_) => stored.extend(first..first + 10),
            Err(error) => return error,
        }
        first += 10;
    }
}

fn n_bytes(disk: &FaultEnv) -> usize {
    disk.files().values().map(Vec::len).sum()
}

/// Scenario: the disk of the log fills while nothing can be flushed; the process crashes and starts again on
/// the full disk; space returns.
/// Guarantees: a batch is acknowledged whole or refused whole with a time to come back; after the crash what
/// was acknowledged is there; as soon as there is space, spans are taken, without another start.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_whole_batches_and_recovers_by_itself() -> TestResult {
    let (objects, site) = faulty();
    let disk = FaultEnv::default();
    let store = site.open_in(disk.clone()).await;
    let mut stored = begin(&store).await?;
    objects.break_it(Fault::Down, "");
    // Not a multiple of a batch: the last write is a partial one.
    let capacity = n_bytes(&disk) + 7_777;
    disk.set_capacity(Some(capacity));
    let refused = fill(&store, &mut stored).await;
    assert!(
        matches!(refused, ConsumeError::Unavailable { spans: 10, retry_after, .. } if !retry_after.is_zero()),
        "{refused:?}"
    );
    assert!(stored.len() > 30, "{stored:?}");
    assert_eq!(store.metrics.spans().refused.get(&RefuseReason::DiskFull), 10);
    assert_eq!(store.numbers().await, stored);
    store.assert_accounts_agree();

    let after_crash = FaultEnv::with_files(&disk.files());
    after_crash.set_capacity(Some(n_bytes(&after_crash)));
    drop(store);
    // What is stored can be read, and a flush that begins at once, because the disk is full, has no effect.
    objects.break_it(Fault::PutsFail, "");
    let store = site.open_in(after_crash.clone()).await;
    assert_eq!(store.numbers().await, stored);
    objects.break_it(Fault::Down, "");
    store.consume(numbered(1_000..1_010)).await.unwrap_err();
    after_crash.set_capacity(None);
    store.consume(numbered(2_000..2_010)).await?;
    stored.extend(2_000..2_010);
    assert_eq!(store.numbers().await, stored);

    objects.heal();
    assert!(store.flush().await);
    assert_eq!(store.counts().await.0, 0);
    assert_eq!(store.numbers().await, stored);
    store.assert_accounts_agree();
    Ok(())
}

/// Scenario: the disk of the log fills, and the objects lie elsewhere.
/// Guarantees: flushing makes the room that is missing.
#[tokio::test(flavor = "multi_thread")]
async fn flushing_makes_room_on_a_full_disk() -> TestResult {
    let (_objects, site) = faulty();
    let disk = FaultEnv::default();
    let store = site.open_in(disk.clone()).await;
    let mut stored = begin(&store).await?;
    disk.set_capacity(Some(n_bytes(&disk) + 20_000));
    fill(&store, &mut stored).await;
    eventually("there is room again", || async {
        store.consume(numbered(1_000_000..1_000_010)).await.is_ok()
    })
    .await;
    stored.extend(1_000_000..1_000_010);
    assert_eq!(store.numbers().await, stored);
    store.assert_accounts_agree();
    Ok(())
}

/// Scenario: the objects are down for longer than the log can hold, then come back.
/// Guarantees: spans are acknowledged while the log has room, then refused; when the objects are back, spans
/// are taken again and everything acknowledged becomes blocks, each span once.
#[tokio::test(flavor = "multi_thread")]
async fn while_the_objects_are_down_spans_are_taken_until_the_log_is_full() -> TestResult {
    let (objects, mut site) = faulty();
    site.options.cut.spans_max = 50;
    site.options.wal_bytes_max = 64 << 10;
    site.options.wal_segment_bytes_max = 16 << 10;
    let store = site.open().await;
    let mut stored = begin(&store).await?;
    objects.break_it(Fault::Down, "");
    let refused = fill(&store, &mut stored).await;
    assert!(matches!(refused, ConsumeError::Unavailable { spans: 10, .. }), "{refused:?}");
    assert_eq!(store.metrics.spans().refused.get(&RefuseReason::WalFull), 10);
    assert!(stored.len() > 200, "{}", stored.len());
    assert_eq!(store.numbers().await, stored);
    objects.heal();
    eventually("there is room again", || async {
        store.consume(numbered(1_000_000..1_000_010)).await.is_ok()
    })
    .await;
    stored.extend(1_000_000..1_000_010);
    assert!(store.flush().await);
    assert_eq!(store.counts().await.0, 0);
    assert_eq!(store.numbers().await, stored);
    store.assert_accounts_agree();
    drop(store);
    assert_eq!(site.open().await.numbers().await, stored);
    Ok(())
}

/// Scenario: the log is one full segment, everything in it becomes a block, and the full disk has no room for
/// the segment that is to follow. Then it has.
/// Guarantees: the log is given up without another flush, of which there will be none before it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_could_not_be_truncated_is_truncated_when_there_is_room() -> TestResult {
    let (objects, mut site) = faulty();
    site.options.wal_bytes_max = 24 << 10;
    let disk = FaultEnv::default();
    let store = site.open_in(disk.clone()).await;
    let mut stored = begin(&store).await?;
    objects.break_it(Fault::PutsFail, "");
    let refused = fill(&store, &mut stored).await;
    assert!(matches!(refused, ConsumeError::Unavailable { spans: 10, .. }), "{refused:?}");
    assert_eq!(store.metrics.spans().refused.get(&RefuseReason::WalFull), 10);
    disk.set_capacity(Some(n_bytes(&disk)));
    objects.heal();
    assert!(store.flush().await);
    assert_eq!(store.counts().await.0, 0);
    store.consume(numbered(1_000_000..1_000_010)).await.unwrap_err();

    disk.set_capacity(None);
    eventually("there is room again", || async {
        store.consume(numbered(2_000_000..2_000_010)).await.is_ok()
    })
    .await;
    stored.extend(2_000_000..2_000_010);
    assert_eq!(store.numbers().await, stored);
    store.assert_accounts_agree();
    Ok(())
}

/// Numbers that look random and are the same every time (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Scenario: the objects come and go, the disk fills and is freed, the process crashes, in any order.
/// Guarantees: at any time every acknowledged span is there once, and no refused one is.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_full_or_down_acknowledged_spans_are_there_once() -> TestResult {
    for seed in 1..=24 {
        println!("seed {seed}");
        let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let (objects, mut site) = faulty();
        site.options.cut.spans_max = 60;
        site.options.wal_segment_bytes_max = 4 << 10;
        site.options.wal_bytes_max = 24 << 10;
        let mut disk = FaultEnv::default();
        let without_process = Arc::strong_count(&objects);
        let mut store = site.open_in(disk.clone()).await;
        let mut stored = begin(&store).await?;
        let mut next = 1_000;
        let mut can_read = true;
        for _ in 0..60 {
            match random.below(10) {
                0 => {
                    objects.break_it(Fault::Down, "");
                    can_read = false;
                }
                1 => {
                    objects.break_it(Fault::PutsFail, "");
                    can_read = true;
                }
                2 => {
                    objects.heal();
                    can_read = true;
                }
                3 => disk.set_capacity(Some(n_bytes(&disk) + random.below(3_000) as usize)),
                4 => disk.set_capacity(None),
                5 => {
                    store.assert_accounts_agree();
                    drop(store);
                    // A commit that is under way on another thread is still that of the dead process.
                    eventually("the process is gone", || async {
                        Arc::strong_count(&objects) == without_process
                    })
                    .await;
                    disk = FaultEnv::with_files(&disk.files());
                    objects.heal();
                    can_read = true;
                    store = site.open_in(disk.clone()).await;
                }
                _ => {
                    let spans = 1 + random.below(20);
                    if store.consume(numbered(next..next + spans)).await.is_ok() {
                        stored.extend(next..next + spans);
                    }
                    next += spans;
                }
            }
            if can_read && random.below(4) == 0 {
                assert_eq!(store.numbers().await, stored, "seed {seed}");
            }
        }
        objects.heal();
        disk.set_capacity(None);
        eventually("it has recovered", || async {
            store.consume(numbered(next..next + 1)).await.is_ok()
        })
        .await;
        stored.push(next);
        assert!(store.flush().await, "seed {seed}");
        assert_eq!(store.counts().await.0, 0, "seed {seed}");
        assert_eq!(store.numbers().await, stored, "seed {seed}");
        store.assert_accounts_agree();
    }
    Ok(())
}
