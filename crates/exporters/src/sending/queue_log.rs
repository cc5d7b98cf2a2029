//! A sending queue on disk: requests are appended to segment files, and given up when they have been sent.
//!
//! # Format
//! A directory per exporter with `<number>.queue` files. Each begins with [`MAGIC`]; records follow: the length
//! of the body and its CRC-32, four bytes each in little-endian order, and the body. A body is a kind, a sequence
//! number (u64), and for a request how many spans it has (u64), how long its head is (u32), the head (JSON: tenant
//! and client) and the OTLP bytes. The other kind says that the request of this number is done with.
//!
//! # Invariants
//! - A request is in the log before it is acknowledged; with `fsync` it is on the disk.
//! - Files are removed from the oldest on, so that a "done" record goes together with the request that it is
//!   about, or after it. What was sent but not recorded as such is sent twice after a crash, never lost.
//! - A request that stays long does not hold the files after it: when they are mostly done with, it is copied to
//!   the end, under the same number.
//! - The tail of the last file may be torn; it is cut at the last whole record. Damage elsewhere costs the
//!   requests behind it in that file, which is kept beside as `<name>.damaged`.
//! - A full directory or disk refuses the request and leaves the log as it was.

mod record;
mod segment;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use spandrel_base::byte_size::ByteSize;
use spandrel_base::fs::{DirLock, FsError, create_dir_all_synced, sync_dir};

use super::payload::Payload;
use record::{Record, decode_payload, encode_done, encode_request};
use segment::{HEADER_BYTES, Location, Segment};

/// A file is left for a new one when it is as long as this.
const SEGMENT_BYTES: u64 = 16 << 20;

/// Why the log did not do something.
#[derive(Debug, thiserror::Error)]
pub enum QueueLogError {
    /// `max_size` of the storage is reached.
    #[error(
        "queue directory {} is full: {} of max_size {} are used",
        .dir.display(), ByteSize(*.used), ByteSize(*.max)
    )]
    Full {
        /// The directory of the queue.
        dir: PathBuf,
        /// Bytes of its files.
        used: u64,
        /// The limit.
        max: u64,
    },
    /// A file could not be read or written.
    #[error("queue directory {}: cannot {operation}: {source}", .dir.display())]
    Io {
        /// The directory of the queue.
        dir: PathBuf,
        /// What was tried.
        operation: &'static str,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A directory could not be made, locked or synced.
    #[error(transparent)]
    Directory(#[from] FsError),
    /// A record is not what was written.
    #[error("a record in {} is damaged", .dir.display())]
    Damaged {
        /// The directory of the queue.
        dir: PathBuf,
    },
    /// A write failed so that nobody knows what is on the disk.
    #[error("queue directory {} failed before and takes nothing until the next start", .dir.display())]
    Broken {
        /// The directory of the queue.
        dir: PathBuf,
    },
}

/// How the log is kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogOptions {
    /// Whether a request is synced before it is acknowledged.
    pub(crate) fsync: bool,
    /// The most that the files may take; zero is no limit.
    pub(crate) max_bytes: u64,
}

/// A request found in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) sequence: u64,
    pub(crate) spans: u64,
    pub(crate) otlp_bytes: usize,
}

/// The log of one queue.
pub(crate) struct QueueLog {
    dir: PathBuf,
    options: LogOptions,
    state: Mutex<State>,
    _lock: DirLock,
}

#[derive(Default)]
struct State {
    /// By number, oldest first; the last is written to.
    segments: BTreeMap<u64, Segment>,
    /// Requests that are not done with, by sequence number.
    requests: BTreeMap<u64, Location>,
    next_sequence: u64,
    is_broken: bool,
}

impl State {
    fn total_bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.bytes).sum()
    }
}

impl QueueLog {
    /// Opens the log in `dir`, which is created when missing, and says what it holds, oldest first.
    pub(crate) fn open(
        dir: &Path,
        options: LogOptions,
    ) -> Result<(Self, Vec<Stored>), QueueLogError> {
        create_dir_all_synced(dir)?;
        let lock = DirLock::acquire(dir)?;
        let log = Self { dir: dir.to_owned(), options, state: Mutex::default(), _lock: lock };
        let stored = log.recover()?;
        Ok((log, stored))
    }

    fn recover(&self) -> Result<Vec<Stored>, QueueLogError> {
        let mut found: BTreeMap<u64, (Stored, Location)> = BTreeMap::new();
        let mut state = self.state.lock();
        let numbers = self.segment_numbers()?;
        for (index, number) in numbers.iter().enumerate() {
            let is_last = index + 1 == numbers.len();
            let opened = Segment::recover(&self.dir, *number, |location, record| match record {
                Record::Request { sequence, spans, otlp_bytes } => {
                    let stored = Stored { sequence, spans, otlp_bytes };
                    found.insert(sequence, (stored, location));
                    state.next_sequence = state.next_sequence.max(sequence + 1);
                }
                Record::Done { sequence } => {
                    found.remove(&sequence);
                    state.next_sequence = state.next_sequence.max(sequence + 1);
                }
            });
            let (segment, cut_bytes) = opened.map_err(|source| self.io("read", source))?;
            if cut_bytes > 0 && is_last {
                tracing::warn!(file = %segment.path.display(), cut_bytes, "torn tail of a queue cut");
            } else if cut_bytes > 0 {
                tracing::error!(
                    file = %segment.path.display(), cut_bytes,
                    "queue file is damaged, requests in it are lost; it was kept as .damaged"
                );
            }
            state.segments.insert(*number, segment);
        }
        for (stored, location) in found.values() {
            if let Some(segment) = state.segments.get_mut(&location.segment) {
                segment.n_live += 1;
            }
            state.requests.insert(stored.sequence, *location);
        }
        if state.segments.is_empty() {
            self.add_segment(&mut state)?;
        }
        self.remove_done(&mut state);
        Ok(found.into_values().map(|(stored, _)| stored).collect())
    }

    fn segment_numbers(&self) -> Result<Vec<u64>, QueueLogError> {
        let entries = fs::read_dir(&self.dir).map_err(|source| self.io("list", source))?;
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry.map_err(|source| self.io("list", source))?.file_name();
            let stem = name.to_str().and_then(|name| name.strip_suffix(".queue"));
            numbers.extend(stem.and_then(|stem| stem.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Writes a request; it is safe when this returns. Blocks.
    pub(crate) fn append(&self, payload: &Payload) -> Result<u64, QueueLogError> {
        let mut state = self.state.lock();
        if state.is_broken {
            return Err(QueueLogError::Broken { dir: self.dir.clone() });
        }
        let sequence = state.next_sequence;
        let record = encode_request(sequence, payload);
        let (used, max) = (state.total_bytes(), self.options.max_bytes);
        if max > 0 && used.saturating_add(record.len() as u64) > max {
            return Err(QueueLogError::Full { dir: self.dir.clone(), used, max });
        }
        self.rotate(&mut state)?;
        let location = self.write(&mut state, &record)?;
        state.next_sequence += 1;
        state.requests.insert(sequence, location);
        let file = state.segments.get_mut(&location.segment).map(|segment| {
            segment.n_live += 1;
            segment.file()
        });
        // Others may append while this one is synced.
        drop(state);
        if let (true, Some(file)) = (self.options.fsync, file)
            && let Err(source) = file.sync_data()
        {
            // What a failed sync has left on the disk is anybody's guess.
            self.state.lock().is_broken = true;
            self.forget(sequence);
            return Err(self.io("sync", source));
        }
        Ok(sequence)
    }

    /// Appends a record to the last file; a failed write is undone.
    fn write(&self, state: &mut State, record: &[u8]) -> Result<Location, QueueLogError> {
        let Some(mut last) = state.segments.last_entry() else {
            return Err(QueueLogError::Broken { dir: self.dir.clone() });
        };
        let number = *last.key();
        let segment = last.get_mut();
        let offset = segment.bytes;
        match segment.append(record) {
            Ok(()) => Ok(Location { segment: number, offset, n_bytes: record.len() }),
            Err(source) => {
                state.is_broken = segment.cut_to(offset).is_err();
                Err(self.io("write", source))
            }
        }
    }

    /// Begins a new file when the last one is long enough.
    fn rotate(&self, state: &mut State) -> Result<(), QueueLogError> {
        let is_full = |segment: &Segment| segment.bytes >= self.segment_bytes();
        if state.segments.values().next_back().is_some_and(is_full) {
            self.add_segment(state)?;
            self.free_oldest(state)?;
        }
        Ok(())
    }

    /// With a small `max_size`, smaller files, so that room comes back soon.
    fn segment_bytes(&self) -> u64 {
        match self.options.max_bytes {
            0 => SEGMENT_BYTES,
            max => SEGMENT_BYTES.min(max / 8).max(4 * HEADER_BYTES),
        }
    }

    fn add_segment(&self, state: &mut State) -> Result<(), QueueLogError> {
        let number = state.segments.last_key_value().map_or(1, |(number, _)| number + 1);
        let created = Segment::create(&self.dir, number);
        let segment = created.map_err(|source| self.io("create a file", source))?;
        if let Err(error) = sync_dir(&self.dir) {
            segment.remove();
            return Err(error.into());
        }
        state.segments.insert(number, segment);
        Ok(())
    }

    /// Copies what is left in the oldest file to the end, when most of the log is done with.
    fn free_oldest(&self, state: &mut State) -> Result<(), QueueLogError> {
        let live_bytes: u64 = state.requests.values().map(|location| location.n_bytes as u64).sum();
        let Some((&oldest, _)) = state.segments.first_key_value() else { return Ok(()) };
        let is_worth_it = state.segments.len() > 4 && state.total_bytes() / 2 > live_bytes;
        if !is_worth_it {
            return Ok(());
        }
        let in_oldest = |location: &Location| location.segment == oldest;
        let staying: Vec<(u64, Location)> = state
            .requests
            .iter()
            .filter(|(_, location)| in_oldest(location))
            .map(|(sequence, location)| (*sequence, *location))
            .collect();
        for (sequence, location) in staying {
            let Some(segment) = state.segments.get(&oldest) else { break };
            let read = segment.read(location);
            let record = read.map_err(|source| self.io("read", source))?;
            let copied = self.write(state, &record)?;
            state.requests.insert(sequence, copied);
            if let Some(segment) = state.segments.get_mut(&copied.segment) {
                segment.n_live += 1;
            }
            if let Some(segment) = state.segments.get_mut(&oldest) {
                segment.n_live -= 1;
            }
        }
        if let (true, Some(last)) = (self.options.fsync, state.segments.values().next_back()) {
            last.file().sync_data().map_err(|source| self.io("sync", source))?;
        }
        self.remove_done(state);
        Ok(())
    }

    /// Reads a request back. Blocks.
    pub(crate) fn read(&self, sequence: u64) -> Result<Payload, QueueLogError> {
        let damaged = || QueueLogError::Damaged { dir: self.dir.clone() };
        let record = {
            let state = self.state.lock();
            let location = state.requests.get(&sequence).copied().ok_or_else(damaged)?;
            let segment = state.segments.get(&location.segment).ok_or_else(damaged)?;
            segment.read(location).map_err(|source| self.io("read", source))?
        };
        decode_payload(record).ok_or_else(damaged)
    }

    /// Records that a request is done with, and removes files that hold nothing else.
    pub(crate) fn forget(&self, sequence: u64) {
        let mut state = self.state.lock();
        let Some(location) = state.requests.remove(&sequence) else { return };
        if let Some(segment) = state.segments.get_mut(&location.segment) {
            segment.n_live -= 1;
        }
        if state.requests.is_empty() {
            // Nothing is left that the records could be about.
            self.remove_done(&mut state);
            return;
        }
        if !state.is_broken
            && let Err(error) = self.write(&mut state, &encode_done(sequence))
        {
            tracing::warn!(%error, "a sent request stays in the queue and may be sent again");
        }
        self.remove_done(&mut state);
    }

    /// Removes the oldest files as long as they hold no live request, and empties the last one.
    fn remove_done(&self, state: &mut State) {
        while state.segments.len() > 1 {
            let Some(oldest) = state.segments.first_entry() else { return };
            if oldest.get().n_live > 0 {
                return;
            }
            oldest.remove().remove();
        }
        let is_empty = state.requests.is_empty();
        if let Some(mut last) = state.segments.last_entry() {
            let segment = last.get_mut();
            if is_empty && segment.bytes > HEADER_BYTES {
                state.is_broken |= segment.cut_to(HEADER_BYTES).is_err();
            }
        }
    }

    fn io(&self, operation: &'static str, source: std::io::Error) -> QueueLogError {
        QueueLogError::Io { dir: self.dir.clone(), operation, source }
    }
}

#[cfg(test)]
mod tests;
