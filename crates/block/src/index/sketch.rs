//! A histogram of durations whose quantiles are right to about 3 %.
//!
//! Buckets are those of [`spandrel_service_model::bucket_of`]: their middle is at most 1/32 of the value away, and
//! sketches of different blocks merge without loss.

use spandrel_service_model::{BUCKETS, bounds_of, bucket_of, middle_of};

use super::IndexError;
use super::wire::{Cursor, put_count, put_varint};

/// Durations in nanoseconds: how many lie in each bucket, and their exact least, greatest and sum.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DurationSketch {
    /// Bucket and count above zero, ascending by bucket.
    buckets: Vec<(u16, u64)>,
    count: u64,
    min: u64,
    max: u64,
    sum: u128,
}

impl DurationSketch {
    /// Counts one duration.
    pub fn record(&mut self, nanos: u64) {
        let bucket = bucket_of(nanos);
        match self.buckets.binary_search_by_key(&bucket, |&(bucket, _)| bucket) {
            Ok(at) => self.buckets[at].1 += 1,
            Err(at) => self.buckets.insert(at, (bucket, 1)),
        }
        self.min = if self.count == 0 { nanos } else { self.min.min(nanos) };
        self.max = self.max.max(nanos);
        self.count += 1;
        self.sum += u128::from(nanos);
    }

    /// Counts all durations of `other` too.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.min = if self.count == 0 { other.min } else { self.min.min(other.min) };
        self.max = self.max.max(other.max);
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
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
    }

    /// The duration that a share `q` of all durations does not exceed, `q` from 0 to 1 (nearest
    /// rank), within 3.2 %; `None` when nothing is counted.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let rank = (q.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0u64;
        for &(bucket, count) in &self.buckets {
            seen = seen.saturating_add(count);
            if seen >= rank {
                return Some(middle_of(bucket).clamp(self.min, self.max));
            }
        }
        Some(self.max)
    }

    /// How many durations are counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The least duration, exact; `None` when nothing is counted.
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// The greatest duration, exact; `None` when nothing is counted.
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// The sum of all durations, exact.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// The occupied buckets, ascending: lower bound, upper bound (inclusive), count.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        self.buckets.iter().map(|&(bucket, count)| {
            let (low, width) = bounds_of(bucket);
            (low, low + (width - 1), count)
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_count(out, self.buckets.len());
        if self.buckets.is_empty() {
            return;
        }
        let mut previous = 0;
        for &(bucket, count) in &self.buckets {
            put_varint(out, u64::from(bucket - previous));
            put_varint(out, count);
            previous = bucket;
        }
        put_varint(out, self.min);
        put_varint(out, self.max - self.min);
        put_varint(out, self.sum as u64);
        put_varint(out, (self.sum >> 64) as u64);
    }

    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, IndexError> {
        let n_buckets = cursor.count(2)?;
        if n_buckets == 0 {
            return Ok(Self::default());
        }
        if n_buckets > usize::from(BUCKETS) {
            return Err(cursor.corrupt("sketch has too many buckets"));
        }
        let mut buckets: Vec<(u16, u64)> = Vec::with_capacity(n_buckets);
        let mut total = 0u64;
        for _ in 0..n_buckets {
            let previous = buckets.last().map(|&(bucket, _)| u64::from(bucket));
            let gap = cursor.varint()?;
            let count = cursor.varint()?;
            let bucket = previous.unwrap_or(0).saturating_add(gap);
            if bucket >= u64::from(BUCKETS) || (previous.is_some() && gap == 0) || count == 0 {
                return Err(cursor.corrupt("sketch has an impossible bucket"));
            }
            total = total.checked_add(count).ok_or(cursor.corrupt("sketch counts too much"))?;
            buckets.push((bucket as u16, count));
        }
        let min = cursor.varint()?;
        let spread = cursor.varint()?;
        let max = min.checked_add(spread).ok_or(cursor.corrupt("sketch has an impossible max"))?;
        let low = cursor.varint()?;
        let sum = u128::from(low) | u128::from(cursor.varint()?) << 64;
        Ok(Self { buckets, count: total, min, max, sum })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(values: &[u64]) -> DurationSketch {
        let mut sketch = DurationSketch::default();
        values.iter().for_each(|&value| sketch.record(value));
        sketch
    }

    #[test]
    fn quantiles_are_within_their_error() {
        let mut values: Vec<u64> = (1..5000u64).map(|i| i * i * i % 1_000_003 * i).collect();
        let sketch = sketch(&values);
        values.sort_unstable();
        for percent in 0..=100 {
            let rank = (values.len() * percent).div_ceil(100).max(1);
            let (exact, q) = (values[rank - 1], percent as f64 / 100.0);
            let found = sketch.quantile(q).unwrap();
            assert!(found.abs_diff(exact) * 1000 <= exact * 32, "q {q}: {found} for {exact}");
        }
        assert_eq!(sketch.sum(), values.iter().map(|&value| u128::from(value)).sum());
        assert_eq!((sketch.min(), sketch.max()), (values.first().copied(), values.last().copied()));
    }

    #[test]
    fn merging_equals_recording_everything() {
        let values: Vec<u64> = (0..300u64).map(|i| 1 << (i % 64) | i).collect();
        for cut in [0, 1, 150, 300] {
            let (left, right) = values.split_at(cut);
            let mut merged = sketch(left);
            merged.merge(&sketch(right));
            assert_eq!(merged, sketch(&values));
        }
    }

    #[test]
    fn an_empty_sketch_has_no_answers() {
        let empty = DurationSketch::default();
        assert_eq!(
            (empty.quantile(0.5), empty.min(), empty.max(), empty.count()),
            (None, None, None, 0)
        );
    }

    #[test]
    fn bucket_bounds_are_given() {
        let buckets: Vec<_> = sketch(&[5, 5, 1000, u64::MAX]).buckets().collect();
        assert_eq!(buckets, [(5, 5, 2), (992, 1023, 1), (0xf8 << 56, u64::MAX, 1)]);
    }
}
