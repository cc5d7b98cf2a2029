//! Buckets of durations, log-linear in whole numbers.
//!
//! Each power of two is divided into 16 equal parts, so a bucket is at most 1/16 as wide as its lower bound, and
//! its middle is at most 1/32 of the value away. Below 16 ns buckets are exact. No floating point takes part in
//! choosing a bucket: every machine chooses the same, and histograms of different blocks merge without loss.

/// Parts of a power of two, as a power of two.
const PARTS_LOG2: u32 = 4;
const PARTS: u64 = 1 << PARTS_LOG2;

/// How many buckets there are: 16 exact ones, 16 for each of the powers 2^4 to 2^63.
pub const BUCKETS: u16 = (PARTS as u16) * 61;

/// The bucket of a duration; below [`BUCKETS`].
pub fn bucket_of(nanos: u64) -> u16 {
    if nanos < PARTS {
        return nanos as u16;
    }
    let power = nanos.ilog2();
    let part = (nanos >> (power - PARTS_LOG2)) - PARTS;
    (u64::from(power - PARTS_LOG2 + 1) * PARTS + part) as u16
}

/// Lower bound and width of a bucket below [`BUCKETS`].
pub fn bounds_of(bucket: u16) -> (u64, u64) {
    let (row, part) = (u64::from(bucket) / PARTS, u64::from(bucket) % PARTS);
    match row.checked_sub(1) {
        None => (part, 1),
        Some(shift) => ((PARTS + part) << shift, 1 << shift),
    }
}

/// The duration that stands for all of a bucket below [`BUCKETS`].
pub fn middle_of(bucket: u16) -> u64 {
    let (low, width) = bounds_of(bucket);
    low + width / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_cover_all_numbers_without_gaps() {
        let mut next = 0_u64;
        for bucket in 0..BUCKETS {
            let (low, width) = bounds_of(bucket);
            assert_eq!(low, next);
            assert_eq!((bucket_of(low), bucket_of(low + (width - 1))), (bucket, bucket));
            next = low.wrapping_add(width);
        }
        assert_eq!(next, 0, "the last bucket ends at 2^64");
    }
}
