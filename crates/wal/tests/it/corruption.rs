//! Damaged segments: no panic, no wrong record, and no loss beyond the damaged bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};
use spandrel_wal::{Record, ReplayReport, ReplayedRecord, Wal};

use crate::fault_env::FaultEnv;
use crate::{options, read_all, record, replayed};

type Files = BTreeMap<String, Vec<u8>>;

/// Three segments of four records each, as files and as what must come back.
fn written_log() -> (Files, Vec<ReplayedRecord>) {
    let env = FaultEnv::default();
    let (mut wal, _) = Wal::open_in(Arc::new(env.clone()), options()).unwrap();
    let mut expected = Vec::new();
    for segment in 0..3_u8 {
        wal.rotate().unwrap();
        let records: Vec<Record> =
            (0..4).map(|i| record("shop", 1 << i, &[segment * 4 + i; 5])).collect();
        let seqs = wal.append_group(&records).unwrap();
        expected.extend(seqs.zip(&records).map(|(seq, it)| replayed(seq, it)));
    }
    (env.files(), expected)
}

fn open(files: &Files) -> (FaultEnv, u64, Vec<ReplayedRecord>, ReplayReport) {
    let env = FaultEnv::with_files(files);
    let (wal, replay) = Wal::open_in(Arc::new(env.clone()), options()).unwrap();
    let (records, report) = read_all(replay);
    (env, wal.next_seq(), records, report)
}

#[test]
fn a_flipped_bit_costs_at_most_the_record_it_is_in() {
    const RECORD_BYTES: usize = 25 + 4 + 5;
    let (files, expected) = written_log();
    assert_eq!(open(&files).2, expected);
    for (i_file, (name, bytes)) in files.iter().enumerate() {
        for bit in 0..bytes.len() * 8 {
            let mut damaged = files.clone();
            damaged.get_mut(name).unwrap()[bit / 8] ^= 1 << (bit % 8);
            let (env, next_seq, records, report) = open(&damaged);

            let hit = (bit / 8).checked_sub(24).map(|offset| i_file * 4 + offset / RECORD_BYTES);
            let mut left = expected.clone();
            if let Some(hit) = hit {
                left.remove(hit);
            }
            assert_eq!(records, left, "{name} bit {bit}");
            if hit == Some(11) {
                // Damage to the last record of all looks like an append that was interrupted.
                assert_eq!((report.damages, report.torn_bytes), (0, RECORD_BYTES as u64));
                assert_eq!((env.preserved().len(), next_seq), (0, 12));
            } else {
                assert_eq!((report.damages, report.torn_bytes), (1, 0));
                assert_eq!(report.lost_records, u64::from(hit.is_some()));
                assert!(env.preserved().into_iter().eq([name.clone()]));
                assert_eq!(next_seq, 13);
            }
        }
    }
}

#[test]
fn a_torn_tail_is_cut_at_every_length() {
    let (files, expected) = written_log();
    let last = files.keys().next_back().unwrap();
    for len in 0..files[last].len() {
        let mut torn = files.clone();
        torn.get_mut(last).unwrap().truncate(len);
        let (env, next_seq, records, report) = open(&torn);
        let n_whole = 8 + len.saturating_sub(24) / 34;
        assert_eq!(records, expected[..n_whole], "{len} bytes");
        assert_eq!((report.damages, next_seq), (0, n_whole as u64 + 1));
        let n_torn = if len < 24 { len } else { (len - 24) % 34 };
        assert_eq!(report.torn_bytes, n_torn as u64);
        // The cut is on disk: the next start finds nothing torn.
        env.power_cut(1);
        let (_, _, records, report) = open(&env.files());
        assert_eq!((records.len(), report.torn_bytes), (n_whole, 0));
    }
}

#[test]
fn a_sealed_segment_that_ends_too_early_or_is_missing_is_reported() {
    let (mut files, expected) = written_log();
    let names: Vec<_> = files.keys().cloned().collect();
    files.get_mut(&names[0]).unwrap().truncate(24 + 2 * 34 + 10);
    let (_, _, records, report) = open(&files);
    assert_eq!(records, [&expected[..2], &expected[4..]].concat());
    assert_eq!((report.damages, report.damaged_bytes, report.lost_records), (1, 10, 2));
    assert_eq!(report.damages_listed[0].segment, names[0]);
    assert_eq!(report.damages_listed[0].offset, 24 + 2 * 34);

    files.remove(&names[1]);
    let (_, _, records, report) = open(&files);
    assert_eq!(records, [&expected[..2], &expected[8..]].concat());
    assert_eq!(report.lost_records, 6);
}

#[test]
fn a_payload_that_looks_like_the_log_is_not_replayed_in_place_of_a_damaged_record() {
    let (files, _) = written_log();
    let inner = files.values().next().unwrap();
    let env = FaultEnv::default();
    let (mut wal, _) = Wal::open_in(Arc::new(env.clone()), options()).unwrap();
    let outer = [record("a", 1, inner), record("b", 2, b"next"), record("c", 3, b"last")];
    wal.append_group(&outer).unwrap();
    drop(wal);
    let mut files = env.files();
    // The checksum field: the record is bad, its length is not.
    files.values_mut().next().unwrap()[24 + 4] ^= 1;
    let (_, _, records, report) = open(&files);
    assert_eq!(records, [replayed(2, &outer[1]), replayed(3, &outer[2])]);
    assert_eq!(report.lost_records, 1);
}

#[test]
fn a_damaged_segment_stays_as_evidence_after_truncation() {
    let temp = tempfile::tempdir().unwrap();
    let (mut wal, _) = Wal::open(temp.path(), options()).unwrap();
    wal.append_group(&[record("a", 1, b"first"), record("a", 2, b"second")]).unwrap();
    drop(wal);
    let name = "segment-0000000000000001.wal";
    let file = std::fs::OpenOptions::new().write(true).open(temp.path().join(name)).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"X", 24 + 25 + 1).unwrap();
    let damaged = std::fs::read(temp.path().join(name)).unwrap();

    for _ in 0..2 {
        let (_wal, replay) = Wal::open(temp.path(), options()).unwrap();
        let (records, report) = read_all(replay);
        assert_eq!((records.len(), report.damages), (1, 1));
    }
    let (mut wal, _) = Wal::open(temp.path(), options()).unwrap();
    assert_eq!(wal.truncate_before(3).unwrap(), 1);
    assert!(!temp.path().join(name).try_exists().unwrap());
    assert_eq!(std::fs::read(temp.path().join("corrupt").join(name)).unwrap(), damaged);
}

#[derive(Clone, Debug)]
enum Damage {
    Overwrite { at: usize, bytes: Vec<u8> },
    Cut { at: usize },
    Insert { at: usize, bytes: Vec<u8> },
}

/// Whatever happens to the files, what comes back was written, in order and once, and what a
/// second start gives back is the same.
#[test]
fn random_damage_never_invents_a_record() {
    let bytes = || vec(prop_oneof![Just(0), any::<u8>()], 1..80);
    let damage = prop_oneof![
        (any::<usize>(), bytes()).prop_map(|(at, bytes)| Damage::Overwrite { at, bytes }),
        any::<usize>().prop_map(|at| Damage::Cut { at }),
        (any::<usize>(), bytes()).prop_map(|(at, bytes)| Damage::Insert { at, bytes }),
    ];
    let config = ProptestConfig {
        cases: 5_000,
        rng_seed: RngSeed::Fixed(0x6472_656c),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let (files, expected) = written_log();
    let damages = vec((0..3_usize, damage), 1..4);
    let run = TestRunner::new(config).run(&damages, |damages| {
        let mut damaged = files.clone();
        for (i_file, damage) in damages {
            let file = damaged.values_mut().nth(i_file).unwrap();
            let place = |at: usize| at % (file.len() + 1);
            match damage {
                Damage::Overwrite { at, bytes } => {
                    let at = place(at);
                    let n_bytes = bytes.len().min(file.len() - at);
                    file[at..at + n_bytes].copy_from_slice(&bytes[..n_bytes]);
                }
                Damage::Cut { at } => file.truncate(place(at)),
                Damage::Insert { at, bytes } => {
                    let at = place(at);
                    file.splice(at..at, bytes);
                }
            }
        }
        let (env, _, records, _) = open(&damaged);
        let seqs: Vec<_> = records.iter().map(|record| record.seq).collect();
        assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
        assert!(records.iter().all(|record| expected.contains(record)));
        assert_eq!(open(&env.files()).2, records);
        Ok(())
    });
    if let Err(err) = run {
        panic!("{err}");
    }
}
