//! What names a trace: its id and its tenant.

use hashbrown::HashMap;
use parking_lot::RwLock;
use spandrel_model::{TenantId, TraceId};

/// The most tenants of a process; spans of others are refused.
const TENANTS_MAX: usize = 1 << 16;

/// A trace of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TraceKey {
    /// The trace id, big-endian.
    pub(crate) id: u128,
    /// As [`Tenants`] has numbered it.
    pub(crate) tenant: u32,
}

impl TraceKey {
    pub(crate) fn new(trace_id: TraceId, tenant: u32) -> Self {
        Self { id: u128::from_be_bytes(trace_id.0), tenant }
    }

    pub(crate) fn trace_id(self) -> TraceId {
        TraceId(self.id.to_be_bytes())
    }

    /// Which of `shards` works on it. Ids should be random; where they are counters, multiplying spreads them.
    pub(crate) fn shard(self, shards: usize) -> usize {
        let folded = (self.id >> 64) as u64 ^ self.id as u64 ^ u64::from(self.tenant);
        let spread = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        spread as usize % shards.max(1)
    }
}

/// Numbers for tenants, so that keys stay small.
#[derive(Debug, Default)]
pub(crate) struct Tenants(RwLock<Numbered>);

#[derive(Debug, Default)]
struct Numbered {
    numbers: HashMap<TenantId, u32>,
    names: Vec<TenantId>,
}

impl Tenants {
    /// The number of a tenant; `None` when there are too many.
    pub(crate) fn number(&self, tenant: &TenantId) -> Option<u32> {
        if let Some(number) = self.0.read().numbers.get(tenant) {
            return Some(*number);
        }
        let mut tenants = self.0.write();
        if let Some(number) = tenants.numbers.get(tenant) {
            return Some(*number);
        }
        let number = u32::try_from(tenants.names.len()).ok()?;
        if tenants.names.len() >= TENANTS_MAX {
            return None;
        }
        tenants.numbers.insert(tenant.clone(), number);
        tenants.names.push(tenant.clone());
        Some(number)
    }

    /// The tenant with a number.
    pub(crate) fn name(&self, number: u32) -> TenantId {
        let tenants = self.0.read();
        tenants.names.get(number as usize).cloned().unwrap_or_else(TenantId::single)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_spread_over_shards() {
        for shards in [1, 2, 3, 16, 256] {
            let mut traces = vec![0; shards];
            for id in 0..(shards as u128 * 200) {
                traces[TraceKey { id, tenant: 3 }.shard(shards)] += 1;
            }
            assert!(traces.iter().all(|n| (100..=400).contains(n)), "{traces:?}");
        }
    }

    #[test]
    fn tenants_keep_their_numbers() {
        let tenants = Tenants::default();
        let [a, b] = ["a", "b"].map(|name| TenantId::new(name).unwrap());
        assert_eq!([tenants.number(&a), tenants.number(&b)], [Some(0), Some(1)]);
        assert_eq!(tenants.number(&a), Some(0));
        assert_eq!([tenants.name(0), tenants.name(1)], [a, b]);
    }
}
