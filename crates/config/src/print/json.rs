//! JSON.

use crate::value::{Value, ValueKind};

/// A value as JSON, in one line or indented by two.
pub(super) fn print(value: &Value, indented: bool) -> String {
    let mut out = String::new();
    write(value, indented.then_some(0), &mut out);
    out
}

fn write(value: &Value, indent: Option<usize>, out: &mut String) {
    let deeper = indent.map(|indent| indent + 1);
    match &value.kind {
        ValueKind::Null => out.push_str("null"),
        ValueKind::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        ValueKind::Int(number) => out.push_str(&number.to_string()),
        ValueKind::Float(number) if number.is_finite() => out.push_str(&format!("{number:?}")),
        // JSON has no words for them.
        ValueKind::Float(number) => quote(&number.to_string(), out),
        ValueKind::String(text) => quote(text, out),
        ValueKind::List(values) if values.is_empty() => out.push_str("[]"),
        ValueKind::List(values) => {
            for (i, value) in values.iter().enumerate() {
                out.push(if i == 0 { '[' } else { ',' });
                line(deeper, out);
                write(value, deeper, out);
            }
            line(indent, out);
            out.push(']');
        }
        ValueKind::Map(entries) if entries.is_empty() => out.push_str("{}"),
        ValueKind::Map(entries) => {
            for (i, (key, value)) in entries.iter().enumerate() {
                out.push(if i == 0 { '{' } else { ',' });
                line(deeper, out);
                quote(&key.text, out);
                out.push_str(if indent.is_some() { ": " } else { ":" });
                write(value, deeper, out);
            }
            line(indent, out);
            out.push('}');
        }
    }
}

fn line(indent: Option<usize>, out: &mut String) {
    if let Some(indent) = indent {
        out.push('\n');
        out.push_str(&"  ".repeat(indent));
    }
}

/// A text in double quotes, as both JSON and YAML read it.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Control characters, and those that YAML takes for a line's or a text's end.
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
