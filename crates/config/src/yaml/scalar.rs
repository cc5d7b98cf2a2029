//! Types of plain scalars, as go-yaml v3 resolves them.

use crate::value::ValueKind;

/// What a plain scalar is.
pub(super) fn resolve(text: &str) -> ValueKind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return ValueKind::Null,
        "true" | "True" | "TRUE" => return ValueKind::Bool(true),
        "false" | "False" | "FALSE" => return ValueKind::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return ValueKind::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return ValueKind::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return ValueKind::Float(f64::NEG_INFINITY),
        _ => {}
    }
    number(text).unwrap_or_else(|| ValueKind::String(text.to_owned()))
}

fn number(text: &str) -> Option<ValueKind> {
    // Longer ones are no numbers, or none that fit.
    const NUMBER_CHARS_MAX: usize = 128;
    let first = text.chars().next()?;
    let begins = first.is_ascii_digit() || matches!(first, '+' | '-' | '.');
    if !begins || text.len() > NUMBER_CHARS_MAX {
        return None;
    }
    let digits = text.replace('_', "");
    if let Some(whole) = integer(&digits) {
        return Some(whole);
    }
    if is_decimal(&digits) { digits.parse().ok().map(ValueKind::Float) } else { None }
}

/// A whole number with the prefixes that Go knows; beyond 64 bits without a sign it is a float.
fn integer(text: &str) -> Option<ValueKind> {
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    let (digits, radix) = match lower.get(..2) {
        Some("0x") => (&lower[2..], 16),
        Some("0b") => (&lower[2..], 2),
        Some("0o") => (&lower[2..], 8),
        Some(_) if lower.starts_with('0') => (&lower[1..], 8),
        _ => (lower.as_str(), 10),
    };
    // Here a sign would be a second one.
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    let signed = if negative { -i128::from(magnitude) } else { i128::from(magnitude) };
    match i64::try_from(signed) {
        Ok(number) => Some(ValueKind::Int(number)),
        Err(_) => Some(ValueKind::Float(signed as f64)),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_fits =
        all_digits(whole) && all_digits(fraction) && (!whole.is_empty() || !fraction.is_empty());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    mantissa_fits && exponent_fits
}

/// What a scalar with a tag of YAML's own (`!!int`) is; the tag must fit.
pub(super) fn resolve_as(tag: &str, text: &str) -> Result<ValueKind, String> {
    let kind = match (tag, resolve(text)) {
        ("str", _) => ValueKind::String(text.to_owned()),
        ("float", ValueKind::Int(number)) => ValueKind::Float(number as f64),
        ("null", kind @ ValueKind::Null)
        | ("bool", kind @ ValueKind::Bool(_))
        | ("int", kind @ ValueKind::Int(_))
        | ("float", kind @ ValueKind::Float(_)) => kind,
        ("null" | "bool" | "int" | "float", _) => {
            return Err(format!("the value does not fit its tag `!!{tag}`"));
        }
        _ => ValueKind::String(text.to_owned()),
    };
    Ok(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_yaml_does() {
        use ValueKind::{Bool, Float, Int, Null};
        let text = |text: &str| ValueKind::String(text.to_owned());
        let table = [
            ("", Null),
            ("~", Null),
            ("NULL", Null),
            ("nUll", text("nUll")),
            ("True", Bool(true)),
            ("tRue", text("tRue")),
            ("yes", text("yes")),
            ("off", text("off")),
            ("y", text("y")),
            ("0", Int(0)),
            ("-0", Int(0)),
            ("1_000", Int(1000)),
            ("65_536", Int(65536)),
            ("0750", Int(488)),
            ("0o750", Int(488)),
            ("-0o17", Int(-15)),
            ("0x1F", Int(31)),
            ("0b101", Int(5)),
            ("+12", Int(12)),
            ("08", Float(8.0)),
            ("0o8", text("0o8")),
            ("--1", text("--1")),
            ("1e3", Float(1000.0)),
            ("1.5", Float(1.5)),
            (".5", Float(0.5)),
            ("1.", Float(1.0)),
            (".", text(".")),
            ("1e", text("1e")),
            ("e1", text("e1")),
            ("1.2.3", text("1.2.3")),
            ("10s", text("10s")),
            ("1:30", text("1:30")),
            ("2024-01-01", text("2024-01-01")),
            ("9223372036854775807", Int(i64::MAX)),
            ("-9223372036854775808", Int(i64::MIN)),
            ("18446744073709551615", Float(18446744073709551615.0)),
            ("99999999999999999999", Float(1e20)),
            (".inf", Float(f64::INFINITY)),
            ("inf", text("inf")),
            ("0x", text("0x")),
            ("-", text("-")),
        ];
        for (scalar, kind) in table {
            assert_eq!(resolve(scalar), kind, "{scalar}");
        }
        assert!(matches!(resolve(".nan"), Float(number) if number.is_nan()));
    }

    #[test]
    fn tags_must_fit() {
        assert_eq!(resolve_as("str", "1"), Ok(ValueKind::String("1".to_owned())));
        assert_eq!(resolve_as("float", "1"), Ok(ValueKind::Float(1.0)));
        assert_eq!(resolve_as("int", "0x10"), Ok(ValueKind::Int(16)));
        assert!(resolve_as("int", "x").is_err());
        assert_eq!(resolve_as("binary", "AAAA"), Ok(ValueKind::String("AAAA".to_owned())));
    }
}
