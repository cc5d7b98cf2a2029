//! What is given up, and when its files go.

use std::sync::Arc;
use std::time::Duration;

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use spandrel_base::clock::Clock;
use spandrel_catalog::BlockId;
use spandrel_compaction::CompactionOptions;
use spandrel_model::TenantId;

use crate::fixture::{BASE, Fixture, HOUR, eager, path_of, root, tenant};
use crate::requests::{request, run_of, span};

/// Scenario: a query reads an old state while blocks are merged and vacuums run.
/// Guarantees: it can read its blocks until the grace time after their removal is over, and their files are
/// gone afterwards. Blocks that exist stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_removed_blocks_stay_for_the_grace_time() {
    let fixture = Fixture::new();
    let process = fixture.process().await;
    for trace in 1..=2 {
        fixture.add(&process, &run_of([&request(vec![span(trace, 1, 0, 0)])])).await;
    }
    let old = Arc::clone(&process.published.lock());
    // Old files whose blocks are removed only now.
    fixture.clock.advance(HOUR * 5);
    let compactor = fixture.compactor(&process, eager());
    let report = compactor.run_once(&tenant()).await.unwrap();
    assert_eq!((report.merges, report.vacuumed_files), (1, 0));

    fixture.clock.advance(HOUR - Duration::from_secs(1));
    assert_eq!(compactor.run_once(&tenant()).await.unwrap().vacuumed_files, 0);
    for entry in old.blocks() {
        assert_eq!(process.read(entry).await.len(), 1);
    }
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(compactor.run_once(&tenant()).await.unwrap().vacuumed_files, 2);
    assert_eq!(fixture.files().await, process.named_files().await);
    assert_eq!(process.spans().await.len(), 2);
    fixture.clock.advance(HOUR * 100);
    assert_eq!(compactor.run_once(&tenant()).await.unwrap().vacuumed_files, 0);
}

/// Scenario: files that no entry names lie around: a block of a writer that died, one that a writer has put
/// again just now, and others.
/// Guarantees: only what is named like a block and is old goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_old_files_that_are_named_like_blocks_go() {
    let fixture = Fixture::new();
    let process = fixture.process().await;
    fixture.add(&process, &run_of([&request(vec![span(1, 1, 0, 0)])])).await;
    let now = fixture.clock.now_unix_nanos();
    let dead = BlockId::generate(now);
    // Written long ago by its date, and just now by its name.
    let young = BlockId::generate(now + 3 * 3_600_000_000_000);
    let id = BlockId::generate(now);
    let others = [
        format!("blocks/{}.parquet", id.to_string().replace('-', "")),
        format!("blocks/{}.parquet", id.to_string().to_uppercase()),
        format!("blocks/{id}.parquet.tmp"),
        format!("blocks/{id}"),
        "blocks/notes.parquet".to_owned(),
        format!("other/{id}.parquet"),
        format!("{id}.parquet"),
    ];
    let path = |name: &str| Path::from(format!("{}/{name}", root()));
    let put = async |name: &str| {
        process.objects.put(&path(name), PutPayload::from_static(b"x")).await.unwrap();
    };
    let dead = format!("blocks/2026-01-01/{dead}.parquet");
    let young = format!("blocks/{young}.parquet");
    put(&dead).await;
    put(&young).await;
    for name in &others {
        put(name).await;
    }
    let exists = async |name: &str| process.objects.head(&path(name)).await.is_ok();

    let compactor = fixture.compactor(&process, eager());
    compactor.run_once(&tenant()).await.unwrap();
    fixture.clock.advance(HOUR * 2);
    assert_eq!(compactor.run_once(&tenant()).await.unwrap().vacuumed_files, 1);
    assert!(!exists(&dead).await && exists(&young).await);
    fixture.clock.advance(HOUR * 2);
    assert_eq!(compactor.run_once(&tenant()).await.unwrap().vacuumed_files, 1);
    assert!(!exists(&young).await);
    fixture.clock.advance(HOUR * 100);
    assert_eq!(compactor.run_once(&tenant()).await.unwrap().vacuumed_files, 0);
    for name in &others {
        assert!(exists(name).await, "{name}");
    }
    assert_eq!(process.spans().await.len(), 1);
}

/// Scenario: a tenant sets an age for its own spans while compaction runs, shorter than the operator's, then longer.
/// Guarantees: the shorter one of both is in force, from the next look on, and for this tenant alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_may_keep_its_spans_for_less_long() {
    let fixture = Fixture::new();
    let process = fixture.process().await;
    let options = CompactionOptions { retention: Some(HOUR * 24), ..eager() };
    let own = options.own_retention.clone();
    let compactor = fixture.compactor(&process, options);
    let expired = async || compactor.run_once(&tenant()).await.unwrap().expired_blocks;
    fixture.add(&process, &run_of([&request(vec![span(1, 1, 0, 0)])])).await;
    fixture.clock.advance(HOUR * 3);
    own.set(None, [(TenantId::new("other").unwrap(), HOUR)].into());
    assert_eq!(expired().await, 0);
    // That of other tenants is not that of one which has its own.
    own.set(Some(HOUR), [(tenant(), HOUR * 2)].into());
    assert_eq!(expired().await, 1);
    own.set(None, [(tenant(), HOUR * 48)].into());
    fixture.add(&process, &run_of([&request(vec![span(2, 1, 0, 0)])])).await;
    fixture.clock.advance(HOUR * 23);
    assert_eq!(expired().await, 0);
    fixture.clock.advance(HOUR * 2);
    assert_eq!(expired().await, 1);
}

/// Scenario: blocks get older than the retention allows.
/// Guarantees: age counts from the later of when spans happened and when they were received; merging does
/// not make them younger; queries stop seeing them at once, and their files go after the grace time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_blocks_are_given_up() {
    let fixture = Fixture::new();
    let process = fixture.process().await;
    // Of long ago, received now: before it is that old.
    assert!(fixture.clock.now_unix_nanos() > BASE);
    for trace in 1..=2 {
        fixture.add(&process, &run_of([&request(vec![span(trace, 1, 0, 0)])])).await;
    }
    let options = CompactionOptions { retention: Some(HOUR * 24), ..eager() };
    let compactor = fixture.compactor(&process, options);
    fixture.clock.advance(HOUR * 10);
    let report = compactor.run_once(&tenant()).await.unwrap();
    assert_eq!((report.merges, report.expired_blocks), (1, 0));
    fixture.clock.advance(HOUR * 13);
    assert_eq!(compactor.run_once(&tenant()).await.unwrap().expired_blocks, 0);
    fixture.add(&process, &run_of([&request(vec![span(3, 1, 0, 0)])])).await;
    fixture.clock.advance(HOUR * 2);
    assert_eq!(compactor.run_once(&tenant()).await.unwrap().expired_blocks, 1);
    let published = Arc::clone(&process.published.lock());
    assert_eq!((published.blocks().len(), process.spans().await.len()), (1, 1));
    fixture.clock.advance(HOUR * 2);
    compactor.run_once(&tenant()).await.unwrap();
    let left: Vec<_> = published.blocks().map(|entry| path_of(entry).to_string()).collect();
    assert_eq!(fixture.files().await, left);
}
