//! How a store is reached.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of a client by name, as its environment variables are called; they override the environment.
///
/// `Debug` shows the names only.
#[derive(Clone, Default)]
pub struct Settings(pub Vec<(String, String)>);

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Settings of a store.
#[derive(Debug, Clone, Default)]
pub struct ObjectsOptions {
    /// Settings of the client besides those in the environment.
    pub settings: Settings,
    /// Requests that fail.
    pub retry: RetryOptions,
    /// Requests that are slow.
    pub hedge: HedgeOptions,
    /// A cache on the local disk. Ignored for stores that are not remote.
    pub cache: Option<CacheOptions>,
}

/// How often a request to a remote store is repeated, and when it is given up.
///
/// One HTTP exchange has limits of its own, 5 s to connect and 30 s in all unless the environment says
/// otherwise (`AWS_CONNECT_TIMEOUT`, `AWS_TIMEOUT`, and the same for `GOOGLE_` and `AZURE_`).
#[derive(Debug, Clone)]
pub struct RetryOptions {
    /// Repetitions of a request that failed in a way that may pass.
    pub retries_max: usize,
    /// Pause before the first repetition. Later ones are random, between this and twice the one before.
    pub pause_first: Duration,
    /// The longest pause.
    pub pause_max: Duration,
    /// No repetition begins later than this after the first attempt.
    pub retry_within: Duration,
    /// A request is given up after this time, repetitions included; for a body, after this time without
    /// a byte.
    pub give_up_after: Duration,
}

impl Default for RetryOptions {
    /// A store that recovers within seconds is not noticed; queries learn within their deadline of one that
    /// does not.
    fn default() -> Self {
        Self {
            retries_max: 6,
            pause_first: Duration::from_millis(100),
            pause_max: Duration::from_secs(5),
            retry_within: Duration::from_secs(20),
            give_up_after: Duration::from_secs(60),
        }
    }
}

/// When bytes are asked for a second time because the first request is slower than most.
#[derive(Debug, Clone)]
pub struct HedgeOptions {
    /// The wait before the second request until enough latencies are known.
    pub delay_first: Duration,
    /// The shortest wait.
    pub delay_min: Duration,
    /// The longest wait.
    pub delay_max: Duration,
    /// Second requests in a hundred reads at most; 0 sends none.
    pub percent_max: u32,
    /// Longer ranges are asked for once: their time is the bandwidth's, not the store's.
    pub range_bytes_max: u64,
}

impl Default for HedgeOptions {
    /// The wait follows the 95th percentile of the reads so far.
    fn default() -> Self {
        Self {
            delay_first: Duration::from_millis(250),
            delay_min: Duration::from_millis(20),
            delay_max: Duration::from_secs(2),
            percent_max: 5,
            range_bytes_max: 8 << 20,
        }
    }
}

/// A cache of blocks' chunks on the local disk.
#[derive(Debug, Clone)]
pub struct CacheOptions {
    /// Its directory, for this process alone; created when absent.
    pub dir: PathBuf,
    /// Bytes of its files at most.
    pub bytes_max: u64,
    /// What is read from the store and kept as one piece.
    pub chunk_bytes: u32,
}

impl CacheOptions {
    /// Chunk size that [`CacheOptions::new`] takes.
    ///
    /// A block is opened by reading its last MiB, and columns of a row group take from a few KiB to a few
    /// hundred. See docs/storage.md for what other sizes cost.
    pub const CHUNK_BYTES: u32 = 256 << 10;

    /// A cache in this directory.
    pub fn new(dir: impl Into<PathBuf>, bytes_max: u64) -> Self {
        Self { dir: dir.into(), bytes_max, chunk_bytes: Self::CHUNK_BYTES }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_settings_are_not_shown() {
        let settings = Settings(vec![("aws_secret_access_key".into(), "hidden".into())]);
        let options = ObjectsOptions { settings, ..ObjectsOptions::default() };
        let text = format!("{options:?}");
        assert!(text.contains("aws_secret_access_key") && !text.contains("hidden"), "{text}");
    }
}
