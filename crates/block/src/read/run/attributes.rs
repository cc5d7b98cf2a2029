//! Attributes of spans: the lists of the residual and of oversized values row by row, then the columns as
//! they are. A key may have small texts in a column and oversized ones in a list, never in the same row.

use arrow_array::RecordBatch;
use arrow_array::types::{Float64Type, Int64Type};
use spandrel_columns::{AttributeColumns, KeyColumns, Sparse, StringColumn};
use spandrel_model::AttributeScope;
use spandrel_otlp::push_key_value_list;

use super::values::{ByteStrings, numbers_of, strings_of, truths_of, wrong_type};
use crate::error::BlockError;
use crate::schema::{AttributeType, oversized_column, parse_attribute_column, residual_column};

pub(super) fn read(batch: &RecordBatch, into: &mut AttributeColumns) -> Result<(), BlockError> {
    read_lists(batch, into)?;
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let name = field.name();
        let Some((AttributeScope::Span, key, kind)) = parse_attribute_column(name) else {
            continue;
        };
        let columns = into.find_or_add_key(key);
        if kind != AttributeType::String && has_any(columns, kind) {
            return Err(in_a_list_too(name));
        }
        let read = match kind {
            AttributeType::String => strings_of(column)
                .map(|read| merge_strings(name, read, &mut columns.strings))
                .transpose()?,
            AttributeType::Int => numbers_of::<Int64Type>(column).map(|read| columns.ints = read),
            AttributeType::Double => {
                numbers_of::<Float64Type>(column).map(|read| columns.doubles = read)
            }
            AttributeType::Bool => truths_of(column).map(|read| columns.bools = read),
        };
        read.ok_or_else(|| wrong_type(name))?;
    }
    Ok(())
}

fn in_a_list_too(name: &str) -> BlockError {
    BlockError::column(name, "has values that are in a list as well")
}

fn has_any(columns: &KeyColumns, kind: AttributeType) -> bool {
    match kind {
        AttributeType::String => !columns.strings.codes.is_empty(),
        AttributeType::Int => !columns.ints.is_empty(),
        AttributeType::Double => !columns.doubles.is_empty(),
        AttributeType::Bool => !columns.bools.is_empty(),
    }
}

/// Adds the texts that `into` has from the lists to those of the column.
fn merge_strings(
    name: &str,
    mut read: StringColumn,
    into: &mut StringColumn,
) -> Result<(), BlockError> {
    if !into.codes.is_empty() {
        let texts = into.codes.iter().map(|(row, code)| (row, into.dictionary.get_bytes(code)));
        let mut codes: Vec<(u32, u32)> =
            texts.map(|(row, text)| (row, read.dictionary.intern(text))).collect();
        codes.extend(read.codes.iter());
        codes.sort_unstable_by_key(|code| code.0);
        if codes.array_windows().any(|[a, b]| a.0 == b.0) {
            return Err(in_a_list_too(name));
        }
        let (rows, values) = codes.into_iter().unzip();
        read.codes = Sparse { rows, values };
    }
    *into = read;
    Ok(())
}

fn read_lists(batch: &RecordBatch, into: &mut AttributeColumns) -> Result<(), BlockError> {
    let names = [residual_column, oversized_column].map(|name| name(AttributeScope::Span));
    let mut lists = Vec::new();
    for name in names {
        if let Some(column) = batch.column_by_name(name) {
            lists.push(ByteStrings::of(column).ok_or_else(|| wrong_type(name))?);
        }
    }
    for row in 0..batch.num_rows() {
        for list in lists.iter().filter_map(|lists| lists.get(row)) {
            push_key_value_list(list, row as u32, into)
                .map_err(|source| BlockError::Attributes { row: row as u32, source })?;
        }
    }
    Ok(())
}
