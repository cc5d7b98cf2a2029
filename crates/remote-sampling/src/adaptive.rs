//! Probabilities computed from what arrives, by Jaeger's algorithm.
//!
//! A bucket counts, for one interval, the root spans of each operation that were sampled by chance, and with which
//! probabilities. At its end the rate of each operation is compared with the target: the probability is scaled by
//! their quotient, but grows by half at most, so that a burst does not follow; it doubles when nothing came. An
//! operation whose client does not use the probability that was computed for it is left alone.

use std::collections::VecDeque;
use std::time::Duration;

use hashbrown::{HashMap, HashSet};
use parking_lot::Mutex;

use crate::strategy::{OperationStrategies, Strategy, StrategySource};

/// The most that a probability may grow in one step, as a share of itself.
const GROWTH_MAX: f64 = 0.5;
/// Probabilities are told apart to so many millionths, as clients write them.
const PRECISION: f64 = 1e6;
/// Different probabilities of one operation in one bucket that are remembered.
const PROBABILITIES_MAX: usize = 16;
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
    /// Operations of all services that are counted; others get the initial probability.
    pub operations_max: usize,
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
        }
    }
}

/// Operations by service.
type ByOperation<T> = HashMap<String, HashMap<String, T>>;

/// What came of one operation in one interval.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Throughput {
    /// Sampled by chance; those that only a lower bound let through do not count.
    pub(crate) count: u64,
    /// With these probabilities, in millionths.
    pub(crate) probabilities: HashSet<u64>,
}

/// What was given to an operation for an interval, and whether its client uses it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Given {
    probability: f64,
    is_used: bool,
}

/// Computes probabilities from spans.
#[derive(Debug)]
pub struct Adaptive {
    options: AdaptiveOptions,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The bucket that is being filled.
    current: ByOperation<Throughput>,
    n_current: usize,
    n_refused: u64,
    /// Full ones, newest first.
    buckets: VecDeque<ByOperation<Throughput>>,
    given: VecDeque<ByOperation<Given>>,
    probabilities: ByOperation<f64>,
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

    /// Counts a root span. `by_chance` is false for one that only a lower bound let through.
    pub fn record(&self, service: &str, operation: &str, by_chance: bool, probability: f64) {
        if service.is_empty()
            || operation.is_empty()
            || service.len().max(operation.len()) > NAME_BYTES_MAX
        {
            return;
        }
        let mut state = self.state.lock();
        let state = &mut *state;
        let known = state.current.get(service).is_some_and(|all| all.contains_key(operation));
        if !known && state.n_current >= self.options.operations_max {
            state.n_refused += 1;
            return;
        }
        state.n_current += usize::from(!known);
        let throughput =
            state.current.entry_ref(service).or_default().entry_ref(operation).or_default();
        throughput.count += u64::from(by_chance);
        if throughput.probabilities.len() < PROBABILITIES_MAX {
            throughput.probabilities.insert(millionths(probability));
        }
    }

    /// Ends the interval: computes the probabilities anew.
    pub fn calculate(&self) {
        let mut state = self.state.lock();
        let state = &mut *state;
        if state.n_refused > 0 {
            tracing::warn!(
                refused = state.n_refused,
                "there are more operations than sampling probabilities are computed for"
            );
        }
        state.n_refused = 0;
        state.n_current = 0;
        state.buckets.push_front(std::mem::take(&mut state.current));
        state.buckets.truncate(self.options.aggregation_buckets.max(1));
        state.given.push_front(ByOperation::new());
        state.given.truncate(self.options.aggregation_buckets.max(1));
        // Operations that nobody has called for as long as is remembered go.
        let mut probabilities = ByOperation::new();
        for (service, operation) in state.operations(self.options.operations_max) {
            let rate = self.rate(state, &service, &operation);
            let (given, new) = self.probability(state, &service, &operation, rate);
            if let Some(newest) = state.given.front_mut() {
                newest.entry_ref(&service).or_default().insert(operation.clone(), given);
            }
            let of_service: &mut HashMap<String, f64> = probabilities.entry(service).or_default();
            of_service.insert(operation, new);
        }
        state.probabilities = probabilities;
    }

    /// Sampled traces a second, newer buckets weighing more.
    fn rate(&self, state: &State, service: &str, operation: &str) -> f64 {
        let seconds = self.options.calculation_interval.as_secs_f64();
        let counts = state.buckets.iter().filter_map(|bucket| bucket.get(service)?.get(operation));
        let rates: Vec<f64> = counts
            .take(self.options.calculation_buckets.max(1))
            .map(|throughput| throughput.count as f64 / seconds)
            .collect();
        let weights = (1..=rates.len()).rev().map(|place| (place as f64).powi(4));
        let sum: f64 = weights.clone().sum();
        rates.iter().zip(weights).map(|(rate, weight)| rate * weight).sum::<f64>() / sum
    }

    fn probability(
        &self,
        state: &State,
        service: &str,
        operation: &str,
        rate: f64,
    ) -> (Given, f64) {
        let options = &self.options;
        let known = state.probabilities.get(service).and_then(|all| all.get(operation));
        let old = known.copied().unwrap_or(options.initial_sampling_probability);
        let given =
            Given { probability: old, is_used: self.is_used(state, service, operation, old) };
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
    fn is_used(&self, state: &State, service: &str, operation: &str, old: f64) -> bool {
        let initial = millionths(self.options.initial_sampling_probability);
        if millionths(old) == initial {
            return true;
        }
        let newest = state.buckets.front().and_then(|bucket| bucket.get(service)?.get(operation));
        if let Some(throughput) = newest {
            return throughput.probabilities.contains(&millionths(old));
        }
        let earlier = state.given.iter().skip(1);
        let earlier = earlier.filter_map(|given| given.get(service)?.get(operation)).next();
        earlier.is_some_and(|given| given.is_used && millionths(given.probability) != initial)
    }

    /// The probabilities, by service and operation, sorted.
    pub(crate) fn probabilities(&self) -> Vec<(String, Vec<(String, f64)>)> {
        let state = self.state.lock();
        let mut all: Vec<_> = state
            .probabilities
            .iter()
            .map(|(service, operations)| (service.clone(), sorted(operations)))
            .collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all
    }

    /// Goes on with probabilities that were computed before, and the operations that had them.
    pub(crate) fn restore(&self, all: Vec<(String, Vec<(String, f64)>)>) {
        let mut state = self.state.lock();
        let mut n_operations = 0;
        let mut bucket = ByOperation::new();
        for (service, operations) in all {
            for (operation, probability) in operations {
                n_operations += 1;
                if n_operations > self.options.operations_max || !(0.0..=1.0).contains(&probability)
                {
                    continue;
                }
                // A bucket without spans keeps the operation from being forgotten at once.
                let known: &mut HashMap<String, Throughput> =
                    bucket.entry_ref(&service).or_default();
                known.insert(
                    operation.clone(),
                    Throughput {
                        count: 0,
                        probabilities: HashSet::from_iter([millionths(probability)]),
                    },
                );
                state.probabilities.entry_ref(&service).or_default().insert(operation, probability);
            }
        }
        state.buckets.push_front(bucket);
    }
}

impl State {
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
}

impl StrategySource for Adaptive {
    fn strategy(&self, service: &str) -> Strategy {
        let state = self.state.lock();
        let initial = self.options.initial_sampling_probability;
        let operations = OperationStrategies {
            default_probability: initial,
            traces_per_second_min: self.options.min_samples_per_second,
            probabilities: state.probabilities.get(service).map(sorted).unwrap_or_default(),
        };
        Strategy::Probabilistic { probability: initial, operations: Some(operations) }
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
