//! Duration literals: Prometheus' whole-number form with days, weeks and years, else Go's with
//! fractions.

const SECOND: u64 = 1_000_000_000;

/// Units of the Prometheus form, in the only order in which they may appear.
const PROMETHEUS_UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3600 * SECOND),
    ("w", 7 * 24 * 3600 * SECOND),
    ("d", 24 * 3600 * SECOND),
    ("h", 3600 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
    ("ms", SECOND / 1000),
];

const GO_UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("ms", SECOND / 1000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3600 * SECOND),
];

/// Nanoseconds; none when `text` is no duration or does not fit.
pub(super) fn parse_duration(text: &str) -> Option<i64> {
    prometheus(text).or_else(|| go(text))
}

fn prometheus(text: &str) -> Option<i64> {
    let mut units = PROMETHEUS_UNITS.iter();
    let mut total = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let (digits, unit, after) = term(rest)?;
        let (_, size) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(*size)?)?;
        rest = after;
    }
    i64::try_from(total).ok()
}

fn go(text: &str) -> Option<i64> {
    let mut total = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, unit, after) = term(rest)?;
        let (_, size) = GO_UNITS.iter().find(|(name, _)| *name == unit)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
        total = total.checked_add(whole.checked_mul(*size)?)?;
        total = total.checked_add(part(fraction, *size)?)?;
        rest = after;
    }
    i64::try_from(total).ok()
}

/// The digits behind a point as a part of `size`, truncated.
fn part(fraction: &str, size: u64) -> Option<u64> {
    let mut value = 0;
    // No unit is longer than 10^13, so digits past the 18th cannot change the result.
    let mut scale = 1_u128;
    for digit in fraction.chars().take(18) {
        value = value * 10 + u128::from(digit.to_digit(10)?);
        scale *= 10;
    }
    u64::try_from(value * u128::from(size) / scale).ok()
}

/// Splits the first number and its unit off.
fn term(text: &str) -> Option<(&str, &str, &str)> {
    let number_char = |c: char| c.is_ascii_digit() || c == '.';
    let unit_at = text.find(|c| !number_char(c))?;
    let (number, rest) = text.split_at_checked(unit_at)?;
    let unit_length = rest.find(number_char).unwrap_or(rest.len());
    let (unit, after) = rest.split_at_checked(unit_length)?;
    Some((number, unit, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        for (text, nanos) in [
            ("1ns", 1),
            ("1\u{b5}s", 1_000),
            ("1d12h", 36 * 3_600_000_000_000),
            ("1y", 365 * 24 * 3_600_000_000_000),
            ("1w", 7 * 24 * 3_600_000_000_000),
            ("1.5m", 90_000_000_000),
            (".5s", 500_000_000),
            ("1h15m30.918273645s", 4_530_918_273_645),
            ("1s1m", 61_000_000_000),
        ] {
            assert_eq!(parse_duration(text), Some(nanos), "{text}");
        }
    }

    #[test]
    fn what_is_neither_form_is_refused() {
        for text in ["1.5d", "1h1d", "1d1d", "s", "1", "1sm", ".s", "1.2.3s", "300000y", "1d1.5s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
