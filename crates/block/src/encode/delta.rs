//! `DELTA_BINARY_PACKED`: differences from the smallest difference of a block, bit-packed.

use super::hybrid::pack;
use super::thrift::{push_varint, push_zigzag};

/// Differences of a block, as most writers choose.
const BLOCK: usize = 128;
const MINIBLOCKS: usize = 4;

/// Appends the values. Differences wrap around, so that any values will do.
pub(crate) fn encode(values: &[i64], out: &mut Vec<u8>) {
    push_varint(BLOCK as u64, out);
    push_varint(MINIBLOCKS as u64, out);
    push_varint(values.len() as u64, out);
    push_zigzag(values.first().copied().unwrap_or(0), out);
    let mut deltas = [0_i64; BLOCK];
    let mut previous = values.first().copied().unwrap_or(0);
    for block in values.get(1..).unwrap_or_default().chunks(BLOCK) {
        for (delta, &value) in deltas.iter_mut().zip(block) {
            *delta = value.wrapping_sub(previous);
            previous = value;
        }
        push_block(&deltas[..block.len()], out);
    }
}

fn push_block(deltas: &[i64], out: &mut Vec<u8>) {
    let least = deltas.iter().copied().min().unwrap_or(0);
    push_zigzag(least, out);
    let excess = |delta: &i64| delta.wrapping_sub(least).cast_unsigned();
    let miniblocks = || (0..MINIBLOCKS).map(|i| miniblock(deltas, i));
    let widths = miniblocks()
        .map(|deltas| 64 - deltas.iter().fold(0, |or, d| or | excess(d)).leading_zeros());
    let widths: Vec<u32> = widths.collect();
    out.extend(widths.iter().map(|&width| width as u8));
    for (deltas, width) in miniblocks().zip(widths) {
        if deltas.is_empty() {
            break;
        }
        let end = out.len() + BLOCK / MINIBLOCKS * width as usize / 8;
        pack(deltas.iter().map(excess), width, out);
        out.resize(end, 0);
    }
}

fn miniblock(deltas: &[i64], i: usize) -> &[i64] {
    let size = BLOCK / MINIBLOCKS;
    &deltas[(i * size).min(deltas.len())..((i + 1) * size).min(deltas.len())]
}
