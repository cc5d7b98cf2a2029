//! How many spans a sampled span stands for, from the sampling threshold in its `tracestate`.
//!
//! OpenTelemetry's consistent probability sampling: `ot=th:<1 to 14 hex digits>` is the rejection threshold T,
//! padded on the right with zeros to 56 bits. The span was kept with probability (2^56 - T) / 2^56.

/// 2^56: how many random values there are.
const RANDOM_VALUES: u64 = 1 << 56;
/// Hex digits of a threshold with nothing left out.
const DIGITS: usize = 14;

/// The spans that this one stands for, at least 1; `None` when the sampler left no valid threshold.
pub fn adjusted_count(trace_state: &[u8]) -> Option<f64> {
    if trace_state.is_empty() {
        return None;
    }
    let members = trace_state.split(|byte| *byte == b',').map(|member| member.trim_ascii());
    let otel = members.into_iter().find_map(|member| member.strip_prefix(b"ot="))?;
    let digits = otel.split(|byte| *byte == b';').find_map(|field| field.strip_prefix(b"th:"))?;
    if digits.is_empty() || digits.len() > DIGITS {
        return None;
    }
    let mut threshold = 0_u64;
    for position in 0..DIGITS {
        let digit = match digits.get(position) {
            Some(byte) => char::from(*byte).to_digit(16)?,
            None => 0,
        };
        threshold = threshold << 4 | u64::from(digit);
    }
    // A threshold has 56 bits, so at least one random value is above or equal to it.
    Some(RANDOM_VALUES as f64 / (RANDOM_VALUES - threshold) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_become_counts() {
        for (trace_state, expected) in [
            ("", None),
            ("ot=th:0", Some(1.0)),
            ("ot=th:8", Some(2.0)),
            ("ot=th:c", Some(4.0)),
            ("vendor=1, ot=rv:abcdef01234567;th:c ,x=y", Some(4.0)),
            ("ot=rv:abcdef01234567", None),
            ("ot=th:", None),
            ("ot=th:xyz", None),
            ("ot=th:000000000000000", None),
            ("not=th:8", None),
            ("ot=th:ffffffffffffff", Some(RANDOM_VALUES as f64)),
        ] {
            assert_eq!(adjusted_count(trace_state.as_bytes()), expected, "{trace_state}");
        }
        let one_percent = adjusted_count(b"ot=th:fd70a4").unwrap();
        assert!((one_percent - 100.0).abs() < 0.01, "{one_percent}");
    }
}
