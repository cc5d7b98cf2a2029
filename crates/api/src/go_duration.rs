//! Durations as Go writes them: `1h2m3.5s`. Tempo's and Jaeger's parameters use them.

use crate::error::ApiError;
use crate::params::{Params, malformed};

/// Units by their spelling, in nanoseconds. Longer spellings come before their prefixes.
const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
];

/// Units of Prometheus that Go does not have, in nanoseconds.
const LONG_UNITS: [(&str, i64); 3] = [
    ("y", 365 * 24 * 3_600_000_000_000),
    ("w", 7 * 24 * 3_600_000_000_000),
    ("d", 24 * 3_600_000_000_000),
];

/// Digits behind the decimal point that are kept; an hour has no more to tell in nanoseconds.
const FRACTION_DIGITS_MAX: usize = 15;

/// A duration parameter in nanoseconds.
///
/// # Errors
/// [`ApiError::Parameter`] when it is no duration, or a negative one.
pub(crate) fn duration_param(params: &Params, name: &'static str) -> Result<Option<i64>, ApiError> {
    let Some(text) = params.get(name) else { return Ok(None) };
    match parse(text) {
        Some(nanos) => Ok(Some(nanos)),
        None => Err(malformed(name, "a duration such as 1.5s, 100ms or 1h2m", text)),
    }
}

/// Nanoseconds of a duration without sign; none when the text is not one or exceeds 292 years.
pub(crate) fn parse(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at_checked(number_end)?;
        let &(spelling, unit) = UNITS.iter().find(|(spelling, _)| behind.starts_with(spelling))?;
        total = total.checked_add(nanos_of(number, unit)?)?;
        rest = behind.strip_prefix(spelling)?;
    }
    if text.is_empty() { None } else { i64::try_from(total).ok() }
}

/// As [`parse`], with whole years, weeks and days in front, as Prometheus writes them: `1d12h`.
pub(crate) fn parse_long(text: &str) -> Option<i64> {
    let (mut rest, mut total) = (text, 0_i64);
    while let Some(digits) = rest.find(|c: char| !c.is_ascii_digit()).filter(|digits| *digits > 0) {
        let (number, behind) = rest.split_at_checked(digits)?;
        let unit = LONG_UNITS.iter().find(|(spelling, _)| behind.starts_with(spelling));
        let Some((spelling, nanos)) = unit else { break };
        let part = number.parse::<i64>().ok()?.checked_mul(*nanos)?;
        total = total.checked_add(part)?;
        rest = behind.strip_prefix(spelling)?;
    }
    match rest {
        "" if !text.is_empty() => Some(total),
        rest => total.checked_add(parse(rest)?),
    }
}

/// As Go prints a duration that is not negative: `1h0m0.5s`, `1.5ms`, `0s`.
pub(crate) fn format(nanos: i64) -> String {
    let nanos = nanos.unsigned_abs();
    let (unit, name) = match nanos {
        0 => return "0s".to_owned(),
        1..1_000 => (1, "ns"),
        1_000..1_000_000 => (1_000, "\u{b5}s"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let decimal = |n: u64| {
        let digits = format!("{:09}", n % unit * (1_000_000_000 / unit));
        let fraction = digits.trim_end_matches('0');
        let dot = if fraction.is_empty() { "" } else { "." };
        format!("{}{dot}{fraction}{name}", n / unit)
    };
    let (minutes, rest) = (nanos / 60_000_000_000, nanos % 60_000_000_000);
    match (minutes / 60, minutes % 60) {
        (0, 0) => decimal(rest),
        (0, minutes) => format!("{minutes}m{}", decimal(rest)),
        (hours, minutes) => format!("{hours}h{minutes}m{}", decimal(rest)),
    }
}

/// A decimal number of units, cut off at whole nanoseconds.
fn nanos_of(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_number = !whole.is_empty() || !fraction.is_empty();
    if !is_number || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let kept: &str = fraction.get(..FRACTION_DIGITS_MAX).unwrap_or(fraction);
    let scale = 10_i128.checked_pow(u32::try_from(kept.len()).ok()?)?;
    let part: i128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    whole.checked_mul(unit)?.checked_add(part.checked_mul(unit)? / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_go_prints_them() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5\u{b5}s"),
            (2_000_000, "2ms"),
            (15_000_000_000, "15s"),
            (61_000_000_000, "1m1s"),
            (300_000_000_000, "5m0s"),
            (3_600_500_000_000, "1h0m0.5s"),
        ] {
            assert_eq!(format(nanos), text);
            assert_eq!(parse(text), Some(nanos));
        }
    }

    #[test]
    fn all_units_and_fractions() {
        for (text, nanos) in [
            ("0", 0),
            ("2000ns", 2_000),
            ("1us", 1_000),
            ("1\u{b5}s", 1_000),
            ("1\u{3bc}s", 1_000),
            ("1.5ms", 1_500_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("1h2m3.5s", 3_723_500_000_000),
            ("0.0000000019s", 1),
        ] {
            assert_eq!(parse(text), Some(nanos), "{text}");
        }
    }

    #[test]
    fn long_units_come_first() {
        const HOUR: i64 = 3_600_000_000_000;
        for (text, nanos) in [
            ("1d12h", Some(36 * HOUR)),
            ("2w", Some(14 * 24 * HOUR)),
            ("1y1d", Some(366 * 24 * HOUR)),
            ("90s", Some(HOUR / 40)),
            ("0", Some(0)),
            ("1h1d", None),
            ("1d-1h", None),
            ("d", None),
            ("1", None),
            ("", None),
            ("99999999999y", None),
        ] {
            assert_eq!(parse_long(text), nanos, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration() {
        for text in ["", "1", "1x", "s", ".s", "1.2.3s", "-1s", "1s ", "9999999999999h", "1s2"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_error_names_the_parameter() {
        let error = duration_param(&Params::parse("minDuration=5"), "minDuration").unwrap_err();
        assert_eq!(
            error.to_string(),
            "unable to parse param 'minDuration': expected a duration such as 1.5s, 100ms or \
                1h2m, got '5'"
        );
    }
}
