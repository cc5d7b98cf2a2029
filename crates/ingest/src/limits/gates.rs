//! The gates of all tenants that are about.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::RwLock;
use spandrel_base::memory::MemoryBudget;
use spandrel_model::TenantId;

use super::{Gate, Limits, TenantLimits};

/// Idle tenants are forgotten when there are this many, and then whenever there are twice as many as were left.
const TENANTS_KEPT: usize = 1_024;

/// The gates by tenant, and the limits that they were made with.
pub(crate) struct Gates {
    limits: RwLock<InForce>,
    by_tenant: RwLock<HashMap<TenantId, Arc<Gate>>>,
    forget_at: AtomicUsize,
    /// All live spans.
    live: MemoryBudget,
}

/// Limits by who has set them.
struct InForce {
    operator: Limits,
    /// What tenants have set for themselves.
    own: BTreeMap<TenantId, TenantLimits>,
}

impl InForce {
    fn of(&self, tenant: &TenantId) -> TenantLimits {
        let limits = self.operator.of(tenant);
        self.own.get(tenant).map_or(limits, |own| limits.tightened(own))
    }
}

impl Gates {
    /// Gates of which the live spans are parts of `live`.
    pub(crate) fn new(limits: Limits, live: MemoryBudget) -> Self {
        Self {
            limits: RwLock::new(InForce { operator: limits, own: BTreeMap::new() }),
            by_tenant: RwLock::default(),
            forget_at: AtomicUsize::new(TENANTS_KEPT),
            live,
        }
    }

    /// The gate of a tenant. As long as anybody holds it, it is the only one.
    pub(crate) fn of(&self, tenant: &TenantId, now: Duration) -> Arc<Gate> {
        if let Some(gate) = self.by_tenant.read().get(tenant) {
            return Arc::clone(gate);
        }
        let mut gates = self.by_tenant.write();
        // Read under the lock of the gates, so that a change of the limits finds the new gate.
        let limits = self.limits.read().of(tenant);
        let fresh = || Arc::new(Gate::new(tenant.clone(), limits, &self.live));
        let gate = Arc::clone(gates.entry(tenant.clone()).or_insert_with(fresh));
        if gates.len() >= self.forget_at.load(Ordering::Relaxed) {
            gates.retain(|_, gate| Arc::strong_count(gate) > 1 || !gate.is_idle(now));
            let next = gates.len().saturating_mul(2).max(TENANTS_KEPT);
            self.forget_at.store(next, Ordering::Relaxed);
        }
        gate
    }

    /// The limits that the operator has set.
    pub(crate) fn limits(&self) -> Limits {
        self.limits.read().operator.clone()
    }

    /// The limits of a tenant that are in force.
    pub(crate) fn in_force(&self, tenant: &TenantId) -> TenantLimits {
        self.limits.read().of(tenant)
    }

    /// Puts other limits of the operator in force, for those too who are about.
    pub(crate) fn set_limits(&self, limits: Limits) {
        self.limits.write().operator = limits;
        self.tell();
    }

    /// Puts other limits in force that tenants have set for themselves.
    pub(crate) fn set_own_limits(&self, own: BTreeMap<TenantId, TenantLimits>) {
        self.limits.write().own = own;
        self.tell();
    }

    /// Lets those who are about know.
    fn tell(&self) {
        let gates = self.by_tenant.read();
        let limits = self.limits.read();
        gates.values().for_each(|gate| gate.set_limits(limits.of(&gate.tenant)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(number: usize) -> TenantId {
        TenantId::new(&format!("tenant-{number}")).unwrap()
    }

    fn limits(rate_limit_bytes: u64) -> Limits {
        let defaults =
            TenantLimits { rate_limit_bytes: Some(rate_limit_bytes), ..TenantLimits::default() };
        Limits { defaults, ..Limits::default() }
    }

    #[test]
    fn idle_tenants_are_forgotten_and_others_are_not() {
        let gates = Gates::new(limits(10), MemoryBudget::unlimited());
        let now = Duration::from_secs(100);
        let held = gates.of(&tenant(0), now);
        gates.of(&tenant(1), now).charge(15, || 1, now).unwrap().keep();
        let with_spans = gates.of(&tenant(2), now).live.reserve_anyway(1);
        for number in 3..5 * TENANTS_KEPT {
            gates.of(&tenant(number), now);
        }
        assert!(gates.by_tenant.read().len() <= TENANTS_KEPT);
        assert!(Arc::ptr_eq(&held, &gates.of(&tenant(0), now)));
        let too_fast = gates.of(&tenant(1), now).charge(10, || 1, now).err().unwrap();
        assert_eq!(too_fast.wait, Duration::from_millis(1_500));
        assert_eq!(too_fast.to_string(), "tenant tenant-1 sends more than 10 bytes per second");
        assert_eq!(gates.of(&tenant(2), now).live.used(), 1);
        drop(with_spans);
    }

    #[test]
    fn a_batch_that_comes_again_is_charged_once() {
        let mut limits = limits(100);
        limits.defaults.rate_limit_spans = Some(10);
        let gate = Gates::new(limits, MemoryBudget::unlimited()).of(&tenant(0), Duration::ZERO);
        let charge = |bytes, spans| gate.charge(bytes, || spans, Duration::ZERO);
        drop(charge(80, 8).unwrap());
        charge(80, 8).unwrap().keep();
        // Neither rate is charged when one of them refuses.
        assert_eq!(charge(30, 1).err().unwrap().wait, Duration::from_millis(100));
        assert_eq!(charge(10, 3).err().unwrap().wait, Duration::from_millis(100));
        charge(20, 2).unwrap().keep();
        assert!(charge(1, 0).is_err() && charge(0, 1).is_err());
    }

    #[test]
    fn a_change_reaches_old_and_new_tenants() {
        let gates = Gates::new(limits(10), MemoryBudget::unlimited());
        let old = gates.of(&tenant(0), Duration::ZERO);
        let mut changed = limits(20);
        let own = TenantLimits { max_live_bytes: Some(5), ..TenantLimits::default() };
        changed.overrides.insert(tenant(0), own);
        gates.set_limits(changed);
        assert_eq!((old.limits(), old.live.limit()), (own, 5));
        let new = gates.of(&tenant(1), Duration::ZERO);
        assert_eq!((new.limits().rate_limit_bytes, new.live.limit()), (Some(20), usize::MAX));
    }

    #[test]
    fn what_tenants_set_themselves_only_tightens() {
        let gates = Gates::new(limits(10), MemoryBudget::unlimited());
        let old = gates.of(&tenant(0), Duration::ZERO);
        let own = |rate| TenantLimits { rate_limit_bytes: Some(rate), ..TenantLimits::default() };
        gates.set_own_limits([(tenant(0), own(5)), (tenant(1), own(50))].into());
        let rate = |tenant: &TenantId| gates.in_force(tenant).rate_limit_bytes;
        assert_eq!([0, 1, 2].map(|n| rate(&tenant(n))), [Some(5), Some(10), Some(10)]);
        assert_eq!(old.limits().rate_limit_bytes, Some(5));
        // A change of the operator's limits leaves what tenants have set.
        gates.set_limits(limits(20));
        assert_eq!([0, 1, 2].map(|n| rate(&tenant(n))), [Some(5), Some(20), Some(20)]);
        assert_eq!(gates.limits(), limits(20));
        gates.set_own_limits(BTreeMap::new());
        assert_eq!(old.limits().rate_limit_bytes, Some(20));
    }
}
