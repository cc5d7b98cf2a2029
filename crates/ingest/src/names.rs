//! The names under which the catalogue remembers how much of the log is in blocks.
//!
//! A commit says "this block contains the log `wal/<uuid>` up to number n", and a replay leaves out what
//! the catalogue contains. That is only right while a number means one record. A log can lose its end (a
//! disk that lied about a sync, `durability: os` and a power cut, a folder restored from a backup) and then
//! gives the lost numbers out again. So every start of the process takes a new name for the records that it
//! is going to write, and the file `names` in the folder of the log says which name goes with which
//! numbers. A number that is used twice then belongs to two names.
//!
//! ```text
//! names      <first_seq> <uuid> LF      ascending; a name ends where the next one begins
//! ```
//!
//! Without the file (lost, damaged) the whole log replays: spans may then be stored twice, none is lost.

use std::path::Path;

use spandrel_base::fs::{self, FsError};
use spandrel_catalog::{BlockId, CatalogSnapshot};

const FILE_NAME: &str = "names";

/// Which name goes with which sequence numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LogNames {
    /// Ascending in the first number; a name ends where the next one begins.
    names: Vec<LogName>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct LogName {
    first_seq: u64,
    uuid: String,
}

impl LogName {
    /// The id of this part of the log in the catalogue.
    fn application(&self) -> String {
        format!("wal/{}", self.uuid)
    }
}

impl LogNames {
    /// The names of the log in `wal_dir`, which has to be locked.
    pub(crate) fn read(wal_dir: &Path) -> Result<Self, FsError> {
        let path = wal_dir.join(FILE_NAME);
        if !fs::try_exists(&path)? {
            return Ok(Self::default());
        }
        let parsed = Self::parse(&fs::read(&path)?);
        Ok(parsed.unwrap_or_else(|| {
            tracing::error!(
                file = %path.display(),
                "names of the write-ahead log are damaged, spans that are in blocks may be stored again"
            );
            Self::default()
        }))
    }

    /// Takes a name for the records from `next_seq` on.
    pub(crate) fn begin(&mut self, next_seq: u64) {
        // No record is left of names that would begin later.
        self.names.retain(|name| name.first_seq < next_seq);
        let first_seq = if self.names.is_empty() { 0 } else { next_seq };
        self.names.push(LogName { first_seq, uuid: BlockId::generate(0).to_string() });
    }

    /// Writes the names of the records that the log still has, the oldest of which has the number
    /// `oldest_seq`, and of those to come.
    pub(crate) fn write(&self, wal_dir: &Path, oldest_seq: u64) -> Result<(), FsError> {
        let ends = self.names.iter().skip(1).map(|name| name.first_seq).chain([u64::MAX]);
        let needed = self.names.iter().zip(ends).filter(|(_, end)| *end > oldest_seq);
        let lines = needed.map(|(name, _)| format!("{} {}\n", name.first_seq, name.uuid));
        fs::replace(&wal_dir.join(FILE_NAME), lines.collect::<String>().as_bytes())
    }

    /// Whether the blocks of a tenant contain its record with this number.
    pub(crate) fn contains(&self, catalog: &CatalogSnapshot, seq: u64) -> bool {
        let name = self.names.iter().rfind(|name| name.first_seq <= seq);
        let committed = name.and_then(|name| catalog.application_id(&name.application()));
        committed.and_then(|last| u64::try_from(last).ok()).is_some_and(|last| seq <= last)
    }

    /// What a commit says whose blocks hold everything up to and including `last` that is not in
    /// blocks yet, the oldest of it being `first`.
    pub(crate) fn application_ids(&self, (first, last): (u64, u64)) -> Vec<(String, i64)> {
        let ends = self.names.iter().skip(1).map(|name| name.first_seq).chain([u64::MAX]);
        let overlapping = self
            .names
            .iter()
            .zip(ends)
            .filter(|(name, end)| name.first_seq <= last && first < *end);
        overlapping
            .map(|(name, end)| (name.application(), last.min(end - 1).cast_signed()))
            .collect()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
        let mut names: Vec<LogName> = Vec::new();
        for line in text.split('\n') {
            let (first_seq, uuid) = line.split_once(' ')?;
            let first_seq = first_seq.parse().ok()?;
            let uuid = uuid.parse::<BlockId>().ok()?.to_string();
            if names.last().is_some_and(|last| last.first_seq >= first_seq) {
                return None;
            }
            names.push(LogName { first_seq, uuid });
        }
        Some(Self { names })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(names: &LogNames) -> Vec<u64> {
        names.names.iter().map(|name| name.first_seq).collect()
    }

    #[test]
    fn each_start_names_its_own_records() {
        let mut names = LogNames::default();
        names.begin(1);
        assert_eq!(starts(&names), [0]);
        names.begin(101);
        names.begin(201);
        assert_eq!(starts(&names), [0, 101, 201]);

        let name = |i: usize| names.names[i].application();
        assert_eq!(names.application_ids((50, 100)), [(name(0), 100)]);
        assert_eq!(names.application_ids((50, 101)), [(name(0), 100), (name(1), 101)]);
        assert_eq!(names.application_ids((101, 200)), [(name(1), 200)]);
        assert_eq!(
            names.application_ids((1, 999)),
            [(name(0), 100), (name(1), 200), (name(2), 999)]
        );

        // The log lost its end: 150 to 200 are given out again, under another name.
        names.begin(150);
        assert_eq!(starts(&names), [0, 101, 150]);
        assert_ne!(names.names[2].uuid, names.names[1].uuid);
    }

    #[test]
    fn names_survive_the_file_and_old_ones_leave_it() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(LogNames::read(dir.path()).unwrap(), LogNames::default());
        let mut names = LogNames::default();
        for next_seq in [1, 101, 201] {
            names.begin(next_seq);
        }
        names.write(dir.path(), 0).unwrap();
        assert_eq!(LogNames::read(dir.path()).unwrap(), names);
        names.write(dir.path(), 101).unwrap();
        assert_eq!(starts(&LogNames::read(dir.path()).unwrap()), [101, 201]);
        names.write(dir.path(), u64::MAX - 1).unwrap();
        assert_eq!(starts(&LogNames::read(dir.path()).unwrap()), [201]);
    }

    #[test]
    fn a_damaged_file_names_nothing() {
        let good = "1 00000000-0000-7000-8000-000000000001\n";
        assert!(LogNames::parse(good.as_bytes()).is_some());
        let twice = format!("{good}{good}");
        for bad in
            ["", "\n", "1\n", "x y\n", "1 2\n", &good[..good.len() - 1], &twice, "\u{fffd}\n"]
        {
            assert_eq!(LogNames::parse(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
