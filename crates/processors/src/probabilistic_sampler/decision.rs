//! Whether a span is kept.

use super::settings::{ProbabilisticSamplerSettings, SamplerMode};
use super::threshold::Threshold;
use super::trace_state::TraceState;

/// Buckets of `hash_seed`.
const BUCKETS: u32 = 1 << 14;
/// Randomness that every threshold but never keeps.
const ALL_PROBABILITIES: u64 = (1 << 56) - 1;

/// What `sampling.priority` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    None,
    Drop,
    Keep,
}

/// Where the randomness of a decision came from, or what overruled it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    Hash,
    TraceId,
    TraceState,
    Priority,
    Missing,
}

impl Policy {
    /// In the order of their numbers.
    pub(super) const ALL: [Self; 5] =
        [Self::Hash, Self::TraceId, Self::TraceState, Self::Priority, Self::Missing];

    /// Its name in metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hash => "trace_id_hash",
            Self::TraceId => "trace_id_w3c",
            Self::TraceState => "sampling_randomness",
            Self::Priority => "sampling_priority",
            Self::Missing => "missing_randomness",
        }
    }
}

/// What becomes of a span.
#[derive(Debug, PartialEq)]
pub(super) struct Decision {
    pub(super) policy: Policy,
    pub(super) sampled: bool,
    /// Its trace state if it is kept; `None` is as it was.
    pub(super) trace_state: Option<String>,
}

/// The settings, ready to decide.
#[derive(Debug, Clone)]
pub(super) struct Sampler {
    mode: SamplerMode,
    hash_seed: u32,
    fail_closed: bool,
    precision: u32,
    probability: f64,
    /// Of `hash_seed` and `equalizing`.
    threshold: Threshold,
}

impl Sampler {
    pub(super) fn of(settings: &ProbabilisticSamplerSettings) -> Self {
        let percentage = settings.sampling_percentage.min(100.0);
        let precision = settings.sampling_precision;
        let probability = f64::from(percentage) / 100.0;
        let threshold = match settings.mode {
            SamplerMode::HashSeed => {
                // In single precision, as the Collector computes it.
                let kept = (percentage * (BUCKETS as f32 / 100.0)) as u32;
                match kept {
                    0 => Threshold::NEVER,
                    _ => Threshold::from_bits(u64::from(BUCKETS - kept.min(BUCKETS)) << 42),
                }
            }
            SamplerMode::Proportional | SamplerMode::Equalizing => {
                Threshold::of_probability(probability, precision)
            }
        };
        Self {
            mode: settings.mode,
            hash_seed: settings.hash_seed,
            fail_closed: settings.fail_closed,
            precision,
            probability,
            threshold,
        }
    }

    /// Decides about a span.
    pub(super) fn decide(
        &self,
        trace_id: &[u8],
        trace_state: &str,
        priority: Priority,
    ) -> Decision {
        let parsed = TraceState::parse(trace_state);
        let is_never = self.threshold == Threshold::NEVER;
        let (mut policy, randomness) = match is_never {
            // Randomness is not looked at when nothing is kept.
            true => (Policy::Priority, Some(ALL_PROBABILITIES)),
            false => self.randomness(trace_id, parsed.as_ref()),
        };
        // What is written, if anything is: a trace state that another sampler has to itself stays as it is.
        let mut state = parsed.filter(|state| is_never || !self.leaves_alone(state));
        if let Some(state) = &mut state
            && self.mode == SamplerMode::HashSeed
            && !is_never
        {
            state.randomness = Some(randomness.unwrap_or(ALL_PROBABILITIES));
        }
        let decided = match is_never {
            true => self.check(ALL_PROBABILITIES, state.as_mut()).map(|()| Threshold::NEVER),
            false => randomness.and_then(|randomness| self.threshold(randomness, state.as_mut())),
        };
        let undecided = if self.fail_closed { Threshold::NEVER } else { Threshold::ALWAYS };
        let threshold = match priority {
            Priority::None => decided.unwrap_or(undecided),
            Priority::Drop => Threshold::NEVER,
            Priority::Keep => Threshold::ALWAYS,
        };
        if priority != Priority::None {
            policy = Policy::Priority;
        }
        let sampled = threshold.keeps(randomness.unwrap_or(ALL_PROBABILITIES));
        let trace_state = state.filter(|_| sampled).map(|mut state| {
            // A threshold only ever grows: a lower one would claim that more was looked at than was.
            if state.threshold.is_none_or(|before| before <= threshold) {
                state.threshold = Some(threshold);
            }
            state.write()
        });
        Decision { policy, sampled, trace_state }
    }

    /// Whether somebody sampled consistently before; a hash would not be consistent with that.
    fn leaves_alone(&self, state: &TraceState) -> bool {
        let is_used = state.threshold.is_some() || state.randomness.is_some();
        self.mode == SamplerMode::HashSeed && is_used
    }

    /// 56 bits, unless the trace id is missing.
    fn randomness(&self, trace_id: &[u8], state: Option<&TraceState>) -> (Policy, Option<u64>) {
        let is_missing = trace_id.iter().all(|byte| *byte == 0);
        match self.mode {
            SamplerMode::HashSeed if is_missing => (Policy::Missing, None),
            SamplerMode::HashSeed => (Policy::Hash, Some(hashed(trace_id, self.hash_seed))),
            SamplerMode::Proportional | SamplerMode::Equalizing => {
                let explicit = state.and_then(|state| state.randomness);
                let of_id = trace_id.last_chunk::<8>().filter(|_| !is_missing);
                match (explicit, of_id) {
                    (Some(randomness), _) => (Policy::TraceState, Some(randomness)),
                    (None, Some(last)) => {
                        let mask = (1 << 56) - 1;
                        (Policy::TraceId, Some(u64::from_be_bytes(*last) & mask))
                    }
                    (None, None) => (Policy::Missing, None),
                }
            }
        }
    }

    /// The threshold for a span; nothing when its trace state does not allow a decision.
    fn threshold(&self, randomness: u64, state: Option<&mut TraceState>) -> Option<Threshold> {
        let state = state?;
        if self.mode == SamplerMode::HashSeed {
            return Some(self.threshold);
        }
        self.check(randomness, Some(state))?;
        Some(match (self.mode, state.threshold) {
            (SamplerMode::Proportional, before) => {
                let before = before.map_or(1.0, Threshold::probability);
                Threshold::of_probability(before * self.probability, self.precision)
            }
            (_, Some(before)) => before.max(self.threshold),
            (_, None) => self.threshold,
        })
    }

    /// Nothing when the trace state is none, or has a threshold that the span would not have passed: then it is wrong,
    /// and taken out.
    fn check(&self, randomness: u64, state: Option<&mut TraceState>) -> Option<()> {
        let state = state?;
        if state.threshold.is_some_and(|threshold| !threshold.keeps(randomness)) {
            state.threshold = None;
            return None;
        }
        Some(())
    }
}

/// The randomness of `hash_seed`: the 14 bits of the bucket turned around, so that low buckets are kept, then the
/// highest 14 bits of the hash, mixed, then the bucket.
fn hashed(trace_id: &[u8], seed: u32) -> u64 {
    let hash = fnv1a_32(seed.to_le_bytes().iter().chain(trace_id));
    let bucket = u64::from(hash % BUCKETS);
    let unused = u64::from(hash >> 18);
    let mixed = unused ^ (unused << 10);
    (u64::from(BUCKETS - 1) - bucket) << 42 | mixed << 14 | bucket
}

/// Fowler, Noll and Vo's hash, variant 1a.
fn fnv1a_32<'b>(bytes: impl Iterator<Item = &'b u8>) -> u32 {
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
