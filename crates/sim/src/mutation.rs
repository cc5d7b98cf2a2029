//! Damage to bytes, from a seed: what a fuzzer does, without its feedback.

use crate::random::Random;

/// Numbers that lengths and counts are replaced with.
const ODD_NUMBERS: [u64; 10] = [
    0,
    1,
    0x7f,
    0x80,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];
/// Changes to one sample.
const CHANGES_MAX: u64 = 4;
/// Bytes that are moved, repeated or removed at a time.
const PIECE_BYTES_MAX: u64 = 64;

/// Damages samples.
#[derive(Debug)]
pub struct Mutator(Random);

impl Mutator {
    /// The damages of this seed.
    pub fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    /// A damaged sample.
    pub fn damage(&mut self, sample: &[u8]) -> Vec<u8> {
        let mut bytes = sample.to_vec();
        for _ in 0..1 + self.0.below(CHANGES_MAX) {
            self.change(&mut bytes);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let random = &mut self.0;
        let at = random.index(bytes.len() + 1);
        let n = usize::try_from(1 + random.below(PIECE_BYTES_MAX)).unwrap_or(1);
        let end = at.saturating_add(n).min(bytes.len());
        match random.below(8) {
            0 | 1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            2 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.next().to_le_bytes()[0];
                }
            }
            3 => {
                let number = random.pick(&ODD_NUMBERS).to_le_bytes();
                let width = *random.pick(&[1_usize, 2, 4, 8]);
                let little = random.percent(70);
                for (i, byte) in bytes.iter_mut().skip(at).take(width).enumerate() {
                    *byte = number[if little { i } else { width - 1 - i }];
                }
            }
            4 => bytes.truncate(at),
            5 => drop(bytes.drain(at..end)),
            6 => {
                let piece = bytes[at..end].to_vec();
                let to = random.index(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            _ => {
                let noise: Vec<u8> = (0..n).map(|_| random.next().to_le_bytes()[0]).collect();
                bytes.splice(at..at, noise);
            }
        }
    }
}
