//! Values of events and links.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef};
use spandrel_block::{event_field, link_field, schema};
use spandrel_otlp::{DecodeError, decode_key_value_list};
use spandrel_trace_values::find_attribute;
use spandrel_traceql::{Attribute, Intrinsic, Scope, Static};

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
                find_attribute(&decode_key_value_list(lists.unwrap_or_default())?, key)
            }
        })
    }
}
