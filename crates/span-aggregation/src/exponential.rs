//! Exponential histograms: buckets (base^i, base^(i+1)] with base = 2^(2^-scale).
//!
//! A histogram starts as fine as it can and halves its resolution whenever the values no longer fit into the
//! number of buckets that it may have: two neighbors become one, so no count is lost and any two
//! histograms can be merged. Values must not be negative; zero has a count of its own.

use std::f64::consts::LOG2_E;

/// The finest scale; at it, neighbors differ by less than a millionth.
const SCALE_MAX: i32 = 20;
/// The coarsest; at it, one bucket holds all numbers from 1 to the largest.
const SCALE_MIN: i32 = -10;
const MANTISSA_BITS: u32 = 52;

/// Counts by exponential buckets.
#[derive(Debug, Clone, PartialEq)]
pub struct ExponentialHistogram {
    max_size: usize,
    scale: i32,
    offset: i32,
    counts: Vec<u64>,
    zeros: u64,
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
}

impl ExponentialHistogram {
    /// A histogram of nothing with at most `max_size` buckets; less than 2 is taken as 2.
    pub fn new(max_size: usize) -> Self {
        Self {
            max_size: max_size.max(2),
            scale: SCALE_MAX,
            offset: 0,
            counts: Vec::new(),
            zeros: 0,
            count: 0,
            sum: 0.0,
            min: 0.0,
            max: 0.0,
        }
    }

    /// How fine the buckets are.
    pub fn scale(&self) -> i32 {
        self.scale
    }

    /// Number of the first bucket.
    pub fn offset(&self) -> i32 {
        self.offset
    }

    /// Counts of the buckets from the first to the last that is not empty.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How many values were zero.
    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// The smallest and the largest; `None` when there was no value.
    pub fn range(&self) -> Option<(f64, f64)> {
        (self.count > 0).then_some((self.min, self.max))
    }

    /// Counts `value` `times` times. What is negative or no number counts as zero.
    pub fn observe(&mut self, value: f64, times: u64) {
        if times == 0 {
            return;
        }
        let value = if value.is_finite() { value.max(0.0) } else { 0.0 };
        let first = self.count == 0;
        self.min = if first { value } else { self.min.min(value) };
        self.max = if first { value } else { self.max.max(value) };
        self.count = self.count.saturating_add(times);
        self.sum += value * times as f64;
        if value == 0.0 {
            self.zeros = self.zeros.saturating_add(times);
            return;
        }
        let mut index = bucket_of(value, self.scale);
        while self.scale > SCALE_MIN && self.size_with(index) > self.max_size {
            self.halve();
            index = bucket_of(value, self.scale);
        }
        self.add(index, times);
    }

    /// How many buckets there would be if this one were among them.
    fn size_with(&self, index: i32) -> usize {
        if self.counts.is_empty() {
            return 1;
        }
        let (first, index) = (i64::from(self.offset), i64::from(index));
        let last = first + self.counts.len() as i64 - 1;
        (last.max(index) - first.min(index)) as usize + 1
    }

    fn add(&mut self, index: i32, times: u64) {
        if self.counts.is_empty() {
            self.offset = index;
            self.counts.push(times);
            return;
        }
        if index < self.offset {
            let missing = (self.offset - index) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.offset = index;
        }
        let position = (index - self.offset) as usize;
        if position >= self.counts.len() {
            self.counts.resize(position + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(position) {
            *count = count.saturating_add(times);
        }
    }

    /// Makes one bucket of two neighbors.
    fn halve(&mut self) {
        self.scale -= 1;
        let counts = std::mem::take(&mut self.counts);
        let first = self.offset;
        for (position, times) in counts.into_iter().enumerate() {
            if times > 0 {
                self.add((first + position as i32) >> 1, times);
            }
        }
    }
}

/// The bucket of a positive number: i with base^i < value <= base^(i+1).
fn bucket_of(value: f64, scale: i32) -> i32 {
    let (exponent, exact_power) = exponent_of(value);
    if scale <= 0 {
        return (exponent - i32::from(exact_power)) >> -scale;
    }
    // The logarithm is not exact at powers of two, where bounds lie at every scale.
    if exact_power {
        return (exponent << scale) - 1;
    }
    let factor = f64::from(1_u32 << scale) * LOG2_E;
    let index = (value.ln() * factor).ceil() as i32 - 1;
    index.clamp(exponent << scale, ((exponent + 1) << scale) - 1)
}

/// The e with 2^e <= value < 2^(e+1), and whether value is 2^e.
fn exponent_of(value: f64) -> (i32, bool) {
    // Subnormal numbers are brought into the normal range first.
    let (value, shift) =
        if value < f64::MIN_POSITIVE { (value * 2_f64.powi(64), 64) } else { (value, 0) };
    let bits = value.to_bits();
    let exponent = (bits >> MANTISSA_BITS) as i32 - 1023 - shift;
    (exponent, bits & ((1 << MANTISSA_BITS) - 1) == 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bounds(scale: i32, index: i32) -> (f64, f64) {
        let base = |index: i32| (f64::from(index) * 2_f64.powi(-scale)).exp2();
        (base(index), base(index + 1))
    }

    #[test]
    fn powers_of_two_are_the_upper_bounds_of_their_buckets() {
        for scale in -3..=SCALE_MAX {
            for exponent in [-8_i32, -1, 0, 1, 3, 8] {
                let value = f64::from(exponent).exp2();
                let expected =
                    if scale <= 0 { (exponent - 1) >> -scale } else { (exponent << scale) - 1 };
                assert_eq!(bucket_of(value, scale), expected, "2^{exponent} at {scale}");
            }
        }
        assert_eq!(exponent_of(f64::from_bits(1)), (-1074, true));
        assert_eq!(exponent_of(3.0), (1, false));
    }

    #[test]
    fn one_value_is_kept_at_the_finest_scale() {
        let mut histogram = ExponentialHistogram::new(4);
        histogram.observe(1.5, 3);
        assert_eq!((histogram.scale(), histogram.counts()), (SCALE_MAX, &[3][..]));
        histogram.observe(0.0, 2);
        histogram.observe(f64::NAN, 1);
        assert_eq!((histogram.zeros(), histogram.count()), (3, 6));
        assert_eq!((histogram.sum(), histogram.range()), (4.5, Some((0.0, 1.5))));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_value_is_in_a_bucket_that_holds_it(
            values in proptest::collection::vec((1e-6..1e9_f64, 1..4_u64), 1..60),
            max_size in 2..40_usize,
        ) {
            let mut histogram = ExponentialHistogram::new(max_size);
            for (value, times) in &values {
                histogram.observe(*value, *times);
            }
            prop_assert!(histogram.counts().len() <= max_size);
            prop_assert_eq!(histogram.counts().iter().sum::<u64>(), histogram.count());
            let mut left = histogram.counts().to_vec();
            for (value, times) in values {
                let index = bucket_of(value, histogram.scale());
                let (low, high) = bounds(histogram.scale(), index);
                // Bounds computed with exp2 are a little off.
                prop_assert!(low * (1.0 - 1e-9) < value && value <= high * (1.0 + 1e-9));
                left[(index - histogram.offset()) as usize] -= times;
            }
            prop_assert!(left.iter().all(|count| *count == 0));
        }
    }
}
