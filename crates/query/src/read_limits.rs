//! What a tenant's own queries may ask for, so that a panel over a year does not surprise whoever pays for it.

use std::time::Duration;

use parking_lot::RwLock;
use spandrel_ingest::ByTenant;
use spandrel_model::TenantId;
use spandrel_series::Intervals;

use crate::{QueryError, TagLimits, TimeRange};

/// Intervals by which aligning a range to its step makes it longer: one in front, and two that are only begun.
const ALIGNED_INTERVALS: usize = 3;

/// Limits of one tenant's queries; `None` is unlimited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadLimits {
    /// Length of the time range of a search. A search without a range is too long.
    pub max_search_duration: Option<Duration>,
    /// Length of the time range of a metrics query, before it is aligned to its step.
    pub max_metrics_duration: Option<Duration>,
    /// Bytes of all names or values of an answer; it is cut there, and says so.
    pub max_bytes_per_tag_values_query: Option<usize>,
}

/// The limits of all tenants.
#[derive(Debug, Default)]
pub(crate) struct TenantReadLimits(RwLock<ByTenant<ReadLimits>>);

impl TenantReadLimits {
    /// Replaces all of them.
    pub(crate) fn set(&self, limits: ByTenant<ReadLimits>) {
        *self.0.write() = limits;
    }

    pub(crate) fn of(&self, tenant: &TenantId) -> ReadLimits {
        self.0.read().of(tenant)
    }

    /// Whether the tenant may search this range.
    pub(crate) fn check_search(
        &self,
        tenant: &TenantId,
        range: TimeRange,
    ) -> Result<(), QueryError> {
        let length = range.end_unix_nanos.saturating_sub(range.start_unix_nanos);
        within("max_search_duration", self.of(tenant).max_search_duration, length)
    }

    /// Whether the tenant may ask for metrics of this range.
    pub(crate) fn check_metrics(
        &self,
        tenant: &TenantId,
        intervals: &Intervals,
    ) -> Result<(), QueryError> {
        let (start, end) = intervals.bounds();
        let added = match intervals.count() {
            1 => 0,
            _ => i64::try_from(ALIGNED_INTERVALS)
                .unwrap_or(i64::MAX)
                .saturating_mul(intervals.step_nanos()),
        };
        let length = end.saturating_sub(start).saturating_sub(added);
        within("max_metrics_duration", self.of(tenant).max_metrics_duration, length)
    }

    /// These limits of an answer, within those of the tenant.
    pub(crate) fn tags(&self, tenant: &TenantId, limits: TagLimits) -> TagLimits {
        let own = self.of(tenant).max_bytes_per_tag_values_query.unwrap_or(usize::MAX);
        TagLimits { bytes_max: limits.bytes_max.min(own), ..limits }
    }
}

fn within(name: &'static str, limit: Option<Duration>, nanos: i64) -> Result<(), QueryError> {
    match limit {
        Some(limit) if u128::from(nanos.max(0).unsigned_abs()) > limit.as_nanos() => {
            Err(QueryError::RangeTooLong { name, limit })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000_000;

    #[test]
    fn ranges_are_measured_as_they_were_asked_for() {
        let hour = Some(Duration::from_secs(3600));
        let tenant = TenantId::single();
        let limits = TenantReadLimits::default();
        let own = ReadLimits {
            max_search_duration: hour,
            max_metrics_duration: hour,
            max_bytes_per_tag_values_query: Some(10),
        };
        let overrides = [(tenant.clone(), own)].into();
        limits.set(ByTenant { overrides, ..ByTenant::default() });
        let search = |start_unix_nanos, end_unix_nanos| {
            limits.check_search(&tenant, TimeRange { start_unix_nanos, end_unix_nanos }).is_ok()
        };
        assert!(search(5, 5 + HOUR) && !search(5, 6 + HOUR) && !search(i64::MIN, i64::MAX));
        let metrics = |intervals: Intervals| limits.check_metrics(&tenant, &intervals).is_ok();
        assert!(metrics(Intervals::instant(5, 5 + HOUR).unwrap()));
        assert!(!metrics(Intervals::instant(5, 6 + HOUR).unwrap()));
        let range = |start, end| metrics(Intervals::range(start, end, HOUR / 60).unwrap());
        assert!(range(0, HOUR) && range(1, HOUR + 1) && !range(0, HOUR + HOUR / 10));
        let cut = limits.tags(&tenant, TagLimits::NONE);
        assert_eq!(cut, TagLimits { bytes_max: 10, ..TagLimits::NONE });
        let other = TenantId::new("other").unwrap();
        assert!(limits.check_search(&other, TimeRange::ALL).is_ok());
        assert_eq!(limits.tags(&other, TagLimits::NONE), TagLimits::NONE);
    }
}
