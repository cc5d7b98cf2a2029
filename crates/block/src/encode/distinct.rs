//! Which values of a row group's column are distinct: the dictionary page and the codes.

use std::hash::Hash;
use std::ops::Range;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::column::{Column, Values};

const HASHER: FixedState = FixedState::with_seed(0x4449_4354);
const NONE: u32 = u32::MAX;
/// So few values get a dictionary even when all of them differ.
const FEW: usize = 64;
/// Integers that lie this close together are told apart by a table.
const TABLE_MAX: u64 = 1 << 16;

/// Codes in order of first appearance.
pub(crate) struct Distinct {
    /// A code for each value of the range.
    pub(crate) codes: Vec<u32>,
    /// For each code an index in the column's values.
    pub(crate) values: Vec<u32>,
}

impl Distinct {
    /// The distinct values among those in `range`; `None` when more than half of them differ.
    pub(crate) fn of(column: &Column<'_>, range: Range<usize>) -> Option<Self> {
        if let Some(codes) = &column.codes {
            return of_codes(&codes[range], values_len(&column.values));
        }
        let start = range.start as u32;
        match &column.values {
            Values::I32(values) => {
                let values = &values[range];
                of_integers(values.iter().map(|&value| i64::from(value)), start)
            }
            Values::I64(values) => of_integers(values[range].iter().copied(), start),
            Values::F64(values) => of_keys(values[range].iter().map(|v| v.to_bits()), start),
            Values::Bool(_) => None,
            Values::Text(strings) | Values::Binary(strings) => {
                of_keys(range.map(|i| strings.get(i)), start)
            }
            Values::Fixed(length, bytes) => {
                let bytes = &bytes[range.start * length..range.end * length];
                of_keys(bytes.chunks_exact(*length), start)
            }
        }
    }

    /// The codes that occur among these, which are below `n_known`, numbered anew.
    pub(crate) fn renumbered(codes: &[u32], n_known: usize) -> Self {
        let mut new_codes = vec![NONE; n_known];
        let mut values = Vec::new();
        let renumbered = codes.iter().map(|&code| {
            let new_code = &mut new_codes[code as usize];
            if *new_code == NONE {
                *new_code = values.len() as u32;
                values.push(code);
            }
            *new_code
        });
        Self { codes: renumbered.collect(), values }
    }
}

fn values_len(values: &Values<'_>) -> usize {
    match values {
        Values::I32(values) => values.len(),
        Values::I64(values) => values.len(),
        Values::F64(values) => values.len(),
        Values::Bool(values) => values.len(),
        Values::Text(strings) | Values::Binary(strings) => strings.len(),
        Values::Fixed(length, bytes) => bytes.len() / length,
    }
}

fn too_many(distinct: usize, of: usize) -> bool {
    distinct > FEW.max(of / 2)
}

fn of_codes(codes: &[u32], n_known: usize) -> Option<Distinct> {
    let distinct = Distinct::renumbered(codes, n_known);
    (!too_many(distinct.values.len(), codes.len())).then_some(distinct)
}

fn of_integers(
    integers: impl ExactSizeIterator<Item = i64> + Clone,
    start: u32,
) -> Option<Distinct> {
    let least = integers.clone().min()?;
    let greatest = integers.clone().max()?;
    let span = greatest.abs_diff(least);
    if span >= TABLE_MAX {
        return of_keys(integers, start);
    }
    let codes: Vec<u32> = integers.map(|integer| integer.abs_diff(least) as u32).collect();
    let mut distinct = of_codes(&codes, span as usize + 1)?;
    // From values to the places where they first appear.
    let mut next = 0;
    for (i, &code) in distinct.codes.iter().enumerate() {
        if code == next {
            distinct.values[code as usize] = start + i as u32;
            next += 1;
        }
    }
    Some(distinct)
}

fn of_keys<K: Hash + Eq>(keys: impl ExactSizeIterator<Item = K>, start: u32) -> Option<Distinct> {
    let n_keys = keys.len();
    let mut known: HashMap<K, u32, FixedState> = HashMap::with_hasher(HASHER);
    let mut distinct = Distinct { codes: Vec::with_capacity(n_keys), values: Vec::new() };
    for (i, key) in keys.enumerate() {
        let code = *known.entry(key).or_insert_with(|| {
            distinct.values.push(start + i as u32);
            distinct.values.len() as u32 - 1
        });
        distinct.codes.push(code);
        if too_many(distinct.values.len(), n_keys) {
            return None;
        }
    }
    Some(distinct)
}
