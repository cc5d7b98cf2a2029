//! The RLE and bit-packing hybrid of Parquet: dictionary codes, levels and truth values.
//!
//! Layout: runs, each a varint and its data. An even varint is twice the length of a run of one value,
//! which follows in whole bytes; an odd one is twice the number of groups of eight values, plus one, and
//! the values follow bit-packed, lowest bits first.

use super::thrift::push_varint;

/// Bits that hold all of `0..=max`.
pub(crate) fn width_of(max: u32) -> u32 {
    32 - max.leading_zeros()
}

/// Appends the values, each below `2^width`.
pub(crate) fn encode<T: Copy + PartialEq + Into<u32>>(values: &[T], width: u32, out: &mut Vec<u8>) {
    let (mut packed_from, mut at) = (0, 0);
    while at < values.len() {
        let run = run_length(&values[at..]);
        if run >= 8 {
            // Only whole groups come before: `at` moves by eight up to here.
            push_packed(&values[packed_from..at], width, out);
            push_varint((run as u64) << 1, out);
            let value: u32 = values[at].into();
            out.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
            at += run;
            packed_from = at;
        } else {
            at = (at + 8).min(values.len());
        }
    }
    push_packed(&values[packed_from..], width, out);
}

fn run_length<T: Copy + PartialEq>(values: &[T]) -> usize {
    let first = values[0];
    values.iter().position(|value| *value != first).unwrap_or(values.len())
}

fn push_packed<T: Copy + Into<u32>>(values: &[T], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let n_groups = values.len().div_ceil(8);
    push_varint((n_groups as u64) << 1 | 1, out);
    let end = out.len() + n_groups * width as usize;
    if width == 8 {
        out.extend(values.iter().map(|&value| value.into() as u8));
    } else {
        pack(values.iter().map(|&value| u64::from(value.into())), width, out);
    }
    out.resize(end, 0);
}

/// Appends the lowest `width` bits of each value; the last byte is filled up with zeros.
fn pack(values: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    let (mut pending, mut bits) = (0_u128, 0);
    for value in values {
        pending |= u128::from(value) << bits;
        bits += width;
        if bits >= 64 {
            out.extend_from_slice(&(pending as u64).to_le_bytes());
            pending >>= 64;
            bits -= 64;
        }
    }
    out.extend_from_slice(&(pending as u64).to_le_bytes()[..bits.div_ceil(8) as usize]);
}
