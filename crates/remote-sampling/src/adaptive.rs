//! Probabilities computed from what arrives, by Jaeger's algorithm, for each tenant by itself.
//!
//! A bucket counts, for one interval, the root spans of each operation that were sampled by chance, and with which
//! probabilities. At its end the rate of each operation is compared with the target: the probability is scaled by
//! their quotient, but grows by half at most, so that a burst does not follow; it doubles when nothing came. An
//! operation whose client does not use the probability that was computed for it is left alone.

mod tenant;

use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;
use spandrel_model::TenantId;

use self::tenant::Tenant;
use crate::strategy::{OperationStrategies, Strategy, StrategySource};

/// Names of more bytes are not counted.
const NAME_BYTES_MAX: usize = 256;

/// Settings, named and defaulted as in Jaeger.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdaptiveOptions {
    /// Traces a second that are wanted of each operation, above 0.
    pub target_samples_per_second: f64,
    /// A rate that is off by less than this share of the target is good enough.
    pub delta_tolerance: f64,
    /// Length of a bucket.
    pub calculation_interval: Duration,
    /// Buckets that are remembered.
    pub aggregation_buckets: usize,
    /// Buckets that make the rate, newer ones weighing more.
    pub calculation_buckets: usize,
    /// The probability of operations that are new.
    pub initial_sampling_probability: f64,
    /// No probability is less.
    pub min_sampling_probability: f64,
    /// Each client samples at least so many traces a second of each operation.
    pub min_samples_per_second: f64,
    /// Operations that are counted, of all services and all tenants; others get the initial probability.
    pub operations_max: usize,
    /// Operations that are counted of each tenant, however many the others have.
    pub tenant_operations: usize,
    /// Tenants whose operations are counted.
    pub tenants_max: usize,
}

impl Default for AdaptiveOptions {
    fn default() -> Self {
        Self {
            target_samples_per_second: 1.0,
            delta_tolerance: 0.3,
            calculation_interval: Duration::from_secs(60),
            aggregation_buckets: 10,
            calculation_buckets: 1,
            initial_sampling_probability: 0.001,
            min_sampling_probability: 1e-5,
            min_samples_per_second: 1.0 / 60.0,
            operations_max: 10_000,
            tenant_operations: 200,
            tenants_max: 100,
        }
    }
}

/// Operations by service.
type ByOperation<T> = HashMap<String, HashMap<String, T>>;

/// Services, and their operations with the probability of each.
pub(crate) type Probabilities = Vec<(String, Vec<(String, f64)>)>;

/// Computes probabilities from spans.
#[derive(Debug)]
pub struct Adaptive {
    options: AdaptiveOptions,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tenants: HashMap<TenantId, Tenant>,
    /// Operations in the buckets that are being filled.
    n_current: usize,
    n_refused: u64,
}

/// A root span that a client's sampler let through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampledRoot<'a> {
    /// Its service.
    pub service: &'a str,
    /// Its name.
    pub operation: &'a str,
    /// Whether it was chance, not only a lower bound.
    pub by_chance: bool,
    /// The probability that the client used.
    pub probability: f64,
}

impl Adaptive {
    /// Knows nothing yet.
    pub fn new(options: AdaptiveOptions) -> Self {
        Self { options, state: Mutex::default() }
    }

    /// The settings.
    pub fn options(&self) -> &AdaptiveOptions {
        &self.options
    }

    /// Counts a root span.
    pub fn record(&self, tenant: &TenantId, root: SampledRoot<'_>) {
        let SampledRoot { service, operation, by_chance, probability } = root;
        let longest = service.len().max(operation.len());
        if service.is_empty() || operation.is_empty() || longest > NAME_BYTES_MAX {
            return;
        }
        let mut state = self.state.lock();
        let Some(counted) = state.room_for(tenant, (service, operation), &self.options) else {
            state.n_refused += 1;
            return;
        };
        counted.record((service, operation), by_chance, probability);
    }

    /// Ends the interval: computes the probabilities anew.
    pub fn calculate(&self) {
        let mut state = self.state.lock();
        if state.n_refused > 0 {
            tracing::warn!(
                refused = state.n_refused,
                "there are more operations than sampling probabilities are computed for"
            );
        }
        state.n_refused = 0;
        state.n_current = 0;
        state.tenants.retain(|_, tenant| {
            tenant.calculate(&self.options);
            !tenant.is_empty()
        });
    }

    /// The probabilities by tenant, sorted.
    pub(crate) fn probabilities(&self) -> Vec<(TenantId, Probabilities)> {
        let state = self.state.lock();
        let tenants = state.tenants.iter();
        let mut all: Vec<_> =
            tenants.map(|(id, tenant)| (id.clone(), tenant.probabilities())).collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all
    }

    /// Goes on with probabilities that were computed before.
    pub(crate) fn restore(&self, all: Vec<(TenantId, Probabilities)>) {
        let restored = all.into_iter().take(self.options.tenants_max).map(|(id, probabilities)| {
            (id, Tenant::restored(probabilities, self.options.operations_max))
        });
        self.state.lock().tenants = restored.collect();
    }
}

impl State {
    /// The tenant, if one more span of the operation can be counted.
    fn room_for(
        &mut self,
        id: &TenantId,
        (service, operation): (&str, &str),
        options: &AdaptiveOptions,
    ) -> Option<&mut Tenant> {
        let known = self.tenants.get(id);
        let is_counted = known.is_some_and(|tenant| tenant.counts(service, operation));
        if !is_counted {
            let n_own = known.map_or(0, Tenant::n_current);
            let is_full = self.n_current >= options.operations_max;
            // What others have taken does not matter to who has few.
            if is_full && n_own >= options.tenant_operations {
                return None;
            }
            if known.is_none() {
                if self.tenants.len() >= options.tenants_max {
                    return None;
                }
                self.tenants.insert(id.clone(), Tenant::default());
            }
            self.n_current += 1;
        }
        self.tenants.get_mut(id)
    }
}

impl StrategySource for Adaptive {
    fn strategy(&self, tenant: &TenantId, service: &str) -> Strategy {
        let initial = self.options.initial_sampling_probability;
        let state = self.state.lock();
        let operations = OperationStrategies {
            default_probability: initial,
            traces_per_second_min: self.options.min_samples_per_second,
            probabilities: state
                .tenants
                .get(tenant)
                .map(|tenant| tenant.of_service(service))
                .unwrap_or_default(),
        };
        Strategy::Probabilistic { probability: initial, operations: Some(operations) }
    }
}
