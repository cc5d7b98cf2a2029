//! Typed access to the columns of a batch, and the values that are more than a number.

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use spandrel_model::{Attribute, Event, Link, SpanId, TraceId};
use spandrel_otlp::decode_key_value_list;

use crate::error::BlockError;
use crate::lists::{event_field, link_field};
use crate::schema;

/// Typed access to the columns of a batch or of a list's elements; missing columns read as null.
pub(super) struct Columns<'a> {
    batch: &'a RecordBatch,
}

impl<'a> Columns<'a> {
    pub(super) fn new(batch: &'a RecordBatch) -> Self {
        Self { batch }
    }

    fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.batch.column_by_name(name)
    }

    pub(super) fn fixed<const N: usize>(&self, name: &str) -> Result<Vec<[u8; N]>, BlockError> {
        let column = self.column(name).ok_or_else(|| BlockError::column(name, "is missing"))?;
        fixed_values(name, column)
    }

    pub(super) fn numbers<T: ArrowPrimitiveType>(
        &self,
        name: &str,
    ) -> impl Fn(usize) -> Option<T::Native> + use<T> {
        let column = self.column(name).and_then(|column| column.as_primitive_opt::<T>().cloned());
        move |row| {
            column.as_ref().filter(|column| column.is_valid(row)).map(|column| column.value(row))
        }
    }

    pub(super) fn counts(&self, name: &str) -> impl Fn(usize) -> u32 + use<> {
        let numbers = self.numbers::<Int32Type>(name);
        move |row| numbers(row).unwrap_or_default().cast_unsigned()
    }

    pub(super) fn texts(&self, name: &str) -> impl Fn(usize) -> String + use<> {
        let column = self.column(name).cloned();
        move |row| {
            let text = column.as_ref().and_then(|column| text_at(column, row));
            text.unwrap_or_default().to_owned()
        }
    }

    pub(super) fn parents(&self, span_ids: &[[u8; 8]]) -> Result<Vec<Option<SpanId>>, BlockError> {
        let offsets = self.counts(schema::PARENT_ROW_OFFSET);
        let missing = self.column(schema::PARENT_SPAN_ID);
        (0..span_ids.len())
            .map(|row| {
                let offset = offsets(row) as usize;
                if offset > 0 {
                    let parent = row.checked_sub(offset).map(|parent| SpanId(span_ids[parent]));
                    return parent.map(Some).ok_or_else(|| {
                        BlockError::column(schema::PARENT_ROW_OFFSET, "points before the trace")
                    });
                }
                let parent = missing.and_then(|column| fixed_at(column, row));
                Ok(parent.map(SpanId))
            })
            .collect()
    }

    /// The elements of a list column in a row.
    fn elements(&self, name: &str, row: usize) -> Result<Option<StructArray>, BlockError> {
        let Some(column) = self.column(name) else { return Ok(None) };
        let list =
            column.as_list_opt::<i32>().ok_or_else(|| BlockError::column(name, "is not a list"))?;
        if list.is_null(row) {
            return Ok(None);
        }
        let elements = list.value(row);
        let elements = elements.as_struct_opt();
        Ok(Some(
            elements.ok_or_else(|| BlockError::column(name, "is not a list of structs"))?.clone(),
        ))
    }

    pub(super) fn events(&self, row: usize, start: i64) -> Result<Vec<Event>, BlockError> {
        let Some(elements) = self.elements(schema::EVENTS, row)? else { return Ok(Vec::new()) };
        let batch = RecordBatch::from(elements);
        let fields = Columns::new(&batch);
        let offsets = fields.numbers::<Int64Type>(event_field::TIME_OFFSET);
        let names = fields.texts(event_field::NAME);
        let dropped = fields.counts(event_field::DROPPED_ATTRIBUTES);
        (0..batch.num_rows())
            .map(|i| {
                let time = start.wrapping_add(offsets(i).unwrap_or_default());
                Ok(Event {
                    time_unix_nanos: time.cast_unsigned(),
                    name: names(i),
                    attributes: attribute_list(fields.column(event_field::ATTRIBUTES), i)?,
                    dropped_attributes_count: dropped(i),
                })
            })
            .collect()
    }

    pub(super) fn links(&self, row: usize) -> Result<Vec<Link>, BlockError> {
        let Some(elements) = self.elements(schema::LINKS, row)? else { return Ok(Vec::new()) };
        let batch = RecordBatch::from(elements);
        let fields = Columns::new(&batch);
        let trace_ids = fields.fixed::<16>(link_field::TRACE_ID)?;
        let span_ids = fields.fixed::<8>(link_field::SPAN_ID)?;
        let states = fields.texts(link_field::TRACE_STATE);
        let flags = fields.counts(link_field::FLAGS);
        let dropped = fields.counts(link_field::DROPPED_ATTRIBUTES);
        (0..batch.num_rows())
            .map(|i| {
                Ok(Link {
                    trace_id: TraceId(trace_ids[i]),
                    span_id: SpanId(span_ids[i]),
                    trace_state: states(i),
                    flags: flags(i),
                    attributes: attribute_list(fields.column(link_field::ATTRIBUTES), i)?,
                    dropped_attributes_count: dropped(i),
                })
            })
            .collect()
    }
}

fn fixed_at<const N: usize>(column: &ArrayRef, row: usize) -> Option<[u8; N]> {
    let column = column.as_fixed_size_binary_opt()?;
    if column.is_null(row) {
        return None;
    }
    column.value(row).try_into().ok()
}

fn fixed_values<const N: usize>(name: &str, column: &ArrayRef) -> Result<Vec<[u8; N]>, BlockError> {
    let values = (0..column.len()).map(|row| fixed_at(column, row));
    values.collect::<Option<_>>().ok_or_else(|| BlockError::column(name, "has null or odd values"))
}

pub(super) fn text_at(column: &ArrayRef, row: usize) -> Option<&str> {
    if column.is_null(row) {
        return None;
    }
    match column.as_dictionary_opt::<Int32Type>() {
        Some(dictionary) => {
            let values = dictionary.values().as_string_opt::<i32>()?;
            dictionary.key(row).map(|key| values.value(key))
        }
        None => column.as_string_opt::<i32>().map(|column| column.value(row)),
    }
}

pub(super) fn attribute_list(
    column: Option<&ArrayRef>,
    row: usize,
) -> Result<Vec<Attribute>, BlockError> {
    let Some(column) = column.filter(|column| column.is_valid(row)) else { return Ok(Vec::new()) };
    let plain = column.as_binary_opt::<i32>().map(|lists| lists.value(row));
    let list = plain.or_else(|| column.as_binary_view_opt().map(|lists| lists.value(row)));
    decode_key_value_list(list.unwrap_or_default())
        .map_err(|source| BlockError::Attributes { row: row as u32, source })
}
