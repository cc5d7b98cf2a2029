//! Numbers.

use super::super::{Args, Function, Kind, converter, needs};
use crate::error::EvalError;
use crate::value::Value;

type Evaluated<'v> = Result<Value<'v>, EvalError>;

pub(super) const FUNCTIONS: [Function; 2] = [
    converter("Log", &[needs("value", Kind::Value)], log),
    converter("ParseInt", &[needs("target", Kind::Text), needs("base", Kind::Int)], parse_int),
];

/// The natural logarithm.
#[expect(clippy::cast_precision_loss, reason = "logarithms are floating-point")]
fn log<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let value = match args.value(0)? {
        Value::Double(value) => value,
        Value::Int(value) => value as f64,
        Value::String(text) => {
            text.parse().map_err(|_| args.refused(format_args!("{text:?} is no number")))?
        }
        other => return Err(args.refused(format_args!("no number: {}", other.type_name()))),
    };
    if value > 0.0 {
        return Ok(Value::Double(value.ln()));
    }
    Err(args.refused(format_args!("{value} is not more than 0")))
}

/// Base 0 takes it from the prefix, and allows underscores between digits.
fn parse_int<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let (text, base) = (args.text(0)?, args.int(1)?);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let prefix = digits.get(..2).map(str::to_ascii_lowercase).unwrap_or_default();
    let (radix, digits) = match (base, prefix.as_str()) {
        (0, "0x") => (16, digits.get(2..).unwrap_or_default()),
        (0, "0b") => (2, digits.get(2..).unwrap_or_default()),
        (0, "0o") => (8, digits.get(2..).unwrap_or_default()),
        (0, _) if digits.len() > 1 && digits.starts_with('0') => (8, digits),
        (0, _) => (10, digits),
        (2..=36, _) => (u32::try_from(base).unwrap_or(10), digits),
        _ => return Err(args.refused(format_args!("{base} is no base from 2 to 36"))),
    };
    let plain = if base == 0 { digits.replace('_', "") } else { digits.to_owned() };
    let wrong = || args.refused(format_args!("{text:?} is no integer of 64 bits"));
    if plain.starts_with(['+', '-']) {
        return Err(wrong());
    }
    let value = i128::from(u64::from_str_radix(&plain, radix).map_err(|_| wrong())?);
    i64::try_from(if negative { -value } else { value }).map(Value::Int).map_err(|_| wrong())
}
