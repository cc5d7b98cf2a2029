//! Spans of the conformance data.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;
use spandrel_traceql::{Attribute, Intrinsic, Scope, SpanValues, Static, Status, parse_identifier};

/// A span as the data gives it: a value per attribute text.
#[derive(Debug, Default)]
pub(crate) struct TestSpan {
    values: HashMap<Attribute, Static>,
}

impl TestSpan {
    pub(crate) fn of_json(span: &Value) -> Self {
        let mut values = HashMap::new();
        for (name, value) in span["attributes"].as_object().into_iter().flatten() {
            let attribute = parse_identifier(name).unwrap_or_else(|_| Attribute::unscoped(name));
            values.insert(attribute, value_of_json(value));
        }
        Self { values }
    }

    pub(crate) fn with(mut self, name: &str, value: Static) -> Self {
        self.values.insert(Attribute::unscoped(name), value);
        self
    }
}

impl SpanValues for TestSpan {
    fn value(&self, attribute: &Attribute) -> Cow<'_, Static> {
        let scopes = [Scope::Span, Scope::Resource];
        let found = self.values.get(attribute).or_else(|| match attribute {
            Attribute::Scoped { scope: Scope::None, parent: false, name } => {
                scopes.iter().find_map(|scope| self.values.get(&Attribute::scoped(*scope, name)))
            }
            _ => None,
        });
        found.map_or(Cow::Owned(Static::Nil), Cow::Borrowed)
    }
}

pub(crate) fn value_of_json(value: &Value) -> Static {
    let content = &value["value"];
    let items = content.as_array().map_or(&[][..], Vec::as_slice);
    match value["type"].as_str().unwrap_or_default() {
        "string" => Static::String(content.as_str().unwrap().to_owned()),
        "int" => Static::Int(content.as_i64().unwrap()),
        "float" => Static::Float(content.as_f64().unwrap()),
        "bool" => Static::Bool(content.as_bool().unwrap()),
        "duration" => Static::Duration(content.as_i64().unwrap()),
        "string[]" => Static::StringArray(
            items.iter().map(|item| item.as_str().unwrap().to_owned()).collect(),
        ),
        "int[]" => Static::IntArray(items.iter().map(|item| item.as_i64().unwrap()).collect()),
        "float[]" => Static::FloatArray(items.iter().map(|item| item.as_f64().unwrap()).collect()),
        "bool[]" => Static::BoolArray(items.iter().map(|item| item.as_bool().unwrap()).collect()),
        "nil" => Static::Nil,
        "status" => match content.as_str().unwrap() {
            "error" => Static::Status(Status::Error),
            "ok" => Static::Status(Status::Ok),
            _ => Static::Status(Status::Unset),
        },
        other => panic!("unknown type {other}"),
    }
}

/// The two traces of the nil data, each a span.
pub(crate) struct NilSpan {
    /// True for the span that carries `foo` everywhere, false for the empty one.
    pub(crate) filled: bool,
}

impl SpanValues for NilSpan {
    fn value(&self, attribute: &Attribute) -> Cow<'_, Static> {
        let text = |text: &str| Static::String(text.to_owned());
        let value = match attribute {
            Attribute::Intrinsic(Intrinsic::Name | Intrinsic::RootName) => {
                text(if self.filled { "span" } else { "empty" })
            }
            Attribute::Intrinsic(Intrinsic::Status) => Static::Status(Status::Unset),
            Attribute::Intrinsic(_) => Static::Nil,
            Attribute::Scoped { scope, name, .. } => {
                let dedicated = !matches!(scope, Scope::Link | Scope::Instrumentation);
                let value = match name.as_str() {
                    "foo" if self.filled => text("bar"),
                    "dc_present" if self.filled && dedicated => text("dc_present"),
                    _ => Static::Nil,
                };
                match (attribute.is_several(), self.filled) {
                    (true, true) => Static::Several(vec![value]),
                    (true, false) => Static::Several(Vec::new()),
                    (false, _) => value,
                }
            }
        };
        Cow::Owned(value)
    }
}
