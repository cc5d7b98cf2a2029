//! Computed probabilities on disk, so that a restart does not forget them.

use std::path::Path;

use serde::{Deserialize, Serialize};
use spandrel_base::fs;
use spandrel_model::{TenantId, TenantIdError};

use crate::adaptive::Probabilities;
use crate::{Adaptive, RemoteSamplingError};

/// The file: tenants, their services, operations and probabilities.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    version: u32,
    tenants: Vec<(String, Probabilities)>,
}

/// Files as they were before tenants had probabilities of their own.
#[derive(Debug, Deserialize)]
struct SavedV1 {
    services: Probabilities,
}

#[derive(Debug, Deserialize)]
struct SavedVersion {
    version: u32,
}

const VERSION: u32 = 2;

impl Adaptive {
    /// Writes the probabilities.
    ///
    /// # Errors
    /// [`RemoteSamplingError`] when the file cannot be written; the old one stays then.
    pub fn save(&self, path: &Path) -> Result<(), RemoteSamplingError> {
        let tenants = self.probabilities().into_iter();
        let tenants = tenants.map(|(tenant, services)| (tenant.to_string(), services)).collect();
        Ok(fs::replace(path, &serde_json::to_vec(&Saved { version: VERSION, tenants })?)?)
    }

    /// Goes on with the probabilities of a file, if there is one.
    ///
    /// # Errors
    /// [`RemoteSamplingError`] when the file is there and cannot be used.
    pub fn load(&self, path: &Path) -> Result<(), RemoteSamplingError> {
        if !fs::try_exists(path)? {
            return Ok(());
        }
        let unusable =
            |why: String| RemoteSamplingError::Strategy(format!("{}: {why}", path.display()));
        let json = fs::read(path)?;
        let SavedVersion { version } = serde_json::from_slice(&json)?;
        let tenants = match version {
            1 => {
                let saved: SavedV1 = serde_json::from_slice(&json)?;
                vec![(TenantId::single(), saved.services)]
            }
            VERSION => {
                let saved: Saved = serde_json::from_slice(&json)?;
                let tenants = saved.tenants.into_iter();
                let tenants = tenants.map(|(name, all)| Ok((TenantId::new(&name)?, all)));
                let tenants: Result<_, TenantIdError> = tenants.collect();
                tenants.map_err(|error| unusable(error.to_string()))?
            }
            version => return Err(unusable(format!("version {version} is not known"))),
        };
        self.restore(tenants);
        Ok(())
    }
}
