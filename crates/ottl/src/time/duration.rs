//! Durations in the notation of Go: `1h30m`, `-1.5s`, `10ms`.

/// Units and their nanoseconds; the longer name first where one starts another.
const UNITS: [(&str, i64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Nanoseconds of a text such as `1h30m`; none when it is no duration or does not fit.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (digits, tail) = rest.split_at_checked(number)?;
        let (unit, nanos) = UNITS.iter().find(|(unit, _)| tail.starts_with(unit))?;
        total = total.checked_add(amount(digits, *nanos)?)?;
        rest = tail.get(unit.len()..)?;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

/// `digits` of a unit, in nanoseconds, cut off below one.
fn amount(digits: &str, nanos: i64) -> Option<i128> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse::<i64>().ok()?.into() };
    // More digits than these are below a nanosecond of any unit.
    let fraction = fraction.get(..fraction.len().min(15))?;
    let part: i128 = if fraction.is_empty() { 0 } else { fraction.parse::<i64>().ok()?.into() };
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    Some(whole * i128::from(nanos) + part * i128::from(nanos) / scale)
}

/// The text of a duration, as Go prints it.
pub(crate) fn print(nanos: i64) -> String {
    let size = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    let scaled = |unit: u64, name: &str| format!("{sign}{}{name}", decimal(size, unit));
    match size {
        0 => "0s".to_owned(),
        1..1_000 => scaled(1, "ns"),
        1_000..1_000_000 => scaled(1_000, "\u{b5}s"),
        1_000_000..1_000_000_000 => scaled(1_000_000, "ms"),
        _ => {
            let seconds = size / 1_000_000_000;
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            let rest = decimal(size % 60_000_000_000, 1_000_000_000);
            match (hours, minutes) {
                (0, 0) => format!("{sign}{rest}s"),
                (0, _) => format!("{sign}{minutes}m{rest}s"),
                _ => format!("{sign}{hours}h{minutes}m{rest}s"),
            }
        }
    }
}

/// `size` in units, with the digits of the fraction that are needed.
fn decimal(size: u64, unit: u64) -> String {
    let fraction = size % unit;
    if fraction == 0 {
        return (size / unit).to_string();
    }
    let width = unit.ilog10() as usize;
    let digits = format!("{fraction:0width$}");
    format!("{}.{}", size / unit, digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_nanoseconds_convert() {
        for (text, nanos, printed) in [
            ("3s", 3_000_000_000, "3s"),
            ("1h30m", 5_400_000_000_000, "1h30m0s"),
            ("-1.5h", -5_400_000_000_000, "-1h30m0s"),
            ("100ms", 100_000_000, "100ms"),
            ("1.5us", 1_500, "1.5\u{b5}s"),
            ("2h0.25s", 7_200_250_000_000, "2h0m0.25s"),
            ("0", 0, "0s"),
            ("+7ns", 7, "7ns"),
            (".5s", 500_000_000, "500ms"),
            ("61.001s", 61_001_000_000, "1m1.001s"),
        ] {
            assert_eq!(parse(text), Some(nanos), "{text}");
            assert_eq!(print(nanos), printed, "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_none() {
        for text in ["", "1", "s", ".s", "1d", "1h 2m", "-", "999999999h", "1.2.3s", "1\u{e9}"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
