//! Rejection thresholds of consistent sampling: 56 bits, of which trailing zeros are not written.
//!
//! A span whose 56 bits of randomness are at least the threshold is kept, so the probability is
//! `(2^56 - threshold) / 2^56`.

/// Hexadecimal digits of a threshold.
pub(super) const HEX_DIGITS: u32 = 14;
/// One more than the largest threshold and the largest randomness.
const END: u64 = 1 << 56;

/// A threshold from 0 (always) to 2^56 (never).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Threshold(u64);

impl Threshold {
    pub(super) const ALWAYS: Self = Self(0);
    pub(super) const NEVER: Self = Self(END);

    /// From the 56 bits; more is never.
    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits.min(END))
    }

    /// The threshold of a probability to `precision` hexadecimal digits, more when it is close to 0 or 1; never
    /// when it is too small to be written.
    pub(super) fn of_probability(probability: f64, precision: u32) -> Self {
        if probability < 1.0 / END as f64 {
            return Self::NEVER;
        }
        if probability >= 1.0 {
            return Self::ALWAYS;
        }
        // Each four binary zeros or ones in front take one digit that says nothing.
        let wanted = |value: f64| precision + leading_digits(value);
        let digits = wanted(probability).max(wanted(1.0 - probability)).min(HEX_DIGITS);
        let kept = (probability * END as f64).round() as u64;
        let threshold = END - kept.min(END);
        let shift = 4 * (HEX_DIGITS - digits);
        if shift == 0 {
            return Self(threshold);
        }
        let rounded = threshold + (1 << (shift - 1));
        Self((rounded >> shift) << shift)
    }

    /// Whether randomness of 56 bits is kept.
    pub(super) fn keeps(self, randomness: u64) -> bool {
        randomness >= self.0
    }

    pub(super) fn probability(self) -> f64 {
        (END - self.0) as f64 / END as f64
    }

    /// As in a trace state: digits without the zeros at the end.
    pub(super) fn digits(self) -> String {
        let digits = format!("{:014x}", self.0);
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() { "0".to_owned() } else { digits.to_owned() }
    }

    /// Reads up to 14 digits.
    pub(super) fn parse(digits: &str) -> Option<Self> {
        let n_digits = u32::try_from(digits.len()).ok().filter(|n| (1..=HEX_DIGITS).contains(n))?;
        let bits = parse_hex(digits)?;
        Some(Self(bits << (4 * (HEX_DIGITS - n_digits))))
    }
}

/// Reads hexadecimal digits of which there are at most 16; signs are none.
pub(super) fn parse_hex(digits: &str) -> Option<u64> {
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

/// How many hexadecimal digits in front are zero in a value from 0 to 1.
fn leading_digits(value: f64) -> u32 {
    // The value is m * 2^e with m from 0.5 to 1, and the biased exponent counts from 1 to 2.
    let biased = (value.to_bits() >> 52) & 0x7ff;
    let exponent = i64::try_from(biased).unwrap_or(0) - 1022;
    u32::try_from(-exponent / 4).unwrap_or(0)
}
