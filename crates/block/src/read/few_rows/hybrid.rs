//! Reading Parquet's hybrid of runs and bit packing, of which only some places are wanted. `encode::hybrid` says how it
//! is laid out.

use std::ops::Range;

use super::Damage;

const CUT: Damage = "has a page whose runs are cut";

/// A number in groups of seven bits, lowest first, and what follows it; `None` when it is cut or too large.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (i, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f).checked_shl(7 * i as u32)?;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[i + 1..]));
        }
    }
    None
}

/// So many equal or packed values.
#[derive(Clone, Copy)]
pub(super) enum Run<'a> {
    /// All have this value.
    Same(u32),
    /// One behind the other, lowest bits first.
    Packed(&'a [u8]),
}

/// The runs of some values.
pub(super) struct Runs<'a> {
    bytes: &'a [u8],
    width: u32,
    /// Values that the runs still have.
    left: usize,
}

impl<'a> Runs<'a> {
    /// The runs of `n_values` values of `width` bits.
    pub(super) fn new(bytes: &'a [u8], width: u32, n_values: usize) -> Result<Self, Damage> {
        if width > 32 {
            return Err("has codes of more than 32 bits");
        }
        Ok(Self { bytes, width, left: n_values })
    }

    /// The next run and the number of its values; `None` behind the last value.
    pub(super) fn next(&mut self) -> Result<Option<(Run<'a>, usize)>, Damage> {
        if self.left == 0 {
            return Ok(None);
        }
        let (head, rest) = varint(self.bytes).ok_or(CUT)?;
        let count = usize::try_from(head >> 1).map_err(|_| CUT)?;
        let (run, n_values, n_bytes) = if head & 1 == 0 {
            let n_bytes = self.width.div_ceil(8) as usize;
            let value = rest.get(..n_bytes).ok_or(CUT)?;
            let value = value.iter().rev().fold(0, |all, byte| all << 8 | u32::from(*byte));
            (Run::Same(value), count, n_bytes)
        } else {
            let n_bytes = count.checked_mul(self.width as usize).ok_or(CUT)?;
            let packed = rest.get(..n_bytes).ok_or(CUT)?;
            (Run::Packed(packed), count.checked_mul(8).ok_or(CUT)?, n_bytes)
        };
        if n_values == 0 {
            return Err("has a page with an empty run");
        }
        self.bytes = &rest[n_bytes..];
        // The last group may be filled up.
        let n_values = n_values.min(self.left);
        self.left -= n_values;
        Ok(Some((run, n_values)))
    }
}

/// Calls `take` with each run that has wanted values, and the places of these within it. `wanted` are ascending places
/// among `n_values`.
pub(super) fn each_wanted<'a>(
    bytes: &'a [u8],
    width: u32,
    n_values: usize,
    wanted: impl Iterator<Item = Range<usize>>,
    mut take: impl FnMut(Run<'a>, Range<usize>),
) -> Result<(), Damage> {
    let mut runs = Runs::new(bytes, width, n_values)?;
    let (mut run, mut run_start, mut run_end) = (Run::Same(0), 0, 0);
    for mut wanted in wanted {
        while wanted.start < wanted.end {
            while run_end <= wanted.start {
                let (next, n) = runs.next()?.ok_or(CUT)?;
                (run, run_start, run_end) = (next, run_end, run_end + n);
            }
            let to = wanted.end.min(run_end);
            take(run, wanted.start - run_start..to - run_start);
            wanted.start = to;
        }
    }
    Ok(())
}

/// Appends the wanted ones of `n_values` values.
pub(super) fn pick(
    bytes: &[u8],
    width: u32,
    n_values: usize,
    wanted: impl Iterator<Item = Range<usize>>,
    out: &mut Vec<u32>,
) -> Result<(), Damage> {
    each_wanted(bytes, width, n_values, wanted, |run, places| match run {
        Run::Same(value) => out.resize(out.len() + places.len(), value),
        Run::Packed(packed) => out.extend(places.map(|place| unpack(packed, width, place))),
    })
}

/// The value at a place of packed ones.
fn unpack(packed: &[u8], width: u32, place: usize) -> u32 {
    let bit = place * width as usize;
    let bytes = packed.get(bit / 8..).unwrap_or_default();
    // 32 bits may begin anywhere in the first of five bytes.
    let word = match bytes.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)),
    };
    (word >> (bit % 8) & ((1 << width) - 1)) as u32
}

/// How many of these places of packed bits are set.
pub(super) fn n_set(packed: &[u8], places: Range<usize>) -> usize {
    if places.is_empty() {
        return 0;
    }
    let (first, last) = (places.start / 8, (places.end - 1) / 8);
    let mut n = 0;
    for (at, byte) in packed.iter().enumerate().take(last + 1).skip(first) {
        let mut byte = *byte;
        if at == first {
            byte &= 0xff << (places.start % 8);
        }
        if at == last {
            byte &= 0xff >> (7 - (places.end - 1) % 8);
        }
        n += byte.count_ones() as usize;
    }
    n
}

/// Whether the bit at a place of packed ones is set.
pub(super) fn is_set(packed: &[u8], place: usize) -> bool {
    packed.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encode::hybrid::encode;

    proptest! {
        #[test]
        fn what_is_written_is_picked(
            runs in prop::collection::vec((0_u32..1 << 20, 1_usize..40), 1..40),
            width in 20_u32..=32,
            bounds in prop::collection::vec(0_usize..400, 0..6),
        ) {
            let values: Vec<u32> =
                runs.iter().flat_map(|(value, n)| std::iter::repeat_n(*value, *n)).collect();
            let mut bytes = Vec::new();
            encode(&values, width, &mut bytes);
            let mut bounds: Vec<usize> = bounds.iter().map(|b| *b.min(&values.len())).collect();
            bounds.sort_unstable();
            let wanted: Vec<_> = bounds.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            let mut got = Vec::new();
            pick(&bytes, width, values.len(), wanted.iter().cloned(), &mut got).unwrap();
            let right: Vec<u32> = wanted.into_iter().flat_map(|w| values[w].to_vec()).collect();
            prop_assert_eq!(got, right);
        }

        #[test]
        fn set_bits_are_counted(packed in prop::collection::vec(any::<u8>(), 0..20), a in 0_usize..160, b in 0_usize..160) {
            let places = a.min(b).min(packed.len() * 8)..a.max(b).min(packed.len() * 8);
            let right = places.clone().filter(|place| is_set(&packed, *place)).count();
            prop_assert_eq!(n_set(&packed, places), right);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60), width in 0_u32..40) {
            let mut out = Vec::new();
            let _ = pick(&bytes, width, 1000, std::iter::once(0..1000), &mut out);
            prop_assert!(out.len() <= 1000);
        }
    }
}
