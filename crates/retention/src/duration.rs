//! How long: whole numbers with units, and forever.

const SECOND: i64 = 1_000_000_000;

/// Units with their nanoseconds, the longest first.
const UNITS: [(&str, i64); 5] = [
    ("w", 7 * 86_400 * SECOND),
    ("d", 86_400 * SECOND),
    ("h", 3_600 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
];

/// The word for no end.
const FOREVER: &str = "forever";

/// What [`Rule::keep_nanos`](crate::Rule) is when there is no end.
pub const FOREVER_NANOS: i64 = i64::MAX;

/// As [`parse_nanos`], or `forever`; `None` for anything else, and for no time at all.
pub(crate) fn parse_keep(text: &str) -> Option<i64> {
    if text == FOREVER {
        return Some(FOREVER_NANOS);
    }
    parse_nanos(text).filter(|nanos| *nanos > 0)
}

/// Reads one or more whole numbers with units, `30d` or `1d12h`; `None` for anything else.
pub(crate) fn parse_nanos(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut nanos = 0_i64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at_checked(digits)?;
        let (unit, unit_nanos) = UNITS.into_iter().find(|(unit, _)| tail.starts_with(unit))?;
        nanos = nanos.checked_add(number.parse::<i64>().ok()?.checked_mul(unit_nanos)?)?;
        rest = tail.strip_prefix(unit)?;
    }
    (!text.is_empty()).then_some(nanos)
}

/// A text that reads back as this time; fractions of a second are cut.
pub fn format_keep(nanos: i64) -> String {
    if nanos == FOREVER_NANOS {
        return FOREVER.to_owned();
    }
    let mut rest = nanos.max(0);
    let mut text = String::new();
    // People say 30d, not 4w2d.
    for (unit, unit_nanos) in UNITS.into_iter().filter(|(unit, _)| *unit != "w") {
        let count = rest / unit_nanos;
        rest %= unit_nanos;
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_back() {
        for text in ["1s", "45m", "2d", "30d", "1d12h", "14d", "1h30m15s", "forever"] {
            assert_eq!(parse_keep(text).map(format_keep).as_deref(), Some(text));
        }
        assert_eq!(parse_keep("90m").map(format_keep).as_deref(), Some("1h30m"));
        assert_eq!(parse_keep("2w").map(format_keep).as_deref(), Some("14d"));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "0s", "30", "d", "1.5d", "-1d", "1 d", "1y", "1D", "999999999999d", "1d\u{e9}"]
        {
            assert_eq!(parse_keep(text), None, "{text}");
        }
        assert_eq!(parse_nanos("0s"), Some(0));
    }
}
