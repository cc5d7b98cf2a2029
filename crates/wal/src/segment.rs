//! Segment files: their names, what the log remembers of them, and how one is made.

use std::io;

use crate::env::{Env, WalFile};
use crate::error::WalError;
use crate::format::{HEADER_BYTES, encode_header};
use crate::writer::Durability;

const NAME_PREFIX: &str = "segment-";
const NAME_SUFFIX: &str = ".wal";

/// The name under which a segment is prepared, one at a time.
const TEMPORARY_NAME: &str = "segment.tmp";

/// The largest sequence number a name may hold. Nothing gets there; it keeps sums from overflowing
/// when somebody else has put a strange file name into the directory.
const SEQ_MAX: u64 = u64::MAX / 2;

/// A segment that is no longer written.
#[derive(Debug)]
pub(crate) struct SealedSegment {
    pub(crate) first_seq: u64,
    /// Every acknowledged record of the segment is below.
    pub(crate) end_seq: u64,
    /// Bytes on disk.
    pub(crate) bytes: u64,
}

/// The segment that records are appended to.
pub(crate) struct ActiveSegment {
    pub(crate) file: Box<dyn WalFile>,
    pub(crate) first_seq: u64,
    /// Bytes of the header and the acknowledged records, which is where the next group goes.
    pub(crate) bytes: u64,
}

impl ActiveSegment {
    /// Makes an empty segment with a whole and durable header, not yet under its name.
    pub(crate) fn prepare(
        env: &dyn Env,
        first_seq: u64,
        durability: Durability,
    ) -> Result<Self, WalError> {
        let prepare = || -> io::Result<Self> {
            let file = env.create(TEMPORARY_NAME)?;
            file.write_at(&encode_header(first_seq), 0)?;
            if durability == Durability::Fsync {
                file.sync_data()?;
            }
            Ok(Self { file, first_seq, bytes: HEADER_BYTES as u64 })
        };
        prepare().map_err(|source| create_error(env, first_seq, source))
    }

    /// Gives the prepared segment its name, in place of a segment without acknowledged records.
    ///
    /// After an error the name may or may not be there, now or after a crash.
    pub(crate) fn publish(&self, env: &dyn Env, durability: Durability) -> Result<(), WalError> {
        let publish = || -> io::Result<()> {
            env.rename(TEMPORARY_NAME, &file_name(self.first_seq))?;
            if durability == Durability::Fsync { env.sync_dir() } else { Ok(()) }
        };
        publish().map_err(|source| create_error(env, self.first_seq, source))
    }

    /// Whether no record has been acknowledged from it.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == HEADER_BYTES as u64
    }
}

fn create_error(env: &dyn Env, first_seq: u64, source: io::Error) -> WalError {
    WalError::Io { operation: "create", path: env.path(&file_name(first_seq)), source }
}

pub(crate) fn file_name(first_seq: u64) -> String {
    format!("{NAME_PREFIX}{first_seq:016x}{NAME_SUFFIX}")
}

/// The first sequence number of the segments among `names`, ascending; other files are ignored.
pub(crate) fn first_seqs(names: &[String]) -> Vec<u64> {
    let mut first_seqs: Vec<u64> = names.iter().filter_map(|name| parse_name(name)).collect();
    first_seqs.sort_unstable();
    first_seqs
}

fn parse_name(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(NAME_PREFIX)?.strip_suffix(NAME_SUFFIX)?;
    let first_seq = u64::from_str_radix(digits, 16).ok().filter(|seq| *seq <= SEQ_MAX)?;
    // Only the spelling that the log gives: `+1` or upper case would be two names for one segment.
    (file_name(first_seq) == name).then_some(first_seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_names_are_segments() {
        assert_eq!(file_name(0xabc), "segment-0000000000000abc.wal");
        let names = [
            "segment-0000000000000abc.wal",
            "segment-0000000000000002.wal",
            "segment-0000000000000ABC.wal",
            "segment-+000000000000002.wal",
            "segment-2.wal",
            "segment-ffffffffffffffff.wal",
            "segment.tmp",
            "LOCK",
            "corrupt",
        ];
        assert_eq!(first_seqs(&names.map(str::to_owned)), [2, 0xabc]);
    }
}
