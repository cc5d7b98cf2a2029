//! Numbers as Prometheus' own library writes them: the shortest digits that read back as the same number, with
//! an exponent when it is below -4 or above 5.

use std::fmt::Write as _;

/// Appends a number.
pub(super) fn push_number(out: &mut String, number: f64) {
    if number.is_nan() {
        out.push_str("NaN");
    } else if number.is_infinite() {
        out.push_str(if number > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        push_finite(out, number);
    }
}

fn push_finite(out: &mut String, number: f64) {
    // Rust's exponent form has the shortest digits, too.
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if number == 0.0 || (-4..6).contains(&exponent) {
        write!(out, "{number}").expect("writing to a string does not fail");
        return;
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    write!(out, "{digits}e{sign}{:02}", exponent.abs()).expect("writing to a string does not fail");
}

/// As [`push_number`], with a decimal point at least, as OpenMetrics wants it.
pub(super) fn push_open_number(out: &mut String, number: f64) {
    let start = out.len();
    push_number(out, number);
    let has_point = out.get(start..).is_some_and(|text| text.contains(['.', 'e', 'N', 'I']));
    if !has_point {
        out.push_str(".0");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_prometheus_writes_them() {
        for (number, text, open) in [
            (0.0, "0", "0.0"),
            (1.0, "1", "1.0"),
            (-1.5, "-1.5", "-1.5"),
            (123_456.0, "123456", "123456.0"),
            (1_000_000.0, "1e+06", "1e+06"),
            (1_234_567.0, "1.234567e+06", "1.234567e+06"),
            (0.0001, "0.0001", "0.0001"),
            (0.000_012, "1.2e-05", "1.2e-05"),
            (1e100, "1e+100", "1e+100"),
            (f64::NAN, "NaN", "NaN"),
            (f64::INFINITY, "+Inf", "+Inf"),
            (f64::NEG_INFINITY, "-Inf", "-Inf"),
        ] {
            let (mut plain, mut opened) = (String::new(), String::new());
            push_number(&mut plain, number);
            push_open_number(&mut opened, number);
            assert_eq!((plain.as_str(), opened.as_str()), (text, open));
        }
    }
}
