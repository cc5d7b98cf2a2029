//! A static membership filter: a 3-wise binary fuse filter with 8-bit fingerprints.
//!
//! The algorithm is the one of Graf and Lemire, "Binary Fuse Filters: Fast and Smaller Than Xor
//! Filters" (2022), <https://arxiv.org/abs/2201.01174>. Every key has one slot in each of three
//! consecutive segments; the xor of the three slots of a key of the set is its fingerprint. About 9
//! bits a key; a key outside the set is admitted with probability 1/256; a key of the set always.
//!
//! Keys must be good 64-bit hashes already. Building is deterministic: seeds come from a fixed
//! sequence, so equal sets have equal filters.

use super::IndexError;
use super::wire::{Cursor, put_count, put_varint};

/// Attempts before building gives up. One attempt succeeds with a probability far above one half.
const ATTEMPTS_MAX: u64 = 100;
const SEED_STEP: u64 = 0x9e37_79b9_7f4a_7c15;
const SEGMENT_LOG2_MAX: u32 = 18;

const KIND_NONE: u8 = 0;
const KIND_FUSE: u8 = 1;
const KIND_ALL: u8 = 2;

/// A set of 64-bit keys that may admit keys that are not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// The empty set.
    None,
    Fuse(Fuse),
    /// Admits everything: what is left when no seed works.
    All,
}

impl Filter {
    /// The filter of `keys`, which may repeat and need no order.
    pub fn build(keys: &[u64]) -> Self {
        if keys.is_empty() {
            return Self(Kind::None);
        }
        Self(Fuse::build(keys).map_or(Kind::All, Kind::Fuse))
    }

    /// Whether `key` may be in the set; false is certain.
    pub fn contains(&self, key: u64) -> bool {
        match &self.0 {
            Kind::None => false,
            Kind::Fuse(fuse) => fuse.contains(key),
            Kind::All => true,
        }
    }

    /// Bytes of memory that the filter holds on the heap; nearly its size in the file.
    pub fn size_bytes(&self) -> usize {
        match &self.0 {
            Kind::Fuse(fuse) => fuse.slots.len(),
            Kind::None | Kind::All => 0,
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Kind::None => out.push(KIND_NONE),
            Kind::All => out.push(KIND_ALL),
            Kind::Fuse(fuse) => {
                out.push(KIND_FUSE);
                out.extend_from_slice(&fuse.seed.to_le_bytes());
                out.push(fuse.shape.segment_log2 as u8);
                put_varint(out, u64::from(fuse.shape.n_starts));
                put_count(out, fuse.slots.len());
                out.extend_from_slice(&fuse.slots);
            }
        }
    }

    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, IndexError> {
        match cursor.u8()? {
            KIND_NONE => Ok(Self(Kind::None)),
            KIND_ALL => Ok(Self(Kind::All)),
            KIND_FUSE => {
                let seed = u64::from_le_bytes(cursor.array()?);
                let segment_log2 = u32::from(cursor.u8()?);
                let n_starts = cursor.varint_u32()?;
                let n_slots = cursor.count(1)?;
                if segment_log2 > SEGMENT_LOG2_MAX || n_starts == 0 {
                    return Err(cursor.corrupt("filter has an impossible shape"));
                }
                let shape = Shape { segment_log2, n_starts };
                if shape.n_slots() != n_slots as u64 {
                    return Err(cursor.corrupt("filter has a wrong number of slots"));
                }
                let slots = cursor.bytes(n_slots)?.into();
                Ok(Self(Kind::Fuse(Fuse { seed, shape, slots })))
            }
            _ => Err(cursor.corrupt("filter is of an unknown kind")),
        }
    }
}

/// How the slots are laid out: `n_starts + 2` segments of `2^segment_log2` slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    segment_log2: u32,
    /// How many segments can hold the first slot of a key; at least 1.
    n_starts: u32,
}

impl Shape {
    /// The paper's choice for `n` keys, `n` at least 1.
    fn of(n: usize) -> Self {
        let keys = n as f64;
        let segment_log2 = if n <= 1 { 2.0 } else { (keys.ln() / 3.33_f64.ln() + 2.25).floor() };
        let segment_log2 = (segment_log2 as u32).min(SEGMENT_LOG2_MAX);
        let factor =
            if n <= 1 { 0.0 } else { (0.875 + 0.25 * 1e6_f64.ln() / keys.ln()).max(1.125) };
        let n_segments = ((keys * factor).round() as u64).div_ceil(1 << segment_log2);
        Self { segment_log2, n_starts: n_segments.saturating_sub(2).max(1) as u32 }
    }

    fn n_slots(self) -> u64 {
        (u64::from(self.n_starts) + 2) << self.segment_log2
    }

    /// The three slots of a mixed key; all are below [`Self::n_slots`].
    fn slots(self, mixed: u64) -> [usize; 3] {
        let range = u128::from(self.n_starts) << self.segment_log2;
        let first = ((u128::from(mixed) * range) >> 64) as usize;
        let segment = 1usize << self.segment_log2;
        let mask = segment - 1;
        let second = (first + segment) ^ ((mixed >> 18) as usize & mask);
        let third = (first + 2 * segment) ^ (mixed as usize & mask);
        [first, second, third]
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Fuse {
    seed: u64,
    shape: Shape,
    slots: Box<[u8]>,
}

/// The finalizer of MurmurHash3: a bijection, so distinct keys stay distinct under every seed.
fn mix(key: u64, seed: u64) -> u64 {
    let mut hash = key.wrapping_add(seed);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

fn fingerprint(mixed: u64) -> u8 {
    (mixed ^ (mixed >> 32)) as u8
}

/// Of the keys that have one slot in common: how many, the xor of all of them, and the xor of which
/// of the three slots it is to each. When one key is left, the xors are that key and its position.
#[derive(Clone, Copy, Default)]
struct Load {
    keys: u64,
    /// Count above the low two bits, which hold the xor of the positions.
    count_position: u32,
}

impl Load {
    fn toggle(&mut self, mixed: u64, position: u32) {
        self.keys ^= mixed;
        self.count_position ^= position;
    }

    fn count(self) -> u32 {
        self.count_position >> 2
    }
}

const ONE: u32 = 1 << 2;

impl Fuse {
    fn build(keys: &[u64]) -> Option<Self> {
        let mut mixed = Vec::with_capacity(keys.len());
        let mut order = Vec::new();
        (1..=ATTEMPTS_MAX).find_map(|attempt| {
            let seed = SEED_STEP.wrapping_mul(attempt);
            mixed.clear();
            mixed.extend(keys.iter().map(|&key| mix(key, seed)));
            // Sorted keys fall into the slots from front to back, which spares most cache misses.
            mixed.sort_unstable();
            mixed.dedup();
            let shape = Shape::of(mixed.len());
            peel(shape, &mixed, &mut order).then(|| Self {
                seed,
                shape,
                slots: assign(shape, &order),
            })
        })
    }

    fn contains(&self, key: u64) -> bool {
        let mixed = mix(key, self.seed);
        let slot = |i: usize| self.slots.get(i).copied().unwrap_or_default();
        let [a, b, c] = self.shape.slots(mixed);
        slot(a) ^ slot(b) ^ slot(c) == fingerprint(mixed)
    }
}

/// Takes keys away that are alone in one of their slots until none is left, and writes each with the
/// position of that slot to `order`. False when some keys hold each other.
fn peel(shape: Shape, mixed: &[u64], order: &mut Vec<(u64, u32)>) -> bool {
    let mut loads = vec![Load::default(); shape.n_slots() as usize];
    for &key in mixed {
        for (position, slot) in (0..).zip(shape.slots(key)) {
            loads[slot].count_position += ONE;
            loads[slot].toggle(key, position);
        }
    }
    order.clear();
    let mut alone: Vec<u32> =
        (0..).zip(&loads).filter(|(_, load)| load.count() == 1).map(|(slot, _)| slot).collect();
    while let Some(slot) = alone.pop() {
        let load = loads[slot as usize];
        if load.count() != 1 {
            continue;
        }
        order.push((load.keys, load.count_position & 3));
        for (position, slot) in (0..).zip(shape.slots(load.keys)) {
            loads[slot].count_position -= ONE;
            loads[slot].toggle(load.keys, position);
            if loads[slot].count() == 1 {
                alone.push(slot as u32);
            }
        }
    }
    order.len() == mixed.len()
}

/// Sets the slot that each key was alone in, last key first, so that no later step changes what an
/// earlier one relied on.
fn assign(shape: Shape, order: &[(u64, u32)]) -> Box<[u8]> {
    let mut slots = vec![0u8; shape.n_slots() as usize].into_boxed_slice();
    for &(key, position) in order.iter().rev() {
        let at = shape.slots(key);
        let all = at.iter().fold(fingerprint(key), |xor, &slot| xor ^ slots[slot]);
        // The key's own slot is still zero, so it contributes nothing to the xor.
        slots[at[position as usize]] = all;
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Section;

    /// Distinct keys, the same every time.
    fn keys(n: u64) -> Vec<u64> {
        (0..n).map(|i| mix(i, 0x5eed)).collect()
    }

    #[test]
    fn keys_of_the_set_are_always_admitted() {
        for n in (0..300).chain([1000, 4095, 65_536, 300_000]) {
            let keys = keys(n);
            let filter = Filter::build(&keys);
            assert!(keys.iter().all(|&key| filter.contains(key)), "{n} keys");
            assert!(!matches!(filter.0, Kind::All), "{n} keys found no seed");
        }
    }

    #[test]
    fn other_keys_are_rarely_admitted_and_a_key_costs_nine_bits() {
        let keys = keys(400_000);
        let (set, others) = keys.split_at(200_000);
        let filter = Filter::build(set);
        let admitted = others.iter().filter(|&&key| filter.contains(key)).count();
        assert!(admitted < others.len() / 200, "{admitted} of {}", others.len());
        let bits_per_key = filter.size_bytes() as f64 * 8.0 / set.len() as f64;
        assert!(bits_per_key < 9.4, "{bits_per_key}");
    }

    #[test]
    fn repeated_and_reordered_keys_make_the_same_filter() {
        let mut keys = keys(1000);
        let filter = Filter::build(&keys);
        keys.reverse();
        keys.extend_from_within(..500);
        assert_eq!(Filter::build(&keys), filter);
        assert_eq!(Filter::build(&[7; 100]), Filter::build(&[7]));
    }

    #[test]
    fn extreme_keys_are_keys() {
        let keys = [0, 1, u64::MAX, u64::MAX - 1, 1 << 63];
        let filter = Filter::build(&keys);
        assert!(keys.iter().all(|&key| filter.contains(key)));
        assert!(!Filter::build(&[]).contains(0));
    }

    #[test]
    fn keys_that_share_all_slots_are_not_peeled() {
        // Equal low and high bits choose equal slots, whatever lies between.
        let shape = Shape::of(3);
        assert!(!peel(shape, &[0, 1 << 40, 1 << 41], &mut Vec::new()));
    }

    #[test]
    fn every_kind_is_read_back() {
        for filter in [Filter(Kind::None), Filter(Kind::All), Filter::build(&keys(77))] {
            let mut bytes = Vec::new();
            filter.encode(&mut bytes);
            let mut cursor = Cursor::new(Section::TraceFilter, &bytes);
            assert_eq!(Filter::decode(&mut cursor).unwrap(), filter);
            cursor.finish().unwrap();
        }
    }
}
