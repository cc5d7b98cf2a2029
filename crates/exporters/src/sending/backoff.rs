//! How long to wait between attempts: exponential, with jitter.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use spandrel_config::blocks::Retry;

/// The waits of one request, in order.
#[derive(Debug)]
pub(crate) struct Backoff {
    current: Duration,
    max_interval: Duration,
    multiplier: f64,
    randomization_factor: f64,
    jitter: u64,
}

impl Backoff {
    pub(crate) fn new(policy: &Retry) -> Self {
        Self {
            current: policy.initial_interval,
            max_interval: policy.max_interval,
            multiplier: policy.multiplier,
            randomization_factor: policy.randomization_factor,
            // Each `RandomState` has keys of its own, so that many exporters do not retry in step.
            jitter: RandomState::new().hash_one(0_u8),
        }
    }

    /// The next wait: the interval, changed by up to `randomization_factor` of it either way.
    pub(crate) fn next_delay(&mut self) -> Duration {
        let interval = self.current.as_secs_f64();
        let grown = interval * self.multiplier;
        let max = self.max_interval.as_secs_f64();
        self.current = if grown >= max { self.max_interval } else { seconds(grown) };
        let spread = interval * self.randomization_factor;
        seconds(interval - spread + 2.0 * spread * self.fraction())
    }

    /// A number from 0 to 1 (xorshift64*).
    fn fraction(&mut self) -> f64 {
        let mut state = self.jitter | 1;
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.jitter = state;
        let mixed = state.wrapping_mul(0x2545_f491_4f6c_dd1d);
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Seconds as a duration; nonsense and what is too long become the nearest sensible value.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(randomization_factor: f64) -> Retry {
        Retry { randomization_factor, ..Retry::default() }
    }

    #[test]
    fn intervals_grow_to_the_maximum() {
        let mut backoff = Backoff::new(&policy(0.0));
        let seconds: Vec<f64> = (0..7).map(|_| backoff.next_delay().as_secs_f64()).collect();
        assert_eq!(seconds, [5.0, 7.5, 11.25, 16.875, 25.3125, 30.0, 30.0]);
    }

    #[test]
    fn jitter_stays_within_its_factor_and_differs() {
        let mut backoff = Backoff::new(&Retry { multiplier: 1.0, ..policy(0.5) });
        let delays: Vec<Duration> = (0..200).map(|_| backoff.next_delay()).collect();
        let [low, high] = [Duration::from_millis(2500), Duration::from_millis(7500)];
        assert!(delays.iter().all(|delay| (low..=high).contains(delay)), "{delays:?}");
        assert!(delays.iter().any(|delay| *delay < Duration::from_secs(4)));
        assert!(delays.iter().any(|delay| *delay > Duration::from_secs(6)));
    }
}
