//! MurmurHash3 with seed 0.

/// The hash of 32 bits.
pub(super) fn x86_32(bytes: &[u8]) -> u32 {
    let mix =
        |block: u32| block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let mut hash = 0_u32;
    let (blocks, tail) = bytes.as_chunks::<4>();
    for block in blocks {
        hash ^= mix(u32::from_le_bytes(*block));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let mut last = [0; 4];
    for (slot, byte) in last.iter_mut().zip(tail) {
        *slot = *byte;
    }
    hash ^= mix(u32::from_le_bytes(last));
    // The length counts modulo 2^32 in the definition.
    hash ^= u32::try_from(bytes.len() & 0xffff_ffff).unwrap_or_default();
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

const FIRST: u64 = 0x87c3_7b91_1142_53d5;
const SECOND: u64 = 0x4cf5_ad43_2745_937f;

fn mix_first(block: u64) -> u64 {
    block.wrapping_mul(FIRST).rotate_left(31).wrapping_mul(SECOND)
}

fn mix_second(block: u64) -> u64 {
    block.wrapping_mul(SECOND).rotate_left(33).wrapping_mul(FIRST)
}

fn finish(hash: u64) -> u64 {
    let hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

/// Both halves of the hash of 128 bits for machines of 64 bits.
pub(super) fn x64_128(bytes: &[u8]) -> (u64, u64) {
    let (mut first, mut second) = (0_u64, 0_u64);
    let (words, rest) = bytes.as_chunks::<8>();
    let (pairs, odd) = words.as_chunks::<2>();
    for [a, b] in pairs {
        first ^= mix_first(u64::from_le_bytes(*a));
        first =
            first.rotate_left(27).wrapping_add(second).wrapping_mul(5).wrapping_add(0x52dc_e729);
        second ^= mix_second(u64::from_le_bytes(*b));
        second =
            second.rotate_left(31).wrapping_add(first).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    let mut last = [0; 8];
    for (slot, byte) in last.iter_mut().zip(rest) {
        *slot = *byte;
    }
    let last = u64::from_le_bytes(last);
    match odd {
        [word] => {
            second ^= mix_second(last);
            first ^= mix_first(u64::from_le_bytes(*word));
        }
        _ => first ^= mix_first(last),
    }
    let length = bytes.len() as u64;
    first ^= length;
    second ^= length;
    first = first.wrapping_add(second);
    second = second.wrapping_add(first);
    first = finish(first);
    second = finish(second);
    first = first.wrapping_add(second);
    (first, second.wrapping_add(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_reference() {
        assert_eq!(x86_32(b""), 0);
        assert_eq!(x86_32(b"hello"), 0x248b_fa47);
        assert_eq!(x86_32(b"hello, world"), 0x149b_bb7f);
        assert_eq!(x86_32(b"The quick brown fox jumps over the lazy dog"), 0x2e4f_f723);
        assert_eq!(x64_128(b""), (0, 0));
        assert_eq!(x64_128(b"hello"), (0xcbd8_a7b3_41bd_9b02, 0x5b1e_906a_48ae_1d19));
        assert_eq!(x64_128(b"hello, world"), (0x342f_ac62_3a5e_bc8e, 0x4cdc_bc07_9642_414d));
        assert_eq!(
            x64_128(b"The quick brown fox jumps over the lazy dog."),
            (0xcd99_481f_9ee9_02c9, 0x695d_a1a3_8987_b6e7)
        );
    }
}
