//! Some rows of a unit as Arrow arrays of the types that were asked for.

use std::sync::Arc;

use arrow_array::builder::{FixedSizeBinaryBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array,
};
use spandrel_retention::weight;
use spandrel_traceql::{Attribute, Intrinsic, Static};

use super::{SpanColumn, SpanRows, ValueKind};
use crate::filter::{LeafColumn, Meaning};
use crate::memory::Held;
use crate::metrics::{Coded, Rows, Starts, coded};
use crate::scan::Counters;
use crate::unit::Unit;
use crate::{QueryError, memory};

/// Reads some rows of a unit; there is at least one.
pub(super) async fn read(
    unit: &Unit,
    rows: &Rows,
    wanted: &[SpanColumn],
    counters: &Counters,
) -> Result<SpanRows, QueryError> {
    let mut reader = Reader { unit, rows, counters, held: Vec::new() };
    let mut columns = Vec::with_capacity(wanted.len());
    let mut own = memory::reserve(0)?;
    for column in wanted {
        let array = reader.column(column).await?;
        own.try_grow(array.get_array_memory_size())?;
        columns.push(array);
    }
    let n_rows = rows.mask.as_ref().map_or(rows.len(), |mask| mask.count_set_bits());
    Ok(SpanRows { n_rows, columns, _held: (reader.held, own) })
}

struct Reader<'a> {
    unit: &'a Unit,
    rows: &'a Rows,
    counters: &'a Counters,
    /// Memory of arrays that the result may share.
    held: Vec<Held>,
}

impl Reader<'_> {
    async fn column(&mut self, wanted: &SpanColumn) -> Result<ArrayRef, QueryError> {
        let rows = self.rows;
        Ok(match wanted {
            SpanColumn::Start => {
                let starts = Starts::of(self.unit).await?;
                Counters::add(&self.counters.bytes, size_of_val(&*starts.nanos));
                let nanos = rows.iter().map(|row| starts.nanos[row]);
                Arc::new(Int64Array::from_iter_values(nanos))
            }
            SpanColumn::TraceState => {
                let column = self.unit.trace_states().await?;
                texts(&self.counted(column), rows, None)
            }
            SpanColumn::Weight => {
                let column = self.unit.trace_states().await?;
                weights(&self.counted(column), rows)
            }
            SpanColumn::Id(attribute) => {
                let column = self.unit.column(attribute).await?;
                ids(&self.counted(column), rows, id_bytes(attribute))?
            }
            SpanColumn::Values(attribute, kind) => {
                let column = self.unit.column(attribute).await?;
                let column = self.counted(column);
                match kind {
                    ValueKind::Text => texts(&column, rows, empty_text(attribute)),
                    ValueKind::Int => ints(&column, rows),
                    ValueKind::Double => doubles(&column, rows),
                    ValueKind::Bool => bools(&column, rows),
                }
            }
        })
    }

    fn counted(&mut self, column: LeafColumn) -> LeafColumn {
        Counters::add(&self.counters.bytes, column.size_bytes());
        self.held.extend(column.layers.iter().flat_map(|layer| layer.held.iter().cloned()));
        column
    }
}

/// What stands for an empty text: itself in attributes and in names; elsewhere there is no telling it from an
/// absent one.
fn empty_text(attribute: &Attribute) -> Option<&'static str> {
    match attribute {
        Attribute::Intrinsic(Intrinsic::Name) | Attribute::Scoped { .. } => Some(""),
        Attribute::Intrinsic(_) => None,
    }
}

fn id_bytes(attribute: &Attribute) -> i32 {
    if *attribute == Attribute::from(Intrinsic::TraceId) { 16 } else { 8 }
}

/// The only array of a column that has one, and nothing else.
fn only_array(column: &LeafColumn) -> Option<(Meaning, &ArrayRef)> {
    let mut layers =
        column.layers.iter().filter(|layer| !layer.arrays.is_empty() || !layer.others.is_empty());
    let layer = layers.next().filter(|layer| layer.others.is_empty())?;
    match layer.arrays.as_slice() {
        [(meaning, array)] if layers.next().is_none() => Some((*meaning, array)),
        _ => None,
    }
}

/// Texts by the codes of the column, so that most rows are never looked at as a value.
fn texts(column: &LeafColumn, rows: &Rows, empty: Option<&str>) -> ArrayRef {
    let Coded { codes, values } = coded(column, rows);
    let mut distinct = StringBuilder::with_capacity(values.len(), values.len() * 16);
    let mut n_distinct = 0;
    let mut code_of = |text: &str| {
        distinct.append_value(text);
        n_distinct += 1;
        n_distinct - 1
    };
    let keys: Vec<Option<i32>> = values
        .iter()
        .map(|value| match value {
            Static::Nil => None,
            Static::String(text) if text.is_empty() => empty.map(&mut code_of),
            Static::String(text) => Some(code_of(text)),
            value => Some(code_of(&value.to_string())),
        })
        .collect();
    let keys: Int32Array = rows.iter().map(|row| keys[codes.at(row) as usize]).collect();
    let array = DictionaryArray::<Int32Type>::try_new(keys, Arc::new(distinct.finish()));
    Arc::new(array.expect("every key is one of a text"))
}

fn ints(column: &LeafColumn, rows: &Rows) -> ArrayRef {
    if let Some((Meaning::Int | Meaning::Duration, array)) = only_array(column)
        && let Some(numbers) = array.as_primitive_opt::<Int64Type>()
    {
        let number = |row: usize| numbers.is_valid(row).then(|| numbers.value(row));
        return match &rows.mask {
            None => Arc::clone(array),
            Some(_) => Arc::new(rows.iter().map(number).collect::<Int64Array>()),
        };
    }
    let number = |row: usize| match column.value(row) {
        Static::Int(number) | Static::Duration(number) => Some(number),
        _ => None,
    };
    Arc::new(rows.iter().map(number).collect::<Int64Array>())
}

#[expect(clippy::cast_precision_loss, reason = "a column has one type, and these are numbers")]
fn doubles(column: &LeafColumn, rows: &Rows) -> ArrayRef {
    if let Some((Meaning::Double, array)) = only_array(column)
        && let Some(numbers) = array.as_primitive_opt::<Float64Type>()
    {
        let number = |row: usize| numbers.is_valid(row).then(|| numbers.value(row));
        return match &rows.mask {
            None => Arc::clone(array),
            Some(_) => Arc::new(rows.iter().map(number).collect::<Float64Array>()),
        };
    }
    let number = |row: usize| match column.value(row) {
        Static::Float(number) => Some(number),
        Static::Int(number) => Some(number as f64),
        _ => None,
    };
    Arc::new(rows.iter().map(number).collect::<Float64Array>())
}

fn bools(column: &LeafColumn, rows: &Rows) -> ArrayRef {
    let truth = |row: usize| match column.value(row) {
        Static::Bool(truth) => Some(truth),
        _ => None,
    };
    Arc::new(rows.iter().map(truth).collect::<BooleanArray>())
}

fn weights(column: &LeafColumn, rows: &Rows) -> ArrayRef {
    let Coded { codes, values } = coded(column, rows);
    let weights = values.iter().map(|value| match value {
        Static::String(state) => weight(state),
        _ => 1.0,
    });
    let weights: Vec<f64> = weights.collect();
    let weights = rows.iter().map(|row| weights[codes.at(row) as usize]);
    Arc::new(Float64Array::from_iter_values(weights))
}

/// Ids as they are stored; one of another length is that of a damaged block and counts as absent.
fn ids(column: &LeafColumn, rows: &Rows, n_bytes: i32) -> Result<ArrayRef, QueryError> {
    let array = only_array(column).and_then(|(_, array)| array.as_fixed_size_binary_opt());
    let array = array.filter(|array| array.value_length() == n_bytes);
    let n_rows = rows.mask.as_ref().map_or(rows.len(), |mask| mask.count_set_bits());
    let _held = memory::reserve(n_rows * n_bytes as usize)?;
    let mut builder = FixedSizeBinaryBuilder::with_capacity(n_rows, n_bytes);
    for row in rows.iter() {
        match array.filter(|array| array.is_valid(row)) {
            Some(ids) => builder.append_value(ids.value(row)).expect("the length is the builder's"),
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}
