//! How many spans a sampled span stands for.

/// What a span stands for beyond itself, in parts of a span ([`Weight::ONE`] of them make one): whole numbers,
/// so that sums are exact in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weight(u64);

/// Bits of a threshold of consistent probability sampling.
const THRESHOLD_DIGITS: u32 = 14;
const RANGE: u64 = 1 << 56;
/// No span counts as more than this many.
const SPANS_MAX: f64 = (1_u64 << 24) as f64;

impl Weight {
    /// A span that stands for itself.
    pub const NONE: Self = Self(0);
    /// Parts of one span.
    pub const ONE: u64 = 1 << 16;

    /// The weight that a W3C tracestate gives (`ot=th:...`, OpenTelemetry's consistent probability sampling):
    /// the inverse of the probability with which the span was kept; one without a valid threshold.
    pub fn of_trace_state(trace_state: &str) -> Self {
        let vendor = trace_state.split(',').find_map(|entry| entry.trim().strip_prefix("ot="));
        let threshold = vendor.into_iter().flat_map(|pairs| pairs.split(';'));
        let threshold = threshold.filter_map(|pair| pair.strip_prefix("th:")).next();
        match threshold.and_then(parse_threshold) {
            Some(threshold) => Self::of_spans(RANGE as f64 / (RANGE - threshold) as f64),
            None => Self::default(),
        }
    }

    /// The weight of a span that stands for so many, at least one.
    pub fn of_spans(spans: f64) -> Self {
        let beyond = (spans.clamp(1.0, SPANS_MAX) - 1.0) * Self::ONE as f64;
        Self(beyond.round() as u64)
    }

    /// Parts beyond the span itself.
    pub fn beyond(self) -> u64 {
        self.0
    }
}

/// 1 to 14 lower-case hex digits; those that are missing on the right are zeros.
fn parse_threshold(text: &str) -> Option<u64> {
    let missing = THRESHOLD_DIGITS.checked_sub(u32::try_from(text.len()).ok()?)?;
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.is_empty() || !text.as_bytes().iter().all(is_digit) {
        return None;
    }
    Some(u64::from_str_radix(text, 16).ok()? << (4 * missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_inverse_probabilities() {
        let spans = |state| 1.0 + Weight::of_trace_state(state).beyond() as f64 / 65536.0;
        for (state, expected) in [
            ("", 1.0),
            ("ot=th:0", 1.0),
            ("ot=th:8", 2.0),
            ("a=b,ot=rv:1;th:c", 4.0),
            ("ot=th:", 1.0),
            ("ot=th:xyz", 1.0),
            ("th:8", 1.0),
            ("xot=th:8", 1.0),
            ("ot=th:8000000000000000", 1.0),
            ("ot=th:ffffffffffffff", SPANS_MAX),
        ] {
            assert!((spans(state) - expected).abs() < 1e-9, "{state} {}", spans(state));
        }
        assert!((spans("ot=th:fd70a4") - 100.0).abs() < 0.001);
    }
}
