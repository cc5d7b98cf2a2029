//! What became of the spans of each tenant, by count, since the store was opened.
//!
//! The metrics have the same sums over all tenants; by tenant they would be series without bound. Here a tenant takes a
//! few hundred bytes, and of those that come when there are [`TENANTS_MAX`] nothing is counted.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use parking_lot::Mutex;
use spandrel_model::TenantId;
use spandrel_telemetry::{RefuseReason, RejectReason};

/// Tenants that are counted.
const TENANTS_MAX: usize = 10_000;

/// Spans of a tenant: all that were received are stored, rejected, refused or failed, or on their way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantSpans {
    /// Durable, and acknowledged.
    pub stored: u64,
    /// Never to be stored, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Asked to be sent again, by reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// Lost to a fault of ours.
    pub failed: u64,
    /// Of the stored ones, those that are in no block yet.
    pub live_spans: u64,
    /// Memory of those.
    pub live_bytes: u64,
}

impl TenantSpans {
    /// All of which it is known what became.
    pub fn received(&self) -> u64 {
        let kept_out = self.rejected.values().chain(self.refused.values()).sum::<u64>();
        self.stored + self.failed + kept_out
    }
}

/// The counts of all tenants.
#[derive(Debug, Default)]
pub(crate) struct Accounts(Mutex<HashMap<TenantId, TenantSpans>>);

impl Accounts {
    pub(crate) fn stored(&self, tenant: &TenantId, spans: u64) {
        self.change(tenant, |counts| counts.stored += spans);
    }

    pub(crate) fn rejected(&self, tenant: &TenantId, reason: RejectReason, spans: u64) {
        self.change(tenant, |counts| *counts.rejected.entry(reason.as_str()).or_default() += spans);
    }

    pub(crate) fn refused(&self, tenant: &TenantId, reason: RefuseReason, spans: u64) {
        self.change(tenant, |counts| *counts.refused.entry(reason.as_str()).or_default() += spans);
    }

    pub(crate) fn failed(&self, tenant: &TenantId, spans: u64) {
        self.change(tenant, |counts| counts.failed += spans);
    }

    /// The counts of a tenant, without what is live.
    pub(crate) fn of(&self, tenant: &TenantId) -> TenantSpans {
        self.0.lock().get(tenant).cloned().unwrap_or_default()
    }

    fn change(&self, tenant: &TenantId, change: impl FnOnce(&mut TenantSpans)) {
        let mut all = self.0.lock();
        if let Some(counts) = all.get_mut(tenant) {
            change(counts);
        } else if all.len() < TENANTS_MAX {
            change(all.entry(tenant.clone()).or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fate_is_received() {
        let accounts = Accounts::default();
        let tenant = TenantId::single();
        accounts.stored(&tenant, 5);
        accounts.rejected(&tenant, RejectReason::InvalidSpanId, 2);
        accounts.refused(&tenant, RefuseReason::TenantRate, 3);
        accounts.refused(&tenant, RefuseReason::TenantRate, 4);
        accounts.failed(&tenant, 1);
        let counts = accounts.of(&tenant);
        assert_eq!(counts.received(), 15);
        assert_eq!(counts.refused, BTreeMap::from([("tenant_rate", 7)]));
        assert_eq!(accounts.of(&TenantId::new("other").unwrap()), TenantSpans::default());
    }

    #[test]
    fn tenants_do_not_grow_without_bound() {
        let accounts = Accounts::default();
        for number in 0..=TENANTS_MAX {
            accounts.stored(&TenantId::new(&format!("t{number}")).unwrap(), 1);
        }
        assert_eq!(accounts.0.lock().len(), TENANTS_MAX);
    }
}
