//! Worlds in which nothing but the outside is broken.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use parking_lot::Mutex;
use spandrel_sim::{RunOptions, Totals, run_seed};

/// Worlds that every change has to pass. `cargo run -p spandrel-sim` runs more.
const SEEDS: u64 = 150;
const THREADS: usize = 2;

/// Scenario: one and two nodes and up to two compactors on failing disks and a failing object store, killed and
/// started again.
/// Guarantees: what was acknowledged is there once, nothing else is, answers are exact and repeat. And it was not
/// idle: everything that can happen did.
#[test]
fn the_promises_hold() {
    let (next, totals) = (AtomicU64::new(0), Mutex::new(Totals::default()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= SEEDS {
                        break;
                    }
                    match run_seed(seed, RunOptions::default()) {
                        Ok(done) => *totals.lock() += &done,
                        Err(violation) => panic!("{violation}"),
                    }
                }
            });
        }
    });
    let totals = totals.into_inner();
    assert_eq!(totals.seeds, SEEDS);
    let happened = [
        totals.power_cuts,
        totals.failed_starts,
        totals.merges,
        totals.conflicts,
        totals.copies,
        totals.vacuumed_files,
        totals.acknowledged_spans,
        totals.unanswered_batches,
        totals.failed_questions,
    ];
    assert!(happened.iter().all(|n| *n > 0), "{totals}");
    let kinds: Vec<&str> = totals.faults.keys().map(String::as_str).collect();
    let expected = [
        "Disk",
        "DuplicatedWrite",
        "ErrorAfter",
        "ErrorBefore",
        "LostAcknowledgment",
        "StaleList",
        "TimeoutAfter",
        "TimeoutBefore",
        "TornWrite",
    ];
    assert_eq!(kinds, expected);
}
