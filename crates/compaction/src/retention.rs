//! Retention by age.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use spandrel_catalog::{BlockEntry, BlockId};
use spandrel_model::TenantId;

/// A span cannot end after it was received. What claims to end this much later has a broken clock, and one such
/// span must not keep its block, and all blocks that it is merged into, for years.
const CLOCK_ERROR_MAX: Duration = Duration::from_secs(24 * 3600);

/// Ages at which spans of single tenants are given up. Clones are one: what is set in one is in force in all.
#[derive(Clone, Default)]
pub struct OwnRetention(Arc<RwLock<Ages>>);

#[derive(Debug, Default)]
struct Ages {
    of_others: Option<Duration>,
    by_tenant: BTreeMap<TenantId, Duration>,
}

impl OwnRetention {
    /// Replaces all ages; `of_others` is that of tenants that are not in the map.
    pub fn set(&self, of_others: Option<Duration>, by_tenant: BTreeMap<TenantId, Duration>) {
        *self.0.write() = Ages { of_others, by_tenant };
    }

    pub(crate) fn of(&self, tenant: &TenantId) -> Option<Duration> {
        let ages = self.0.read();
        ages.by_tenant.get(tenant).copied().or(ages.of_others)
    }
}

impl fmt::Debug for OwnRetention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.read().fmt(f)
    }
}

/// The blocks of which every span both happened and was received longer ago than `retention`.
pub fn expired<'a>(
    entries: impl IntoIterator<Item = &'a Arc<BlockEntry>>,
    now_unix_nanos: u64,
    retention: Duration,
) -> Vec<BlockId> {
    let limit = now_unix_nanos.saturating_sub(nanos(retention));
    let expired = entries.into_iter().filter(|entry| newest_unix_nanos(entry) < limit);
    expired.map(|entry| entry.id).collect()
}

/// When the newest span of a block happened or was received.
pub(crate) fn newest_unix_nanos(entry: &BlockEntry) -> u64 {
    let received = entry.max_received_unix_nanos;
    let happened = entry.max_end_unix_nanos.max(entry.max_trace_start_unix_nanos);
    happened.min(received.saturating_add(nanos(CLOCK_ERROR_MAX))).max(received)
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000_000_000;

    /// Whether a block goes at hour 1000 under a retention of 100 hours.
    fn goes(happened_hour: u64, received_hour: u64) -> bool {
        let id = BlockId::from_bytes([7; 16]);
        let entry = Arc::new(BlockEntry {
            id,
            path: String::new(),
            size_bytes: 0,
            n_spans: 1,
            n_traces: 1,
            min_start_unix_nanos: 0,
            max_end_unix_nanos: happened_hour.saturating_mul(HOUR),
            max_trace_start_unix_nanos: 0,
            max_received_unix_nanos: received_hour * HOUR,
            format_version: 1,
            level: 0,
            tail: None,
        });
        !expired([&entry], 1000 * HOUR, Duration::from_secs(100 * 3600)).is_empty()
    }

    #[test]
    fn age_counts_from_the_later_of_both_times() {
        for (happened, received, expected) in [
            (899, 899, true),
            (900, 899, false),
            (899, 900, false),
            (950, 990, false),
            (10, 899, true),
            // An import of old spans stays as long as others do.
            (10, 990, false),
            // A clock that is a little ahead counts, one that is years ahead does not.
            (920, 898, false),
            (u64::MAX, 898, false),
            (u64::MAX, 800, true),
        ] {
            assert_eq!(goes(happened, received), expected, "{happened} {received}");
        }
        assert!(expired([], 0, Duration::MAX).is_empty());
    }
}
