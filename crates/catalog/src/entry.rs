//! One block as the table knows it, and a set of changes to the table.

use std::collections::HashSet;

use crate::{BlockId, CatalogError};

/// Where what is read first lies at the end of a block's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockTail {
    /// From the first byte of the block index to the end of the file: all that opening the block reads.
    pub bytes: u64,
    /// As many of these, from the first, hold the filter that rules the block out for a trace id.
    pub trace_filter_bytes: u64,
}

/// One block in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockEntry {
    /// The block's id; also the stem of its file name.
    pub id: BlockId,
    /// Where the file is, relative to the table root: `blocks/<date>/<uuid>.parquet`. Letters,
    /// digits and `-_.=/` only, so that it needs no escaping in the log.
    pub path: String,
    /// Size of the file.
    pub size_bytes: u64,
    /// Rows in the file.
    pub n_spans: u64,
    /// Distinct trace ids in the file.
    pub n_traces: u64,
    /// Start of the earliest span.
    pub min_start_unix_nanos: u64,
    /// End of the span that ends last, where a span that claims to end before it starts counts
    /// with its start: never before the start of any span, since other engines skip blocks by it.
    pub max_end_unix_nanos: u64,
    /// Start of the trace that starts last, as far as this block knows.
    pub max_trace_start_unix_nanos: u64,
    /// When the newest span was received, or later: compaction gives a block a new id, but spans do
    /// not get younger by it. Stored when it is not the time in the id, which it is in an entry that
    /// does not say.
    pub max_received_unix_nanos: u64,
    /// Version of the block format.
    pub format_version: u16,
    /// How many compactions the block has been through.
    pub level: u8,
    /// What to read first; `None` in an entry that does not say.
    pub tail: Option<BlockTail>,
}

impl BlockTail {
    /// Whether a file of this size can have it.
    pub(crate) fn fits(&self, size_bytes: u64) -> bool {
        self.bytes <= size_bytes && self.trace_filter_bytes <= self.bytes
    }
}

impl BlockEntry {
    /// Reads the block id out of a path of the form that [`BlockEntry::path`] describes.
    pub(crate) fn id_in_path(path: &str) -> Option<BlockId> {
        let file_name = path.rsplit('/').next()?;
        file_name.strip_suffix(".parquet")?.parse().ok()
    }

    fn validate(&self) -> Result<(), String> {
        let segments_are_plain =
            self.path.split('/').all(|segment| !matches!(segment, "" | "." | ".."));
        let needs_no_escape =
            self.path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=/".contains(&byte));
        if !segments_are_plain || !needs_no_escape {
            return Err(format!("path {:?} is not a plain relative path", self.path));
        }
        if Self::id_in_path(&self.path) != Some(self.id) {
            return Err(format!("path {:?} does not end in {}.parquet", self.path, self.id));
        }
        // The Delta protocol stores both as signed 64-bit numbers.
        if i64::try_from(self.size_bytes).is_err() || i64::try_from(self.n_spans).is_err() {
            return Err(format!("block {} is larger than 2^63", self.id));
        }
        if self.tail.is_some_and(|tail| !tail.fits(self.size_bytes)) {
            return Err(format!("block {} is smaller than its tail", self.id));
        }
        Ok(())
    }
}

/// Changes that become visible together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// Blocks to add; their files are in place already.
    pub add: Vec<BlockEntry>,
    /// Blocks to remove; their files stay for readers of older snapshots.
    pub remove: Vec<BlockId>,
    /// Pairs of an application id (`wal/<node>`) and the last sequence of its log that the added
    /// blocks contain. Within one application the sequence only grows.
    pub application_ids: Vec<(String, i64)>,
}

impl Commit {
    /// Whether the commit changes nothing.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty() && self.application_ids.is_empty()
    }

    pub(crate) fn validate(&self) -> Result<(), CatalogError> {
        let invalid = |reason: String| CatalogError::InvalidCommit { reason };
        let mut blocks = HashSet::new();
        for entry in &self.add {
            entry.validate().map_err(invalid)?;
        }
        for id in self.add.iter().map(|entry| &entry.id).chain(&self.remove) {
            if !blocks.insert(id) {
                return Err(invalid(format!("block {id} occurs twice")));
            }
        }
        let mut applications = HashSet::new();
        for (application, sequence) in &self.application_ids {
            if application.is_empty() || *sequence < 0 {
                return Err(invalid(format!(
                    "application id {application:?} with sequence {sequence}"
                )));
            }
            if !applications.insert(application) {
                return Err(invalid(format!("application id {application:?} occurs twice")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, id: BlockId) -> BlockEntry {
        BlockEntry {
            id,
            path: path.to_owned(),
            size_bytes: 1,
            n_spans: 1,
            n_traces: 1,
            min_start_unix_nanos: 0,
            max_end_unix_nanos: 0,
            max_trace_start_unix_nanos: 0,
            max_received_unix_nanos: 0,
            format_version: 1,
            level: 0,
            tail: None,
        }
    }

    #[test]
    fn a_commit_must_not_contradict_itself() {
        let id = BlockId::from_bytes([7; 16]);
        let other = BlockId::from_bytes([8; 16]);
        let good = entry(&format!("blocks/2026-01-01/{id}.parquet"), id);
        let valid = |commit: Commit| commit.validate().is_ok();
        let adding = |entry: BlockEntry| Commit { add: vec![entry], ..Commit::default() };

        assert!(valid(adding(good.clone())));
        assert!(!valid(adding(entry(&format!("/{id}.parquet"), id))));
        assert!(!valid(adding(entry(&format!("../{id}.parquet"), id))));
        assert!(!valid(adding(entry(&format!("a b/{id}.parquet"), id))));
        assert!(!valid(adding(entry(&format!("a/{other}.parquet"), id))));
        let tail = Some(BlockTail { bytes: 2, trace_filter_bytes: 1 });
        assert!(!valid(adding(BlockEntry { tail, ..good.clone() })));
        assert!(!valid(Commit { remove: vec![id], ..adding(good.clone()) }));
        assert!(!valid(Commit {
            application_ids: vec![("wal/a".to_owned(), 1), ("wal/a".to_owned(), 2)],
            ..Commit::default()
        }));
    }
}
