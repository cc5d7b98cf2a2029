//! Giving back, after a start, what the log holds.
//!
//! Records come in sequence order, each once, one segment open at a time. Damage never stops the
//! replay: it is counted, the segment is kept under `corrupt/`, and every record that can still be
//! read comes back. An error of the operating system does stop it, because the bytes may be intact.

use std::collections::VecDeque;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use crate::env::Env;
use crate::error::WalError;
use crate::format::HEADER_BYTES;
use crate::scan::{Scanner, Step};
use crate::segment::file_name;

/// How many places of damage a report lists; the totals count all.
const DAMAGES_LISTED_MAX: usize = 1_000;

/// A record that was accepted before the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayedRecord {
    /// Its sequence number.
    pub seq: u64,
    /// The tenant it was accepted for.
    pub tenant: Arc<str>,
    /// When it was accepted.
    pub received_unix_nanos: u64,
    /// The bytes as they were accepted.
    pub payload: Bytes,
}

/// Bytes of a segment that should be records and are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file name of the segment.
    pub segment: String,
    /// Where the bytes start.
    pub offset: u64,
    /// How many they are; 0 where a segment ends too early.
    pub bytes: u64,
    /// How many acknowledged records are lost there; 0 if only a header is damaged.
    pub lost_records: u64,
}

/// What replay found; complete once the iterator has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// Records given back.
    pub records: u64,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
    /// Bytes cut from the end of the last segment: an append that a crash interrupted.
    pub torn_bytes: u64,
    /// Bytes of failed appends at the ends of other segments, which were never acknowledged.
    pub abandoned_bytes: u64,
    /// Places of damage.
    pub damages: u64,
    /// Bytes of damage.
    pub damaged_bytes: u64,
    /// Acknowledged records lost to damage.
    pub lost_records: u64,
    /// The first 1,000 places of damage.
    pub damages_listed: Vec<Damage>,
}

/// A segment to be replayed.
#[derive(Debug)]
pub(crate) struct ReplaySegment {
    pub(crate) first_seq: u64,
    /// Records from here on do not count.
    pub(crate) end_seq: u64,
    pub(crate) header_is_damaged: bool,
}

/// The records of all segments, from [`WalOptions::replay_from_seq`] on.
///
/// After an error it is over. As long as it lives, [`Wal::truncate_before`] spares the segments
/// that it has not read to their ends.
///
/// [`WalOptions::replay_from_seq`]: crate::WalOptions::replay_from_seq
/// [`Wal::truncate_before`]: crate::Wal::truncate_before
pub struct Replay {
    env: Arc<dyn Env>,
    segments: VecDeque<ReplaySegment>,
    current: Option<Current>,
    from_seq: u64,
    report: ReplayReport,
    has_failed: bool,
    unread: Arc<UnreadSeq>,
}

/// The first sequence number of the oldest segment that is not replayed yet, shared with the log.
#[derive(Debug)]
pub(crate) struct UnreadSeq(AtomicU64);

impl UnreadSeq {
    /// Nothing is unread.
    const NONE: u64 = u64::MAX;

    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(Self::NONE))
    }

    /// `u64::MAX` if nothing is unread.
    pub(crate) fn load(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    fn store(&self, first_seq: u64) {
        self.0.store(first_seq, Ordering::Release);
    }
}

struct Current {
    segment: ReplaySegment,
    name: String,
    scanner: Scanner,
    is_preserved: bool,
}

impl Replay {
    pub(crate) fn new(
        env: Arc<dyn Env>,
        segments: VecDeque<ReplaySegment>,
        from_seq: u64,
        torn_bytes: u64,
        unread: Arc<UnreadSeq>,
    ) -> Self {
        let report = ReplayReport { torn_bytes, ..ReplayReport::default() };
        unread.store(segments.front().map_or(UnreadSeq::NONE, |segment| segment.first_seq));
        Self { env, segments, current: None, from_seq, report, has_failed: false, unread }
    }

    /// What was found so far.
    pub fn report(&self) -> &ReplayReport {
        &self.report
    }

    fn next_record(&mut self) -> Result<Option<ReplayedRecord>, WalError> {
        loop {
            let mut current = match self.current.take() {
                Some(current) => current,
                None => match self.open_next()? {
                    Some(current) => current,
                    None => return Ok(None),
                },
            };
            let expected_seq = current.scanner.next_seq();
            let step = current.scanner.step().map_err(|source| WalError::Io {
                operation: "read",
                path: self.env.path(&current.name),
                source,
            })?;
            match step {
                Step::Record(record) => {
                    self.current = Some(current);
                    if record.seq >= self.from_seq {
                        self.report.records += 1;
                        self.report.payload_bytes += record.payload.len() as u64;
                        return Ok(Some(record));
                    }
                }
                Step::Gap { offset, bytes, resumes_at_seq } => {
                    self.damaged(&mut current, (offset, bytes), expected_seq..resumes_at_seq);
                    self.current = Some(current);
                }
                Step::End { offset, bytes } => {
                    let missing = expected_seq..current.segment.end_seq;
                    let is_too_early = bytes > 0 && !missing.is_empty();
                    if is_too_early || self.count_lost(&missing) > 0 {
                        self.damaged(&mut current, (offset, bytes), missing);
                    } else {
                        self.report.abandoned_bytes += bytes;
                    }
                }
            }
        }
    }

    fn open_next(&mut self) -> Result<Option<Current>, WalError> {
        let Some(segment) = self.segments.pop_front() else {
            self.unread.store(UnreadSeq::NONE);
            return Ok(None);
        };
        self.unread.store(segment.first_seq);
        let name = file_name(segment.first_seq);
        let scanner = self
            .env
            .open(&name)
            .and_then(|file| Scanner::new(file, segment.first_seq, segment.end_seq))
            .map_err(|source| WalError::Io {
                operation: "read",
                path: self.env.path(&name),
                source,
            })?;
        let mut current = Current { segment, name, scanner, is_preserved: false };
        if current.segment.header_is_damaged {
            self.damaged(&mut current, (0, HEADER_BYTES as u64), 0..0);
        }
        Ok(Some(current))
    }

    /// Counts damage and keeps the segment as evidence.
    fn damaged(
        &mut self,
        current: &mut Current,
        (offset, bytes): (u64, u64),
        missing: std::ops::Range<u64>,
    ) {
        let lost_records = self.count_lost(&missing);
        self.report.damages += 1;
        self.report.damaged_bytes += bytes;
        self.report.lost_records += lost_records;
        if self.report.damages_listed.len() < DAMAGES_LISTED_MAX {
            let segment = current.name.clone();
            self.report.damages_listed.push(Damage { segment, offset, bytes, lost_records });
        }
        if std::mem::replace(&mut current.is_preserved, true) {
            return;
        }
        let segment = self.env.path(&current.name);
        let segment = segment.display();
        match self.env.preserve(&current.name) {
            Ok(()) => {
                tracing::error!(%segment, offset, "wal segment is damaged and kept under corrupt/");
            }
            Err(err) => tracing::error!(
                %segment,
                offset,
                error = %err,
                "wal segment is damaged and could not be kept under corrupt/"
            ),
        }
    }

    fn count_lost(&self, missing: &std::ops::Range<u64>) -> u64 {
        missing.end.saturating_sub(missing.start.max(self.from_seq))
    }
}

impl Iterator for Replay {
    type Item = Result<ReplayedRecord, WalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let next = self.next_record();
        self.has_failed = next.is_err();
        next.transpose()
    }
}

impl FusedIterator for Replay {}

impl Drop for Replay {
    fn drop(&mut self) {
        self.unread.store(UnreadSeq::NONE);
    }
}
