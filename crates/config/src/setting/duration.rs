//! Durations in Go's notation: `300ms`, `1.5h`, `2h45m`.

use std::time::Duration;

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration as Go's `time.ParseDuration` does, without negative ones.
///
/// # Errors
/// What is wrong with the text, and how to write what was probably meant.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest.is_empty() {
        return Err(expected(text, ""));
    }
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut nanos: u64 = 0;
    while !rest.is_empty() {
        let number_len = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, tail) = rest.split_at(number_len.unwrap_or(rest.len()));
        let unit_len = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_len);
        let Some((_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(expected(text, unit_advice(text, unit)));
        };
        let part = scaled(number, *scale).ok_or_else(|| expected(text, ""))?;
        nanos = nanos.checked_add(part).ok_or_else(|| expected(text, ""))?;
        rest = tail;
    }
    if negative && nanos != 0 {
        return Err(format!("must not be negative, and is `{text}`"));
    }
    match i64::try_from(nanos) {
        Ok(_) => Ok(Duration::from_nanos(nanos)),
        Err(_) => Err(format!("must be shorter than 292 years, and is `{text}`")),
    }
}

fn expected(text: &str, advice: &str) -> String {
    format!("must be a duration like `1m30s`, not `{text}`{advice}")
}

fn unit_advice(text: &str, unit: &str) -> &'static str {
    match unit {
        "" if text.bytes().all(|b| b.is_ascii_digit()) => "; a unit is missing",
        "d" | "day" | "days" => "; days are written in hours, one as `24h`",
        " " => "; write it without spaces",
        _ => "; units are ns, us, ms, s, m and h",
    }
}

/// `number` times `scale`, rounded down; `None` when it is none or too large.
fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Digits below a nanosecond have no effect; an hour has 13 before that.
    let (mut numerator, mut denominator): (u128, u128) = (0, 1);
    for digit in fraction.bytes().take(18) {
        numerator = numerator * 10 + u128::from(digit - b'0');
        denominator *= 10;
    }
    let part = u64::try_from(numerator * u128::from(scale) / denominator).ok()?;
    whole.checked_mul(scale)?.checked_add(part)
}

/// A duration in Go's notation, as `time.Duration.String` prints it: `1h30m0s`, `1.5s`, `200ms`.
pub fn print_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    for (unit, scale) in [("ns", 1_u128), ("\u{b5}s", 1_000), ("ms", 1_000_000)] {
        if nanos < scale * 1_000 {
            return format!("{}{unit}", decimal(nanos, scale));
        }
    }
    let seconds = nanos / 1_000_000_000;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    let rest = decimal(nanos - (hours * 3_600 + minutes * 60) * 1_000_000_000, 1_000_000_000);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}

/// `nanos / scale` without trailing zeros; `scale` is a power of ten.
fn decimal(nanos: u128, scale: u128) -> String {
    let (whole, fraction) = (nanos / scale, nanos % scale);
    if fraction == 0 {
        return whole.to_string();
    }
    let digits = format!("{:0width$}", fraction, width = scale.ilog10() as usize);
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        let table = [
            ("0", 0),
            ("300ms", 300_000_000),
            ("1.5h", 5_400_000_000_000),
            ("2h45m", 9_900_000_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("+5s", 5_000_000_000),
            ("-0s", 0),
            ("1us", 1_000),
            ("1\u{b5}s", 1_000),
            ("0.1ns", 0),
            ("1.0000000005s", 1_000_000_000),
            ("1m1m", 120_000_000_000),
        ];
        for (text, nanos) in table {
            assert_eq!(parse_duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let table = [
            ("", "must be a duration like `1m30s`, not ``"),
            ("10", "must be a duration like `1m30s`, not `10`; a unit is missing"),
            (
                "1d",
                "must be a duration like `1m30s`, not `1d`; days are written in hours, one as `24h`",
            ),
            ("5 s", "must be a duration like `1m30s`, not `5 s`; units are ns, us, ms, s, m and h"),
            ("-5s", "must not be negative, and is `-5s`"),
            (".s", "must be a duration like `1m30s`, not `.s`"),
            ("1.2.3s", "must be a duration like `1m30s`, not `1.2.3s`"),
            ("9000000h", "must be a duration like `1m30s`, not `9000000h`"),
            ("3000000h", "must be shorter than 292 years, and is `3000000h`"),
            (
                "99999999999999999999h",
                "must be a duration like `1m30s`, not `99999999999999999999h`",
            ),
        ];
        for (text, message) in table {
            assert_eq!(parse_duration(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn prints_as_go_prints() {
        let table = [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5\u{b5}s"),
            (200_000_000, "200ms"),
            (1_000_000_000, "1s"),
            (1_500_000_000, "1.5s"),
            (60_000_000_000, "1m0s"),
            (5_400_000_000_000, "1h30m0s"),
            (3_600_000_000_001, "1h0m0.000000001s"),
        ];
        for (nanos, text) in table {
            assert_eq!(print_duration(Duration::from_nanos(nanos)), text);
        }
    }
}
