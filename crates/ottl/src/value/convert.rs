//! Values as text.

use std::borrow::Cow;

use super::{Value, write_json};

/// The text of a value as functions that take anything text-like read it; none for nil.
pub(crate) fn text_of<'a>(value: Value<'a>) -> Option<Cow<'a, str>> {
    Some(match value {
        Value::Nil => return None,
        Value::String(text) => text,
        Value::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        Value::Int(value) => Cow::Owned(value.to_string()),
        Value::Double(value) => Cow::Owned(double_text(value)),
        Value::Bytes(bytes) => Cow::Owned(crate::hex::encode(&bytes)),
        Value::TraceId(id) => Cow::Owned(crate::hex::encode(&id)),
        Value::SpanId(id) => Cow::Owned(crate::hex::encode(&id)),
        Value::Time(time) => Cow::Owned(time.to_string()),
        Value::Duration(nanos) => Cow::Owned(crate::time::duration::print(nanos)),
        value @ (Value::Map(_) | Value::List(_)) => {
            let mut out = String::new();
            write_json(&value, &mut out);
            Cow::Owned(out)
        }
        Value::Events(events) => Cow::Owned(format!("{} events", events.len())),
        Value::Links(links) => Cow::Owned(format!("{} links", links.len())),
    })
}

/// A floating-point number in the fewest digits that read back, with an exponent where it is very large or
/// small.
pub(crate) fn double_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = value.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return format!("{value}");
    }
    let text = format!("{value:e}");
    match text.split_once("e-") {
        Some((mantissa, exponent)) => format!("{mantissa}e-{exponent:0>2}"),
        None => text.replacen('e', "e+", 1),
    }
}
