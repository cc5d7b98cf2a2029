//! Undecided spans on disk: what `spill` turns on.
//!
//! Every fragment is appended before its sender hears success, so spilling it later means forgetting the copy in
//! memory, and a crash loses none that was acknowledged. The operating system writes when it likes: a power cut may
//! lose what a crash of the process does not.
//!
//! # Layout
//! Segments `journal-<number>.log`, numbers ascending, appended to one after the other. A segment is a header and
//! frames ([`crate::frame`]) of two kinds: a fragment, or a list of the places of fragments that are finished with. A
//! segment is deleted when all of its fragments are finished and all older segments are gone, so the note that
//! a fragment is finished outlives the fragment.

mod record;
mod recovery;

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use spandrel_base::fs::{DirLock, FsError, create_dir_all_synced};

use crate::fragment::Content;
use crate::frame::read_frame;

pub(crate) use record::{NewFragment, fragment_record};
pub(crate) use recovery::Recovered;

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Number of its segment.
    pub(crate) segment: u64,
    /// Where its frame begins.
    pub(crate) offset: u32,
    /// Bytes of its frame.
    pub(crate) frame_bytes: u32,
}

/// The most bytes of a segment; a larger request gets a segment of its own.
const SEGMENT_BYTES_MAX: u64 = 64 << 20;
/// A limit holds this many segments at least, or the oldest could not go before the limit is reached.
const SEGMENTS_PER_LIMIT: u64 = 16;
/// Names the format and its version.
const HEADER: &[u8; 8] = b"SPTSJNL1";

/// An open journal.
pub(crate) struct Journal {
    dir: PathBuf,
    segment_bytes_max: u64,
    pub(crate) bytes_max: u64,
    segments: Mutex<Segments>,
    /// Bytes of all segments.
    bytes: AtomicU64,
    _lock: DirLock,
}

#[derive(Default)]
struct Segments {
    /// Oldest first; the last one is appended to.
    all: VecDeque<Segment>,
}

struct Segment {
    number: u64,
    file: Arc<File>,
    bytes: u64,
    /// Fragments that are not finished with.
    unfinished: u64,
}

/// Why the journal cannot do something.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// The directory cannot be made, locked or read.
    #[error(transparent)]
    Directory(#[from] FsError),
    /// A segment cannot be written or read.
    #[error("cannot {operation} {}", .path.display())]
    Io { operation: &'static str, path: PathBuf, source: io::Error },
    /// What is there is not what was written.
    #[error("a record of {} is damaged", .path.display())]
    Damaged { path: PathBuf },
}

impl Journal {
    /// Opens the journal in `dir`, which is made when it is not there, and reads what a crash has left.
    pub(crate) fn open(dir: &Path, bytes_max: u64) -> Result<(Self, Vec<Recovered>), JournalError> {
        create_dir_all_synced(dir)?;
        let lock = DirLock::acquire(dir)?;
        let (all, recovered) = recovery::read(dir)?;
        let bytes = all.iter().map(|segment| segment.bytes).sum();
        let journal = Self {
            dir: dir.to_owned(),
            segment_bytes_max: SEGMENT_BYTES_MAX.min(bytes_max / SEGMENTS_PER_LIMIT).max(1 << 12),
            bytes_max,
            segments: Mutex::new(Segments { all }),
            bytes: AtomicU64::new(bytes),
            _lock: lock,
        };
        Ok((journal, recovered))
    }

    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Appends frames of fragments, whose lengths are given, with one write. Returns where they are.
    ///
    /// # Errors
    /// [`JournalError`]; then none of them is there.
    pub(crate) fn append(
        &self,
        frames: &[u8],
        lengths: &[usize],
    ) -> Result<Vec<Place>, JournalError> {
        let mut segments = self.segments.lock();
        let (segment, mut offset) = self.write(&mut segments, frames)?;
        segment.unfinished += lengths.len() as u64;
        let number = segment.number;
        let places = lengths.iter().map(|length| {
            let frame_bytes = *length as u32;
            let place = Place { segment: number, offset: offset as u32, frame_bytes };
            offset += *length as u64;
            place
        });
        Ok(places.collect())
    }

    /// Notes that fragments are finished with, and deletes the segments that nobody needs any more.
    ///
    /// # Errors
    /// [`JournalError`] when the note could not be written: after a crash they come back, and are sent twice.
    pub(crate) fn finish(&self, places: &[Place]) -> Result<(), JournalError> {
        if places.is_empty() {
            return Ok(());
        }
        let frame = record::finished_record(places);
        let mut segments = self.segments.lock();
        let written = self.write(&mut segments, &frame).map(drop);
        for place in places {
            if let Some(segment) = segments.find(place.segment) {
                segment.unfinished = segment.unfinished.saturating_sub(1);
            }
        }
        self.delete_finished(&mut segments);
        written
    }

    /// The content of a fragment.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be read or is damaged.
    pub(crate) fn read(&self, place: Place) -> Result<Content, JournalError> {
        let path = segment_path(&self.dir, place.segment);
        let file =
            self.segments.lock().find(place.segment).map(|segment| Arc::clone(&segment.file));
        let Some(file) = file else { return Err(JournalError::Damaged { path }) };
        let mut frame = vec![0; place.frame_bytes as usize];
        if let Err(source) = file.read_exact_at(&mut frame, u64::from(place.offset)) {
            return Err(JournalError::Io { operation: "read", path, source });
        }
        let frame = Bytes::from(frame);
        let content = read_frame(&frame).and_then(|(payload, _)| record::content(&frame, payload));
        content.ok_or(JournalError::Damaged { path })
    }

    /// Appends to the last segment, or to a new one when that is full. Returns it and where the bytes begin.
    fn write<'s>(
        &self,
        segments: &'s mut Segments,
        bytes: &[u8],
    ) -> Result<(&'s mut Segment, u64), JournalError> {
        let full = segments.all.back().is_none_or(|last| {
            last.bytes + bytes.len() as u64 > self.segment_bytes_max
                && last.bytes > HEADER.len() as u64
        });
        if full {
            let number = segments.all.back().map_or(1, |last| last.number + 1);
            segments.all.push_back(self.create(number)?);
            self.bytes.fetch_add(HEADER.len() as u64, Ordering::Relaxed);
            self.delete_finished(segments);
        }
        let path = |number| segment_path(&self.dir, number);
        let Some(segment) = segments.all.back_mut() else {
            return Err(JournalError::Damaged { path: self.dir.clone() });
        };
        let start = segment.bytes;
        if let Err(source) = segment.file.write_all_at(bytes, start) {
            // What was written of it would end a later reading too early.
            let _ = segment.file.set_len(start);
            return Err(JournalError::Io {
                operation: "append to",
                path: path(segment.number),
                source,
            });
        }
        segment.bytes += bytes.len() as u64;
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok((segment, start))
    }

    fn create(&self, number: u64) -> Result<Segment, JournalError> {
        let path = segment_path(&self.dir, number);
        let mut options = OpenOptions::new();
        let opened = options.read(true).write(true).create(true).truncate(true).open(&path);
        let created = opened.and_then(|file| file.write_all_at(HEADER, 0).map(|()| file));
        match created {
            Ok(file) => {
                let (file, bytes) = (Arc::new(file), HEADER.len() as u64);
                Ok(Segment { number, file, bytes, unfinished: 0 })
            }
            Err(source) => Err(JournalError::Io { operation: "create", path, source }),
        }
    }

    fn delete_finished(&self, segments: &mut Segments) {
        while segments.all.len() > 1
            && let Some(oldest) = segments.all.front().filter(|oldest| oldest.unfinished == 0)
        {
            let path = segment_path(&self.dir, oldest.number);
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                // It will be read once more after a restart, and its notes say that it holds nothing.
                tracing::warn!(path = %path.display(), %error, "a finished journal segment cannot be deleted");
            }
            self.bytes.fetch_sub(oldest.bytes, Ordering::Relaxed);
            segments.all.pop_front();
        }
    }
}

impl Segments {
    fn find(&mut self, number: u64) -> Option<&mut Segment> {
        let place = self.all.binary_search_by_key(&number, |segment| segment.number).ok()?;
        self.all.get_mut(place)
    }
}

fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("journal-{number:016x}.log"))
}

fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("journal-")?.strip_suffix(".log")?;
    if digits.len() == 16 { u64::from_str_radix(digits, 16).ok() } else { None }
}
