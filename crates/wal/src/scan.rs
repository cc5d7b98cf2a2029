//! Reading one segment from front to back, over damage if need be.
//!
//! Where the bytes are no valid record, the scanner looks for the next one: first where the damaged
//! record claims to end, then at every later byte. A find must pass its checksum and carry a
//! sequence number that the bytes so far leave room for, so bytes are taken for a record by chance
//! in one of about 2^70 places. Memory: one window, at most the size of the largest record.

use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;

use crate::env::WalFile;
use crate::format::{HEADER_BYTES, PREFIX_BYTES, Prefix};
use crate::replay::ReplayedRecord;

/// Bytes read at once; small enough to keep, large enough that the disk streams.
const WINDOW_BYTES: usize = 256 << 10;

/// What stands next in the segment.
#[derive(Debug)]
pub(crate) enum Step {
    /// A valid record.
    Record(ReplayedRecord),
    /// Bytes that are no record, with a valid record behind them.
    Gap {
        /// Where they start.
        offset: u64,
        /// How many they are.
        bytes: u64,
        /// The sequence number of the record behind them.
        resumes_at_seq: u64,
    },
    /// No record that counts starts at `offset` or later.
    End {
        /// The end of the last record.
        offset: u64,
        /// How many bytes follow.
        bytes: u64,
    },
}

/// A cursor over the records of one segment.
pub(crate) struct Scanner {
    window: Window,
    offset: u64,
    next_seq: u64,
    end_seq: u64,
    tenant: Arc<str>,
}

impl Scanner {
    /// Starts behind the header of `file`, whose first record is `first_seq`; records from
    /// `end_seq` on do not count.
    pub(crate) fn new(file: Box<dyn WalFile>, first_seq: u64, end_seq: u64) -> io::Result<Self> {
        let len = file.byte_len()?;
        Ok(Self {
            window: Window { file, len, start: 0, bytes: Vec::new() },
            offset: len.min(HEADER_BYTES as u64),
            next_seq: first_seq,
            end_seq,
            tenant: Arc::from(""),
        })
    }

    /// The sequence number after the last record seen.
    pub(crate) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Bytes of the segment.
    pub(crate) fn byte_len(&self) -> u64 {
        self.window.len
    }

    /// The file, to cut it after the scan.
    pub(crate) fn into_file(self) -> Box<dyn WalFile> {
        self.window.file
    }

    /// Moves to what comes next. After [`Step::End`] it stays there.
    pub(crate) fn step(&mut self) -> io::Result<Step> {
        let end = Step::End { offset: self.offset, bytes: self.window.len - self.offset };
        if self.next_seq >= self.end_seq {
            return Ok(end);
        }
        if let Some((record, bytes)) = self.record_at(self.offset, self.next_seq..=self.next_seq)? {
            self.offset += bytes;
            self.next_seq += 1;
            return Ok(Step::Record(record));
        }
        let Some((offset, resumes_at_seq)) = self.find_record()? else {
            return Ok(end);
        };
        let gap = Step::Gap { offset: self.offset, bytes: offset - self.offset, resumes_at_seq };
        self.offset = offset;
        self.next_seq = resumes_at_seq;
        Ok(gap)
    }

    /// Offset and sequence number of the first record after the bad bytes at `self.offset`.
    fn find_record(&mut self) -> io::Result<Option<(u64, u64)>> {
        let claimed = self.window.bytes_at(self.offset, PREFIX_BYTES)?;
        if let Some(bytes) = claimed.and_then(Prefix::decode).and_then(|it| it.record_bytes()) {
            // Trusting the length first keeps a payload that contains a log from being searched.
            let offset = self.offset.saturating_add(bytes as u64);
            let seq = self.next_seq + 1;
            if seq < self.end_seq && self.record_at(offset, seq..=seq)?.is_some() {
                return Ok(Some((offset, seq)));
            }
        }
        let room = (self.window.len - self.offset) / PREFIX_BYTES as u64;
        let last_seq = self.next_seq.saturating_add(room).min(self.end_seq - 1);
        for offset in self.offset.saturating_add(1)..self.window.len {
            if let Some((record, _)) = self.record_at(offset, self.next_seq..=last_seq)? {
                return Ok(Some((offset, record.seq)));
            }
        }
        Ok(None)
    }

    /// The record at `offset` and its length, if a valid one with one of these numbers is there.
    fn record_at(
        &mut self,
        offset: u64,
        seqs: RangeInclusive<u64>,
    ) -> io::Result<Option<(ReplayedRecord, u64)>> {
        let prefix = self.window.bytes_at(offset, PREFIX_BYTES)?.and_then(Prefix::decode);
        let Some(prefix) = prefix.filter(|prefix| seqs.contains(&prefix.seq)) else {
            return Ok(None);
        };
        let Some(n_bytes) = prefix.record_bytes() else {
            return Ok(None);
        };
        let record = self.window.bytes_at(offset, n_bytes)?;
        let Some((tenant, payload)) = record.and_then(|record| prefix.check(record)) else {
            return Ok(None);
        };
        if *self.tenant != *tenant {
            self.tenant = Arc::from(tenant);
        }
        let record = ReplayedRecord {
            seq: prefix.seq,
            tenant: Arc::clone(&self.tenant),
            received_unix_nanos: prefix.received_unix_nanos,
            payload: Bytes::copy_from_slice(payload),
        };
        Ok(Some((record, n_bytes as u64)))
    }
}

/// A part of the file in memory.
struct Window {
    file: Box<dyn WalFile>,
    len: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// The `n_bytes` at `offset`; `None` if the file ends before.
    fn bytes_at(&mut self, offset: u64, n_bytes: usize) -> io::Result<Option<&[u8]>> {
        let left = self.len.saturating_sub(offset);
        if left < n_bytes as u64 {
            return Ok(None);
        }
        if self.held(offset, n_bytes).is_none() {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(n_bytes.max(WINDOW_BYTES));
            self.bytes.clear();
            self.bytes.shrink_to(wanted);
            self.bytes.resize(wanted, 0);
            self.start = offset;
            if let Err(err) = self.file.read_at(&mut self.bytes, offset) {
                self.bytes.clear();
                return Err(err);
            }
        }
        Ok(self.held(offset, n_bytes))
    }

    fn held(&self, offset: u64, n_bytes: usize) -> Option<&[u8]> {
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(from..from.checked_add(n_bytes)?)
    }
}
