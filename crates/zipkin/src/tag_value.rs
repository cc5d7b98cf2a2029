//! `parse_string_tags`: texts that look like numbers and booleans.

use spandrel_proto::otlp::common::any_value::Value;

/// The value of a tag: its text, or with `parse` what the text looks like.
pub(crate) fn value(text: String, parse: bool) -> Value {
    match parse.then(|| parsed(&text)).flatten() {
        Some(value) => value,
        None => Value::StringValue(text),
    }
}

/// Digits are an integer, digits with a fraction a number. No exponents, no signs but the minus.
fn parsed(text: &str) -> Option<Value> {
    match text {
        "true" => return Some(Value::BoolValue(true)),
        "false" => return Some(Value::BoolValue(false)),
        _ => {}
    }
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    match unsigned.split_once('.') {
        None if is_number(unsigned) => text.parse().ok().map(Value::IntValue),
        Some((whole, fraction)) if is_number(whole) && is_number(fraction) => {
            text.parse().ok().map(Value::DoubleValue)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_texts_look_like() {
        let text = |text: &str| Value::StringValue(text.to_owned());
        let cases = [
            ("", text("")),
            ("12", Value::IntValue(12)),
            ("-7", Value::IntValue(-7)),
            ("007", Value::IntValue(7)),
            ("+7", text("+7")),
            ("-", text("-")),
            ("99999999999999999999", text("99999999999999999999")),
            ("1.5", Value::DoubleValue(1.5)),
            ("-0.25", Value::DoubleValue(-0.25)),
            (".5", text(".5")),
            ("1.", text("1.")),
            ("1e3", text("1e3")),
            ("1.2.3", text("1.2.3")),
            ("true", Value::BoolValue(true)),
            ("True", text("True")),
            ("false", Value::BoolValue(false)),
        ];
        for (tag, expected) in cases {
            assert_eq!(value(tag.to_owned(), true), expected, "{tag}");
            assert_eq!(value(tag.to_owned(), false), text(tag), "{tag}");
        }
    }
}
