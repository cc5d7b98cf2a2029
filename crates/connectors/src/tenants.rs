//! State by tenant: the metrics of one tenant are made of its spans alone.

use std::collections::BTreeMap;

use spandrel_base::memory::{MemoryBudget, Reservation};
use spandrel_model::TenantId;

/// What a tenant takes beside what its state counts itself.
const TENANT_BYTES: usize = 1024;

/// A state for each tenant that has sent spans.
#[derive(Debug)]
pub(crate) struct Tenants<S> {
    states: BTreeMap<TenantId, (S, Reservation)>,
    memory: MemoryBudget,
}

impl<S> Tenants<S> {
    pub(crate) fn new(memory: MemoryBudget) -> Self {
        Self { states: BTreeMap::new(), memory }
    }

    /// The state of a tenant, made when it has none; `None` when there is no memory for another tenant.
    pub(crate) fn get_or_make(
        &mut self,
        tenant: &TenantId,
        make: impl FnOnce(&MemoryBudget) -> S,
    ) -> Option<&mut S> {
        if !self.states.contains_key(tenant) {
            let Ok(reservation) = self.memory.try_reserve(TENANT_BYTES) else {
                tracing::warn!(tenant = %tenant, "no memory for the metrics of another tenant");
                return None;
            };
            self.states.insert(tenant.clone(), (make(&self.memory), reservation));
        }
        self.states.get_mut(tenant).map(|(state, _)| state)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&TenantId, &mut S)> {
        self.states.iter_mut().map(|(tenant, (state, _))| (tenant, state))
    }

    /// Forgets tenants whose state holds nothing any more.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&S) -> bool) {
        self.states.retain(|_, (state, _)| keep(state));
    }
}
