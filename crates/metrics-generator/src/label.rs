//! Names and values of labels.

use std::borrow::Cow;

use spandrel_otlp::ValueView;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_span_aggregation::view_text;

/// The labels of the span's own fields, in the order of the settings.
pub(crate) const INTRINSIC: [&str; 5] =
    ["service", "span_name", "span_kind", "status_code", "status_message"];

/// A value as bytes, without copying what is text already.
pub(crate) fn text<'a>(view: &ValueView<'a>) -> Cow<'a, [u8]> {
    match view {
        ValueView::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(view_text(other).into_bytes()),
    }
}

/// The label of an attribute, distinct from those of the span's own fields.
pub(crate) fn own_label(attribute: &str) -> String {
    let label = label_of(attribute);
    if INTRINSIC.contains(&label.as_str()) { format!("__{label}") } else { label }
}

/// A name with everything replaced that a label cannot have.
pub(crate) fn label_of(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    let label: String = name.chars().map(plain).collect();
    if label.starts_with(|c: char| c.is_ascii_digit()) { format!("_{label}") } else { label }
}

pub(crate) fn label(name: &str, value: impl Into<String>) -> KeyValue {
    let value = Some(Value::StringValue(value.into()));
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value }) }
}

pub(crate) fn kind_text(kind: i32) -> &'static str {
    match kind {
        1 => "SPAN_KIND_INTERNAL",
        2 => "SPAN_KIND_SERVER",
        3 => "SPAN_KIND_CLIENT",
        4 => "SPAN_KIND_PRODUCER",
        5 => "SPAN_KIND_CONSUMER",
        _ => "SPAN_KIND_UNSPECIFIED",
    }
}

pub(crate) fn status_text(code: i32) -> &'static str {
    match code {
        1 => "STATUS_CODE_OK",
        2 => "STATUS_CODE_ERROR",
        _ => "STATUS_CODE_UNSET",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_plain_and_do_not_hide_fields() {
        assert_eq!(own_label("http.request.method"), "http_request_method");
        assert_eq!(own_label("service"), "__service");
        assert_eq!(own_label("2xx"), "_2xx");
    }
}
