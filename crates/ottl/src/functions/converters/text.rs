//! Functions of text.

use std::borrow::Cow;

use super::super::{Args, Function, Kind, converter, may, needs};
use crate::error::EvalError;
use crate::value::{Value, text_of};

type Evaluated<'v> = Result<Value<'v>, EvalError>;

pub(super) const FUNCTIONS: [Function; 10] = [
    converter("Concat", &[needs("values", Kind::List), needs("delimiter", Kind::Text)], concat),
    converter("HasPrefix", &[needs("value", Kind::Text), needs("prefix", Kind::Text)], has_prefix),
    converter("HasSuffix", &[needs("value", Kind::Text), needs("suffix", Kind::Text)], has_suffix),
    converter(
        "IsMatch",
        &[needs("target", Kind::Value), needs("pattern", Kind::Pattern)],
        is_match,
    ),
    converter("IsValidLuhn", &[needs("value", Kind::Value)], is_valid_luhn),
    converter("Split", &[needs("target", Kind::Text), needs("delimiter", Kind::Text)], split),
    converter(
        "Substring",
        &[
            needs("target", Kind::Text),
            needs("start", Kind::Int),
            needs("length", Kind::Int),
            may("utf8_safe", Kind::Bool),
        ],
        substring,
    ),
    converter("Trim", &[needs("target", Kind::Text), may("replacement", Kind::Text)], trim),
    converter(
        "TrimPrefix",
        &[needs("target", Kind::Text), needs("prefix", Kind::Text)],
        trim_prefix,
    ),
    converter(
        "TrimSuffix",
        &[needs("target", Kind::Text), needs("suffix", Kind::Text)],
        trim_suffix,
    ),
];

/// Nil is written `<nil>`, as in Go.
fn concat<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let delimiter = args.text(1)?;
    let mut out = String::new();
    for (index, member) in args.members(0)?.into_iter().enumerate() {
        if index > 0 {
            out.push_str(&delimiter);
        }
        out.push_str(text_of(member).as_deref().unwrap_or("<nil>"));
    }
    Ok(Value::owned(out))
}

fn has_prefix<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Bool(args.text(0)?.starts_with(&*args.text(1)?)))
}

fn has_suffix<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Bool(args.text(0)?.ends_with(&*args.text(1)?)))
}

/// Nothing matches nil.
fn is_match<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let pattern = args.pattern(1)?;
    let text = args.text_like(0)?;
    Ok(Value::Bool(text.is_some_and(|text| pattern.is_match(&text))))
}

/// Whether the last digit checks the others, as on payment cards.
fn is_valid_luhn<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let Some(text) = args.text_like(0)? else { return Ok(Value::Bool(false)) };
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| !digits.is_empty()) else {
        return Ok(Value::Bool(false));
    };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match place % 2 {
            0 => *digit,
            _ if *digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        })
        .sum();
    Ok(Value::Bool(sum.is_multiple_of(10)))
}

fn split<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let (text, delimiter) = (args.text(0)?, args.text(1)?);
    if delimiter.is_empty() {
        return Ok(Value::strings(text.chars()));
    }
    Ok(Value::strings(text.split(&*delimiter)))
}

/// Counts in bytes. What would begin or end inside of a character begins or ends beside it.
fn substring<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let text = args.text(0)?;
    let (start, length) = (args.int(1)?, args.int(2)?);
    // What would not be safe is no text for the protocol: the argument is read and always on.
    args.bool_or(3, false)?;
    let (Ok(first), Ok(count)) = (usize::try_from(start), usize::try_from(length)) else {
        return Err(args.refused("start and length are not less than 0"));
    };
    if count == 0 {
        return Err(args.refused("length is not 0"));
    }
    let end = first.saturating_add(count);
    if end > text.len() {
        let size = text.len();
        return Err(args.refused(format_args!("{start} and {length} exceed a text of {size}")));
    }
    let (first, end) = (text.ceil_char_boundary(first), text.floor_char_boundary(end));
    Ok(match text {
        Cow::Borrowed(text) => Value::text(text.get(first..end).unwrap_or_default()),
        Cow::Owned(text) => Value::owned(text.get(first..end).unwrap_or_default()),
    })
}

fn trim<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let (text, cut) = (args.text(0)?, args.text_or(1, " ")?);
    Ok(Value::owned(text.trim_matches(|c| cut.contains(c))))
}

fn trim_prefix<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let text = args.text(0)?;
    Ok(Value::owned(text.strip_prefix(&*args.text(1)?).unwrap_or(&text)))
}

fn trim_suffix<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let text = args.text(0)?;
    Ok(Value::owned(text.strip_suffix(&*args.text(1)?).unwrap_or(&text)))
}
