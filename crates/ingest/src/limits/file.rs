//! The limits file: YAML, read at the start and again whenever it changes.
//!
//! ```yaml
//! defaults:
//!   rate_limit_bytes: 30MB
//! overrides:
//!   team-a:
//!     rate_limit_bytes: unlimited
//!     max_spans_per_trace: 100000
//! ```
//!
//! An entry under `overrides` changes what it names and leaves the rest as in `defaults`. Keys may stand in Tempo's
//! sections, which set more than limits, or flat ([`document`]). A mistake at the start is an error; later the limits
//! from before stay in force, the log says once what is wrong, and a metric says so as long as it lasts.

mod document;
mod values;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use spandrel_base::byte_size::ByteSize;
use spandrel_config::Problem;
use spandrel_telemetry::ReloadOutcome;
use tokio_util::sync::CancellationToken;

use self::document::parse;
use super::{ByTenant, Limits, LimitsSource, OperatorSettings};
use crate::flush::chain;
use crate::shared::Shared;

/// A file with limits of its own for ten thousand tenants is smaller.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Why a limits file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LimitsFileError {
    /// It cannot be read.
    #[error("cannot read the limits file {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// It is too large.
    #[error("limits file {} is larger than {}", .path.display(), ByteSize(FILE_BYTES_MAX))]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is not what it should be.
    #[error("limits file {} has a mistake: {message}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
}

/// What a limits file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FileContents {
    pub(crate) limits: Limits,
    pub(crate) settings: ByTenant<OperatorSettings>,
    /// What has no effect.
    pub(crate) warnings: Vec<Problem>,
}

impl FileContents {
    /// What a source of limits says, and the file that is looked at again, if it is one.
    pub(crate) fn of(source: &LimitsSource) -> Result<(Self, Option<LimitsFile>), LimitsFileError> {
        match source {
            LimitsSource::Unlimited => Ok((Self::default(), None)),
            LimitsSource::Fixed(limits) => {
                Ok((Self { limits: limits.clone(), ..Self::default() }, None))
            }
            LimitsSource::File(path) => {
                let mut file = LimitsFile::new(path.clone());
                Ok((file.load()?, Some(file)))
            }
        }
    }

    /// Says what has no effect.
    pub(crate) fn warn(&self) {
        for warning in &self.warnings {
            tracing::warn!(%warning, "limits file");
        }
    }
}

/// A limits file as it was seen last.
#[derive(Debug, Clone)]
pub(crate) struct LimitsFile {
    path: PathBuf,
    seen: Option<Stamp>,
}

/// What tells that a file has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    n_bytes: u64,
}

impl LimitsFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, seen: None }
    }

    /// What is in the file if it has changed since the last call. Blocks the thread.
    pub(crate) fn changed(&mut self) -> Option<Result<FileContents, LimitsFileError>> {
        let now = stamp(&self.path);
        let stamp = now.as_ref().ok().cloned();
        if self.seen.is_some() && self.seen == stamp {
            return None;
        }
        let was_missing = self.seen.is_none();
        self.seen = stamp;
        match now {
            // Whatever changes after the stamp was taken makes another stamp.
            Ok(_) => Some(read(&self.path)),
            Err(_) if was_missing => None,
            Err(source) => Some(Err(LimitsFileError::Read { path: self.path.clone(), source })),
        }
    }

    /// What is in the file.
    pub(crate) fn load(&mut self) -> Result<FileContents, LimitsFileError> {
        let missing = |source| LimitsFileError::Read { path: self.path.clone(), source };
        self.seen = Some(stamp(&self.path).map_err(missing)?);
        read(&self.path)
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = std::fs::metadata(path)?;
    Ok(Stamp { modified: metadata.modified().ok(), n_bytes: metadata.len() })
}

fn read(path: &Path) -> Result<FileContents, LimitsFileError> {
    let path = path.to_owned();
    let mut text = String::new();
    let read = std::fs::File::open(&path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
    match read {
        Err(source) => Err(LimitsFileError::Read { path, source }),
        Ok(_) if text.len() as u64 > FILE_BYTES_MAX => Err(LimitsFileError::TooLarge { path }),
        Ok(_) => parse(&text, &path.to_string_lossy())
            .map_err(|problems| LimitsFileError::Invalid { path, message: problems.to_string() }),
    }
}

/// Puts changed limits in force until stopped.
pub(crate) async fn watch(shared: Arc<Shared>, mut file: LimitsFile, stop: CancellationToken) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased; // A stop must not wait for a tick.
            () = stop.cancelled() => return,
            _ = looks.tick() => {}
        }
        let looking = tokio::task::spawn_blocking(move || {
            let changed = file.changed();
            (file, changed)
        });
        // It fails only when the runtime is stopping.
        let Ok((looked_at, changed)) = looking.await else { return };
        file = looked_at;
        if let Some(changed) = changed {
            put_in_force(&shared, &file.path, changed);
        }
    }
}

fn put_in_force(shared: &Shared, path: &Path, changed: Result<FileContents, LimitsFileError>) {
    let metrics = shared.metrics.limits();
    match changed {
        Ok(contents) => {
            contents.warn();
            shared.gates.set_limits(contents.limits);
            shared.operator_settings.send_replace(Arc::new(contents.settings));
            metrics.reloads.inc(&ReloadOutcome::Loaded);
            metrics.file_valid.set(1);
            tracing::info!(file = %path.display(), "limits file loaded");
        }
        Err(error) => {
            metrics.reloads.inc(&ReloadOutcome::Failed);
            metrics.file_valid.set(0);
            tracing::error!(error = %chain(&error), "the limits from before stay in force");
        }
    }
}

#[cfg(test)]
mod tests;
