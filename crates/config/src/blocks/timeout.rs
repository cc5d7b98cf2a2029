//! `timeout` of exporters (`exporterhelper.TimeoutConfig`).

use std::time::Duration;

use crate::section::Section;

/// How long one attempt to send may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout {
    /// Zero for no limit.
    pub timeout: Duration,
}

impl Default for Timeout {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(5) }
    }
}

impl Timeout {
    /// Reads the block.
    pub fn read(section: &mut Section<'_>) -> Self {
        Self { timeout: section.or("timeout", Self::default().timeout) }
    }
}
