//! Events and links: the elements of list columns, one after the other.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use spandrel_columns::{ByteLists, EventColumns, LinkColumns, Sparse, StringColumn};
use spandrel_model::{SpanId, TraceId};

use super::values::{counts, fixed, numbers, strings, wrong_type};
use crate::error::BlockError;
use crate::lists::{event_field, link_field};
use crate::schema;

/// The elements of a list column: their rows, and their fields as a batch of the same length.
fn elements(
    batch: &RecordBatch,
    name: &str,
) -> Result<Option<(Vec<u32>, RecordBatch)>, BlockError> {
    let Some(column) = batch.column_by_name(name) else { return Ok(None) };
    let list = column.as_list_opt::<i32>().ok_or_else(|| wrong_type(name))?;
    let offsets = list.value_offsets();
    let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else { return Ok(None) };
    let mut rows = Vec::with_capacity((last - first).max(0) as usize);
    for (row, bounds) in offsets.array_windows().enumerate() {
        let [start, end] = bounds;
        if end > start && list.is_null(row) {
            return Err(BlockError::column(name, "has elements in a null list"));
        }
        rows.extend((*start..*end).map(|_| row as u32));
    }
    let fields = list.values().slice(first as usize, rows.len());
    let fields = fields.as_struct_opt().ok_or_else(|| wrong_type(name))?;
    if fields.null_count() > 0 {
        return Err(BlockError::column(name, "has null elements"));
    }
    Ok(Some((rows, RecordBatch::from(fields.clone()))))
}

/// A value for each element, where a missing one is the default.
fn filled<T: Copy + Default>(column: Sparse<T>, n: usize) -> Vec<T> {
    if column.rows.len() == n {
        return column.values;
    }
    let mut filled = vec![T::default(); n];
    for (row, value) in column.iter() {
        filled[row as usize] = value;
    }
    filled
}

/// Codes for each element, where a missing text is empty.
fn filled_texts(mut texts: StringColumn, n: usize) -> StringColumn {
    if texts.codes.len() < n {
        let mut codes = vec![texts.dictionary.intern(b""); n];
        for (row, code) in texts.codes.iter() {
            codes[row as usize] = code;
        }
        texts.codes = Sparse { rows: (0..n as u32).collect(), values: codes };
    }
    texts
}

/// The attribute list of each element, by number.
fn attribute_lists(fields: &RecordBatch, name: &str) -> Result<(ByteLists, Vec<u32>), BlockError> {
    let mut lists = ByteLists::default();
    let column: Option<&ArrayRef> = fields.column_by_name(name);
    let column = column.map(|column| column.as_binary_opt::<i32>().ok_or_else(|| wrong_type(name)));
    let column = column.transpose()?;
    let list = |element: usize| {
        let column = column.filter(|column| column.is_valid(element));
        lists.push(column.map_or(&[], |column| column.value(element)))
    };
    let numbers = (0..fields.num_rows()).map(list).collect();
    Ok((lists, numbers))
}

pub(super) fn read_events(
    batch: &RecordBatch,
    starts: &[i64],
    into: &mut EventColumns,
) -> Result<(), BlockError> {
    let Some((rows, fields)) = elements(batch, schema::EVENTS)? else { return Ok(()) };
    let n = rows.len();
    let offsets = filled(numbers::<Int64Type>(&fields, event_field::TIME_OFFSET)?, n);
    let times = rows.iter().zip(offsets);
    let times =
        times.map(|(&row, offset)| starts[row as usize].wrapping_add(offset).cast_unsigned());
    into.time_unix_nanos = times.collect();
    let names = filled_texts(strings(&fields, event_field::NAME)?, n);
    (into.names, into.name_dictionary) = (names.codes.values, names.dictionary);
    (into.attribute_lists, into.attributes) = attribute_lists(&fields, event_field::ATTRIBUTES)?;
    into.dropped_attributes_counts = filled(counts(&fields, event_field::DROPPED_ATTRIBUTES)?, n);
    into.rows = rows;
    Ok(())
}

pub(super) fn read_links(batch: &RecordBatch, into: &mut LinkColumns) -> Result<(), BlockError> {
    let Some((rows, fields)) = elements(batch, schema::LINKS)? else { return Ok(()) };
    let n = rows.len();
    let trace_ids = filled(fixed::<16>(&fields, link_field::TRACE_ID)?, n);
    into.trace_ids = trace_ids.into_iter().map(TraceId).collect();
    let span_ids = filled(fixed::<8>(&fields, link_field::SPAN_ID)?, n);
    into.span_ids = span_ids.into_iter().map(SpanId).collect();
    let states = filled_texts(strings(&fields, link_field::TRACE_STATE)?, n);
    (into.trace_states, into.trace_state_dictionary) = (states.codes.values, states.dictionary);
    into.flags = filled(counts(&fields, link_field::FLAGS)?, n);
    (into.attribute_lists, into.attributes) = attribute_lists(&fields, link_field::ATTRIBUTES)?;
    into.dropped_attributes_counts = filled(counts(&fields, link_field::DROPPED_ATTRIBUTES)?, n);
    into.rows = rows;
    Ok(())
}
