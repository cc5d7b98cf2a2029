//! `ParseCSV`.

use super::super::{Args, Function, Kind, converter, may, needs};
use crate::error::EvalError;
use crate::value::{Value, any_text, put};

type Evaluated<'v> = Result<Value<'v>, EvalError>;

pub(super) const FUNCTIONS: [Function; 1] = [converter(
    "ParseCSV",
    &[
        needs("target", Kind::Text),
        needs("header", Kind::Text),
        may("delimiter", Kind::Text),
        may("header_delimiter", Kind::Text),
        may("mode", Kind::Word(&["strict", "lazyQuotes", "ignoreQuotes"])),
    ],
    parse_csv,
)];

/// One row as a map by the names of the header.
fn parse_csv<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let (row, header) = (args.text(0)?, args.text(1)?);
    let delimiter = one_char(args, &args.text_or(2, ",")?)?;
    let header_delimiter = match args.given(3) {
        true => one_char(args, &args.text(3)?)?,
        false => delimiter,
    };
    let mode = args.text_or(4, "strict")?;
    let names: Vec<&str> = header.split(header_delimiter).collect();
    let fields = match &*mode {
        "ignoreQuotes" => row.split(delimiter).map(str::to_owned).collect(),
        mode => fields(row.trim_end_matches(['\r', '\n']), delimiter, mode == "lazyQuotes")
            .ok_or_else(|| args.refused("the quotes of the row do not match"))?,
    };
    if fields.len() != names.len() {
        let (found, expected) = (fields.len(), names.len());
        let message = format_args!("{found} fields, and {expected} in the header");
        return Err(args.refused(message));
    }
    let mut out = Vec::with_capacity(names.len());
    for (name, field) in names.into_iter().zip(fields) {
        put(&mut out, name, any_text(field));
    }
    Ok(Value::map(out))
}

fn one_char(args: &Args<'_, '_>, text: &str) -> Result<char, EvalError> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(c),
        _ => Err(args.refused(format_args!("{text:?} is no delimiter of one character"))),
    }
}

/// The fields of a row; none when quotes do not match. Lazy quotes may stand anywhere.
fn fields(row: &str, delimiter: char, lazy: bool) -> Option<Vec<String>> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    let mut at_start = true;
    let mut closed = false;
    let mut chars = row.chars().peekable();
    while let Some(c) = chars.next() {
        let field = out.last_mut()?;
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted && chars.peek().is_none_or(|next| *next == delimiter) => {
                quoted = false;
                closed = true;
            }
            '"' if at_start => quoted = true,
            '"' if lazy => field.push('"'),
            '"' => return None,
            c if c == delimiter && !quoted => {
                out.push(String::new());
                at_start = true;
                closed = false;
                continue;
            }
            // Text behind the closing quote.
            _ if closed && !lazy => return None,
            c => field.push(c),
        }
        at_start = false;
    }
    (!quoted || lazy).then_some(out)
}
