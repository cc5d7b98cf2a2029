//! Starts of spans to intervals.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_buffer::ScalarBuffer;
use spandrel_block::BlockError;
use spandrel_block::schema;
use spandrel_series::Intervals;

use crate::QueryError;
use crate::memory::{self, Held};
use crate::unit::Unit;

/// Starts of all rows of a unit, Unix nanoseconds.
pub(crate) struct Starts {
    pub(crate) nanos: ScalarBuffer<i64>,
    _held: Vec<Held>,
}

impl Starts {
    pub(crate) async fn of(unit: &Unit) -> Result<Self, QueryError> {
        match unit {
            Unit::Live(run) => {
                let nanos = &run.spans().start_unix_nanos;
                let held = memory::reserve(size_of_val(&**nanos))?;
                Ok(Self { nanos: nanos.clone().into(), _held: vec![Held::new(held)] })
            }
            Unit::Block(block, row_group) => {
                let columns = block.columns(*row_group, [schema::START], None).await?;
                let missing = || block.damaged(BlockError::NotABlock("it has no starts of spans"));
                let columns = columns.ok_or_else(missing)?;
                let starts = columns.column_by_name(schema::START);
                let starts = starts.and_then(|starts| starts.as_primitive_opt::<Int64Type>());
                let nanos = starts.ok_or_else(missing)?.values().clone();
                Ok(Self { nanos, _held: columns.held.clone() })
            }
        }
    }
}

/// The intervals that the rows of a unit fall in: from the first to the last one that occurs.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnitIntervals {
    /// The first interval that occurs.
    pub(super) first: usize,
    /// How many there are from there to the last one.
    pub(super) count: usize,
    /// Times that are in some interval.
    bounds: (i64, i64),
    /// Whether all rows are.
    pub(super) all_inside: bool,
    /// The latest time that is before the first of these intervals.
    base: i64,
    step: u64,
    /// 2^64 divided by the step, rounded up.
    inverse: u64,
}

impl UnitIntervals {
    /// `None` when no row is in an interval.
    pub(super) fn of(intervals: &Intervals, starts: &[i64]) -> Option<Self> {
        let (earliest, latest) = starts
            .iter()
            .fold((i64::MAX, i64::MIN), |(a, b), start| (a.min(*start), b.max(*start)));
        let bounds = intervals.bounds();
        if starts.is_empty() || earliest > bounds.1 || latest < bounds.0 {
            return None;
        }
        let all_inside = earliest >= bounds.0 && latest <= bounds.1;
        let first = intervals.of(earliest.max(bounds.0))?;
        let last = intervals.of(latest.min(bounds.1))?;
        let step = intervals.step_nanos().cast_unsigned();
        Some(Self {
            first,
            count: last - first + 1,
            bounds,
            all_inside,
            base: intervals.end_of(first) - intervals.step_nanos(),
            step,
            inverse: (u64::MAX / step).wrapping_add(1),
        })
    }

    /// The interval of a time, counted from the first; `None` outside.
    #[inline]
    pub(super) fn index(&self, start: i64) -> Option<u32> {
        if !self.all_inside && (start < self.bounds.0 || start > self.bounds.1) {
            return None;
        }
        if self.count == 1 {
            return Some(0);
        }
        // Within the bounds there are fewer intervals than 2^32, and the start is after the base.
        let offset = (start - self.base - 1).cast_unsigned();
        Some(self.quotient(offset) as u32)
    }

    /// Division by multiplication: the product is right or one too large.
    #[inline]
    fn quotient(&self, offset: u64) -> u64 {
        if self.step == 1 {
            return offset;
        }
        let estimate = ((u128::from(offset) * u128::from(self.inverse)) >> 64) as u64;
        estimate - u64::from(estimate.wrapping_mul(self.step) > offset)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_time_is_in_its_interval(
            start in 0..1_i64 << 61,
            length in 1..1_i64 << 50,
            step in prop_oneof![1..100_i64, 1..1_i64 << 45],
            offsets in proptest::collection::vec(-100..1_i64 << 51, 1..50),
        ) {
            let (end, step) = (start + length, step.max(length / 10_000 + 1));
            let intervals = Intervals::aligned(start, end, step).unwrap();
            let starts: Vec<i64> = offsets.iter().map(|offset| start + offset).collect();
            let found = UnitIntervals::of(&intervals, &starts);
            for start in starts {
                let index = found.and_then(|found| Some(found.first + found.index(start)? as usize));
                prop_assert_eq!(index, intervals.of(start));
            }
        }
    }

    #[test]
    fn an_instant_holds_its_start() {
        let intervals = Intervals::instant(10, 20).unwrap();
        let found = UnitIntervals::of(&intervals, &[9, 10, 20, 21]).unwrap();
        let got: Vec<_> = [9, 10, 20, 21].map(|start| found.index(start)).into();
        assert_eq!(got, [None, Some(0), Some(0), None]);
    }
}
