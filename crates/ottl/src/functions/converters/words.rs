//! Upper and lower case, and names in the notations of programs.

use super::super::{Args, Function, Kind, converter, needs};
use crate::error::EvalError;
use crate::value::Value;

type Evaluated<'v> = Result<Value<'v>, EvalError>;

const TARGET: &[super::super::Parameter] = &[needs("target", Kind::Text)];

pub(super) const FUNCTIONS: [Function; 5] = [
    converter(
        "ConvertCase",
        &[
            needs("target", Kind::Text),
            needs("to_case", Kind::Word(&["lower", "upper", "snake", "camel"])),
        ],
        convert_case,
    ),
    converter("ToCamelCase", TARGET, to_camel_case),
    converter("ToLowerCase", TARGET, to_lower_case),
    converter("ToSnakeCase", TARGET, to_snake_case),
    converter("ToUpperCase", TARGET, to_upper_case),
];

fn convert_case<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    match &*args.text(1)? {
        "lower" => to_lower_case(args),
        "upper" => to_upper_case(args),
        "snake" => to_snake_case(args),
        _ => to_camel_case(args),
    }
}

fn to_lower_case<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::owned(args.text(0)?.to_lowercase()))
}

fn to_upper_case<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::owned(args.text(0)?.to_uppercase()))
}

/// `HTTPServer name` becomes `http_server_name`.
fn to_snake_case<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let words = words(&args.text(0)?);
    Ok(Value::owned(words.join("_").to_lowercase()))
}

/// `some_name` becomes `SomeName`.
fn to_camel_case<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let text = args.text(0)?;
    let mut out = String::with_capacity(text.len());
    let mut upper = true;
    for c in text.trim().chars() {
        if is_separator(c) {
            upper = true;
            continue;
        }
        match upper {
            true => out.extend(c.to_uppercase()),
            false => out.push(c),
        }
        upper = c.is_ascii_digit();
    }
    Ok(Value::owned(out))
}

fn is_separator(c: char) -> bool {
    matches!(c, '_' | '-' | ' ' | '.')
}

/// Words end at separators, before a capital letter behind a small one or a digit, and before the last of
/// several capital letters that a small one follows.
fn words(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.trim().chars().collect();
    let mut words = vec![String::new()];
    for (index, c) in chars.iter().enumerate() {
        if is_separator(*c) {
            words.push(String::new());
            continue;
        }
        let before = index.checked_sub(1).and_then(|at| chars.get(at));
        let after = chars.get(index + 1);
        let starts = match before {
            Some(before) if before.is_lowercase() || before.is_ascii_digit() => {
                c.is_uppercase() || (before.is_lowercase() && c.is_ascii_digit())
            }
            Some(before) if before.is_uppercase() => {
                (c.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
                    || c.is_ascii_digit()
            }
            _ => false,
        };
        let digits_end = before.is_some_and(char::is_ascii_digit) && c.is_lowercase();
        if starts || digits_end {
            words.push(String::new());
        }
        if let Some(last) = words.last_mut() {
            last.push(*c);
        }
    }
    words
}
