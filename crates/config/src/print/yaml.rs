//! YAML in blocks.

use crate::print::json::quote;
use crate::value::{Value, ValueKind};
use crate::yaml::is_text;

/// A value as YAML, which reads as the same value.
pub(super) fn print(value: &Value) -> String {
    let mut out = String::new();
    match &value.kind {
        ValueKind::Map(entries) if !entries.is_empty() => block(value, 0, &mut out),
        ValueKind::List(values) if !values.is_empty() => block(value, 0, &mut out),
        _ => {
            scalar(value, &mut out);
            out.push('\n');
        }
    }
    out
}

/// The lines of a list or map that is not empty.
fn block(value: &Value, indent: usize, out: &mut String) {
    match &value.kind {
        ValueKind::Map(entries) => {
            for (key, value) in entries {
                out.push_str(&"  ".repeat(indent));
                text(&key.text, out);
                out.push(':');
                below(value, indent, out);
            }
        }
        ValueKind::List(values) => {
            for value in values {
                out.push_str(&"  ".repeat(indent));
                out.push('-');
                below(value, indent, out);
            }
        }
        _ => {}
    }
}

/// What comes behind `key:` or `-`.
fn below(value: &Value, indent: usize, out: &mut String) {
    match &value.kind {
        ValueKind::Map(entries) if !entries.is_empty() => {
            out.push('\n');
            block(value, indent + 1, out);
        }
        ValueKind::List(values) if !values.is_empty() => {
            out.push('\n');
            block(value, indent + 1, out);
        }
        _ => {
            out.push(' ');
            scalar(value, out);
            out.push('\n');
        }
    }
}

fn scalar(value: &Value, out: &mut String) {
    match &value.kind {
        ValueKind::Null => out.push_str("null"),
        ValueKind::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        ValueKind::Int(number) => out.push_str(&number.to_string()),
        ValueKind::Float(number) if number.is_nan() => out.push_str(".nan"),
        ValueKind::Float(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { ".inf" } else { "-.inf" });
        }
        ValueKind::Float(number) => out.push_str(&format!("{number:?}")),
        ValueKind::String(value) => text(value, out),
        ValueKind::List(_) => out.push_str("[]"),
        ValueKind::Map(_) => out.push_str("{}"),
    }
}

/// Without quotes only where no dialect of YAML could take it for anything but a text.
fn text(text: &str, out: &mut String) {
    const WORDS: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];
    let safe = |c: char| c.is_ascii_alphanumeric() || "_-./:".contains(c);
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(safe)
        && !text.ends_with(':')
        && is_text(text)
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if plain { out.push_str(text) } else { quote(text, out) }
}
