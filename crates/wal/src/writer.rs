//! The writing side: groups of records, segments, truncation, and what happens when the disk fails.
//!
//! # Failure behavior
//! A group is acknowledged whole or not at all. When its write fails, the segment is cut back to
//! where the group started and goes on. When that fails too, or when a sync has failed, the segment
//! is abandoned and a new one started whose first sequence number is the one of the failed group:
//! whatever is left of that group can then no longer replay.
//!
//! After a failed sync the kernel may have dropped the dirty pages and call them clean, so that a
//! second sync of the same file succeeds without the bytes being on disk. Hence a file is never
//! synced again for records written before its first failed sync.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::env::Env;
use crate::error::WalError;
use crate::format::{HEADER_BYTES, PAYLOAD_BYTES_MAX, PREFIX_BYTES, RecordParts, TENANT_BYTES_MAX};
use crate::replay::UnreadSeq;
use crate::segment::{ActiveSegment, SealedSegment, file_name};

/// How much of the encoding buffer is kept between groups.
const BUFFER_KEPT_BYTES_MAX: usize = 8 << 20;

/// What an acknowledgment is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Records survive a power cut: each group is synced before it is acknowledged.
    Fsync,
    /// Records survive a crash of the process; the operating system writes them when it likes.
    Os,
}

/// How a log is kept.
#[derive(Clone, Copy, Debug)]
pub struct WalOptions {
    /// A segment is sealed before it would grow beyond this many bytes. A larger group gets a
    /// segment of its own.
    pub segment_bytes_max: u64,
    /// What an acknowledgment is worth.
    pub durability: Durability,
    /// The disk budget of all segments, in bytes; `corrupt/` is not counted.
    pub bytes_max: u64,
    /// The caller's own truncation point: records below do not replay, and new records never get a
    /// number below, even if the log has lost its end. 0 replays everything.
    pub replay_from_seq: u64,
}

/// Accepted bytes that are to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The tenant they were accepted for, at most [`TENANT_BYTES_MAX`] bytes.
    pub tenant: Arc<str>,
    /// When they were accepted.
    pub received_unix_nanos: u64,
    /// The bytes, at most [`PAYLOAD_BYTES_MAX`].
    pub payload: Bytes,
}

/// An open log, for one owner.
pub struct Wal {
    env: Arc<dyn Env>,
    options: WalOptions,
    /// Oldest first; each ends where the next begins.
    sealed: VecDeque<SealedSegment>,
    /// `None` while a sealed or abandoned segment could not be replaced yet.
    active: Option<ActiveSegment>,
    next_seq: u64,
    unread: Arc<UnreadSeq>,
    buffer: Vec<u8>,
}

impl Wal {
    pub(crate) fn new(
        env: Arc<dyn Env>,
        options: WalOptions,
        sealed: VecDeque<SealedSegment>,
        next_seq: u64,
    ) -> Self {
        let unread = Arc::new(UnreadSeq::new());
        Self { env, options, sealed, active: None, next_seq, unread, buffer: Vec::new() }
    }

    /// Where the replay of this log says how far it is.
    pub(crate) fn unread(&self) -> Arc<UnreadSeq> {
        Arc::clone(&self.unread)
    }

    /// Appends `records` with one write and one sync, and returns their sequence numbers in order.
    ///
    /// # Errors
    /// [`WalError::RecordTooLarge`], [`WalError::Full`] when the budget does not allow the group,
    /// [`WalError::Io`]. Then no record of the group is acknowledged, and the log can be used on.
    pub fn append_group(&mut self, records: &[Record]) -> Result<Range<u64>, WalError> {
        let seqs = self.next_seq..self.next_seq + records.len() as u64;
        if records.is_empty() {
            return Ok(seqs);
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let appended = encode_group(records, seqs.start, &mut buffer)
            .and_then(|()| self.make_room(buffer.len() as u64))
            .and_then(|()| self.write_group(&buffer));
        buffer.shrink_to(BUFFER_KEPT_BYTES_MAX);
        self.buffer = buffer;
        appended?;
        self.next_seq = seqs.end;
        Ok(seqs)
    }

    /// Seals the active segment and starts another, so that the sealed one can be truncated.
    /// Returns the sequence numbers it holds; an empty segment is not sealed. What was abandoned and could not be
    /// replaced is replaced now.
    ///
    /// # Errors
    /// [`WalError::Io`] when no new segment could be made; the next append tries again.
    pub fn rotate(&mut self) -> Result<Range<u64>, WalError> {
        let first_seq = match &self.active {
            Some(active) if active.is_empty() => return Ok(self.next_seq..self.next_seq),
            Some(active) => active.first_seq,
            // What could not be replaced is sealed already, and stays until there is another.
            None => self.next_seq,
        };
        self.start_segment()?;
        Ok(first_seq..self.next_seq)
    }

    /// Deletes the sealed segments that hold nothing but records below `seq`; returns their number.
    /// Segments that a living [`Replay`](crate::Replay) has still to read stay.
    ///
    /// # Errors
    /// [`WalError::Io`]. Segments that could not be deleted stay, and a later call tries again.
    pub fn truncate_before(&mut self, seq: u64) -> Result<usize, WalError> {
        let seq = seq.min(self.unread.load());
        // The newest name remembers the next sequence number, so it must not go.
        let kept = usize::from(self.active.is_none());
        let mut n_deleted = 0;
        while self.sealed.len() > kept
            && let Some(oldest) = self.sealed.front().filter(|oldest| oldest.end_seq <= seq)
        {
            let name = file_name(oldest.first_seq);
            match self.env.remove(&name) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    let path = self.env.path(&name);
                    return Err(WalError::Io { operation: "delete", path, source });
                }
                _ => {}
            }
            self.sealed.pop_front();
            n_deleted += 1;
        }
        if n_deleted > 0 && self.options.durability == Durability::Fsync {
            let path = self.env.path("");
            self.env.sync_dir().map_err(|source| WalError::Io {
                operation: "sync",
                path,
                source,
            })?;
        }
        Ok(n_deleted)
    }

    /// Bytes of all segments.
    pub fn bytes_on_disk(&self) -> u64 {
        let sealed: u64 = self.sealed.iter().map(|segment| segment.bytes).sum();
        sealed + self.active.as_ref().map_or(0, |active| active.bytes)
    }

    /// The sequence number that the next record will get.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Segment files, the active one included.
    pub fn segments(&self) -> usize {
        self.sealed.len() + usize::from(self.active.is_some())
    }

    /// Seals the active segment, if any, and makes another that starts with the next record.
    pub(crate) fn start_segment(&mut self) -> Result<(), WalError> {
        let (env, durability) = (Arc::clone(&self.env), self.options.durability);
        let fresh = ActiveSegment::prepare(env.as_ref(), self.next_seq, durability)?;
        // From here on the new name may be on disk, even if publishing fails, and then it ends the
        // old segment: a record appended there would not replay.
        if let Some(active) = self.active.take() {
            self.seal(&active, active.bytes);
        }
        fresh.publish(env.as_ref(), durability)?;
        // A segment without an acknowledged record had the name of the new one and is gone.
        if self.sealed.back().is_some_and(|last| last.first_seq == self.next_seq) {
            self.sealed.pop_back();
        }
        self.active = Some(fresh);
        Ok(())
    }

    fn seal(&mut self, segment: &ActiveSegment, bytes: u64) {
        let first_seq = segment.first_seq;
        self.sealed.push_back(SealedSegment { first_seq, end_seq: self.next_seq, bytes });
    }

    /// Makes sure that there is an active segment with room for `group_bytes`, within the budget.
    fn make_room(&mut self, group_bytes: u64) -> Result<(), WalError> {
        let has_room = self.active.as_ref().is_some_and(|active| {
            active.is_empty() || active.bytes + group_bytes <= self.options.segment_bytes_max
        });
        let new_bytes = if has_room { group_bytes } else { HEADER_BYTES as u64 + group_bytes };
        let (used, limit) = (self.bytes_on_disk(), self.options.bytes_max);
        if used.saturating_add(new_bytes) > limit {
            return Err(WalError::Full { used, limit });
        }
        if has_room { Ok(()) } else { self.start_segment() }
    }

    fn write_group(&mut self, group: &[u8]) -> Result<(), WalError> {
        let must_sync = self.options.durability == Durability::Fsync;
        let active = self.active.as_mut().expect("`make_room` has left an active segment");
        let start = active.bytes;
        let path = self.env.path(&file_name(active.first_seq));
        if let Err(source) = active.file.write_at(group, start) {
            let cut = active.file.set_len(start).and_then(|()| {
                // The cut has to be as durable as the records behind it will be.
                if must_sync { active.file.sync_data() } else { Ok(()) }
            });
            if cut.is_err() {
                self.abandon_active(group.len() as u64);
            }
            return Err(WalError::Io { operation: "append to", path, source });
        }
        if must_sync && let Err(source) = active.file.sync_data() {
            self.abandon_active(group.len() as u64);
            return Err(WalError::Io { operation: "sync", path, source });
        }
        active.bytes += group.len() as u64;
        Ok(())
    }

    /// Gives up the active segment, whose end is unknown, and tries to start another.
    fn abandon_active(&mut self, group_bytes: u64) {
        let Some(active) = self.active.take() else {
            return;
        };
        let segment = file_name(active.first_seq);
        // For the sake of space and of a short replay; the new segment is what makes it right.
        let bytes = match active.file.set_len(active.bytes) {
            Ok(()) => active.bytes,
            Err(_) => active.bytes + group_bytes,
        };
        self.seal(&active, bytes);
        match self.start_segment() {
            Ok(()) => tracing::warn!(%segment, "wal segment is abandoned after a failed append"),
            Err(err) => tracing::error!(
                %segment,
                error = %err,
                "wal segment is abandoned after a failed append and could not be replaced yet"
            ),
        }
    }
}

fn encode_group(records: &[Record], first_seq: u64, buffer: &mut Vec<u8>) -> Result<(), WalError> {
    let mut n_bytes = 0;
    for record in records {
        check_len("tenant", record.tenant.len(), TENANT_BYTES_MAX)?;
        check_len("payload", record.payload.len(), PAYLOAD_BYTES_MAX)?;
        n_bytes += PREFIX_BYTES + record.tenant.len() + record.payload.len();
    }
    buffer.reserve(n_bytes);
    for (record, seq) in records.iter().zip(first_seq..) {
        let Record { tenant, received_unix_nanos, payload } = record;
        let received_unix_nanos = *received_unix_nanos;
        RecordParts { seq, received_unix_nanos, tenant, payload }.encode(buffer);
    }
    Ok(())
}

fn check_len(field: &'static str, bytes: usize, limit: usize) -> Result<(), WalError> {
    if bytes <= limit { Ok(()) } else { Err(WalError::RecordTooLarge { field, bytes, limit }) }
}
