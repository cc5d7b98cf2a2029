//! Decisions on disk, so that spans which come after a restart still follow them.
//!
//! Two files, `decisions-young.log` and `decisions-old.log`: what is decided is appended to the young one; when that
//! has as many decisions as are remembered in memory, it takes the place of the old one. So the log is bounded, and
//! both together hold what the memory held. A crash of the process loses no decision that was acted on; a power cut
//! may, and then the late spans of some traces are decided by themselves.
//!
//! # Layout
//! A header and frames ([`crate::frame`]) of decisions: `tenant: text, trace id: [u8; 16], sampled: u8, threshold: text`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use spandrel_base::fs::create_dir_all_synced;
use spandrel_model::{TenantId, TraceId};
use spandrel_retention::Threshold;

use crate::frame::{frames, put_frame, put_text, take, take_text};

/// Names the format and its version.
const HEADER: &[u8; 8] = b"SPTSDEC1";

/// A decision as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoggedDecision {
    pub(crate) tenant: TenantId,
    pub(crate) trace_id: TraceId,
    /// The threshold that the trace passed; `None`: not sampled.
    pub(crate) sampled: Option<Threshold>,
}

/// The open log.
pub(crate) struct DecisionLog {
    dir: PathBuf,
    young: File,
    young_len: usize,
    decisions_max: usize,
}

impl DecisionLog {
    /// Opens the log in `dir`, which is made when it is not there. Returns the decisions in it, oldest first.
    ///
    /// # Errors
    /// When the directory or a file cannot be made or read.
    pub(crate) fn open(
        dir: &Path,
        decisions_max: usize,
    ) -> io::Result<(Self, Vec<LoggedDecision>)> {
        create_dir_all_synced(dir).map_err(io::Error::other)?;
        let mut decisions = Vec::new();
        read_into(&dir.join("decisions-old.log"), &mut decisions)?;
        let n_old = decisions.len();
        let end = read_into(&dir.join("decisions-young.log"), &mut decisions)?;
        let young = open_young(dir, end)?;
        let young_len = decisions.len() - n_old;
        Ok((Self { dir: dir.to_owned(), young, young_len, decisions_max }, decisions))
    }

    /// Appends decisions with one write.
    ///
    /// # Errors
    /// When they are not, or not all, written.
    pub(crate) fn append(&mut self, decisions: &[LoggedDecision]) -> io::Result<()> {
        if self.young_len >= self.decisions_max {
            self.rotate()?;
        }
        let mut frame = Vec::with_capacity(decisions.len() * 40 + 8);
        put_frame(&mut frame, |out| {
            for decision in decisions {
                put_text(out, decision.tenant.as_str());
                out.extend_from_slice(&decision.trace_id.0);
                out.push(u8::from(decision.sampled.is_some()));
                let threshold = decision.sampled.map(|threshold| threshold.to_string());
                put_text(out, threshold.as_deref().unwrap_or_default());
            }
        });
        self.young.write_all(&frame)?;
        self.young_len += decisions.len();
        Ok(())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a power cut may take decisions back, as said above"
    )]
    fn rotate(&mut self) -> io::Result<()> {
        let path = |name| self.dir.join(name);
        std::fs::rename(path("decisions-young.log"), path("decisions-old.log"))?;
        self.young = open_young(&self.dir, 0)?;
        self.young_len = 0;
        Ok(())
    }
}

/// The young file, to be appended to; what lies behind `end` was not written whole.
fn open_young(dir: &Path, end: u64) -> io::Result<File> {
    let path = dir.join("decisions-young.log");
    let mut young = OpenOptions::new().append(true).create(true).open(path)?;
    young.set_len(end)?;
    if end == 0 {
        young.write_all(HEADER)?;
    }
    Ok(young)
}

/// Returns where the last whole frame ends; 0 when the file is not there or not ours.
fn read_into(path: &Path, decisions: &mut Vec<LoggedDecision>) -> io::Result<u64> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(err) => return Err(err),
    };
    let mut end = if bytes.starts_with(HEADER) { HEADER.len() } else { 0 };
    for (offset, mut payload, length) in frames(&bytes, HEADER) {
        end = offset + length;
        while let Some(decision) = parse(&mut payload) {
            decisions.push(decision);
        }
    }
    Ok(end as u64)
}

fn parse(rest: &mut &[u8]) -> Option<LoggedDecision> {
    let tenant = TenantId::new(take_text(rest)?).ok()?;
    let trace_id = TraceId(take(rest)?);
    let [sampled] = take(rest)?;
    let threshold = Threshold::parse(take_text(rest)?).unwrap_or(Threshold::ALL);
    Some(LoggedDecision { tenant, trace_id, sampled: (sampled != 0).then_some(threshold) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(id: u8) -> LoggedDecision {
        let sampled = match id % 3 {
            0 => None,
            1 => Some(Threshold::ALL),
            _ => Threshold::parse("c"),
        };
        LoggedDecision { tenant: TenantId::single(), trace_id: TraceId([id; 16]), sampled }
    }

    #[test]
    fn decisions_come_back_and_the_log_is_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, found) = DecisionLog::open(dir.path(), 10).unwrap();
        assert_eq!(found, []);
        for id in 0..=95 {
            log.append(&[decision(id)]).unwrap();
        }
        drop(log);
        let (_, found) = DecisionLog::open(dir.path(), 10).unwrap();
        let expected: Vec<_> = (80..=95).map(decision).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_torn_end_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) = DecisionLog::open(dir.path(), 10).unwrap();
        log.append(&[decision(1), decision(2)]).unwrap();
        log.append(&[decision(3)]).unwrap();
        drop(log);
        let path = dir.path().join("decisions-young.log");
        let bytes = std::fs::read(&path).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(bytes.len() as u64 - 1).unwrap();
        let (mut log, found) = DecisionLog::open(dir.path(), 10).unwrap();
        assert_eq!(found, [decision(1), decision(2)]);
        log.append(&[decision(4)]).unwrap();
        let (_, found) = DecisionLog::open(dir.path(), 10).unwrap();
        assert_eq!(found, [decision(1), decision(2), decision(4)]);
    }
}
