//! The everyday life of a log: reopen, rotate, truncate, budgets, full disks, newer versions.

use std::path::Path;
use std::sync::Arc;

use spandrel_wal::{
    Durability, PAYLOAD_BYTES_MAX, Record, TENANT_BYTES_MAX, Wal, WalError, WalOptions,
};

use crate::fault_env::{Fault, FaultEnv};
use crate::{options, read_all, record, replayed};

fn ten_records() -> Vec<Record> {
    (0..10_u8).map(|i| record("shop", u64::from(i), &[i; 100])).collect()
}

fn open_in(env: &FaultEnv) -> Wal {
    let (wal, _) = Wal::open_in(Arc::new(env.clone()), options()).unwrap();
    wal
}

fn n_files(dir: &Path) -> usize {
    let entries = std::fs::read_dir(dir).unwrap();
    entries.filter(|it| it.as_ref().unwrap().path().extension() == Some("wal".as_ref())).count()
}

#[test]
fn records_come_back_after_a_restart_in_order_and_once() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("new/wal");
    for durability in [Durability::Fsync, Durability::Os] {
        let options = WalOptions { durability, ..options() };
        let (mut wal, replay) = Wal::open(&dir, options).unwrap();
        let (before, _) = read_all(replay);
        let first_seq = wal.next_seq();
        let records = ten_records();
        assert_eq!(wal.append_group(&records[..4]).unwrap(), first_seq..first_seq + 4);
        assert_eq!(wal.append_group(&[]).unwrap(), first_seq + 4..first_seq + 4);
        assert_eq!(wal.append_group(&records[4..]).unwrap(), first_seq + 4..first_seq + 10);
        drop(wal);

        let (wal, replay) = Wal::open(&dir, options).unwrap();
        let (after, report) = read_all(replay);
        let written = (first_seq..).zip(&records).map(|(seq, it)| replayed(seq, it));
        assert!(after.iter().cloned().eq(before.into_iter().chain(written)));
        assert_eq!((report.records, report.torn_bytes), (first_seq + 9, 0));
        assert_eq!(wal.next_seq(), first_seq + 10);
    }
}

#[test]
fn a_log_has_one_owner() {
    let temp = tempfile::tempdir().unwrap();
    let first = Wal::open(temp.path(), options()).unwrap();
    let err = Wal::open(temp.path(), options()).err().unwrap();
    assert!(err.to_string().contains("is in use by another process"), "{err}");
    assert!(!err.is_retryable());
    drop(first);
    Wal::open(temp.path(), options()).unwrap();
}

#[test]
fn truncation_deletes_whole_segments_and_keeps_the_next_number() {
    let temp = tempfile::tempdir().unwrap();
    let (mut wal, _) = Wal::open(temp.path(), options()).unwrap();
    let empty_bytes = wal.bytes_on_disk();
    assert_eq!(wal.rotate().unwrap(), 1..1);
    wal.append_group(&ten_records()[..5]).unwrap();
    assert_eq!(wal.rotate().unwrap(), 1..6);
    wal.append_group(&ten_records()[..5]).unwrap();
    assert_eq!(wal.rotate().unwrap(), 6..11);
    assert_eq!((wal.segments(), n_files(temp.path())), (3, 3));

    assert_eq!(wal.truncate_before(5).unwrap(), 0);
    assert_eq!(wal.truncate_before(6).unwrap(), 1);
    assert_eq!(wal.truncate_before(u64::MAX).unwrap(), 1);
    assert_eq!((wal.segments(), n_files(temp.path())), (1, 1));
    assert_eq!(wal.bytes_on_disk(), empty_bytes);
    drop(wal);

    let (wal, replay) = Wal::open(temp.path(), options()).unwrap();
    assert_eq!(read_all(replay).0, []);
    assert_eq!((wal.next_seq(), wal.segments(), n_files(temp.path())), (11, 1, 1));
}

#[test]
fn truncation_spares_what_is_not_replayed_yet() {
    let env = FaultEnv::default();
    let mut wal = open_in(&env);
    for _ in 0..3 {
        wal.append_group(&ten_records()[..2]).unwrap();
        wal.rotate().unwrap();
    }
    drop(wal);
    let (mut wal, mut replay) = Wal::open_in(Arc::new(env), options()).unwrap();
    let mut deleted = vec![wal.truncate_before(u64::MAX).unwrap()];
    for seq in 1..=6 {
        assert_eq!(replay.next().unwrap().unwrap().seq, seq);
        deleted.push(wal.truncate_before(u64::MAX).unwrap());
    }
    assert!(replay.next().is_none());
    deleted.push(wal.truncate_before(u64::MAX).unwrap());
    assert_eq!(deleted, [0, 0, 0, 1, 0, 1, 0, 1]);
    assert_eq!(replay.report().damages, 0);
}

#[test]
fn the_callers_truncation_point_holds_even_when_the_log_has_lost_its_end() {
    let env = FaultEnv::default();
    let mut wal = open_in(&env);
    let records = ten_records();
    wal.append_group(&records).unwrap();
    drop(wal);
    let from_6 = WalOptions { replay_from_seq: 6, ..options() };
    let (wal, replay) = Wal::open_in(Arc::new(env.clone()), from_6).unwrap();
    let expected: Vec<_> = (6..).zip(&records[5..]).map(|(seq, it)| replayed(seq, it)).collect();
    assert_eq!(read_all(replay).0, expected);
    drop(wal);
    let from_50 = WalOptions { replay_from_seq: 50, ..options() };
    let (wal, replay) = Wal::open_in(Arc::new(env), from_50).unwrap();
    assert_eq!((read_all(replay).0.len(), wal.next_seq()), (0, 50));
}

#[test]
fn segments_are_sealed_before_they_grow_too_large() {
    let env = FaultEnv::default();
    let mut wal = open_in(&env);
    for _ in 0..5 {
        wal.append_group(&ten_records()[..3]).unwrap();
    }
    wal.append_group(&[record("shop", 0, &[1; 5_000])]).unwrap();
    let sizes: Vec<_> = env.files().into_values().map(|bytes| bytes.len()).collect();
    assert_eq!(sizes, [24 + 6 * 129, 24 + 6 * 129, 24 + 3 * 129, 24 + 5_029]);
}

#[test]
fn the_budget_refuses_a_group_until_truncation_makes_room() {
    let env = FaultEnv::default();
    let options = WalOptions { bytes_max: 1_400, ..options() };
    let (mut wal, _) = Wal::open_in(Arc::new(env), options).unwrap();
    wal.append_group(&ten_records()).unwrap();
    let err = wal.append_group(&ten_records()[..1]).unwrap_err();
    assert!(matches!(err, WalError::Full { used: 1_314, limit: 1_400 }), "{err:?}");
    assert_eq!(err.to_string(), "write-ahead log is full: 1.3 KiB of 1.4 KiB are used");
    assert!(err.is_retryable() && err.is_disk_full());
    wal.rotate().unwrap();
    wal.truncate_before(11).unwrap();
    assert_eq!(wal.append_group(&ten_records()[..1]).unwrap(), 11..12);
}

#[test]
fn a_full_disk_refuses_a_group_and_nothing_else() {
    let env = FaultEnv::default();
    let mut wal = open_in(&env);
    wal.append_group(&ten_records()[..2]).unwrap();
    env.set_capacity(Some(400));
    let err = wal.append_group(&ten_records()[2..4]).unwrap_err();
    assert!(err.is_disk_full() && err.is_retryable(), "{err:?}");
    // The part that was written is gone, so a smaller group fits, in the same segment.
    assert_eq!(wal.bytes_on_disk(), 24 + 2 * 129);
    assert_eq!(wal.append_group(&[record("s", 0, b"small")]).unwrap(), 3..4);
    assert_eq!(wal.segments(), 1);
    drop(wal);

    env.set_capacity(Some(0));
    let (mut wal, replay) = Wal::open_in(Arc::new(env.clone()), options()).unwrap();
    assert_eq!(read_all(replay).0.len(), 3);
    wal.append_group(&ten_records()[..1]).unwrap_err();
    // Without an active segment, the newest one is what remembers the next number.
    assert_eq!(wal.truncate_before(4).unwrap(), 0);
    env.set_capacity(None);
    assert_eq!(wal.append_group(&ten_records()[..1]).unwrap(), 4..5);
    assert_eq!(wal.truncate_before(4).unwrap(), 1);
}

#[test]
fn rotation_replaces_a_segment_that_could_not_be_replaced() {
    let env = FaultEnv::default();
    let mut wal = open_in(&env);
    wal.append_group(&ten_records()[..2]).unwrap();
    // The write, its undoing, that again, and the next segment.
    (0..4).for_each(|n| env.arm(n, Fault::Error, 0));
    wal.append_group(&ten_records()[2..4]).unwrap_err();
    assert_eq!((env.n_fired(), wal.truncate_before(3).unwrap()), (4, 0));
    assert_eq!(wal.rotate().unwrap(), 3..3);
    assert_eq!(wal.truncate_before(3).unwrap(), 1);
    assert_eq!(wal.append_group(&ten_records()[..1]).unwrap(), 3..4);
}

#[test]
fn after_a_failed_sync_the_segment_is_abandoned() {
    for can_be_cut in [true, false] {
        let env = FaultEnv::default();
        let mut wal = open_in(&env);
        wal.append_group(&ten_records()[..2]).unwrap();
        env.arm(1, Fault::Error, 0);
        if !can_be_cut {
            env.arm(2, Fault::Error, 0);
        }
        let err = wal.append_group(&ten_records()[2..4]).unwrap_err();
        assert!(err.to_string().starts_with("cannot sync memory/segment-"), "{err}");
        assert_eq!((wal.segments(), wal.next_seq()), (2, 3));
        let sizes: Vec<_> = env.files().into_values().map(|bytes| bytes.len()).collect();
        assert_eq!(sizes, [24 + if can_be_cut { 2 } else { 4 } * 129, 24]);
        assert_eq!(wal.bytes_on_disk(), sizes.iter().sum::<usize>() as u64);
        assert_eq!(wal.append_group(&ten_records()[4..6]).unwrap(), 3..5);
        drop(wal);
        for power_cut in [false, true] {
            if power_cut {
                env.power_cut(3);
            }
            let (_, replay) = Wal::open_in(Arc::new(env.clone()), options()).unwrap();
            let (records, report) = read_all(replay);
            let payloads: Vec<_> = records.iter().map(|record| record.payload[0]).collect();
            assert_eq!((payloads, report.damages), (vec![0, 1, 4, 5], 0));
            let is_left = !can_be_cut && !power_cut;
            assert_eq!(report.abandoned_bytes, if is_left { 2 * 129 } else { 0 });
        }
    }
}

#[test]
fn a_record_that_does_not_fit_the_format_is_rejected() {
    let env = FaultEnv::default();
    let mut wal = open_in(&env);
    let tenant = "t".repeat(TENANT_BYTES_MAX + 1);
    let payload = vec![0; PAYLOAD_BYTES_MAX + 1];
    for (record, field) in
        [(record(&tenant, 0, b""), "tenant"), (record("", 0, &payload), "payload")]
    {
        let err = wal.append_group(&[ten_records()[0].clone(), record]).unwrap_err();
        assert!(err.to_string().starts_with(field), "{err}");
        assert!(!err.is_retryable());
    }
    let longest = record(&tenant[1..], 0, b"");
    assert_eq!(wal.append_group(std::slice::from_ref(&longest)).unwrap(), 1..2);
    drop(wal);
    let (_, replay) = Wal::open_in(Arc::new(env), options()).unwrap();
    assert_eq!(read_all(replay).0, [replayed(1, &longest)]);
}

#[test]
fn a_newer_version_is_refused_and_nothing_is_changed() {
    let env = FaultEnv::default();
    let mut wal = open_in(&env);
    wal.append_group(&ten_records()).unwrap();
    wal.rotate().unwrap();
    drop(wal);
    let mut files = env.files();
    let (name, newer) = files.iter_mut().next().unwrap();
    newer[8] = 2;
    let crc = crc32fast::hash(&newer[..20]);
    newer[20..24].copy_from_slice(&crc.to_le_bytes());
    let name = name.clone();

    let env = FaultEnv::with_files(&files);
    let err = Wal::open_in(Arc::new(env.clone()), options()).err().unwrap();
    let expected = format!(
        "memory/{name} has format version 2, this program reads up to version 1; \
         start the newer program again or let it flush the log before going back"
    );
    assert_eq!(err.to_string(), expected);
    assert!(!err.is_retryable());
    assert_eq!(env.files(), files);
}

#[test]
fn the_operating_system_durability_never_syncs() {
    let env = FaultEnv::default();
    let options = WalOptions { durability: Durability::Os, ..options() };
    let (mut wal, _) = Wal::open_in(Arc::new(env.clone()), options).unwrap();
    wal.append_group(&ten_records()).unwrap();
    wal.rotate().unwrap();
    wal.truncate_before(11).unwrap();
    assert_eq!(env.n_syncs(), 0);
}
