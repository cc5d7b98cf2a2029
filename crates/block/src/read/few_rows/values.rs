//! Values out of the bytes of pages.

use std::ops::Range;

use parquet::basic::Type as Physical;

use super::Damage;
use super::hybrid::{self, Run, is_set};

const CUT: Damage = "has a page whose values are cut";
const WRONG: Damage = "has values in an encoding that their type does not have";

/// Values of one type, one after the other.
pub(super) enum Values {
    I32(Vec<i32>),
    I64(Vec<i64>),
    F64(Vec<f64>),
    Bool(Vec<bool>),
    Strings(Strings),
    /// All of this length.
    Fixed(usize, Vec<u8>),
}

/// Byte strings in one buffer.
#[derive(Default)]
pub(super) struct Strings {
    pub(super) bytes: Vec<u8>,
    pub(super) ends: Vec<usize>,
}

impl Strings {
    pub(super) fn range(&self, place: usize) -> Range<usize> {
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        start..self.ends[place]
    }

    pub(super) fn get(&self, place: usize) -> &[u8] {
        &self.bytes[self.range(place)]
    }
}

impl Values {
    /// No values yet, of a type whose values have `value_bytes` bytes if they are of fixed length.
    pub(super) fn new(physical: Physical, value_bytes: usize) -> Result<Self, Damage> {
        Ok(match physical {
            Physical::INT32 => Self::I32(Vec::new()),
            Physical::INT64 => Self::I64(Vec::new()),
            Physical::DOUBLE => Self::F64(Vec::new()),
            Physical::BOOLEAN => Self::Bool(Vec::new()),
            Physical::BYTE_ARRAY => Self::Strings(Strings::default()),
            Physical::FIXED_LEN_BYTE_ARRAY if value_bytes > 0 => {
                Self::Fixed(value_bytes, Vec::new())
            }
            _ => return Err("has values of a type that blocks do not have"),
        })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::I32(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::Bool(values) => values.len(),
            Self::Strings(strings) => strings.ends.len(),
            Self::Fixed(length, bytes) => bytes.len() / length,
        }
    }

    /// Appends the values in these slots, ascending, of plain ones.
    pub(super) fn push_plain(
        &mut self,
        bytes: &[u8],
        mut slots: impl Iterator<Item = Range<usize>>,
    ) -> Result<(), Damage> {
        match self {
            Self::I32(values) => slots.try_for_each(|slots| {
                let bytes = fixed(bytes, 4, slots)?.as_chunks().0;
                values.extend(bytes.iter().map(|bytes| i32::from_le_bytes(*bytes)));
                Ok(())
            }),
            Self::I64(values) => slots.try_for_each(|slots| {
                let bytes = fixed(bytes, 8, slots)?.as_chunks().0;
                values.extend(bytes.iter().map(|bytes| i64::from_le_bytes(*bytes)));
                Ok(())
            }),
            Self::F64(values) => slots.try_for_each(|slots| {
                let bytes = fixed(bytes, 8, slots)?.as_chunks().0;
                values.extend(bytes.iter().map(|bytes| f64::from_le_bytes(*bytes)));
                Ok(())
            }),
            Self::Fixed(length, values) => slots.try_for_each(|slots| {
                values.extend_from_slice(fixed(bytes, *length, slots)?);
                Ok(())
            }),
            Self::Strings(strings) => push_strings(bytes, slots, strings),
            Self::Bool(_) => Err(WRONG),
        }
    }

    /// The same of integers whose bytes lie apart.
    pub(super) fn push_split(
        &mut self,
        bytes: &[u8],
        mut slots: impl Iterator<Item = Range<usize>>,
    ) -> Result<(), Damage> {
        let Self::I64(values) = self else { return Err(WRONG) };
        let n_values = bytes.len() / 8;
        slots.try_for_each(|slots| {
            if slots.end > n_values {
                return Err(CUT);
            }
            values.extend(slots.map(|slot| {
                let byte = |i: usize| u64::from(bytes[i * n_values + slot]) << (8 * i);
                (0..8).map(byte).fold(0, |all, byte| all | byte).cast_signed()
            }));
            Ok(())
        })
    }

    /// The same of truth values in runs, their length in front.
    pub(super) fn push_runs(
        &mut self,
        bytes: &[u8],
        slots: impl Iterator<Item = Range<usize>>,
    ) -> Result<(), Damage> {
        let Self::Bool(values) = self else { return Err(WRONG) };
        let (runs, _) = super::levels::split(bytes)?;
        // The slots are within the values, of which nothing else says how many they are.
        hybrid::each_wanted(runs, 1, usize::MAX, slots, |run, places| match run {
            Run::Same(value) => values.resize(values.len() + places.len(), value == 1),
            Run::Packed(packed) => values.extend(places.map(|place| is_set(packed, place))),
        })
    }
}

fn fixed(bytes: &[u8], length: usize, slots: Range<usize>) -> Result<&[u8], Damage> {
    let end = slots.end.checked_mul(length).ok_or(CUT)?;
    bytes.get(slots.start * length..end).ok_or(CUT)
}

/// Each string has its length in front, so those before the wanted ones are passed by one after the other.
fn push_strings(
    mut bytes: &[u8],
    slots: impl Iterator<Item = Range<usize>>,
    strings: &mut Strings,
) -> Result<(), Damage> {
    let mut next = || -> Result<&[u8], Damage> {
        let (length, rest) = bytes.split_first_chunk().ok_or(CUT)?;
        let (string, rest) =
            rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(CUT)?;
        bytes = rest;
        Ok(string)
    };
    let mut at = 0;
    for slots in slots {
        while at < slots.end {
            let string = next()?;
            if at >= slots.start {
                strings.bytes.extend_from_slice(string);
                strings.ends.push(strings.bytes.len());
            }
            at += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
            start in 0_usize..20,
            n in 0_usize..20,
        ) {
            let types = [
                Physical::INT32,
                Physical::INT64,
                Physical::DOUBLE,
                Physical::BOOLEAN,
                Physical::BYTE_ARRAY,
                Physical::FIXED_LEN_BYTE_ARRAY,
            ];
            for physical in types {
                let slots = || std::iter::once(start..start + n);
                let new = || Values::new(physical, 8).unwrap();
                let (mut plain, mut split, mut runs) = (new(), new(), new());
                prop_assert!(plain.push_plain(&bytes, slots()).is_err() || plain.len() == n);
                prop_assert!(split.push_split(&bytes, slots()).is_err() || split.len() == n);
                prop_assert!(runs.push_runs(&bytes, slots()).is_err() || runs.len() == n);
            }
        }
    }
}
