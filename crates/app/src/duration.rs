//! Durations as people read and write them: `1.25ms`, `1h30m`.

use std::time::Duration;

const MICRO: u64 = 1_000;
const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Three significant digits up to a minute, then two units: `999ns`, `1.25ms`, `59.1s`, `2m05s`, `1h02m`.
pub(crate) fn format_nanos(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    // Rounding must not give 1000us, so each unit begins where three digits round up to it.
    let text = match nanos {
        0 => "0".to_owned(),
        1..MICRO => format!("{nanos}ns"),
        MICRO..999_500 => scaled(nanos, MICRO, "us"),
        999_500..999_500_000 => scaled(nanos, MILLI, "ms"),
        999_500_000..59_950_000_000 => scaled(nanos, SECOND, "s"),
        _ => {
            let seconds = nanos.saturating_add(SECOND / 2) / SECOND;
            match seconds {
                0..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
                3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
                _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
            }
        }
    };
    format!("{sign}{text}")
}

fn scaled(nanos: u64, unit: u64, name: &str) -> String {
    let value = nanos as f64 / unit as f64;
    let decimals = match value {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{name}")
}

/// Reads one or more numbers with units: `30s`, `1h30m`, `1.5h`, `7d`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let complaint = || {
        format!(
            "a duration is a number and a unit (ns, us, ms, s, m, h, d), such as 30s or 1h30m, not `{text}`"
        )
    };
    let mut rest = text.trim();
    let mut nanos = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let unit = match unit {
            "ns" => 1,
            "us" => MICRO,
            "ms" => MILLI,
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            "d" => DAY,
            _ => return Err(complaint()),
        };
        nanos += number.parse::<f64>().map_err(|_| complaint())? * unit as f64;
        rest = tail;
    }
    // Above 2^53 nanoseconds (104 days) a float is not exact, which nobody notices.
    if text.trim().is_empty() || nanos > u64::MAX as f64 {
        return Err(complaint());
    }
    Ok(Duration::from_nanos(nanos.round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_three_digits() {
        let cases: [(i64, &str); 18] = [
            (0, "0"),
            (999, "999ns"),
            (1_000, "1us"),
            (1_234, "1.23us"),
            (12_345, "12.3us"),
            (123_456, "123us"),
            (999_499, "999us"),
            (999_500, "1ms"),
            (9_996_000, "10ms"),
            (100_000_000, "100ms"),
            (1_500_000_000, "1.5s"),
            (59_949_000_000, "59.9s"),
            (59_950_000_000, "1m00s"),
            (125_000_000_000, "2m05s"),
            (3_720_000_000_000, "1h02m"),
            (93_600_000_000_000, "1d02h"),
            (i64::MAX, "106751d23h"),
            (-1_500, "-1.5us"),
        ];
        for (nanos, text) in cases {
            assert_eq!(format_nanos(nanos), text);
        }
    }

    #[test]
    fn parses_units_alone_and_together() {
        let cases = [
            ("250ns", Duration::from_nanos(250)),
            ("1.5ms", Duration::from_micros(1500)),
            ("30s", Duration::from_secs(30)),
            ("1h30m", Duration::from_secs(5400)),
            ("7d", Duration::from_secs(604_800)),
        ];
        for (text, duration) in cases {
            assert_eq!(parse_duration(text), Ok(duration));
        }
        for text in ["", " ", "5", "s", "1x", "1.2.3s", "-5s", "999999999999999d", "1h 30m"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
