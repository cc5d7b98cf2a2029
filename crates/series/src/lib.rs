//! Series of metrics queries: intervals of time, partial aggregates that merge, and what is done to
//! finished series.
//!
//! Whoever looks at spans fills a [`Partial`] (or, for `compare`, a [`Comparison`]), any number of them side by
//! side, and merges them in any order: the result is the same, to the last bit, because sums are
//! kept exactly ([`ExactSum`]). A finished partial is a list of [`Series`], on which [`combine`] does the arithmetic,
//! comparisons and `topk` of the query.
//!
//! # Invariants
//! - Intervals are open at the start and closed at the end; the time of a value is the end of its interval.
//! - Durations are counted in nanoseconds while they are aggregated and are seconds in finished series.
//! - Nothing here does I/O, and nothing reads a clock.

mod amount;
mod buckets;
mod cells;
mod combine;
mod comparison;
mod exact_sum;
mod exemplars;
mod function;
mod intervals;
mod labels;
mod limit;
mod math;
mod partial;
mod partial_finish;
mod series;
mod stages;
mod step;
mod window;

pub use amount::Amount;
pub use buckets::{bucket_of, bucket_size, quantile};
pub use cells::Histogram;
pub use combine::{Leaf, combine, leaves};
pub use comparison::{
    Area, AttributeCounts, AttributeValues, Comparison, ComparisonCounts, SpanCounts,
};
pub use exact_sum::ExactSum;
pub use exemplars::{ExemplarSpan, rank};
pub use function::{Function, measured};
pub use intervals::{INTERVALS_MAX, IntervalError, Intervals};
pub use labels::{Label, Labels};
pub use limit::{LeftOut, limit_exemplars, limit_series};
pub use partial::Partial;
pub use series::{Exemplar, Series};
pub use stages::apply;
pub use step::default_step;
