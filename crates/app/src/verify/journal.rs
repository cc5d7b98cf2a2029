//! Which traces were sent and which acknowledged, one line each.
//!
//! ```text
//! spandrel-verify 1 <seed in hexadecimal> <spans per trace>
//! sent <first trace> <traces> <start, Unix nanoseconds>
//! acked <first trace>
//! ```
//! A line is handed to the operating system before the program goes on: `sent` before the request, `acked`
//! after its answer. A line that was cut by the end of the program is ignored.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;

use anyhow::{Context, bail};

use super::content::Run;

const MAGIC: &str = "spandrel-verify";
const VERSION: &str = "1";

/// Traces that were sent in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) traces: u64,
    pub(super) start_unix_nanos: u64,
    pub(super) is_acked: bool,
}

/// What a journal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) run: Run,
    /// By the number of their first trace.
    pub(super) batches: BTreeMap<u64, Batch>,
}

impl Record {
    /// Reads a journal.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let mut text = String::new();
        File::open(path)
            .and_then(|mut file| file.read_to_string(&mut text))
            .with_context(|| format!("cannot read the journal {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("cannot read the journal {}", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let (whole, _cut_line) = text.rsplit_once('\n').unwrap_or(("", text));
        let mut lines = whole.lines().enumerate();
        let head: Vec<&str> = lines.next().map_or("", |(_, line)| line).split(' ').collect();
        let [MAGIC, VERSION, seed, spans] = head[..] else {
            bail!("its first line is not `{MAGIC} {VERSION} <seed> <spans per trace>`");
        };
        let run = Run { seed: u64::from_str_radix(seed, 16)?, spans_per_trace: spans.parse()? };
        let mut record = Self { run, batches: BTreeMap::new() };
        for (i, line) in lines {
            record.take(line).with_context(|| format!("line {} is `{line}`", i + 1))?;
        }
        Ok(record)
    }

    fn take(&mut self, line: &str) -> anyhow::Result<()> {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["sent", first, traces, start] => {
                let (traces, start_unix_nanos) = (traces.parse()?, start.parse()?);
                let batch = Batch { traces, start_unix_nanos, is_acked: false };
                self.batches.insert(first.parse()?, batch);
            }
            ["acked", first] => {
                let batch = self.batches.get_mut(&first.parse()?);
                batch.context("it was acknowledged before it was sent")?.is_acked = true;
            }
            _ => bail!("neither `sent` nor `acked`"),
        }
        Ok(())
    }

    /// The number after the last trace that was sent.
    pub(super) fn next_trace(&self) -> u64 {
        self.batches.last_key_value().map_or(0, |(first, batch)| first + batch.traces)
    }
}

/// A journal that is being written; shared by all requests.
#[derive(Debug)]
pub(super) struct Journal {
    file: Mutex<File>,
}

impl Journal {
    /// Opens a journal to go on with it, or begins one for `fresh`. Returns what it says so far.
    pub(super) fn open(path: &Path, fresh: Run) -> anyhow::Result<(Self, Record)> {
        let cannot = || format!("cannot write the journal {}", path.display());
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mut file = File::create_new(path).with_context(cannot)?;
                writeln!(file, "{MAGIC} {VERSION} {} {}", fresh.name(), fresh.spans_per_trace)
                    .with_context(cannot)?;
                let record = Record { run: fresh, batches: BTreeMap::new() };
                return Ok((Self { file: Mutex::new(file) }, record));
            }
            Err(error) => return Err(error).with_context(cannot),
        };
        let mut text = String::new();
        file.read_to_string(&mut text).with_context(cannot)?;
        let record = Record::parse(&text).with_context(cannot)?;
        let whole_bytes = text.rfind('\n').map_or(0, |at| at as u64 + 1);
        file.set_len(whole_bytes).with_context(cannot)?;
        file.seek(SeekFrom::End(0)).with_context(cannot)?;
        Ok((Self { file: Mutex::new(file) }, record))
    }

    /// These traces are about to be sent.
    pub(super) fn sent(
        &self,
        first: u64,
        traces: u64,
        start_unix_nanos: u64,
    ) -> anyhow::Result<()> {
        self.append(&format!("sent {first} {traces} {start_unix_nanos}\n"))
    }

    /// The traces that were sent from `first` on have been acknowledged.
    pub(super) fn acked(&self, first: u64) -> anyhow::Result<()> {
        self.append(&format!("acked {first}\n"))
    }

    fn append(&self, line: &str) -> anyhow::Result<()> {
        let file = self.file.lock();
        let mut file = file.unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(line.as_bytes()).context("cannot write the journal")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Run = Run { seed: 0xabc, spans_per_trace: 5 };

    #[test]
    fn what_is_written_is_read_and_gone_on_with() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (journal, _) = Journal::open(&path, RUN).unwrap();
        journal.sent(0, 10, 1_000).unwrap();
        journal.sent(10, 10, 2_000).unwrap();
        journal.acked(10).unwrap();
        journal.append("acked").unwrap();
        let batch = |start_unix_nanos, is_acked| Batch { traces: 10, start_unix_nanos, is_acked };
        let mut expected = Record {
            run: RUN,
            batches: BTreeMap::from([(0, batch(1_000, false)), (10, batch(2_000, true))]),
        };
        assert_eq!(Record::read(&path).unwrap(), expected);

        let other = Run { seed: 1, ..RUN };
        let (journal, record) = Journal::open(&path, other).unwrap();
        assert_eq!((record.next_trace(), &record), (20, &expected));
        journal.acked(0).unwrap();
        expected.batches.insert(0, batch(1_000, true));
        assert_eq!(Record::read(&path).unwrap(), expected);
    }

    #[test]
    fn other_files_are_refused() {
        for text in ["", "x\n", "spandrel-verify 2 0 5\n", "spandrel-verify 1 0 5\nacked 0\n"] {
            assert!(Record::parse(text).is_err(), "{text}");
        }
    }
}
