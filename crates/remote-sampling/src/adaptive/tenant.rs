//! What came of one tenant, and the probabilities that follow from it.

use std::collections::VecDeque;

use hashbrown::{HashMap, HashSet};

use super::{AdaptiveOptions, ByOperation, Probabilities};

/// The most that a probability may grow in one step, as a share of itself.
const GROWTH_MAX: f64 = 0.5;
/// Probabilities are told apart to so many millionths, as clients write them.
const PRECISION: f64 = 1e6;
/// Different probabilities of one operation in one bucket that are remembered.
const PROBABILITIES_MAX: usize = 16;

/// One tenant's operations. Nothing of another tenant changes them.
#[derive(Debug, Default)]
pub(super) struct Tenant {
    /// The bucket that is being filled.
    current: ByOperation<Throughput>,
    n_current: usize,
    /// Full ones, newest first.
    buckets: VecDeque<ByOperation<Throughput>>,
    given: VecDeque<ByOperation<Given>>,
    probabilities: ByOperation<f64>,
}

/// What came of one operation in one interval.
#[derive(Debug, Clone, Default, PartialEq)]
struct Throughput {
    /// Sampled by chance; those that only a lower bound let through do not count.
    count: u64,
    /// With these probabilities, in millionths.
    probabilities: HashSet<u64>,
}

/// What was given to an operation for an interval, and whether its client uses it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Given {
    probability: f64,
    is_used: bool,
}

impl Tenant {
    /// Whether the operation is in the bucket that is being filled.
    pub(super) fn counts(&self, service: &str, operation: &str) -> bool {
        self.current.get(service).is_some_and(|all| all.contains_key(operation))
    }

    /// Operations in the bucket that is being filled.
    pub(super) fn n_current(&self) -> usize {
        self.n_current
    }

    /// Nothing is known of it any more.
    pub(super) fn is_empty(&self) -> bool {
        self.probabilities.is_empty() && self.current.is_empty()
    }

    pub(super) fn record(
        &mut self,
        (service, operation): (&str, &str),
        by_chance: bool,
        probability: f64,
    ) {
        let all = self.current.entry_ref(service).or_default();
        self.n_current += usize::from(!all.contains_key(operation));
        let throughput = all.entry_ref(operation).or_default();
        throughput.count += u64::from(by_chance);
        if throughput.probabilities.len() < PROBABILITIES_MAX {
            throughput.probabilities.insert(millionths(probability));
        }
    }

    /// Ends the interval: computes the probabilities anew.
    pub(super) fn calculate(&mut self, options: &AdaptiveOptions) {
        self.n_current = 0;
        self.buckets.push_front(std::mem::take(&mut self.current));
        self.buckets.truncate(options.aggregation_buckets.max(1));
        self.given.push_front(ByOperation::new());
        self.given.truncate(options.aggregation_buckets.max(1));
        // Operations that nobody has called for as long as is remembered go.
        let mut probabilities = ByOperation::new();
        for (service, operation) in
            self.operations(options.operations_max.max(options.tenant_operations))
        {
            let rate = self.rate(options, &service, &operation);
            let (given, new) = self.probability(options, (&service, &operation), rate);
            if let Some(newest) = self.given.front_mut() {
                newest.entry_ref(&service).or_default().insert(operation.clone(), given);
            }
            let of_service: &mut HashMap<String, f64> = probabilities.entry(service).or_default();
            of_service.insert(operation, new);
        }
        self.probabilities = probabilities;
    }

    /// Those that were called in a bucket, the last ones first.
    fn operations(&self, n_max: usize) -> Vec<(String, String)> {
        let mut seen = HashSet::new();
        let called = self.buckets.iter().flat_map(|bucket| {
            bucket.iter().flat_map(|(service, operations)| {
                operations.keys().map(move |operation| (service.as_str(), operation.as_str()))
            })
        });
        let unique = called.filter(|pair| seen.insert(*pair)).take(n_max);
        unique.map(|(service, operation)| (service.to_owned(), operation.to_owned())).collect()
    }

    /// Sampled traces a second, newer buckets weighing more.
    fn rate(&self, options: &AdaptiveOptions, service: &str, operation: &str) -> f64 {
        let seconds = options.calculation_interval.as_secs_f64();
        let counts = self.buckets.iter().filter_map(|bucket| bucket.get(service)?.get(operation));
        let rates: Vec<f64> = counts
            .take(options.calculation_buckets.max(1))
            .map(|throughput| throughput.count as f64 / seconds)
            .collect();
        let weights = (1..=rates.len()).rev().map(|place| (place as f64).powi(4));
        let sum: f64 = weights.clone().sum();
        rates.iter().zip(weights).map(|(rate, weight)| rate * weight).sum::<f64>() / sum
    }

    fn probability(
        &self,
        options: &AdaptiveOptions,
        (service, operation): (&str, &str),
        rate: f64,
    ) -> (Given, f64) {
        let known = self.probabilities.get(service).and_then(|all| all.get(operation));
        let old = known.copied().unwrap_or(options.initial_sampling_probability);
        let is_used = self.is_used(options, (service, operation), old);
        let given = Given { probability: old, is_used };
        let target = options.target_samples_per_second;
        let is_good = ((rate - target).abs() / target) < options.delta_tolerance;
        if is_good || !given.is_used {
            return (given, old);
        }
        let new = match rate > 0.0 {
            // So that at least one comes by chance.
            false => old * 2.0,
            true => (old * target / rate).min(old * (1.0 + GROWTH_MAX)),
        };
        (given, new.clamp(options.min_sampling_probability.min(1.0), 1.0))
    }

    /// Whether the client of an operation uses what was computed for it.
    fn is_used(
        &self,
        options: &AdaptiveOptions,
        (service, operation): (&str, &str),
        old: f64,
    ) -> bool {
        let initial = millionths(options.initial_sampling_probability);
        if millionths(old) == initial {
            return true;
        }
        let newest = self.buckets.front().and_then(|bucket| bucket.get(service)?.get(operation));
        if let Some(throughput) = newest {
            return throughput.probabilities.contains(&millionths(old));
        }
        let earlier = self.given.iter().skip(1);
        let earlier = earlier.filter_map(|given| given.get(service)?.get(operation)).next();
        earlier.is_some_and(|given| given.is_used && millionths(given.probability) != initial)
    }

    /// The probabilities of a service, sorted.
    pub(super) fn of_service(&self, service: &str) -> Vec<(String, f64)> {
        self.probabilities.get(service).map(sorted).unwrap_or_default()
    }

    /// The probabilities, by service and operation, sorted.
    pub(super) fn probabilities(&self) -> Probabilities {
        let services = self.probabilities.iter();
        let mut all: Vec<_> =
            services.map(|(service, operations)| (service.clone(), sorted(operations))).collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all
    }

    /// A tenant that goes on with probabilities that were computed before, for the operations that had them.
    pub(super) fn restored(all: Probabilities, operations_max: usize) -> Self {
        let mut tenant = Self::default();
        // A bucket without spans keeps the operations from being forgotten at once.
        let mut bucket: ByOperation<Throughput> = ByOperation::new();
        let each = all.into_iter().flat_map(|(service, operations)| {
            operations
                .into_iter()
                .map(move |(operation, share)| (service.clone(), operation, share))
        });
        for (service, operation, probability) in each.take(operations_max) {
            if !(0.0..=1.0).contains(&probability) {
                continue;
            }
            let probabilities = HashSet::from_iter([millionths(probability)]);
            let silent = Throughput { count: 0, probabilities };
            bucket.entry_ref(&service).or_default().insert(operation.clone(), silent);
            tenant.probabilities.entry(service).or_default().insert(operation, probability);
        }
        tenant.buckets.push_front(bucket);
        tenant
    }
}

fn sorted(operations: &HashMap<String, f64>) -> Vec<(String, f64)> {
    let mut sorted: Vec<(String, f64)> =
        operations.iter().map(|(operation, share)| (operation.clone(), *share)).collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    sorted
}

fn millionths(probability: f64) -> u64 {
    (probability * PRECISION).round() as u64
}
