//! Columns of a batch as sparse columns; a column that the batch lacks is empty.

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Int32Type};
use arrow_array::{Array, ArrayRef, BinaryArray, BinaryViewArray, RecordBatch};
use spandrel_columns::{Sparse, StringColumn};

use crate::error::BlockError;

/// The code of a dictionary value that no row has used so far.
const NONE: u32 = u32::MAX;

/// Rows that have a value, and those values.
fn sparse<T>(column: &dyn Array, value: impl Fn(usize) -> T) -> Sparse<T> {
    let n_rows = column.len();
    match column.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => {
            Sparse { rows: (0..n_rows as u32).collect(), values: (0..n_rows).map(value).collect() }
        }
        Some(nulls) => {
            let mut present = Sparse { rows: Vec::new(), values: Vec::new() };
            present.rows.reserve_exact(n_rows - nulls.null_count());
            present.values.reserve_exact(n_rows - nulls.null_count());
            for row in nulls.valid_indices() {
                present.rows.push(row as u32);
                present.values.push(value(row));
            }
            present
        }
    }
}

/// The column of this name, as far as the batch has it.
fn read<T>(
    batch: &RecordBatch,
    name: &str,
    read: impl FnOnce(&ArrayRef) -> Option<Sparse<T>>,
) -> Result<Sparse<T>, BlockError> {
    let Some(column) = batch.column_by_name(name) else {
        return Ok(Sparse { rows: Vec::new(), values: Vec::new() });
    };
    read(column).ok_or_else(|| wrong_type(name))
}

pub(super) fn wrong_type(name: &str) -> BlockError {
    BlockError::column(name, "has an unexpected type")
}

pub(super) fn fixed<const N: usize>(
    batch: &RecordBatch,
    name: &str,
) -> Result<Sparse<[u8; N]>, BlockError> {
    read(batch, name, |column| {
        let column = column.as_fixed_size_binary_opt()?;
        let value = |row| column.value(row).try_into().unwrap_or([0; N]);
        (usize::try_from(column.value_length()) == Ok(N)).then(|| sparse(column, value))
    })
}

pub(super) fn numbers<T: ArrowPrimitiveType>(
    batch: &RecordBatch,
    name: &str,
) -> Result<Sparse<T::Native>, BlockError> {
    read(batch, name, numbers_of::<T>)
}

pub(super) fn numbers_of<T: ArrowPrimitiveType>(column: &ArrayRef) -> Option<Sparse<T::Native>> {
    let column = column.as_primitive_opt::<T>()?;
    let values = column.values();
    Some(sparse(column, |row| values[row]))
}

pub(super) fn truths_of(column: &ArrayRef) -> Option<Sparse<bool>> {
    let column = column.as_boolean_opt()?;
    Some(sparse(column, |row| column.value(row)))
}

/// Counts, of which zeros are not stored.
pub(super) fn counts(batch: &RecordBatch, name: &str) -> Result<Sparse<u32>, BlockError> {
    let Sparse { rows, values } = numbers::<Int32Type>(batch, name)?;
    Ok(Sparse { rows, values: values.into_iter().map(i32::cast_unsigned).collect() })
}

pub(super) fn strings(batch: &RecordBatch, name: &str) -> Result<StringColumn, BlockError> {
    match batch.column_by_name(name) {
        Some(column) => strings_of(column).ok_or_else(|| wrong_type(name)),
        None => Ok(StringColumn::default()),
    }
}

/// Texts by code. Arrow's dictionaries may repeat a text or hold some that no row has.
pub(super) fn strings_of(column: &ArrayRef) -> Option<StringColumn> {
    let mut strings = StringColumn::default();
    let Some(codes) = column.as_dictionary_opt::<Int32Type>() else {
        let texts = column.as_string_opt::<i32>()?;
        let dictionary = &mut strings.dictionary;
        let Sparse { rows, values } = sparse(texts, |row| row);
        let values = values.into_iter().map(|row| dictionary.intern(texts.value(row).as_bytes()));
        strings.codes = Sparse { rows, values: values.collect() };
        return Some(strings);
    };
    let texts = codes.values().as_string_opt::<i32>()?;
    let keys = codes.keys().values();
    let mut map = vec![NONE; texts.len()];
    let Sparse { rows, values } = sparse(codes, |row| keys[row]);
    let values = values.into_iter().map(|key| {
        let key = usize::try_from(key).ok()?;
        let code = map.get_mut(key)?;
        if *code == NONE {
            *code = strings.dictionary.intern(texts.value(key).as_bytes());
        }
        Some(*code)
    });
    strings.codes = Sparse { rows, values: values.collect::<Option<_>>()? };
    Some(strings)
}

/// A column of byte strings, in whatever layout Arrow has it.
pub(super) enum ByteStrings<'a> {
    Plain(&'a BinaryArray),
    Views(&'a BinaryViewArray),
}

impl<'a> ByteStrings<'a> {
    pub(super) fn of(column: &'a ArrayRef) -> Option<Self> {
        let views = || column.as_binary_view_opt().map(Self::Views);
        column.as_binary_opt::<i32>().map(Self::Plain).or_else(views)
    }

    pub(super) fn get(&self, row: usize) -> Option<&'a [u8]> {
        match *self {
            Self::Plain(column) => column.is_valid(row).then(|| column.value(row)),
            Self::Views(column) => column.is_valid(row).then(|| column.value(row)),
        }
    }
}
