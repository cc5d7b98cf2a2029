//! The log through restarts, full directories, torn tails and damage.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;

use bytes::Bytes;
use spandrel_model::TenantId;
use spandrel_pipeline::Client;

use super::*;

fn payload(marker: u8, n_bytes: usize) -> Payload {
    let metadata = [("x-tenant".to_owned(), vec!["a".to_owned(), "b".to_owned()])];
    Payload {
        tenant: TenantId::new("team").unwrap(),
        client: Arc::new(Client {
            address: Some("10.0.0.1:4711".parse().unwrap()),
            metadata: metadata.into(),
            auth: [("subject".to_owned(), "secret".to_owned())].into(),
        }),
        otlp: Bytes::from(vec![marker; n_bytes]),
        spans: u64::from(marker),
    }
}

fn open(dir: &Path) -> (QueueLog, Vec<u64>) {
    let (log, stored) = QueueLog::open(dir, LogOptions::default()).unwrap();
    (log, stored.into_iter().map(|stored| stored.sequence).collect())
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|ext| ext == "queue")).collect();
    files.sort();
    files
}

#[test]
fn what_is_not_done_with_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (log, stored) = open(dir.path());
    assert_eq!(stored, [0; 0]);
    for marker in 1..=4 {
        log.append(&payload(marker, 100)).unwrap();
    }
    log.forget(1);
    drop(log);
    let (log, stored) = open(dir.path());
    assert_eq!(stored, [0, 2, 3]);
    let read = log.read(2).unwrap();
    let written = payload(3, 100);
    assert_eq!((read.tenant, read.otlp, read.spans), (written.tenant, written.otlp, 3));
    let client = Client { auth: Default::default(), ..(*written.client).clone() };
    assert_eq!(format!("{:?}", read.client), format!("{client:?}"), "without what auth knew");
    assert_eq!(log.append(&payload(5, 1)).unwrap(), 4, "numbers go on");
}

#[test]
fn an_empty_queue_takes_no_room() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path());
    for marker in 0..3 {
        let sequence = log.append(&payload(marker, 1000)).unwrap();
        log.forget(sequence);
    }
    let lengths: Vec<u64> =
        files(dir.path()).iter().map(|path| fs::metadata(path).unwrap().len()).collect();
    assert_eq!(lengths, [HEADER_BYTES]);
    drop(log);
    assert_eq!(open(dir.path()).1, [0; 0]);
}

#[test]
fn a_full_directory_refuses_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions { fsync: true, max_bytes: 10_000 };
    let (log, _) = QueueLog::open(dir.path(), options.clone()).unwrap();
    let mut taken = Vec::new();
    let error = loop {
        match log.append(&payload(7, 1000)) {
            Ok(sequence) => taken.push(sequence),
            Err(error) => break error,
        }
    };
    assert_eq!(taken.len(), 9);
    let text = error.to_string();
    assert!(text.contains("is full") && text.contains("max_size"), "{text}");
    // The oldest files go when they are done with, and there is room again.
    taken.drain(..4).for_each(|sequence| log.forget(sequence));
    taken.push(log.append(&payload(7, 1000)).unwrap());
    drop(log);
    let (_, stored) = QueueLog::open(dir.path(), options).unwrap();
    assert_eq!(stored.iter().map(|stored| stored.sequence).collect::<Vec<_>>(), taken);
}

#[test]
fn one_that_stays_does_not_hold_the_files_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions { fsync: false, max_bytes: 40_000 };
    let (log, _) = QueueLog::open(dir.path(), options.clone()).unwrap();
    let stays = log.append(&payload(9, 1000)).unwrap();
    for marker in 0..200 {
        let sequence = log.append(&payload(marker, 1000)).unwrap();
        log.forget(sequence);
    }
    assert_eq!(log.read(stays).unwrap().otlp, payload(9, 1000).otlp);
    drop(log);
    let (log, stored) = QueueLog::open(dir.path(), options).unwrap();
    assert_eq!(stored, [Stored { sequence: stays, spans: 9, otlp_bytes: 1000 }]);
    assert_eq!(log.read(stays).unwrap().otlp, payload(9, 1000).otlp);
}

#[test]
fn a_torn_tail_is_cut_at_every_byte() {
    let whole = tempfile::tempdir().unwrap();
    let (log, _) = open(whole.path());
    log.append(&payload(1, 50)).unwrap();
    let first_end = log.state.lock().total_bytes();
    log.append(&payload(2, 50)).unwrap();
    drop(log);
    let bytes = fs::read(&files(whole.path())[0]).unwrap();
    for length in 0..=bytes.len() {
        let dir = tempfile::tempdir().unwrap();
        let name = files(whole.path())[0].file_name().unwrap().to_owned();
        File::create(dir.path().join(name)).unwrap().write_all(&bytes[..length]).unwrap();
        let expected: &[u64] = match length as u64 {
            n if n < first_end => &[],
            n if n < bytes.len() as u64 => &[0],
            _ => &[0, 1],
        };
        let (log, stored) = open(dir.path());
        assert_eq!(stored, expected, "{length} bytes");
        let sequence = log.append(&payload(3, 50)).unwrap();
        drop(log);
        let (log, stored) = open(dir.path());
        assert_eq!(stored.last(), Some(&sequence), "{length} bytes");
        assert_eq!(log.read(sequence).unwrap().otlp, payload(3, 50).otlp);
    }
}

#[test]
fn damage_in_an_old_file_costs_what_follows_in_it_only() {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions { fsync: false, max_bytes: 16_000 };
    let (log, _) = QueueLog::open(dir.path(), options.clone()).unwrap();
    for marker in 0..6 {
        log.append(&payload(marker, 1000)).unwrap();
    }
    drop(log);
    let files = files(dir.path());
    assert!(files.len() > 2, "{files:?}");
    let mut file = OpenOptions::new().write(true).open(&files[0]).unwrap();
    file.seek(SeekFrom::Start(1500)).unwrap();
    file.write_all(&[0xff; 4]).unwrap();
    drop(file);
    let (log, stored) = QueueLog::open(dir.path(), options).unwrap();
    let sequences: Vec<u64> = stored.iter().map(|stored| stored.sequence).collect();
    assert_eq!(sequences, [0, 2, 3, 4, 5]);
    assert!(files[0].with_extension("queue.damaged").try_exists().unwrap());
    assert!(sequences.iter().all(|sequence| log.read(*sequence).is_ok()));
}

#[test]
fn a_directory_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, _) = open(dir.path());
    let error = QueueLog::open(dir.path(), LogOptions::default()).map(drop).unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
}
