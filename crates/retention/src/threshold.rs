//! Thresholds and randomness of consistent probability sampling, as the W3C and OpenTelemetry define them.
//!
//! Both are 56-bit numbers. A trace is sampled exactly when its randomness is not below the threshold, so
//! the probability is `(2^56 - threshold) / 2^56`.
//! Source: OpenTelemetry, "TraceState: Probability Sampling".

use std::fmt;

use spandrel_model::TraceId;

/// Values of both are below this.
const RANGE: u64 = 1 << 56;
/// Hex digits of 56 bits.
const DIGITS: u32 = 14;
/// Digits kept behind the leading run of zeros or of `f`: a relative error of the fraction below 1 in 4000,
/// and texts that agree with those of a Collector with its default precision.
const SIGNIFICANT_DIGITS: u32 = 4;

/// What rejects a trace: randomness below it. 0 samples everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Threshold(u64);

impl Threshold {
    /// Samples every trace.
    pub const ALL: Self = Self(0);

    /// The threshold that samples this fraction of all traces, to four significant hex digits. Fractions of 1
    /// and more sample everything, those near 0 one trace in 2^56.
    pub fn of_fraction(fraction: f64) -> Self {
        // The product with a power of two is exact; a float out of range becomes the nearest integer.
        let sampled = (fraction * RANGE as f64).round() as u64;
        let exact = RANGE - sampled.clamp(1, RANGE);
        let run = |digit: u64| {
            let digits = (0..DIGITS).map(|place| exact >> (4 * (DIGITS - 1 - place)) & 0xf);
            digits.take_while(|found| *found == digit).count() as u32
        };
        let kept = run(0).max(run(0xf)) + SIGNIFICANT_DIGITS;
        let dropped_bits = 4 * DIGITS.saturating_sub(kept);
        let half = (1_u64 << dropped_bits) >> 1;
        Self(((exact + half) >> dropped_bits << dropped_bits).min(RANGE - 1))
    }

    /// Reads the value of `th`: 1 to 14 lower-case hex digits, those that are missing on the right are zeros.
    pub fn parse(text: &str) -> Option<Self> {
        let missing = DIGITS.checked_sub(u32::try_from(text.len()).ok()?)?;
        Some(Self(parse_hex(text)? << (4 * missing)))
    }

    /// The probability with which it samples, above 0 and at most 1.
    pub fn fraction(self) -> f64 {
        (RANGE - self.0) as f64 / RANGE as f64
    }

    /// How many traces one that was sampled stands for, at least 1: the inverse of the probability.
    pub fn weight(self) -> f64 {
        RANGE as f64 / (RANGE - self.0) as f64
    }

    /// Whether a trace of this randomness is sampled.
    pub fn samples(self, randomness: Randomness) -> bool {
        randomness.0 >= self.0
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:014x}", self.0);
        let significant = digits.trim_end_matches('0');
        f.write_str(if significant.is_empty() { "0" } else { significant })
    }
}

/// What decides about a trace: a number that is as likely as any other, the same for all of its spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Randomness(u64);

impl Randomness {
    /// The last 56 bits of the trace id, which the W3C wants to be random.
    pub fn of_trace_id(id: TraceId) -> Self {
        Self(id.0.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte)) % RANGE)
    }

    /// Reads the value of `rv`: 14 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() == DIGITS as usize { parse_hex(text).map(Self) } else { None }
    }
}

/// At least one and at most 16 lower-case hex digits, and nothing else.
fn parse_hex(text: &str) -> Option<u64> {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.bytes().all(lower) { u64::from_str_radix(text, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_have_the_texts_that_collectors_write() {
        let cases = [
            (1.0, "0"),
            (0.5, "8"),
            (0.25, "c"),
            (0.75, "4"),
            (0.1, "e666"),
            (1.0 / 3.0, "aaab"),
            (0.01, "fd70a"),
            (0.001, "ffbe77"),
            (0.999, "004189"),
            (1e-30, "ffffffffffffff"),
            (0.0, "ffffffffffffff"),
            (7.0, "0"),
        ];
        for (fraction, text) in cases {
            assert_eq!(Threshold::of_fraction(fraction).to_string(), text, "{fraction}");
        }
        for k in 1..=10_000 {
            let fraction = f64::from(k) / 10_000.0;
            let error = Threshold::of_fraction(fraction).fraction() / fraction - 1.0;
            assert!(error.abs() < 1.0 / 4000.0, "{fraction}: {error}");
        }
    }

    #[test]
    fn texts_read_back() {
        for text in ["0", "8", "c", "fd70a4", "ffffffffffffff", "00000000000001"] {
            let threshold = Threshold::parse(text).unwrap();
            assert_eq!(threshold.to_string(), text);
        }
        assert_eq!(Threshold::parse("80000"), Threshold::parse("8"));
        for text in ["", "g", "F", "+1", " 1", "000000000000000"] {
            assert_eq!(Threshold::parse(text), None, "{text:?}");
        }
        assert_eq!(Randomness::parse("0123456789abc"), None);
        assert_eq!(Randomness::parse("0123456789abcd"), Some(Randomness(0x0001_2345_6789_abcd)));
    }

    #[test]
    fn the_end_of_the_trace_id_decides() {
        let id = TraceId::from_hex("ffffffffffffffffff80000000000000").unwrap();
        assert!(Threshold::parse("8").unwrap().samples(Randomness::of_trace_id(id)));
        let id = TraceId::from_hex("ffffffffffffffffff7fffffffffffff").unwrap();
        assert!(!Threshold::parse("8").unwrap().samples(Randomness::of_trace_id(id)));
        assert!(Threshold::ALL.samples(Randomness::of_trace_id(TraceId::default())));
        assert_eq!(Threshold::parse("c").map(Threshold::weight), Some(4.0));
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
        let cases = vectors["consistent_threshold"]["cases"].as_array().unwrap();
        let mut n_decisions = 0;
        for case in cases {
            let digits = case["th_full_precision"].as_str().unwrap();
            let threshold = Threshold::parse(digits).unwrap();
            assert_eq!(threshold.to_string(), digits);
            let probability = case["probability"].as_f64().unwrap();
            assert!((threshold.fraction() - probability).abs() < 1e-12, "{digits}");
            let rounded = Threshold::of_fraction(probability);
            for (id, sampled) in case["sampled"].as_object().unwrap() {
                let randomness = Randomness::of_trace_id(TraceId::from_hex(id).unwrap());
                let expected = sampled.as_bool().unwrap();
                assert_eq!(threshold.samples(randomness), expected, "{digits} {id}");
                assert_eq!(rounded.samples(randomness), expected, "{rounded} {id}");
                n_decisions += 1;
            }
        }
        assert!(n_decisions > 20);
    }
}
