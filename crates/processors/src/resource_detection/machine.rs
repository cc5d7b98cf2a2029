//! Where detectors look: files, environment, metadata services. All of it can be that of another machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// What its files are below.
    pub root: PathBuf,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    /// The metadata service of Amazon and of Azure: `http://host:port`.
    pub link_local: String,
    /// Google's metadata service.
    pub google: String,
}

impl Machine {
    /// This machine.
    pub fn this() -> Self {
        let variables = std::env::vars_os();
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            root: PathBuf::from("/"),
            environment: variables.filter_map(text).collect(),
            link_local: "http://169.254.169.254".to_owned(),
            google: "http://metadata.google.internal".to_owned(),
        }
    }

    /// An environment variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A small file, without white space at its ends.
    pub(super) fn file(&self, path: impl AsRef<Path>) -> Option<String> {
        let text = std::fs::read_to_string(self.root.join(path)).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }
}
