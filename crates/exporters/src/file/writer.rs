//! One file that requests are written to.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use spandrel_base::clock::SharedClock;
use spandrel_pipeline::{ConsumeError, Traces};

use super::rotation;
use super::settings::{FileSettings, Format};
use crate::otlp_json::to_json;

/// Why a request was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("{}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Malformed(ConsumeError),
    #[error("the exporter is not started")]
    Closed,
}

/// An open file.
pub(super) struct FileWriter {
    path: PathBuf,
    settings: FileSettings,
    clock: SharedClock,
    file: File,
    bytes: u64,
    /// The time in the name of the last file that was set aside.
    set_aside_at: u64,
    /// A message was written in part and could not be taken back.
    is_broken: bool,
}

impl FileWriter {
    /// Opens `path`, which is emptied unless the settings append.
    pub(super) fn open(
        path: &Path,
        settings: &FileSettings,
        clock: SharedClock,
    ) -> Result<Self, FileError> {
        let at = |source| FileError::Io { path: path.to_owned(), source };
        if let (Some(mode), Some(parent)) = (settings.create_directory, path.parent()) {
            make_dir(parent, mode).map_err(at)?;
        }
        // With rotation a file of before is gone on with, as the library does that the Collector uses.
        let keeps = settings.append || settings.group_by.is_some() || settings.rotation.is_some();
        let file = open_file(path, keeps).map_err(at)?;
        let bytes = file.metadata().map_err(at)?.len();
        let (path, settings) = (path.to_owned(), settings.clone());
        Ok(Self { path, settings, clock, file, bytes, set_aside_at: 0, is_broken: false })
    }

    /// Writes one request.
    pub(super) fn write(&mut self, traces: Traces) -> Result<(), FileError> {
        let message = self.encode(traces)?;
        let path = self.path.clone();
        let at = |source| FileError::Io { path: path.clone(), source };
        if self.is_broken {
            return Err(at(io::Error::other("a message before was written in part")));
        }
        let is_full = self.settings.rotation.as_ref().is_some_and(|rotation| {
            self.bytes > 0 && self.bytes + message.len() as u64 > rotation.bytes_max
        });
        if is_full {
            self.rotate().map_err(at)?;
        }
        if let Err(source) = self.file.write_all(&message) {
            self.is_broken = self.file.set_len(self.bytes).is_err();
            return Err(at(source));
        }
        self.bytes += message.len() as u64;
        Ok(())
    }

    fn encode(&self, traces: Traces) -> Result<Vec<u8>, FileError> {
        let text: Bytes = match self.settings.format {
            Format::Json => to_json(&*traces.decoded().map_err(FileError::Malformed)?).into(),
            Format::Proto => traces.into_otlp(),
        };
        let text: Vec<u8> = match self.settings.zstd_level {
            Some(level) => zstd::bulk::compress(&text, level)
                .map_err(|source| FileError::Io { path: self.path.clone(), source })?,
            None => text.into(),
        };
        if !self.settings.has_lengths() {
            return Ok([text, b"\n".to_vec()].concat());
        }
        // Receivers limit requests to megabytes.
        let length = (text.len() as u32).to_be_bytes();
        Ok([length.to_vec(), text].concat())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let Some(rotation) = &self.settings.rotation else { return Ok(()) };
        rotation::set_aside(
            &self.path,
            rotation,
            self.clock.now_unix_nanos(),
            &mut self.set_aside_at,
        )?;
        self.file = open_file(&self.path, false)?;
        self.bytes = 0;
        Ok(())
    }

    /// Syncs what was written.
    pub(super) fn close(self) {
        // Pipes and devices cannot be synced, and need not be.
        if let Err(error) = self.file.sync_all() {
            tracing::debug!(path = %self.path.display(), %error, "file not synced");
        }
    }
}

fn open_file(path: &Path, keeps: bool) -> io::Result<File> {
    if keeps {
        return OpenOptions::new().append(true).create(true).open(path);
    }
    OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    OpenOptions::new().append(true).open(path)
}

#[cfg(unix)]
fn make_dir(dir: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if dir.as_os_str().is_empty() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(mode).create(dir)
}
