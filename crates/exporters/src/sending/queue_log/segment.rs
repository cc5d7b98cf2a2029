//! One file of the log: records one after the other behind a header.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::record::{FRAME_BYTES, Record, read_record, split_frame};

/// The first bytes of every file; the last is the version of the format.
const MAGIC: &[u8; 8] = b"SPQUEUE\x01";
/// Bytes before the first record.
pub(super) const HEADER_BYTES: u64 = MAGIC.len() as u64;

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) n_bytes: usize,
}

/// A file of the log.
pub(super) struct Segment {
    pub(super) path: PathBuf,
    file: Arc<File>,
    pub(super) bytes: u64,
    /// Requests in it that are not done with.
    pub(super) n_live: u64,
}

impl Segment {
    /// A new file with nothing but its header.
    pub(super) fn create(dir: &Path, number: u64) -> io::Result<Self> {
        let path = path_of(dir, number);
        let mut file = OpenOptions::new().read(true).append(true).create_new(true).open(&path)?;
        file.write_all(MAGIC)?;
        file.sync_all()?;
        Ok(Self { path, file: Arc::new(file), bytes: HEADER_BYTES, n_live: 0 })
    }

    /// Opens a file and hands its records to `visit`. What follows the last whole one is cut off; how much that
    /// was is returned too.
    pub(super) fn recover(
        dir: &Path,
        number: u64,
        mut visit: impl FnMut(Location, Record),
    ) -> io::Result<(Self, u64)> {
        let path = path_of(dir, number);
        let mut file = OpenOptions::new().read(true).append(true).open(&path)?;
        let total = file.metadata()?.len();
        let mut reader = BufReader::new(&file);
        let mut magic = [0; MAGIC.len()];
        let mut bytes = 0;
        if reader.read_exact(&mut magic).is_ok() && magic == *MAGIC {
            bytes = HEADER_BYTES;
            while let Some((n_bytes, record)) = read_record(&mut reader, total - bytes)? {
                visit(Location { segment: number, offset: bytes, n_bytes }, record);
                bytes += n_bytes as u64;
            }
        }
        let cut_bytes = total - bytes;
        if cut_bytes > 0 {
            // A copy for whoever wants to look; nothing depends on it.
            let _ = fs::copy(&path, path.with_extension("queue.damaged"));
            file.set_len(bytes)?;
        }
        if bytes == 0 {
            file.write_all(MAGIC)?;
            bytes = HEADER_BYTES;
        }
        Ok((Self { path, file: Arc::new(file), bytes, n_live: 0 }, cut_bytes))
    }

    /// The file, to be synced.
    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    pub(super) fn append(&mut self, record: &[u8]) -> io::Result<()> {
        (&*self.file).write_all(record)?;
        self.bytes += record.len() as u64;
        Ok(())
    }

    /// Takes back what was written after `bytes`.
    pub(super) fn cut_to(&mut self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)?;
        self.bytes = bytes;
        Ok(())
    }

    /// The record at `location`, whole and checked.
    pub(super) fn read(&self, location: Location) -> io::Result<Vec<u8>> {
        let mut record = vec![0; location.n_bytes];
        self.file.read_exact_at(&mut record, location.offset)?;
        match split_frame(&record) {
            Some(body) if body.len() + FRAME_BYTES == record.len() => Ok(record),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "checksum does not match")),
        }
    }

    /// Removes the file. What stays behind is removed after the next start.
    pub(super) fn remove(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(file = %self.path.display(), %error, "cannot remove a queue file");
        }
    }
}

fn path_of(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:016}.queue"))
}
