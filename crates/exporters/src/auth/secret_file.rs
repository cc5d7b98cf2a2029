//! A secret in a file that is replaced from time to time.

use std::path::PathBuf;
use std::time::Duration;

use parking_lot::Mutex;
use spandrel_base::clock::SharedClock;

use super::AuthError;

/// How old a value that was read may be.
const MAX_AGE: Duration = Duration::from_secs(5);

/// The content of a file without white space around it, read again when it may have changed.
pub(super) struct SecretFile {
    path: PathBuf,
    clock: SharedClock,
    last: Mutex<Option<(Duration, String)>>,
}

impl SecretFile {
    pub(super) fn new(path: PathBuf, clock: SharedClock) -> Self {
        Self { path, clock, last: Mutex::new(None) }
    }

    /// The value now. While the file cannot be read, the last one that could be is used.
    pub(super) async fn value(&self) -> Result<String, AuthError> {
        let now = self.clock.monotonic();
        let last = self.last.lock().clone();
        if let Some((read_at, value)) = &last
            && now.saturating_sub(*read_at) < MAX_AGE
        {
            return Ok(value.clone());
        }
        match tokio::fs::read_to_string(&self.path).await {
            Ok(text) => {
                let value = text.trim().to_owned();
                *self.last.lock() = Some((now, value.clone()));
                Ok(value)
            }
            Err(error) => {
                let file = self.path.display();
                tracing::warn!(%file, %error, "cannot read the file of a secret");
                let message = || AuthError(format!("cannot read {file}: {error}"));
                last.map(|(_, value)| value).ok_or_else(message)
            }
        }
    }
}

/// A secret in the configuration, or in a file.
pub(super) enum SecretSource {
    Fixed(String),
    File(SecretFile),
}

impl SecretSource {
    pub(super) async fn value(&self) -> Result<String, AuthError> {
        match self {
            Self::Fixed(value) => Ok(value.clone()),
            Self::File(file) => file.value().await,
        }
    }
}
