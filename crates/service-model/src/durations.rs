//! A histogram of durations from which others can be taken away again.

use crate::buckets::{bounds_of, bucket_of, middle_of};

/// Durations in nanoseconds: how many lie in each bucket, and their exact sum.
///
/// Quantiles are within 1/32 (3.2 %) of the exact ones. Merging is exact, and so is taking away what was merged
/// before; that is why there is no least and no greatest duration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Durations {
    /// Bucket and count above zero, ascending by bucket.
    buckets: Vec<(u16, u64)>,
    count: u64,
    sum: u128,
}

impl Durations {
    /// The histogram with these counts by bucket, ascending, each above zero, and this sum.
    pub fn from_parts(buckets: Vec<(u16, u64)>, sum: u128) -> Self {
        let count = buckets.iter().fold(0_u64, |count, (_, n)| count.saturating_add(*n));
        Self { buckets, count, sum }
    }

    /// The counts by bucket, ascending.
    pub fn parts(&self) -> &[(u16, u64)] {
        &self.buckets
    }

    /// Counts one duration.
    pub fn record(&mut self, nanos: u64) {
        let bucket = bucket_of(nanos);
        match self.buckets.binary_search_by_key(&bucket, |&(bucket, _)| bucket) {
            Ok(at) => self.buckets[at].1 = self.buckets[at].1.saturating_add(1),
            Err(at) => self.buckets.insert(at, (bucket, 1)),
        }
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(u128::from(nanos));
    }

    /// Counts all durations of `other` too.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            self.clone_from(other);
            return;
        }
        let mut merged = Vec::with_capacity(self.buckets.len() + other.buckets.len());
        let (mut left, mut right) = (self.buckets.as_slice(), other.buckets.as_slice());
        while let (Some((&(a, n), a_rest)), Some((&(b, m), b_rest))) =
            (left.split_first(), right.split_first())
        {
            if a <= b {
                left = a_rest;
            }
            if b <= a {
                right = b_rest;
            }
            let count = match a.cmp(&b) {
                std::cmp::Ordering::Less => n,
                std::cmp::Ordering::Equal => n.saturating_add(m),
                std::cmp::Ordering::Greater => m,
            };
            merged.push((a.min(b), count));
        }
        merged.extend_from_slice(left);
        merged.extend_from_slice(right);
        self.buckets = merged;
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// Takes one duration away that was counted before.
    pub fn unrecord(&mut self, nanos: u64) {
        let bucket = bucket_of(nanos);
        if let Ok(at) = self.buckets.binary_search_by_key(&bucket, |&(bucket, _)| bucket) {
            self.buckets[at].1 -= 1;
            if self.buckets[at].1 == 0 {
                self.buckets.remove(at);
            }
            self.count = self.count.saturating_sub(1);
            self.sum = self.sum.saturating_sub(u128::from(nanos));
        }
    }

    /// The duration that a share `q` of all durations does not exceed, `q` from 0 to 1 (nearest rank), within
    /// 3.2 %; `None` when nothing is counted.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let rank = (q.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0_u64;
        for &(bucket, count) in &self.buckets {
            seen = seen.saturating_add(count);
            if seen >= rank {
                return Some(middle_of(bucket));
            }
        }
        self.buckets.last().map(|&(bucket, _)| middle_of(bucket))
    }

    /// How many durations are at most `nanos`; those within 3.2 % of it may fall on either side.
    pub fn at_most(&self, nanos: u64) -> u64 {
        let within = self.buckets.iter().take_while(|(bucket, _)| middle_of(*bucket) <= nanos);
        within.fold(0, |sum: u64, (_, count)| sum.saturating_add(*count))
    }

    /// How many durations are counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of all durations, exact.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// The mean duration, exact to a nanosecond; `None` when nothing is counted.
    pub fn mean(&self) -> Option<u64> {
        let mean = self.sum.checked_div(u128::from(self.count))?;
        Some(u64::try_from(mean).unwrap_or(u64::MAX))
    }

    /// The occupied buckets, ascending: lower bound, upper bound (inclusive), count.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        self.buckets.iter().map(|&(bucket, count)| {
            let (low, width) = bounds_of(bucket);
            (low, low + (width - 1), count)
        })
    }

    /// Bytes of memory besides the value itself.
    pub fn heap_bytes(&self) -> usize {
        self.buckets.capacity() * size_of::<(u16, u64)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durations(values: &[u64]) -> Durations {
        let mut durations = Durations::default();
        values.iter().for_each(|&value| durations.record(value));
        durations
    }

    #[test]
    fn quantiles_are_within_their_error() {
        let mut values: Vec<u64> = (1..5000_u64).map(|i| i * i * i % 1_000_003 * i).collect();
        let durations = durations(&values);
        values.sort_unstable();
        for percent in 0..=100 {
            let rank = (values.len() * percent).div_ceil(100).max(1);
            let exact = values[rank - 1];
            let found = durations.quantile(percent as f64 / 100.0).unwrap();
            assert!(found.abs_diff(exact) * 1000 <= exact * 32, "{percent} %: {found} for {exact}");
            let below = durations.at_most(exact);
            let close = |value: &&u64| value.abs_diff(exact) * 1000 > exact * 64;
            let sure = values.iter().filter(|v| **v <= exact).filter(close).count() as u64;
            assert!(below >= sure, "{below} of at least {sure}");
        }
        assert_eq!(durations.sum(), values.iter().map(|&value| u128::from(value)).sum());
        assert_eq!(durations.at_most(u64::MAX), 4999);
    }

    #[test]
    fn what_was_merged_can_be_taken_away() {
        let values: Vec<u64> = (0..300_u64).map(|i| 1 << (i % 64) | i).collect();
        for cut in [0, 1, 150, 300] {
            let (left, right) = values.split_at(cut);
            let mut merged = durations(left);
            merged.merge(&durations(right));
            assert_eq!(merged, durations(&values));
            right.iter().for_each(|value| merged.unrecord(*value));
            assert_eq!(merged, durations(left));
        }
    }

    #[test]
    fn an_empty_histogram_has_no_answers() {
        let empty = Durations::default();
        assert_eq!((empty.quantile(0.5), empty.mean(), empty.at_most(9)), (None, None, 0));
        assert_eq!(durations(&[5, 7]).mean(), Some(6));
    }
}
