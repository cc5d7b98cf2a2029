//! Values of the language from values of the model.

use spandrel_model::{Attribute, AttributeValue, SpanKind, StatusCode};
use spandrel_traceql::{Kind, Static, Status};

/// The language's value of an attribute value. Arrays of one type are arrays; what the language has no type
/// for (maps, bytes, mixed arrays, empty values) is nil.
pub fn static_of(value: &AttributeValue) -> Static {
    match value {
        AttributeValue::String(text) => Static::String(text.clone()),
        AttributeValue::Int(number) => Static::Int(*number),
        AttributeValue::Double(number) => Static::Float(*number),
        AttributeValue::Bool(truth) => Static::Bool(*truth),
        AttributeValue::Array(elements) => array(elements),
        AttributeValue::Empty | AttributeValue::Bytes(_) | AttributeValue::KeyValueList(_) => {
            Static::Nil
        }
    }
}

fn array(elements: &[AttributeValue]) -> Static {
    macro_rules! all {
        ($kind:ident) => {
            elements
                .iter()
                .map(|element| match element {
                    AttributeValue::$kind(value) => Some(value.clone()),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>()
        };
    }
    match elements.first() {
        // The language stores an array of one as its element.
        Some(only) if elements.len() == 1 && !matches!(only, AttributeValue::Array(_)) => {
            static_of(only)
        }
        Some(AttributeValue::String(_)) => all!(String).map_or(Static::Nil, Static::StringArray),
        Some(AttributeValue::Int(_)) => all!(Int).map_or(Static::Nil, Static::IntArray),
        Some(AttributeValue::Double(_)) => all!(Double).map_or(Static::Nil, Static::FloatArray),
        Some(AttributeValue::Bool(_)) => all!(Bool).map_or(Static::Nil, Static::BoolArray),
        _ => Static::Nil,
    }
}

/// The value under a key, nil when there is none.
pub fn find_attribute(attributes: &[Attribute], key: &str) -> Static {
    let found = attributes.iter().rfind(|attribute| attribute.key == key);
    found.map_or(Static::Nil, |attribute| static_of(&attribute.value))
}

/// The text under a key, when the value is one.
pub(crate) fn text_attribute<'a>(attributes: &'a [Attribute], key: &str) -> Option<&'a str> {
    match &attributes.iter().rfind(|attribute| attribute.key == key)?.value {
        AttributeValue::String(text) => Some(text),
        _ => None,
    }
}

/// The language's word for a status code.
pub fn status_word(code: StatusCode) -> Status {
    match code {
        StatusCode::Unset => Status::Unset,
        StatusCode::Ok => Status::Ok,
        StatusCode::Error => Status::Error,
    }
}

/// The language's word for a kind.
pub fn kind_word(kind: SpanKind) -> Kind {
    match kind {
        SpanKind::Unspecified => Kind::Unspecified,
        SpanKind::Internal => Kind::Internal,
        SpanKind::Server => Kind::Server,
        SpanKind::Client => Kind::Client,
        SpanKind::Producer => Kind::Producer,
        SpanKind::Consumer => Kind::Consumer,
    }
}
