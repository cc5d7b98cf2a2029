//! Computed probabilities on disk, so that a restart does not forget them.

use std::path::Path;

use serde::{Deserialize, Serialize};
use spandrel_base::fs;

use crate::{Adaptive, RemoteSamplingError};

/// The file: services, their operations and probabilities.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    version: u32,
    services: Vec<(String, Vec<(String, f64)>)>,
}

const VERSION: u32 = 1;

impl Adaptive {
    /// Writes the probabilities.
    ///
    /// # Errors
    /// [`RemoteSamplingError`] when the file cannot be written; the old one stays then.
    pub fn save(&self, path: &Path) -> Result<(), RemoteSamplingError> {
        let saved = Saved { version: VERSION, services: self.probabilities() };
        Ok(fs::replace(path, &serde_json::to_vec(&saved)?)?)
    }

    /// Goes on with the probabilities of a file, if there is one.
    ///
    /// # Errors
    /// [`RemoteSamplingError`] when the file is there and cannot be used.
    pub fn load(&self, path: &Path) -> Result<(), RemoteSamplingError> {
        if !fs::try_exists(path)? {
            return Ok(());
        }
        let saved: Saved = serde_json::from_slice(&fs::read(path)?)?;
        if saved.version != VERSION {
            let why = format!("{} is of another version", path.display());
            return Err(RemoteSamplingError::Strategy(why));
        }
        self.restore(saved.services);
        Ok(())
    }
}
