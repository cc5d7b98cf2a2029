//! Texts such as `a=1 b=2`.

use super::super::{Args, Function, Kind, converter, may, needs};
use crate::error::EvalError;
use crate::value::{Value, any_text, put, text_of};

type Evaluated<'v> = Result<Value<'v>, EvalError>;

pub(super) const FUNCTIONS: [Function; 2] = [
    converter(
        "ParseKeyValue",
        &[
            needs("target", Kind::Text),
            may("delimiter", Kind::Text),
            may("pair_delimiter", Kind::Text),
        ],
        parse_key_value,
    ),
    converter(
        "ToKeyValueString",
        &[
            needs("target", Kind::Map),
            may("delimiter", Kind::Text),
            may("pair_delimiter", Kind::Text),
            may("sort_output", Kind::Bool),
        ],
        to_key_value_string,
    ),
];

fn delimiters(args: &Args<'_, '_>) -> Result<(String, String), EvalError> {
    let (inner, outer) = (args.text_or(1, "=")?, args.text_or(2, " ")?);
    if inner.is_empty() || outer.is_empty() || inner == outer {
        return Err(args.refused("the delimiters are empty or the same"));
    }
    Ok((inner.into_owned(), outer.into_owned()))
}

/// Values may stand in quotes of either kind, which protect delimiters inside.
fn parse_key_value<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let text = args.text(0)?;
    let (inner, outer) = delimiters(args)?;
    if text.is_empty() {
        return Err(args.refused("the text is empty"));
    }
    let mut out = Vec::new();
    for pair in split_outside_quotes(&text, &outer) {
        let pair = pair.trim();
        if pair.is_empty() {
            continue;
        }
        let Some((key, value)) = pair.split_once(&*inner) else {
            return Err(args.refused(format_args!("{pair:?} has no {inner:?}")));
        };
        put(&mut out, unquoted(key), any_text(unquoted(value)));
    }
    Ok(Value::map(out))
}

fn split_outside_quotes<'t>(text: &'t str, delimiter: &str) -> Vec<&'t str> {
    let mut parts = Vec::new();
    let mut quote = None;
    let mut start = 0;
    let mut skip_to = 0;
    for (at, c) in text.char_indices() {
        if at < skip_to {
            continue;
        }
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if text.get(at..).is_some_and(|rest| rest.starts_with(delimiter)) => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + delimiter.len();
                skip_to = start;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inside = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

/// Keys and values with delimiters or blanks in them are put in quotes.
fn to_key_value_string<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let entries = args.map(0)?;
    let (inner, outer) = delimiters(args)?;
    let quoted =
        |text: &str| match text.contains(&*inner) || text.contains(&*outer) || text.contains('"') {
            true => format!("\"{}\"", text.replace('"', "\\\"")),
            false => text.to_owned(),
        };
    let mut pairs: Vec<String> = entries
        .iter()
        .map(|entry| {
            let value = entry.value.as_ref().map_or(Value::Nil, Value::of);
            let value = text_of(value).unwrap_or_default();
            format!("{}{inner}{}", quoted(&entry.key), quoted(&value))
        })
        .collect();
    if args.bool_or(3, false)? {
        pairs.sort();
    }
    Ok(Value::owned(pairs.join(&outer)))
}
