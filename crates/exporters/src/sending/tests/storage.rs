//! Queues on disk, through ends of the process of both kinds.

use std::path::Path;

use spandrel_config::blocks::Batch;
use spandrel_config::{ComponentId, read_settings};

use super::*;
use crate::{FileStorage, FileStorageSettings};

fn storage(dir: &Path, more: &str) -> Extensions {
    let yaml = format!("directory: {}\n{more}", dir.display());
    let (settings, _) = read_settings(&yaml, FileStorageSettings::read).unwrap();
    let mut extensions = Extensions::default();
    extensions.add_storage("file_storage", Arc::new(FileStorage::open(settings).unwrap()));
    extensions
}

fn stored(batch: Option<Batch>) -> SendingSettings {
    let storage = Some(ComponentId::parse("file_storage").unwrap());
    settings(Some(QueueSettings { num_consumers: 2, storage, batch, ..QueueSettings::default() }))
}

/// One life of a process: nothing of its tasks is left when this returns.
fn life<T>(work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap().block_on(work)
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    life(async {
        let script = Script::new(&[Reply::Take, Reply::Hang, Reply::Hang]);
        let settings = SendingSettings { timeout: Duration::ZERO, ..stored(None) };
        let rig = Rig::start_with(script, settings, &storage(dir.path(), "fsync: true")).await;
        for name in ["a", "b", "c", "d"] {
            rig.sending.consume(with_metadata(&[name], "team", "red")).await.unwrap();
        }
        rig.script.attempts(3).await;
        assert_eq!((rig.counts(), rig.account.totals().held), ([1, 0, 0], 3));
        // Everything is dropped where it stands.
    });
    life(async {
        let extensions = storage(dir.path(), "");
        let rig = Rig::start_with(Script::new(&[]), stored(None), &extensions).await;
        assert_eq!(rig.account.totals().held, 3, "the quantity is restored");
        rig.script.attempts(3).await;
        rig.sending.shutdown().await;
        let mut names = rig.script.names();
        names.sort();
        assert_eq!(names, [["b"], ["c"], ["d"]]);
        assert_eq!(rig.script.sent()[0].client.metadata("team"), ["red"]);
        assert_eq!((rig.counts(), rig.account.totals()), ([3, 0, 0], Default::default()));
    });
}

#[test]
fn stopping_keeps_what_is_not_sent() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        life(async {
            let script = Script::new(&vec![Reply::Refuse; 100]);
            let extensions = storage(dir.path(), "");
            let rig = Rig::start_with(script, stored(None), &extensions).await;
            rig.consume(&["a"]).await.unwrap();
            rig.script.attempts(1).await;
            rig.sending.shutdown().await;
            assert_eq!(rig.counts(), [0, 0, 0], "nothing is given up");
        });
    }
    life(async {
        let extensions = storage(dir.path(), "");
        let rig = Rig::start_with(Script::new(&[]), stored(None), &extensions).await;
        rig.script.attempts(3).await;
        assert_eq!(rig.script.names(), vec![["a"]; 3]);
    });
}

#[test]
fn batches_on_disk_are_whole_or_not_sent() {
    let dir = tempfile::tempdir().unwrap();
    let batch = Batch { min_size: 2, ..Batch::default() };
    life(async {
        let script = Script::new(&[Reply::Take, Reply::Hang]);
        let extensions = storage(dir.path(), "");
        let rig = Rig::start_with(script, stored(Some(batch.clone())), &extensions).await;
        for name in ["a", "b", "c", "d", "e"] {
            rig.consume(&[name]).await.unwrap();
        }
        rig.script.attempts(2).await;
    });
    life(async {
        let extensions = storage(dir.path(), "");
        let rig = Rig::start_with(Script::new(&[]), stored(Some(batch)), &extensions).await;
        rig.script.attempts(2).await;
        let names: Vec<String> = rig.script.names().concat();
        assert_eq!(names, ["c", "d", "e"]);
    });
}

#[test]
fn a_full_directory_refuses_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    life(async {
        let script = Script::new(&vec![Reply::Hang; 2]);
        let extensions = storage(dir.path(), "max_size: 400");
        let rig = Rig::start_with(script, stored(None), &extensions).await;
        let mut taken = 0;
        let error = loop {
            match rig.consume(&["a"]).await {
                Ok(_) => taken += 1,
                Err(error) => break error,
            }
        };
        assert!(taken > 2, "{taken}");
        assert!(error.to_string().contains("is full"), "{error}");
        assert!(matches!(error, ConsumeError::Unavailable { .. }), "{error:?}");
        assert_eq!((rig.counts(), rig.account.totals().held), ([0, 0, 1], taken));
    });
}

#[test]
fn a_storage_that_is_missing_is_an_error() {
    let context = ComponentContext {
        id: "test".into(),
        pipeline: "".into(),
        clock: Arc::new(ManualClock::new(0)),
        metrics: Metrics::new(),
        memory: MemoryBudget::unlimited(),
        data_dir: Default::default(),
        account: Account::detached(),
    };
    let transport = life(async { Scripted(Script::new(&[])) });
    let built = Sending::with_transport(transport, stored(None), &Extensions::default(), context);
    let error = built.map(drop).unwrap_err().to_string();
    assert!(error.contains("file_storage") && error.contains("service::extensions"), "{error}");
}
