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
//! An entry under `overrides` changes what it names and leaves the rest as in `defaults`. A mistake at the start
//! is an error; later the limits from before stay in force, the log says once what is wrong, and a metric says
//! so as long as it lasts.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde::de::{Deserializer, Unexpected, Visitor};
use spandrel_base::byte_size::ByteSize;
use spandrel_model::TenantId;
use spandrel_telemetry::ReloadOutcome;
use tokio_util::sync::CancellationToken;

use super::{Limit, Limits, TenantLimits};
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

    /// The limits in the file if it has changed since the last call. Blocks the thread.
    pub(crate) fn changed(&mut self) -> Option<Result<Limits, LimitsFileError>> {
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

    /// The limits in the file.
    pub(crate) fn load(&mut self) -> Result<Limits, LimitsFileError> {
        let missing = |source| LimitsFileError::Read { path: self.path.clone(), source };
        self.seen = Some(stamp(&self.path).map_err(missing)?);
        read(&self.path)
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = std::fs::metadata(path)?;
    Ok(Stamp { modified: metadata.modified().ok(), n_bytes: metadata.len() })
}

fn read(path: &Path) -> Result<Limits, LimitsFileError> {
    let path = path.to_owned();
    let mut text = String::new();
    let read = std::fs::File::open(&path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
    match read {
        Err(source) => Err(LimitsFileError::Read { path, source }),
        Ok(_) if text.len() as u64 > FILE_BYTES_MAX => Err(LimitsFileError::TooLarge { path }),
        Ok(_) => parse(&text).map_err(|message| LimitsFileError::Invalid { path, message }),
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

fn put_in_force(shared: &Shared, path: &Path, changed: Result<Limits, LimitsFileError>) {
    let metrics = shared.metrics.limits();
    match changed {
        Ok(limits) => {
            shared.gates.set_limits(limits);
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

/// The file as it is written.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Document {
    defaults: Entry,
    overrides: BTreeMap<String, Entry>,
}

/// What one tenant, or the defaults, name.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Entry {
    rate_limit_bytes: Option<Bytes>,
    burst_size_bytes: Option<Bytes>,
    rate_limit_spans: Option<Count>,
    burst_size_spans: Option<Count>,
    max_live_bytes: Option<Bytes>,
    max_bytes_per_trace: Option<Bytes>,
    max_spans_per_trace: Option<Count>,
    max_attribute_bytes: Option<Bytes>,
    max_attributes_per_span: Option<Count>,
}

impl Entry {
    fn over(&self, base: TenantLimits) -> TenantLimits {
        let bytes = |own: &Option<Bytes>, base| own.as_ref().map_or(base, |own| own.0);
        let count = |own: &Option<Count>, base| own.as_ref().map_or(base, |own| own.0);
        TenantLimits {
            rate_limit_bytes: bytes(&self.rate_limit_bytes, base.rate_limit_bytes),
            burst_size_bytes: bytes(&self.burst_size_bytes, base.burst_size_bytes),
            rate_limit_spans: count(&self.rate_limit_spans, base.rate_limit_spans),
            burst_size_spans: count(&self.burst_size_spans, base.burst_size_spans),
            max_live_bytes: bytes(&self.max_live_bytes, base.max_live_bytes),
            max_bytes_per_trace: bytes(&self.max_bytes_per_trace, base.max_bytes_per_trace),
            max_spans_per_trace: count(&self.max_spans_per_trace, base.max_spans_per_trace),
            max_attribute_bytes: bytes(&self.max_attribute_bytes, base.max_attribute_bytes),
            max_attributes_per_span: count(
                &self.max_attributes_per_span,
                base.max_attributes_per_span,
            ),
        }
    }
}

/// A number of bytes, with or without a unit, or `unlimited`.
struct Bytes(Limit);
/// A number of things, or `unlimited`.
struct Count(Limit);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let parse = |text: &str| text.parse().map(|ByteSize(bytes)| bytes);
        from.deserialize_any(LimitVisitor { parse, expected: "an amount of bytes" }).map(Self)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let parse = str::parse::<u64>;
        from.deserialize_any(LimitVisitor { parse, expected: "a number" }).map(Self)
    }
}

struct LimitVisitor<P> {
    parse: P,
    expected: &'static str,
}

impl<P, E> Visitor<'_> for LimitVisitor<P>
where
    P: FnOnce(&str) -> Result<u64, E>,
{
    type Value = Limit;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} or `unlimited`", self.expected)
    }

    fn visit_u64<D: serde::de::Error>(self, number: u64) -> Result<Limit, D> {
        Ok(Some(number))
    }

    fn visit_i64<D: serde::de::Error>(self, number: i64) -> Result<Limit, D> {
        u64::try_from(number)
            .map(Some)
            .map_err(|_negative| D::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_str<D: serde::de::Error>(self, text: &str) -> Result<Limit, D> {
        if text == "unlimited" {
            return Ok(None);
        }
        let expected = self.expected;
        (self.parse)(text).map(Some).map_err(|_error| {
            D::custom(format_args!("expected {expected} or `unlimited`, got `{text}`"))
        })
    }
}

fn parse(text: &str) -> Result<Limits, String> {
    // An empty file is a file without limits.
    let document: Option<Document> =
        serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let Document { defaults, overrides } = document.unwrap_or_default();
    let defaults = defaults.over(TenantLimits::default());
    let mut limits = Limits { defaults, overrides: BTreeMap::new() };
    for (name, entry) in overrides {
        let tenant = TenantId::new(&name).map_err(|error| format!("`{name}`: {error}"))?;
        limits.overrides.insert(tenant, entry.over(defaults));
    }
    Ok(limits)
}

#[cfg(test)]
mod tests;
