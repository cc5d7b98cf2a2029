//! Histograms with exponential buckets that add up, whatever their scales are.

use spandrel_proto::otlp::metrics::ExponentialHistogramDataPoint;
use spandrel_proto::otlp::metrics::exponential_histogram_data_point::Buckets;

/// More buckets than this are merged with their neighbors.
const BUCKETS_MAX: usize = 320;
/// At the coarsest scale that OTLP can need, one bucket holds all numbers.
const SCALE_MIN: i32 = -11;

/// Counts by exponential bucket: the bucket i holds what is above base^i and not above base^(i+1), with
/// base = 2^(2^-scale).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exponential {
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) scale: i32,
    pub(crate) zeros: u64,
    /// Up to which distance from zero values count as zero.
    pub(crate) zero_threshold: f64,
    pub(crate) positive: Side,
    pub(crate) negative: Side,
}

/// The buckets on one side of zero, from the first to the last that is not empty.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Side {
    pub(crate) offset: i32,
    pub(crate) counts: Vec<u64>,
}

impl Exponential {
    pub(crate) fn of(point: &ExponentialHistogramDataPoint) -> Self {
        let mut histogram = Self {
            count: point.count,
            sum: point.sum.unwrap_or(0.0),
            scale: point.scale,
            zeros: point.zero_count,
            zero_threshold: point.zero_threshold,
            positive: Side::of(point.positive.as_ref()),
            negative: Side::of(point.negative.as_ref()),
        };
        histogram.shrink();
        histogram
    }

    /// Adds what another has counted, at the coarser of both scales.
    pub(crate) fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum += other.sum;
        self.zeros = self.zeros.saturating_add(other.zeros);
        self.zero_threshold = self.zero_threshold.max(other.zero_threshold);
        let mut other = other.clone();
        let scale = self.scale.min(other.scale);
        // What does not fit at this scale is brought to a coarser one before there is memory for it.
        let mut scale = scale.max(SCALE_MIN);
        loop {
            self.coarsen(scale);
            other.coarsen(scale);
            let sides = [(&self.positive, &other.positive), (&self.negative, &other.negative)];
            let fits = sides.iter().all(|(mine, other)| mine.size_with(other) <= BUCKETS_MAX);
            if fits || scale <= SCALE_MIN {
                break;
            }
            scale -= 1;
        }
        self.positive.add(&other.positive);
        self.negative.add(&other.negative);
    }

    /// Makes one bucket of several neighbors until the scale is not above this one.
    pub(crate) fn coarsen(&mut self, scale: i32) {
        if self.scale > scale {
            // More than 31 halvings leave one bucket on each side of 1.
            let halvings = self.scale.saturating_sub(scale).min(31) as u32;
            self.positive.halve(halvings);
            self.negative.halve(halvings);
            self.scale = scale;
        }
    }

    fn shrink(&mut self) {
        while self.scale > SCALE_MIN
            && self.positive.counts.len().max(self.negative.counts.len()) > BUCKETS_MAX
        {
            self.coarsen(self.scale - 1);
        }
    }
}

impl Side {
    fn of(buckets: Option<&Buckets>) -> Self {
        let Some(buckets) = buckets else { return Self::default() };
        let Some(first) = buckets.bucket_counts.iter().position(|count| *count > 0) else {
            return Self::default();
        };
        let mut counts: Vec<u64> = buckets.bucket_counts.iter().skip(first).copied().collect();
        while counts.last() == Some(&0) {
            counts.pop();
        }
        Self { offset: buckets.offset.saturating_add(first as i32), counts }
    }

    fn halve(&mut self, halvings: u32) {
        let counts = std::mem::take(&mut self.counts);
        let first = i64::from(self.offset);
        self.offset = (first >> halvings) as i32;
        let offset = i64::from(self.offset);
        for (position, count) in counts.into_iter().enumerate() {
            let at = (((first + position as i64) >> halvings) - offset) as usize;
            if at >= self.counts.len() {
                self.counts.resize(at + 1, 0);
            }
            if let Some(sum) = self.counts.get_mut(at) {
                *sum = sum.saturating_add(count);
            }
        }
    }

    fn range(&self) -> Option<(i64, i64)> {
        let first = i64::from(self.offset);
        (!self.counts.is_empty()).then(|| (first, first + self.counts.len() as i64 - 1))
    }

    /// How many buckets there will be when both are added.
    fn size_with(&self, other: &Self) -> usize {
        match (self.range(), other.range()) {
            (Some((first, last)), Some((other_first, other_last))) => {
                (last.max(other_last) - first.min(other_first)) as usize + 1
            }
            _ => self.counts.len().max(other.counts.len()),
        }
    }

    fn add(&mut self, other: &Self) {
        if other.counts.is_empty() {
            return;
        }
        if self.counts.is_empty() {
            self.clone_from(other);
            return;
        }
        let offset = self.offset.min(other.offset);
        let mut counts = vec![0; self.size_with(other)];
        for side in [&*self, other] {
            let skipped = (i64::from(side.offset) - i64::from(offset)) as usize;
            for (sum, count) in counts.iter_mut().skip(skipped).zip(&side.counts) {
                *sum = u64::saturating_add(*sum, *count);
            }
        }
        *self = Self { offset, counts };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(scale: i32, offset: i32, counts: &[u64]) -> Exponential {
        let buckets = Buckets { offset, bucket_counts: counts.to_vec() };
        Exponential::of(&ExponentialHistogramDataPoint {
            count: counts.iter().sum(),
            scale,
            positive: Some(buckets),
            ..ExponentialHistogramDataPoint::default()
        })
    }

    #[test]
    fn histograms_add_up_at_the_coarser_scale() {
        let mut sum = histogram(1, -3, &[1, 2, 3, 4]);
        sum.add(&histogram(0, 1, &[10]));
        // -3 becomes -2, -2 and -1 become -1, 0 stays: half of it, rounded down.
        let expected = Side { offset: -2, counts: vec![1, 5, 4, 10] };
        assert_eq!((sum.scale, sum.positive, sum.count), (0, expected, 20));
    }

    #[test]
    fn sums_that_would_be_too_wide_get_coarser() {
        let mut sum = histogram(8, 0, &[1]);
        sum.add(&histogram(8, 5000, &[2]));
        assert!(sum.scale < 8 && sum.positive.counts.len() <= BUCKETS_MAX);
        assert_eq!(sum.positive.counts.iter().sum::<u64>(), 3);
        let mut extreme = histogram(20, i32::MIN, &[1]);
        extreme.add(&histogram(20, i32::MAX, &[1]));
        assert!(extreme.positive.counts.len() <= 1 << 21);
    }

    #[test]
    fn empty_buckets_at_the_ends_are_left_out() {
        let trimmed = histogram(0, 5, &[0, 0, 1, 0, 2, 0]);
        assert_eq!(trimmed.positive, Side { offset: 7, counts: vec![1, 0, 2] });
        assert_eq!(histogram(0, 5, &[0, 0]).positive, Side::default());
    }
}
