//! Groups of rows: the values of `by` as small numbers, one for each distinct combination.
//!
//! Texts come as dictionary codes, so most rows are never looked at as a value.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::ScalarBuffer;
use hashbrown::HashMap;
use spandrel_model::{SpanKind, StatusCode};
use spandrel_trace_values::{kind_word, status_word};
use spandrel_traceql::Static;

use super::rows::Rows;
use crate::filter::{Layer, LeafColumn, Meaning};

/// Combinations of two columns are numbered in a table up to this many, and by hashing beyond.
const TABLE_MAX: usize = 1 << 20;

/// The code of each row.
#[derive(Clone)]
pub(crate) enum Codes {
    /// All rows have code 0.
    One,
    /// Those of a dictionary.
    Keys(ScalarBuffer<i32>),
    Each(Vec<u32>),
}

impl Codes {
    /// The code of a row; rows that nobody asked for have any.
    #[inline]
    pub(crate) fn at(&self, row: usize) -> u32 {
        match self {
            Self::One => 0,
            Self::Keys(keys) => keys[row].cast_unsigned(),
            Self::Each(codes) => codes[row],
        }
    }
}

/// One column as codes.
pub(crate) struct Coded {
    pub(crate) codes: Codes,
    /// The values by code. Two codes may have the same value.
    pub(crate) values: Vec<Static>,
}

/// Rows as groups.
pub(super) struct Groups {
    pub(super) codes: Codes,
    /// The values of `by`, by code.
    pub(super) values: Vec<Vec<Static>>,
}

impl Groups {
    /// The groups of some rows by these columns.
    pub(super) fn of(columns: Vec<Coded>, rows: &Rows) -> Self {
        let mut columns = columns.into_iter();
        let Some(first) = columns.next() else {
            return Self { codes: Codes::One, values: vec![Vec::new()] };
        };
        let values = first.values.into_iter().map(|value| vec![value]).collect();
        columns.fold(Self { codes: first.codes, values }, |groups, next| groups.and(&next, rows))
    }

    fn and(self, next: &Coded, rows: &Rows) -> Self {
        let mut ids = PairIds::new(self.values.len(), next.values.len());
        let mut values = Vec::new();
        let mut codes = vec![0; rows.len()];
        rows.for_each(|row| {
            let (left, right) = (self.codes.at(row), next.codes.at(row));
            let new = values.len() as u32;
            let id = ids.id(left, right, new);
            if id == new {
                let mut pair = self.values[left as usize].clone();
                pair.push(next.values[right as usize].clone());
                values.push(pair);
            }
            codes[row] = id;
        });
        Self { codes: Codes::Each(codes), values }
    }
}

/// Numbers of pairs of codes.
enum PairIds {
    Table { ids: Vec<u32>, width: usize },
    Hashed(HashMap<(u32, u32), u32>),
}

impl PairIds {
    const UNKNOWN: u32 = u32::MAX;

    fn new(n_left: usize, n_right: usize) -> Self {
        match n_left.checked_mul(n_right) {
            Some(n) if n <= TABLE_MAX => {
                Self::Table { ids: vec![Self::UNKNOWN; n], width: n_right }
            }
            _ => Self::Hashed(HashMap::new()),
        }
    }

    /// The number of a pair, `new` when it has none.
    fn id(&mut self, left: u32, right: u32, new: u32) -> u32 {
        match self {
            Self::Table { ids, width } => {
                let id = &mut ids[left as usize * *width + right as usize];
                if *id == Self::UNKNOWN {
                    *id = new;
                }
                *id
            }
            Self::Hashed(ids) => *ids.entry((left, right)).or_insert(new),
        }
    }
}

/// Distinct values in the order in which they were found.
#[derive(Default)]
struct Values {
    values: Vec<Static>,
    codes: HashMap<Static, u32>,
    ints: HashMap<i64, u32>,
}

impl Values {
    fn code(&mut self, value: Static) -> u32 {
        if let Some(code) = self.codes.get(&value) {
            return *code;
        }
        let code = self.values.len() as u32;
        self.values.push(value.clone());
        self.codes.insert(value, code);
        code
    }

    fn int(&mut self, number: i64) -> u32 {
        match self.ints.get(&number) {
            Some(code) => *code,
            None => {
                let code = self.code(Static::Int(number));
                self.ints.insert(number, code);
                code
            }
        }
    }
}

/// The value that stands for the values of a span's events or links: the first one that is there.
pub(super) fn one_of(value: Static) -> Static {
    match value {
        Static::Several(values) => {
            values.into_iter().find(|value| !value.is_nil()).unwrap_or(Static::Nil)
        }
        value => value,
    }
}

/// The codes of a column in some rows.
pub(crate) fn coded(column: &LeafColumn, rows: &Rows) -> Coded {
    if let Some(coded) = plain_text(column) {
        return coded;
    }
    let mut values = Values::default();
    let absent = values.code(one_of(column.absent.clone()));
    let mut codes = vec![absent; column.n_rows];
    if column.layers.iter().all(is_simple) {
        // A row takes its value from the first layer that has one, so that comes last.
        for layer in column.layers.iter().rev() {
            for (meaning, array) in &layer.arrays {
                fill(*meaning, array, &mut values, &mut codes);
            }
            // Neighbors are often equal.
            let mut last: Option<(&Static, u32)> = None;
            for (row, value) in &layer.others {
                let code = match last {
                    Some((known, code)) if known == value => code,
                    _ => values.code(one_of(value.clone())),
                };
                last = Some((value, code));
                codes[*row as usize] = code;
            }
        }
    } else {
        // Neighbors are often equal.
        let mut last = (one_of(column.absent.clone()), absent);
        rows.for_each(|row| {
            let value = one_of(column.value(row));
            if value != last.0 {
                last = (value.clone(), values.code(value));
            }
            codes[row] = last.1;
        });
    }
    Coded { codes: Codes::Each(codes), values: values.values }
}

/// A column that is one dictionary: its codes are ours.
fn plain_text(column: &LeafColumn) -> Option<Coded> {
    let [layer] = column.layers.as_slice() else { return None };
    let [(Meaning::Text, array)] = layer.arrays.as_slice() else { return None };
    if !layer.others.is_empty() {
        return None;
    }
    let dictionary = array.as_dictionary_opt::<Int32Type>()?;
    let texts = dictionary.values().as_string_opt::<i32>()?;
    let mut values: Vec<Static> =
        texts.iter().map(|text| Static::String(text.unwrap_or_default().to_owned())).collect();
    let keys = dictionary.keys();
    let Some(nulls) = keys.nulls().filter(|nulls| nulls.null_count() > 0) else {
        return Some(Coded { codes: Codes::Keys(keys.values().clone()), values });
    };
    let absent = values.len() as u32;
    values.push(one_of(column.absent.clone()));
    let codes = keys.values().iter().zip(nulls.iter());
    let codes = codes.map(|(key, valid)| if valid { key.cast_unsigned() } else { absent });
    Some(Coded { codes: Codes::Each(codes.collect()), values })
}

/// Whether [`fill`] knows all of its arrays.
fn is_simple(layer: &Layer) -> bool {
    layer.arrays.iter().all(|(meaning, _)| {
        matches!(
            meaning,
            Meaning::Text | Meaning::Int | Meaning::Bool | Meaning::Status | Meaning::Kind
        )
    })
}

/// Sets the codes of rows that have a value.
fn fill(meaning: Meaning, array: &ArrayRef, values: &mut Values, codes: &mut [u32]) {
    let nulls = array.nulls();
    let is_valid = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(row));
    let valid = (0..codes.len().min(array.len())).filter(|row| is_valid(*row));
    match meaning {
        Meaning::Text => {
            let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() else { return };
            let Some(texts) = dictionary.values().as_string_opt::<i32>() else { return };
            let texts = texts.iter().map(|text| text.unwrap_or_default().to_owned());
            let own: Vec<u32> = texts.map(|text| values.code(Static::String(text))).collect();
            let keys = dictionary.keys().values();
            valid.for_each(|row| codes[row] = own[keys[row] as usize]);
        }
        Meaning::Int => {
            let Some(numbers) = array.as_primitive_opt::<Int64Type>() else { return };
            let numbers = numbers.values();
            let mut last: Option<(i64, u32)> = None;
            valid.for_each(|row| {
                let code = match last {
                    Some((number, code)) if number == numbers[row] => code,
                    _ => values.int(numbers[row]),
                };
                last = Some((numbers[row], code));
                codes[row] = code;
            });
        }
        Meaning::Bool => {
            let Some(truths) = array.as_boolean_opt() else { return };
            let own = [false, true].map(|truth| values.code(Static::Bool(truth)));
            valid.for_each(|row| codes[row] = own[usize::from(truths.value(row))]);
        }
        _ => {
            let Some(numbers) = array.as_primitive_opt::<Int32Type>() else { return };
            let numbers = numbers.values();
            let mut own: [Option<u32>; 8] = [None; 8];
            valid.for_each(|row| {
                let number = numbers[row].clamp(0, 7);
                let code = own[number as usize]
                    .get_or_insert_with(|| values.code(word(meaning, number as u8)));
                codes[row] = *code;
            });
        }
    }
}

fn word(meaning: Meaning, number: u8) -> Static {
    match meaning {
        Meaning::Status => Static::Status(status_word(StatusCode::from_number(number))),
        _ => Static::Kind(kind_word(SpanKind::from_number(number))),
    }
}
