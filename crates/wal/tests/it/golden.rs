//! Files of every version that was ever written open forever; the current version writes the same.
//!
//! The files in `testdata/v1/` were made from `docs/formats/wal.md` by a program in another
//! language, not by this crate. They are never rewritten.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use spandrel_wal::{Record, Wal, WalOptions};

use crate::fault_env::FaultEnv;
use crate::{options, read_all, record, replayed};

const FILE_NAMES: [&str; 2] = ["segment-0000000000000001.wal", "segment-0000000000000004.wal"];

fn golden_path(name: &str) -> PathBuf {
    Path::new("testdata/v1").join(name)
}

fn golden_records() -> [Record; 5] {
    let every_byte: Vec<u8> = (0..=255).collect();
    [
        record("single-tenant", 1_700_000_000_000_000_000, b"first"),
        record("", 0, b""),
        record("m\u{fc}nchen", u64::MAX, &every_byte),
        record("single-tenant", 1_700_000_000_000_000_001, &[0; 1_000]),
        record("t", 1_700_000_000_000_000_002, b"last"),
    ]
}

#[test]
fn version_1_is_read() {
    let temp = tempfile::tempdir().unwrap();
    for name in FILE_NAMES {
        std::fs::copy(golden_path(name), temp.path().join(name)).unwrap();
    }
    let (wal, replay) = Wal::open(temp.path(), options()).unwrap();
    let (records, report) = read_all(replay);
    let expected: Vec<_> =
        (1..).zip(&golden_records()).map(|(seq, it)| replayed(seq, it)).collect();
    assert_eq!(records, expected);
    assert_eq!((report.torn_bytes, report.damages, wal.next_seq()), (0, 0, 6));
}

#[test]
fn version_1_is_written() {
    let env = FaultEnv::default();
    let options = WalOptions { segment_bytes_max: 1 << 20, ..options() };
    let (mut wal, _) = Wal::open_in(Arc::new(env.clone()), options).unwrap();
    let records = golden_records();
    wal.append_group(&records[..3]).unwrap();
    wal.rotate().unwrap();
    wal.append_group(&records[3..]).unwrap();
    let files = env.files();
    assert!(files.keys().eq(FILE_NAMES));
    for (name, bytes) in files {
        assert_eq!(bytes, std::fs::read(golden_path(&name)).unwrap(), "{name}");
    }
}
