//! How values are distributed: over given bounds, or over buckets that grow exponentially.

use std::sync::Arc;

use crate::ExponentialHistogram;

/// The buckets of a histogram that is to be made.
#[derive(Debug, Clone, PartialEq)]
pub enum Buckets {
    /// Upper bounds, inclusive and ascending; another bucket takes what is above the last.
    Explicit(Arc<[f64]>),
    /// At most this many buckets, as fine as the values allow.
    Exponential {
        /// At least 2.
        max_size: usize,
    },
}

impl Buckets {
    /// The most memory that one histogram takes.
    pub fn bytes_max(&self) -> usize {
        let counts = match self {
            Self::Explicit(bounds) => bounds.len() + 1,
            Self::Exponential { max_size } => *max_size,
        };
        counts * size_of::<u64>() + size_of::<Histogram>()
    }
}

/// Counts by bucket.
#[derive(Debug, Clone, PartialEq)]
pub enum Histogram {
    /// Over given bounds.
    Explicit(ExplicitHistogram),
    /// Over buckets that grow exponentially.
    Exponential(ExponentialHistogram),
}

/// Counts over given bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplicitHistogram {
    /// The upper bounds.
    pub bounds: Arc<[f64]>,
    /// One more than there are bounds.
    pub counts: Vec<u64>,
    /// How many values there were.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
}

impl Histogram {
    /// A histogram of nothing.
    pub fn new(buckets: &Buckets) -> Self {
        match buckets {
            Buckets::Explicit(bounds) => Self::Explicit(ExplicitHistogram {
                bounds: Arc::clone(bounds),
                counts: vec![0; bounds.len() + 1],
                count: 0,
                sum: 0.0,
            }),
            Buckets::Exponential { max_size } => {
                Self::Exponential(ExponentialHistogram::new(*max_size))
            }
        }
    }

    /// Counts `value`, which is not negative, `times` times.
    pub fn observe(&mut self, value: f64, times: u64) {
        match self {
            Self::Explicit(histogram) => {
                let bucket = histogram.bounds.partition_point(|bound| *bound < value);
                if let Some(count) = histogram.counts.get_mut(bucket) {
                    *count = count.saturating_add(times);
                }
                histogram.count = histogram.count.saturating_add(times);
                histogram.sum += value * times as f64;
            }
            Self::Exponential(histogram) => histogram.observe(value, times),
        }
    }
}
