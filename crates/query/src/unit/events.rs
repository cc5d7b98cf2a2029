//! Values of the language from attribute values of the model, and those of events and links.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef};
use spandrel_block::{event_field, link_field, schema};
use spandrel_model::{Attribute as Pair, AttributeValue};
use spandrel_otlp::{DecodeError, decode_key_value_list};
use spandrel_traceql::{Attribute, Intrinsic, Scope, Static};

/// The language's value of an attribute value. Arrays of one type are arrays; what the language has no type
/// for (maps, bytes, mixed arrays, empty values) is nil.
pub(crate) fn static_of(value: &AttributeValue) -> Static {
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
pub(crate) fn find(attributes: &[Pair], key: &str) -> Static {
    let found = attributes.iter().rfind(|attribute| attribute.key == key);
    found.map_or(Static::Nil, |attribute| static_of(&attribute.value))
}

/// Which values of a span's events or links are asked for.
pub(crate) enum Elements<'a> {
    EventName,
    EventTime,
    EventAttribute(&'a str),
    LinkTraceId,
    LinkSpanId,
    LinkAttribute(&'a str),
}

impl<'a> Elements<'a> {
    /// The elements of an attribute for which `Attribute::is_several` holds.
    pub(crate) fn of(attribute: &'a Attribute) -> Self {
        match attribute {
            Attribute::Intrinsic(Intrinsic::EventTimeSinceStart) => Self::EventTime,
            Attribute::Intrinsic(Intrinsic::LinkTraceId) => Self::LinkTraceId,
            Attribute::Intrinsic(Intrinsic::LinkSpanId) => Self::LinkSpanId,
            Attribute::Scoped { scope: Scope::Link, name, .. } => Self::LinkAttribute(name),
            Attribute::Scoped { name, .. } => Self::EventAttribute(name),
            Attribute::Intrinsic(_) => Self::EventName,
        }
    }

    /// The list column that holds them.
    pub(crate) fn column(&self) -> &'static str {
        match self {
            Self::EventName | Self::EventTime | Self::EventAttribute(_) => schema::EVENTS,
            Self::LinkTraceId | Self::LinkSpanId | Self::LinkAttribute(_) => schema::LINKS,
        }
    }

    /// The values of each row that has elements.
    pub(crate) fn values_of_rows(
        &self,
        column: &ArrayRef,
    ) -> Result<Vec<(u32, Static)>, DecodeError> {
        let Some(lists) = column.as_list_opt::<i32>() else { return Ok(Vec::new()) };
        let Some(elements) = lists.values().as_struct_opt() else { return Ok(Vec::new()) };
        let field = match self {
            Self::EventName => event_field::NAME,
            Self::EventTime => event_field::TIME_OFFSET,
            Self::EventAttribute(_) => event_field::ATTRIBUTES,
            Self::LinkTraceId => link_field::TRACE_ID,
            Self::LinkSpanId => link_field::SPAN_ID,
            Self::LinkAttribute(_) => link_field::ATTRIBUTES,
        };
        let values = elements.column_by_name(field);
        let mut rows = Vec::new();
        for row in 0..lists.len() {
            let range =
                lists.value_offsets()[row] as usize..lists.value_offsets()[row + 1] as usize;
            if lists.is_null(row) || range.is_empty() {
                continue;
            }
            let values = range.map(|i| self.value(values, i)).collect::<Result<_, _>>()?;
            rows.push((row as u32, Static::Several(values)));
        }
        Ok(rows)
    }

    fn value(&self, values: Option<&ArrayRef>, i: usize) -> Result<Static, DecodeError> {
        let Some(values) = values.filter(|values| values.is_valid(i)) else {
            return Ok(Static::Nil);
        };
        let hex = || {
            let bytes = values.as_fixed_size_binary_opt().map(|ids| ids.value(i));
            let digits = bytes.unwrap_or_default().iter().map(|byte| format!("{byte:02x}"));
            Static::String(digits.collect())
        };
        Ok(match self {
            Self::EventName => {
                let names = values.as_string_opt::<i32>();
                names.map_or(Static::Nil, |names| Static::String(names.value(i).to_owned()))
            }
            Self::EventTime => {
                let offsets = values.as_primitive_opt::<Int64Type>();
                offsets.map_or(Static::Nil, |offsets| Static::Duration(offsets.value(i)))
            }
            Self::LinkTraceId | Self::LinkSpanId => hex(),
            Self::EventAttribute(key) | Self::LinkAttribute(key) => {
                let lists = values.as_binary_opt::<i32>().map(|lists| lists.value(i));
                find(&decode_key_value_list(lists.unwrap_or_default())?, key)
            }
        })
    }
}
