//! Canonical spelling of numbers and durations, the one Go's `fmt` and `time` give.
//!
//! A float is printed in the shortest form that reads back to the same float, with an exponent only
//! outside of 1e-4 <= x < 1e21.

use std::fmt;

/// A float literal: always with a point or an exponent, so that it reads back as a float.
/// Infinities and NaN have no literal; they are written as the division that yields them.
pub(crate) fn display_float(x: f64) -> String {
    let mut text = display_number(x);
    if x.is_finite() && !text.contains(['.', 'e']) {
        text.push_str(".0");
    }
    text
}

/// A number in its shortest form: whole values without a point where they read back without one.
pub(crate) fn display_number(x: f64) -> String {
    if x.is_nan() {
        return "(0.0 / 0.0)".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "(1.0 / 0.0)" } else { "(-1.0 / 0.0)" }.to_owned();
    }
    let scientific = format!("{x:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if x != 0.0 && !(-4..21).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    // As a whole number, negative zero would lose its sign and a larger value not fit.
    let needs_point = x.abs() >= 1e18 || (x == 0.0 && x.is_sign_negative());
    if needs_point { format!("{x:.1}") } else { format!("{x}") }
}

const UNITS: [(&str, u64); 3] = [("ms", 1_000_000), ("\u{b5}s", 1_000), ("ns", 1)];

/// A duration as Go writes it: `1h15m0s`, `1.5s`, `2ms`, `0s`.
pub(crate) fn write_duration(f: &mut fmt::Formatter<'_>, ns: i64) -> fmt::Result {
    if ns < 0 {
        f.write_str("-")?;
    }
    let total = ns.unsigned_abs();
    if total == 0 {
        return f.write_str("0s");
    }
    if total < 1_000_000_000 {
        let (unit, size) = UNITS.into_iter().find(|(_, size)| total >= *size).unwrap_or(("ns", 1));
        return write_fraction(f, total, size, unit);
    }
    let seconds = total / 1_000_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    if hours > 0 {
        write!(f, "{hours}h")?;
    }
    if hours > 0 || minutes > 0 {
        write!(f, "{minutes}m")?;
    }
    write_fraction(f, total % 60_000_000_000, 1_000_000_000, "s")
}

fn write_fraction(f: &mut fmt::Formatter<'_>, n: u64, size: u64, unit: &str) -> fmt::Result {
    let (whole, rest) = (n / size, n % size);
    if rest == 0 {
        return write!(f, "{whole}{unit}");
    }
    let width = size.ilog10() as usize;
    let fraction = format!("{rest:0width$}");
    write!(f, "{whole}.{}{unit}", fraction.trim_end_matches('0'))
}
