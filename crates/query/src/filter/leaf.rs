//! A leaf over a column: which rows pass.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::BooleanBuffer;
use spandrel_model::{SpanKind, StatusCode};
use spandrel_trace_values::{kind_word, status_word};
use spandrel_traceql::{Attribute, EvalError, SpanValues, Static};

use super::Leaf;
use crate::memory::Held;

/// Rows that pass, one bit each.
pub(crate) type RowMask = BooleanBuffer;

/// What the numbers or bytes of an array mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Text, as `Dictionary(Int32, Utf8)`.
    Text,
    /// `Int64`.
    Int,
    /// `Float64`.
    Double,
    /// `Boolean`.
    Bool,
    /// Nanoseconds, `Int64`.
    Duration,
    /// OTLP number of a status code, `Int32`.
    Status,
    /// OTLP number of a kind, `Int32`.
    Kind,
    /// Bytes that are written in hex, `FixedSizeBinary`.
    Hex,
    /// As `Hex`, without leading zeros: how the language spells trace ids.
    TrimmedHex,
}

/// Values of one owner (span, resource, ...): a row has one in at most one place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layer {
    /// Parallel arrays of all rows, with nulls.
    pub(crate) arrays: Vec<(Meaning, ArrayRef)>,
    /// Values that no array can hold, by row, ascending.
    pub(crate) others: Vec<(u32, Static)>,
    /// Rows, ascending, whose value was looked at already and is too large to keep, and whether it passes. Only
    /// in columns that were read for one leaf.
    pub(crate) decided: Vec<(u32, bool)>,
    /// Bytes of memory that values took which were looked at and not kept.
    pub(crate) not_kept_bytes: usize,
    /// Memory of the arrays.
    pub(crate) held: Vec<Held>,
}

/// The values of an attribute in the rows of a unit.
#[derive(Debug, Clone)]
pub(crate) struct LeafColumn {
    pub(crate) n_rows: usize,
    /// The first layer that has a value for a row counts.
    pub(crate) layers: Vec<Layer>,
    /// The value of rows that no layer has one for.
    pub(crate) absent: Static,
}

/// One value in the place of an attribute.
struct Single<'a>(&'a Static);

impl SpanValues for Single<'_> {
    fn value(&self, _: &Attribute) -> Cow<'_, Static> {
        Cow::Borrowed(self.0)
    }
}

impl Leaf {
    /// Whether a span with this value of the attribute passes.
    pub(crate) fn try_passes(&self, value: &Static) -> Result<bool, EvalError> {
        spandrel_traceql::matches(&self.expr, &Single(value))
    }

    /// As [`Leaf::try_passes`], with an answer where there is none.
    pub(crate) fn passes(&self, value: &Static) -> bool {
        self.try_passes(value).unwrap_or(self.on_error)
    }

    /// The rows that pass.
    pub(crate) fn mask(&self, column: &LeafColumn) -> RowMask {
        let n_rows = column.n_rows;
        let mut undecided = BooleanBuffer::new_set(n_rows);
        let mut passed = BooleanBuffer::new_unset(n_rows);
        for layer in &column.layers {
            let (present, passing) = self.layer(layer, n_rows);
            passed = &passed | &(&passing & &undecided);
            undecided = &undecided & &!&present;
        }
        if undecided.count_set_bits() > 0 && self.passes(&column.absent) {
            passed = &passed | &undecided;
        }
        passed
    }

    /// Rows with a value, and those of them that pass.
    fn layer(&self, layer: &Layer, n_rows: usize) -> (RowMask, RowMask) {
        let mut present = BooleanBuffer::new_unset(n_rows);
        let mut passing = BooleanBuffer::new_unset(n_rows);
        for (meaning, array) in &layer.arrays {
            let valid = match array.nulls() {
                Some(nulls) => nulls.inner().clone(),
                None => BooleanBuffer::new_set(n_rows),
            };
            passing = &passing | &(&self.array(*meaning, array) & &valid);
            present = &present | &valid;
        }
        if !layer.others.is_empty() {
            let passes = layer.others.iter().map(|(_, value)| self.passes(value));
            let passes: Vec<bool> = passes.collect();
            let has =
                |row: usize| layer.others.binary_search_by_key(&(row as u32), |other| other.0);
            present = &present | &BooleanBuffer::collect_bool(n_rows, |row| has(row).is_ok());
            let others =
                BooleanBuffer::collect_bool(n_rows, |row| has(row).is_ok_and(|i| passes[i]));
            passing = &passing | &others;
        }
        if !layer.decided.is_empty() {
            let rows = |all: bool| {
                let mut rows = vec![false; n_rows];
                let decided = layer.decided.iter().filter(|(_, passes)| all || *passes);
                decided.for_each(|(row, _)| rows[*row as usize] = true);
                RowMask::from(rows)
            };
            present = &present | &rows(true);
            passing = &passing | &rows(false);
        }
        (present, passing)
    }

    /// The rows that pass; rows without a value have any bit.
    fn array(&self, meaning: Meaning, array: &ArrayRef) -> RowMask {
        let n_rows = array.len();
        if let (Meaning::Int | Meaning::Duration, Some(test)) = (meaning, &self.number)
            && let Some(numbers) = array.as_primitive_opt::<Int64Type>()
        {
            let numbers = numbers.values();
            return BooleanBuffer::collect_bool(n_rows, |row| test.int(numbers[row]));
        }
        if let (Meaning::Double, Some(test)) = (meaning, &self.number)
            && let Some(numbers) = array.as_primitive_opt::<Float64Type>()
        {
            let numbers = numbers.values();
            return BooleanBuffer::collect_bool(n_rows, |row| test.float(numbers[row]));
        }
        if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() {
            let passes = self.each_text(dictionary.values());
            let codes = dictionary.keys().values();
            // Codes of null rows may be anything.
            let passes = |row: usize| passes.get(codes[row] as usize).copied().unwrap_or(false);
            return BooleanBuffer::collect_bool(n_rows, passes);
        }
        if let (Meaning::Status | Meaning::Kind, Some(numbers)) =
            (meaning, array.as_primitive_opt::<Int32Type>())
        {
            let words = (0..6).map(|number| self.passes(&word(meaning, number)));
            let words: Vec<bool> = words.collect();
            let numbers = numbers.values();
            let passes = |row: usize| words.get(numbers[row] as usize).copied().unwrap_or(false);
            return BooleanBuffer::collect_bool(n_rows, passes);
        }
        // One value at a time; neighbors are often equal.
        let mut last: Option<(Static, bool)> = None;
        let mut passes = vec![false; n_rows];
        for (row, passes) in passes.iter_mut().enumerate() {
            let Some(value) = value_at(meaning, array, row) else { continue };
            *passes = match &last {
                Some((known, passes)) if *known == value => *passes,
                _ => {
                    let passes = self.passes(&value);
                    last = Some((value, passes));
                    passes
                }
            };
        }
        passes.into()
    }

    /// Which of the distinct texts pass.
    fn each_text(&self, texts: &ArrayRef) -> Vec<bool> {
        let Some(texts) = texts.as_string_opt::<i32>() else { return Vec::new() };
        let mut value = Static::String(String::new());
        (0..texts.len())
            .map(|code| {
                if let Static::String(text) = &mut value {
                    text.clear();
                    text.push_str(texts.value(code));
                }
                self.passes(&value)
            })
            .collect()
    }
}

fn word(meaning: Meaning, number: u8) -> Static {
    match meaning {
        Meaning::Status => Static::Status(status_word(StatusCode::from_number(number))),
        _ => Static::Kind(kind_word(SpanKind::from_number(number))),
    }
}

/// A row's value; `None` when it is null or the array has another type than its meaning says.
fn value_at(meaning: Meaning, array: &ArrayRef, row: usize) -> Option<Static> {
    if array.is_null(row) {
        return None;
    }
    let int = || Some(array.as_primitive_opt::<Int64Type>()?.value(row));
    let small = || u8::try_from(array.as_primitive_opt::<Int32Type>()?.value(row)).ok();
    let hex = || {
        let bytes = array.as_fixed_size_binary_opt()?.value(row);
        Some(bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")))
    };
    Some(match meaning {
        Meaning::Text => {
            let dictionary = array.as_dictionary_opt::<Int32Type>()?;
            let texts = dictionary.values().as_string_opt::<i32>()?;
            Static::String(texts.value(dictionary.key(row)?).to_owned())
        }
        Meaning::Int => Static::Int(int()?),
        Meaning::Duration => Static::Duration(int()?),
        Meaning::Double => Static::Float(array.as_primitive_opt::<Float64Type>()?.value(row)),
        Meaning::Bool => Static::Bool(array.as_boolean_opt()?.value(row)),
        Meaning::Status | Meaning::Kind => word(meaning, small()?),
        Meaning::Hex => Static::String(hex()?),
        Meaning::TrimmedHex => Static::String(hex()?.trim_start_matches('0').to_owned()),
    })
}

impl LeafColumn {
    /// A row's value.
    pub(crate) fn value(&self, row: usize) -> Static {
        for layer in &self.layers {
            let found =
                layer.arrays.iter().find_map(|(meaning, array)| value_at(*meaning, array, row));
            if let Some(value) = found {
                return value;
            }
            let other = layer.others.binary_search_by_key(&(row as u32), |other| other.0);
            if let Ok(i) = other {
                return layer.others[i].1.clone();
            }
        }
        self.absent.clone()
    }

    /// Bytes of memory of the arrays, and of what was read besides them.
    pub(crate) fn size_bytes(&self) -> usize {
        let arrays = self.layers.iter().flat_map(|layer| &layer.arrays);
        let arrays: usize = arrays.map(|(_, array)| array.get_array_memory_size()).sum();
        arrays + self.layers.iter().map(|layer| layer.not_kept_bytes).sum::<usize>()
    }
}
