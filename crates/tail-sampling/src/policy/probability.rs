//! `probabilistic`: a share of all traces, the same in every process that has the same settings.
//!
//! By default the Collector's own hash decides, bit for bit, so that mixed fleets agree. With `use_tracestate` it is
//! OpenTelemetry's randomness (`rv`, else the last 56 bits of the trace id), and the threshold is written into what
//! is kept, so that counts can be extrapolated.

use spandrel_model::TraceId;
use spandrel_retention::{Randomness, Threshold};

use super::Verdict;
use crate::facts::SpanFacts;
use crate::settings::ProbabilisticSettings;

/// The Collector's salt when the file has none.
const DEFAULT_HASH_SALT: &str = "default-hash-seed";
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// A share of all traces.
pub(crate) enum Probability {
    /// The hash of the salt, and the largest hash that is sampled.
    Hash { salted: u64, largest: u64 },
    /// `None`: no trace.
    TraceState(Option<Threshold>),
}

impl Probability {
    pub(super) fn new(settings: &ProbabilisticSettings, use_tracestate: bool) -> Self {
        let ratio = settings.sampling_percentage / 100.0;
        if use_tracestate {
            return Self::TraceState((ratio > 0.0).then(|| Threshold::of_fraction(ratio)));
        }
        Self::Hash { salted: fnv(FNV_OFFSET, salt_of(settings)), largest: share_of_u64(ratio) }
    }

    pub(super) fn verdict<'s, 't: 's>(
        &self,
        trace_id: TraceId,
        spans: impl FnOnce() -> &'s [SpanFacts<'t>],
    ) -> Verdict {
        let (samples, threshold) = match self {
            Self::Hash { salted, largest } => {
                (fnv(*salted, &trace_id.0) <= *largest, Threshold::ALL)
            }
            Self::TraceState(None) => (false, Threshold::ALL),
            Self::TraceState(Some(threshold)) => {
                (threshold.samples(randomness_of(trace_id, spans())), *threshold)
            }
        };
        if samples { Verdict::Sampled(threshold) } else { Verdict::NotSampled }
    }
}

/// The explicit value of the first span that has one, else the trace id.
pub(crate) fn randomness_of(trace_id: TraceId, spans: &[SpanFacts<'_>]) -> Randomness {
    let explicit = |span: &SpanFacts<'_>| explicit_randomness(span.trace_state);
    spans.iter().find_map(explicit).unwrap_or_else(|| Randomness::of_trace_id(trace_id))
}

/// The sub-key `rv` of OpenTelemetry's entry.
fn explicit_randomness(trace_state: &[u8]) -> Option<Randomness> {
    let text = std::str::from_utf8(trace_state).ok()?;
    let mut entries = text.split(',').map(|entry| entry.trim_matches([' ', '\t']));
    let own = entries.find_map(|entry| entry.strip_prefix("ot="))?;
    own.split(';').find_map(|pair| pair.strip_prefix("rv:")).and_then(Randomness::parse)
}

fn salt_of(settings: &ProbabilisticSettings) -> &[u8] {
    let salt = settings.hash_salt.as_str();
    if salt.is_empty() { DEFAULT_HASH_SALT.as_bytes() } else { salt.as_bytes() }
}

/// FNV-1a, 64 bits.
fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
}

/// `ratio` of `u64::MAX`: the product rounded to 64 significant bits, ties to even, and cut to a whole number, which
/// is what the Collector's big floats do.
fn share_of_u64(ratio: f64) -> u64 {
    if ratio.is_nan() || ratio <= 0.0 {
        return 0;
    }
    if ratio >= 1.0 {
        return u64::MAX;
    }
    let bits = ratio.to_bits();
    let (raw_exponent, fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
    // ratio = mantissa * 2^exponent; what is not normal is far below one trace.
    let mantissa = if raw_exponent == 0 { return 0 } else { fraction | 1 << 52 };
    let exponent = raw_exponent - 1075;
    let product = u128::from(u64::MAX) * u128::from(mantissa);
    let surplus_bits = (128 - product.leading_zeros()).saturating_sub(64);
    let mut kept = product >> surplus_bits;
    if surplus_bits > 0 {
        let rest = product & ((1 << surplus_bits) - 1);
        let half = 1 << (surplus_bits - 1);
        let rounds_up = rest > half || (rest == half && kept & 1 == 1);
        kept += u128::from(rounds_up);
    }
    // kept * 2^shift is below 2^64, as ratio is below 1.
    let shift = surplus_bits as i32 + exponent;
    let whole = match u32::try_from(-shift) {
        Ok(right) => kept.checked_shr(right).unwrap_or(0),
        Err(_) => kept << shift.unsigned_abs().min(63),
    };
    u64::try_from(whole).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact() {
        assert_eq!(share_of_u64(0.5), u64::MAX / 2);
        assert_eq!(share_of_u64(0.25), u64::MAX / 4);
        assert_eq!(share_of_u64(1.0 / 4_294_967_296.0), u64::from(u32::MAX));
        assert_eq!([share_of_u64(0.0), share_of_u64(-1.0), share_of_u64(f64::NAN)], [0; 3]);
        assert_eq!([share_of_u64(1.0), share_of_u64(7.0)], [u64::MAX; 2]);
        assert_eq!(share_of_u64(1e-300), 0);
        // One bit below 1: 2^64 - 2^11 - 1 + 2^-53, which has more than 64 significant bits.
        assert_eq!(share_of_u64(1.0 - f64::EPSILON / 2.0), u64::MAX - 2048);
    }

    /// Decisions that were computed by others.
    #[test]
    fn agrees_with_known_decisions() {
        let Ok(text) = std::fs::read_to_string("../../../shared/suites/otel/vectors/sampling.json")
        else {
            println!("skipped: ../shared/suites is not there");
            return;
        };
        let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
        let cases = vectors["tail_sampling_probabilistic"]["cases"].as_array().unwrap();
        let mut n_decisions = 0;
        for case in cases {
            let id = TraceId::from_hex(case["trace_id"].as_str().unwrap()).unwrap();
            let settings = |sampling_percentage| ProbabilisticSettings {
                hash_salt: case["hash_salt"].as_str().unwrap().to_owned(),
                sampling_percentage,
            };
            let hash = fnv(fnv(FNV_OFFSET, salt_of(&settings(0.0))), &id.0);
            assert_eq!(format!("{hash:016x}"), case["hash"].as_str().unwrap());
            for (percentage, sampled) in case["sampled"].as_object().unwrap() {
                let settings = settings(percentage.parse().unwrap());
                let verdict = Probability::new(&settings, false).verdict(id, || &[]);
                let expected = sampled.as_bool().unwrap();
                let is_sampled = verdict == Verdict::Sampled(Threshold::ALL);
                assert_eq!(is_sampled, expected, "{percentage} of {id:?}");
                n_decisions += 1;
            }
        }
        assert!(n_decisions >= 100, "{n_decisions}");
    }
}
