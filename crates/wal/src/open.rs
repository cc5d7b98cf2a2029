//! Opening a log: find its segments, cut the torn tail, start a new segment.
//!
//! Appends never continue an old segment: a fresh file cannot have torn bytes or a failed sync
//! behind it. The new segment exists from the start because its name is what remembers the next
//! sequence number when all others have been truncated away.
//!
//! Only the last segment is read here, the others when they are replayed. Nothing is changed
//! before all headers have been found readable.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;

use spandrel_base::fs::{DirLock, create_dir_all_synced};

use crate::env::{DirEnv, Env};
use crate::error::WalError;
use crate::format::{HEADER_BYTES, Header, VERSION, decode_header};
use crate::replay::{Replay, ReplaySegment};
use crate::scan::{Scanner, Step};
use crate::segment::{SealedSegment, file_name, first_seqs};
use crate::writer::{Durability, Wal, WalOptions};

impl Wal {
    /// Opens the log in `dir`, which is made if it is not there and locked until both the log and
    /// the replay are dropped.
    ///
    /// # Errors
    /// [`WalError::Directory`] when another process has the log open; [`WalError::UnsupportedVersion`]
    /// when a newer program wrote a segment; [`WalError::Io`]. A full disk is no error here: the
    /// log must open so that what it holds can be flushed and truncated.
    pub fn open(dir: &Path, options: WalOptions) -> Result<(Self, Replay), WalError> {
        create_dir_all_synced(dir)?;
        let lock = DirLock::acquire(dir)?;
        Self::open_in(Arc::new(DirEnv::new(dir.to_owned(), lock)), options)
    }

    /// Like [`Wal::open`], on the files of `env`, which nobody else may use.
    ///
    /// # Errors
    /// As [`Wal::open`].
    pub fn open_in(env: Arc<dyn Env>, options: WalOptions) -> Result<(Self, Replay), WalError> {
        let names = env.list().map_err(|source| WalError::Io {
            operation: "list",
            path: env.path(""),
            source,
        })?;
        let mut found = Vec::new();
        for first_seq in first_seqs(&names) {
            found.push(FoundSegment::read(env.as_ref(), first_seq)?);
        }
        let tail = match found.last() {
            Some(last) => Tail::recover(env.as_ref(), last, options.durability)?,
            None => Tail { next_seq: 1, n_records: 0, bytes: 0, torn_bytes: 0 },
        };
        let next_seq = tail.next_seq.max(options.replay_from_seq);
        let sealed = seal(&found, &tail, next_seq);
        let replayed = to_replay(&found, &tail, options.replay_from_seq);
        let mut wal = Self::new(Arc::clone(&env), options, sealed, next_seq);
        match wal.start_segment() {
            Err(err) if err.is_disk_full() => {
                tracing::warn!(error = %err, "wal opened on a full disk, appends fail for now");
            }
            started => started?,
        }
        let unread = wal.unread();
        Ok((wal, Replay::new(env, replayed, options.replay_from_seq, tail.torn_bytes, unread)))
    }
}

/// A segment file and what its header says.
struct FoundSegment {
    first_seq: u64,
    bytes: u64,
    header_is_damaged: bool,
}

impl FoundSegment {
    fn read(env: &dyn Env, first_seq: u64) -> Result<Self, WalError> {
        let name = file_name(first_seq);
        let read = || -> io::Result<(u64, Header)> {
            let file = env.open(&name)?;
            let bytes = file.byte_len()?;
            let mut header = [0; HEADER_BYTES];
            if bytes < HEADER_BYTES as u64 {
                return Ok((bytes, Header::Damaged));
            }
            file.read_at(&mut header, 0)?;
            Ok((bytes, decode_header(&header)))
        };
        let path = env.path(&name);
        let (bytes, header_is_damaged) = match read() {
            Ok((bytes, Header::Current { first_seq: said })) => (bytes, said != first_seq),
            Ok((bytes, Header::Damaged)) => (bytes, true),
            Ok((_, Header::Unsupported { version: found })) => {
                return Err(WalError::UnsupportedVersion { path, found, supported: VERSION });
            }
            Err(source) => {
                return Err(WalError::Io { operation: "read", path, source });
            }
        };
        Ok(Self { first_seq, bytes, header_is_damaged })
    }
}

/// What the last segment turned out to hold.
struct Tail {
    /// The sequence number after its last record.
    next_seq: u64,
    n_records: u64,
    /// Its length after the cut.
    bytes: u64,
    torn_bytes: u64,
}

impl Tail {
    /// Cuts `last` behind its last valid record and makes the rest durable.
    fn recover(
        env: &dyn Env,
        last: &FoundSegment,
        durability: Durability,
    ) -> Result<Self, WalError> {
        let name = file_name(last.first_seq);
        let recover = || -> io::Result<Self> {
            let mut scanner = Scanner::new(env.open(&name)?, last.first_seq, u64::MAX)?;
            let mut n_records = 0;
            let (end, after_end) = loop {
                match scanner.step()? {
                    Step::Record(_) => n_records += 1,
                    Step::Gap { .. } => {}
                    Step::End { offset, bytes } => break (offset, bytes),
                }
            };
            let (next_seq, len) = (scanner.next_seq(), scanner.byte_len());
            let file = scanner.into_file();
            if after_end > 0 {
                tracing::warn!(segment = %name, offset = end, bytes = after_end, "wal tail is cut");
                file.set_len(end)?;
            }
            if durability == Durability::Fsync {
                // Also without a cut: after a crash of the process alone, records that are about
                // to be replayed may so far be in the page cache only.
                file.sync_data()?;
            }
            // Without a record, a header that was not written whole is part of what was torn.
            let is_torn_header = n_records == 0 && last.header_is_damaged;
            let torn_bytes = if is_torn_header { len } else { after_end };
            Ok(Self { next_seq, n_records, bytes: end, torn_bytes })
        };
        recover().map_err(|source| WalError::Io {
            operation: "recover",
            path: env.path(&name),
            source,
        })
    }
}

fn seal(found: &[FoundSegment], tail: &Tail, next_seq: u64) -> VecDeque<SealedSegment> {
    let end_seqs = found.iter().skip(1).map(|segment| segment.first_seq).chain([next_seq]);
    let mut sealed: VecDeque<_> = found
        .iter()
        .zip(end_seqs)
        .map(|(segment, end_seq)| SealedSegment {
            first_seq: segment.first_seq,
            end_seq,
            bytes: segment.bytes,
        })
        .collect();
    if let Some(last) = sealed.back_mut() {
        last.bytes = tail.bytes;
    }
    sealed
}

fn to_replay(found: &[FoundSegment], tail: &Tail, from_seq: u64) -> VecDeque<ReplaySegment> {
    // An empty last segment is left out: it is replaced by the new one.
    let n_replayed = found.len().saturating_sub(usize::from(tail.n_records == 0));
    let end_seqs = found.iter().skip(1).map(|segment| segment.first_seq).chain([tail.next_seq]);
    found
        .iter()
        .zip(end_seqs)
        .take(n_replayed)
        .filter(|(_, end_seq)| *end_seq > from_seq)
        .map(|(segment, end_seq)| ReplaySegment {
            first_seq: segment.first_seq,
            end_seq,
            header_is_damaged: segment.header_is_damaged,
        })
        .collect()
}
