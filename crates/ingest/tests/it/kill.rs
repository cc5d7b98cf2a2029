//! `kill -9` at random moments: a copy of the data folder, taken while the store is busy, is what a
//! killed process leaves.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use spandrel_objects::local::SyncedLocalFileSystem;
use tokio::task::JoinSet;

use crate::TestResult;
use crate::fixture::{Site, eventually};
use crate::requests::numbered;

const ROUNDS: u64 = 30;
const SENDERS: u64 = 4;
const SPANS: u64 = 9;

/// Copies what is there now. Files may vanish or grow meanwhile, as they may before the moment of a kill.
fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_dir(&path, &target)?;
        } else if let Err(error) = fs::copy(&path, &target)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
    }
    Ok(())
}

/// In the order that makes the copy one that a kill could have left: the log first, for what is truncated
/// from it later is in a block by then; a table's log before its blocks.
fn copy_data(from: &Path, to: &Path) -> io::Result<()> {
    copy_dir(&from.join("wal"), &to.join("wal"))?;
    // `_delta_log` sorts before `blocks`.
    copy_dir(&from.join("objects"), &to.join("objects"))
}

fn site_in(dir: tempfile::TempDir) -> anyhow::Result<Site> {
    let objects = Arc::new(SyncedLocalFileSystem::new(dir.path().join("objects"))?);
    let mut site = Site::with_objects(objects);
    site.options.wal_dir = dir.path().join("wal");
    site.dir = dir;
    site.options.cut.spans_max = 150;
    site.options.wal_segment_bytes_max = 8 << 10;
    Ok(site)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_leaves_every_acknowledged_span_once() -> TestResult {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..ROUNDS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let kill_after = 20 + random % 300;
        println!("round {round}: killed after {kill_after} acknowledgments");

        let site = site_in(tempfile::tempdir()?)?;
        let store = site.open().await;
        let acknowledged: Arc<Mutex<Vec<u64>>> = Arc::default();
        let n_acknowledged = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let mut senders = JoinSet::new();
        for sender in 0..SENDERS {
            let (store, acknowledged) = (store.clone(), Arc::clone(&acknowledged));
            let (n_acknowledged, stop) = (Arc::clone(&n_acknowledged), Arc::clone(&stop));
            senders.spawn(async move {
                let mut batch = 0;
                while !stop.load(Ordering::SeqCst) {
                    let first = (batch * SENDERS + sender) * SPANS;
                    store.consume(numbered(first..first + SPANS)).await.unwrap();
                    acknowledged.lock().extend(first..first + SPANS);
                    n_acknowledged.fetch_add(1, Ordering::SeqCst);
                    batch += 1;
                }
                batch
            });
        }
        eventually("enough batches", || async {
            n_acknowledged.load(Ordering::SeqCst) >= kill_after
        })
        .await;
        let expected = acknowledged.lock().clone();
        let copy = tempfile::tempdir()?;
        let (from, to) = (site.dir.path().to_owned(), copy.path().to_owned());
        tokio::task::spawn_blocking(move || copy_data(&from, &to)).await??;
        stop.store(true, Ordering::SeqCst);
        let mut n_batches = 0;
        while let Some(sent) = senders.join_next().await {
            n_batches = n_batches.max(sent?);
        }

        let copied = site_in(copy)?;
        let reopened = copied.open().await;
        for _ in 0..2 {
            let found = reopened.numbers().await;
            assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "a span is there twice");
            let missing = expected.iter().find(|number| found.binary_search(number).is_err());
            assert_eq!(missing, None, "acknowledged before the kill");
            assert!(found.last().is_none_or(|last| *last < n_batches * SENDERS * SPANS));
            // The second time from blocks.
            assert!(reopened.flush().await);
        }
    }
    Ok(())
}
