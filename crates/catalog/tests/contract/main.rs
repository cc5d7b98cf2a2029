//! What every catalogue must do, checked on a store in memory, on a local disk and on an S3 server.

mod fixture;

use std::collections::BTreeSet;
use std::path::Path as FsPath;
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use spandrel_base::clock::{Clock as _, ManualClock, SystemClock};
use spandrel_catalog::{
    BlockEntry, BlockId, Catalog, CatalogError, CatalogSnapshot, ColumnType, Commit, DeltaCatalog,
    TableColumn,
};
use spandrel_objects::local::SyncedLocalFileSystem;
use spandrel_objects_testing::S3Server;

use self::fixture::{AnswersLost, adding, entry, open, open_with_clock, table};

type TestResult = anyhow::Result<()>;

/// Runs one check on each kind of store.
macro_rules! contract {
    ($($check:ident),+ $(,)?) => {
        mod in_memory {
            $(
                #[tokio::test]
                async fn $check() -> super::TestResult {
                    super::$check(super::Arc::new(super::InMemory::new())).await
                }
            )+
        }
        mod on_local_disk {
            $(
                #[tokio::test]
                async fn $check() -> super::TestResult {
                    let dir = tempfile::tempdir()?;
                    super::$check(super::Arc::new(super::SyncedLocalFileSystem::new(dir.path())?)).await
                }
            )+
        }
        mod on_s3 {
            $(
                #[tokio::test]
                async fn $check() -> super::TestResult {
                    let server = super::S3Server::start()?;
                    super::$check(super::fixture::s3(&server).await?).await
                }
            )+
        }
    };
}

contract!(
    what_is_committed_is_there_after_reopening,
    columns_are_added_but_never_changed,
    application_ids_only_grow,
    writers_that_collide_lose_nothing,
    a_block_is_removed_once,
    data_without_commit_is_not_visible,
    a_lost_answer_is_not_a_lost_commit,
    a_damaged_log_is_an_error,
    a_newer_protocol_is_refused,
    foreign_files_are_an_error_until_they_are_removed,
    logs_of_version_1_are_read_and_written,
    checkpoints_bound_the_log_and_keep_everything,
);

fn ids(snapshot: &CatalogSnapshot) -> BTreeSet<BlockId> {
    snapshot.blocks().map(|block| block.id).collect()
}

async fn what_is_committed_is_there_after_reopening(store: Arc<dyn ObjectStore>) -> TestResult {
    let catalog = open(&store).await?;
    let empty = catalog.snapshot().await?;
    assert_eq!((empty.version(), empty.blocks().len()), (0, 0));

    let blocks = [entry(1), entry(2), entry(3)];
    let added = catalog
        .commit(Commit {
            add: blocks.to_vec(),
            application_ids: vec![("wal/a".to_owned(), 7)],
            ..Commit::default()
        })
        .await?;
    assert_eq!(added.version(), 1);
    let [first, second, third] = blocks;
    let removed = catalog
        .commit(Commit {
            add: vec![entry(4)],
            remove: vec![first.id, second.id],
            ..Commit::default()
        })
        .await?;

    let reopened = open(&store).await?.snapshot().await?;
    assert_eq!(reopened, removed);
    assert_eq!(reopened.application_id("wal/a"), Some(7));
    let left: Vec<_> = reopened.blocks().map(|block| block.as_ref()).collect();
    assert_eq!(left, [&third, &entry(4)]);
    assert_eq!(*catalog.snapshot().await?, *reopened);
    Ok(())
}

async fn columns_are_added_but_never_changed(store: Arc<dyn ObjectStore>) -> TestResult {
    let clock = Arc::new(SystemClock::new());
    let open_with = |columns: Vec<TableColumn>| {
        let (store, clock) = (Arc::clone(&store), clock.clone());
        async move { DeltaCatalog::open(store, table(), &columns, clock).await }
    };
    let name = || TableColumn::new("name", ColumnType::String, true);
    open_with(vec![name()]).await?.commit(adding([1])).await?;

    let dotted = TableColumn::new("resource.service.name", ColumnType::String, true);
    let evolved = open_with(vec![name(), dotted]).await?.snapshot().await?;
    assert_eq!((evolved.version(), evolved.blocks().len()), (2, 1));
    let unchanged = open_with(vec![name()]).await?.snapshot().await?;
    assert_eq!(unchanged.version(), 2);
    for bad in [
        TableColumn::new("name", ColumnType::Long, true),
        TableColumn::new("other", ColumnType::Long, false),
    ] {
        let outcome = open_with(vec![bad.clone()]).await;
        assert!(
            matches!(&outcome, Err(CatalogError::SchemaMismatch { column, .. }) if *column == bad.name),
            "{outcome:?}"
        );
    }
    Ok(())
}

async fn application_ids_only_grow(store: Arc<dyn ObjectStore>) -> TestResult {
    let catalog = open(&store).await?;
    let contains = |seed: u64, sequence: i64| Commit {
        application_ids: vec![("wal/a".to_owned(), sequence)],
        ..adding([seed])
    };
    catalog.commit(contains(1, 10)).await?;
    for sequence in [9, 10] {
        let outcome = catalog.commit(contains(2, sequence)).await;
        assert!(
            matches!(
                outcome,
                Err(CatalogError::ApplicationIdBehind { committed: 10, offered, .. }) if offered == sequence
            ),
            "{outcome:?}"
        );
    }
    catalog.commit(contains(2, 11)).await?;
    catalog
        .commit(Commit { application_ids: vec![("wal/b".to_owned(), 0)], ..Commit::default() })
        .await?;
    let snapshot = open(&store).await?.snapshot().await?;
    let all: Vec<_> = snapshot.application_ids().collect();
    assert_eq!(all, [("wal/a", 11), ("wal/b", 0)]);
    assert_eq!(snapshot.application_id("wal/c"), None);
    Ok(())
}

async fn writers_that_collide_lose_nothing(store: Arc<dyn ObjectStore>) -> TestResult {
    const WRITERS: u64 = 4;
    const COMMITS: u64 = 12;
    try_join_all((0..WRITERS).map(|writer| {
        let store = Arc::clone(&store);
        async move {
            let catalog = open(&store).await?;
            for commit in 0..COMMITS {
                let application = format!("wal/{writer}");
                catalog
                    .commit(Commit {
                        application_ids: vec![(application, i64::try_from(commit)?)],
                        ..adding([writer * COMMITS + commit])
                    })
                    .await?;
            }
            anyhow::Ok(())
        }
    }))
    .await?;

    let snapshot = open(&store).await?.snapshot().await?;
    let expected: BTreeSet<_> = (0..WRITERS * COMMITS).map(|seed| entry(seed).id).collect();
    assert_eq!(ids(&snapshot), expected);
    assert_eq!(snapshot.version(), WRITERS * COMMITS);
    assert_eq!(snapshot.application_ids().count() as u64, WRITERS);
    Ok(())
}

async fn a_block_is_removed_once(store: Arc<dyn ObjectStore>) -> TestResult {
    let (here, there) = (open(&store).await?, open(&store).await?);
    here.commit(adding([1, 2])).await?;
    let compacting =
        |seed: u64| Commit { remove: vec![entry(1).id, entry(2).id], ..adding([seed]) };
    there.commit(compacting(3)).await?;
    let outcome = here.commit(compacting(4)).await;
    let first = entry(1).id;
    assert!(
        matches!(outcome, Err(CatalogError::Conflict { block, present: false }) if block == first),
        "{outcome:?}"
    );
    // `there` repeats its own commit: done already. A part of it is not the same commit.
    assert_eq!(there.commit(compacting(3)).await?.version(), 2);
    let outcome = there.commit(adding([3, 5])).await;
    assert!(matches!(outcome, Err(CatalogError::Conflict { present: true, .. })));
    assert_eq!(ids(&*here.snapshot().await?), BTreeSet::from([entry(3).id]));
    Ok(())
}

async fn data_without_commit_is_not_visible(store: Arc<dyn ObjectStore>) -> TestResult {
    let catalog = open(&store).await?;
    let block = entry(1);
    let path = Path::from(format!("{}/{}", table(), block.path));
    store.put(&path, "PAR1".into()).await?;
    drop(catalog);
    let reopened = open(&store).await?;
    assert_eq!(reopened.snapshot().await?.blocks().len(), 0);
    reopened.commit(adding([1])).await?;
    assert_eq!(reopened.snapshot().await?.blocks().len(), 1);
    Ok(())
}

async fn a_lost_answer_is_not_a_lost_commit(store: Arc<dyn ObjectStore>) -> TestResult {
    let unreliable = Arc::new(AnswersLost::new(Arc::clone(&store)));
    let catalog = open(&(Arc::clone(&unreliable) as Arc<dyn ObjectStore>)).await?;
    unreliable.lose_next_put();
    let snapshot = catalog.commit(adding([1])).await?;
    assert_eq!((snapshot.version(), snapshot.blocks().len()), (1, 1));
    unreliable.lose_next_put();
    catalog.commit(adding([2])).await?;
    assert_eq!(ids(&*open(&store).await?.snapshot().await?).len(), 2);
    Ok(())
}

async fn a_damaged_log_is_an_error(store: Arc<dyn ObjectStore>) -> TestResult {
    let catalog = open(&store).await?;
    catalog.commit(adding([1])).await?;
    let commit = table().join("_delta_log").join(format!("{:020}.json", 2));
    store.put(&commit, r#"{"add":{"path":"blo"#.into()).await?;
    for outcome in [open(&store).await.map(drop), catalog.snapshot().await.map(drop)] {
        assert!(matches!(outcome, Err(CatalogError::Log { .. })), "{outcome:?}");
    }
    Ok(())
}

async fn a_newer_protocol_is_refused(store: Arc<dyn ObjectStore>) -> TestResult {
    let catalog = open(&store).await?;
    let commit = table().join("_delta_log").join(format!("{:020}.json", 1));
    let protocol = r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["timeTravelIntoTheFuture"],"writerFeatures":["timeTravelIntoTheFuture"]}}"#;
    store.put(&commit, protocol.into()).await?;
    for outcome in [
        open(&store).await.map(drop),
        catalog.snapshot().await.map(drop),
        catalog.commit(adding([1])).await.map(drop),
    ] {
        assert!(
            matches!(&outcome, Err(CatalogError::Unsupported { reason }) if reason.contains("timeTravel")),
            "{outcome:?}"
        );
    }
    Ok(())
}

async fn foreign_files_are_an_error_until_they_are_removed(
    store: Arc<dyn ObjectStore>,
) -> TestResult {
    let catalog = open(&store).await?;
    let log = |version: u64| table().join("_delta_log").join(format!("{version:020}.json"));
    let add = r#"{"add":{"path":"part-0.parquet","partitionValues":{},"size":9,"modificationTime":0,"dataChange":true,"stats":"{\"numRecords\":1}"}}"#;
    store.put(&log(1), add.into()).await?;
    let outcome = catalog.snapshot().await;
    assert!(
        matches!(&outcome, Err(CatalogError::ForeignFile { path, .. }) if path == "part-0.parquet"),
        "{outcome:?}"
    );
    let remove = r#"{"remove":{"path":"part-0.parquet","deletionTimestamp":0,"dataChange":true}}"#;
    store.put(&log(2), remove.into()).await?;
    assert_eq!(catalog.commit(adding([1])).await?.version(), 3);
    assert_eq!(open(&store).await?.snapshot().await?.version(), 3);
    Ok(())
}

/// The files in `testdata/v1` are a table that version 1 wrote: two blocks added, one removed.
async fn logs_of_version_1_are_read_and_written(store: Arc<dyn ObjectStore>) -> TestResult {
    let golden = FsPath::new("testdata/v1");
    let name = |version: u64| format!("{version:020}.json");
    for version in 0..=3 {
        let bytes = std::fs::read(golden.join(name(version)))?;
        let path = table().join("_delta_log").join(name(version));
        store.put(&path, bytes.into()).await?;
    }
    let clock = Arc::new(ManualClock::new(1_795_232_183_185_000_000));
    let catalog = DeltaCatalog::open(Arc::clone(&store), table(), &[], clock).await?;
    let block = golden_block()?;
    let snapshot = catalog.snapshot().await?;
    let blocks: Vec<_> = snapshot.blocks().map(|block| block.as_ref()).collect();
    assert_eq!(blocks, [&block]);
    assert_eq!(snapshot.application_id("wal/a"), Some(1));

    let remove = Commit { remove: vec![block.id], ..Commit::default() };
    catalog.commit(remove).await?;
    let add = Commit { add: vec![block], ..Commit::default() };
    catalog.commit(add).await?;
    let written = store.get(&table().join("_delta_log").join(name(5))).await?;
    let written = String::from_utf8(written.bytes().await?.into())?;
    let expected = std::fs::read_to_string(golden.join(name(1)))?;
    let add_action =
        |log: &str| log.lines().find(|line| line.starts_with(r#"{"add""#)).map(str::to_owned);
    assert!(add_action(&expected).is_some());
    assert_eq!(add_action(&written), add_action(&expected));
    Ok(())
}

/// The block that `testdata/v1` adds in version 1.
fn golden_block() -> anyhow::Result<BlockEntry> {
    Ok(BlockEntry {
        id: "00000000-0000-0000-0000-000000000001".parse()?,
        path: "blocks/2026-01-01/00000000-0000-0000-0000-000000000001.parquet".to_owned(),
        size_bytes: 2967,
        n_spans: 10,
        n_traces: 1,
        min_start_unix_nanos: 1_767_225_600_000_000_000,
        max_end_unix_nanos: 1_767_225_600_000_000_014,
        max_trace_start_unix_nanos: 1_767_225_600_000_000_014,
        max_received_unix_nanos: 0,
        format_version: 1,
        level: 0,
        tail: None,
    })
}

async fn checkpoints_bound_the_log_and_keep_everything(store: Arc<dyn ObjectStore>) -> TestResult {
    let clock = Arc::new(ManualClock::new(SystemClock::new().now_unix_nanos()));
    let catalog = open_with_clock(&store, clock.clone()).await?;
    let idle = open_with_clock(&store, clock.clone()).await?;
    let log_files = || async {
        let log = table().join("_delta_log");
        anyhow::Ok(store.list_with_delimiter(Some(&log)).await?.objects.len())
    };
    for seed in 0..100_u64 {
        catalog
            .commit(Commit {
                remove: seed.checked_sub(1).map(|last| entry(last).id).into_iter().collect(),
                application_ids: vec![("wal/a".to_owned(), i64::try_from(seed)?)],
                ..adding([seed, seed + 1000])
            })
            .await?;
    }
    // The commit that created the table, 100 more, a checkpoint and the pointer to it.
    assert_eq!(log_files().await?, 103);
    clock.advance(Duration::from_secs(2 * 60 * 60));
    for seed in 100..130_u64 {
        catalog.commit(adding([seed])).await?;
    }
    assert!(log_files().await? < 10, "{}", log_files().await?);

    let (here, reopened) = (catalog.snapshot().await?, open(&store).await?);
    assert_eq!(reopened.snapshot().await?, here);
    assert_eq!((here.blocks().len(), here.application_id("wal/a")), (131, Some(99)));
    // The commit after the one that `idle` knows is gone, which must not look like quiet.
    assert_eq!(idle.snapshot().await?, here);
    idle.commit(adding([5000])).await?;
    assert_eq!(reopened.snapshot().await?.blocks().len(), 132);
    Ok(())
}
