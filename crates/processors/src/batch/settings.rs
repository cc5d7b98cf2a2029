//! The settings of `batch`.

use std::collections::BTreeSet;
use std::time::Duration;

use spandrel_config::Section;

/// Settings of `batch`; all sizes are spans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchSettings {
    /// A batch of this age is sent; zero sends everything at once.
    pub timeout: Duration,
    /// A batch of this size is sent; zero sends everything at once.
    pub send_batch_size: u64,
    /// The largest request; zero has no limit.
    pub send_batch_max_size: u64,
    /// Metadata whose values are not mixed in a request; lower case.
    pub metadata_keys: Vec<String>,
    /// The most combinations of their values; zero has no limit.
    pub metadata_cardinality_limit: u64,
}

impl BatchSettings {
    /// Reads and checks them.
    pub fn read(section: &mut Section<'_>) -> Self {
        let keys: Vec<String> = section.or("metadata_keys", Vec::new());
        let settings = Self {
            timeout: section.or("timeout", Duration::from_millis(200)),
            send_batch_size: u64::from(section.or("send_batch_size", 8192_u32)),
            send_batch_max_size: u64::from(section.or("send_batch_max_size", 0_u32)),
            metadata_keys: keys.iter().map(|key| key.to_lowercase()).collect(),
            metadata_cardinality_limit: u64::from(
                section.or("metadata_cardinality_limit", 1000_u32),
            ),
        };
        let (size, max) = (settings.send_batch_size, settings.send_batch_max_size);
        if max > 0 && max < size {
            section.problem(
                Some("send_batch_max_size"),
                format!("must be at least send_batch_size ({size}), or 0 for no limit"),
            );
        }
        let mut seen = BTreeSet::new();
        for key in &settings.metadata_keys {
            if !seen.insert(key) {
                let message = format!("has {key:?} twice (upper and lower case are the same)");
                section.problem(Some("metadata_keys"), message);
            }
        }
        settings
    }

    /// Whether nothing is collected.
    pub(super) fn sends_at_once(&self) -> bool {
        self.timeout.is_zero() || self.send_batch_size == 0
    }
}
