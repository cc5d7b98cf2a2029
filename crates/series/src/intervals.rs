//! The intervals of a query.

/// The most intervals that a query may have.
pub const INTERVALS_MAX: i64 = 10_000;

/// Why a range has no intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IntervalError {
    /// The end is not after the start.
    #[error("'end' should be after 'start'")]
    Empty,
    /// There would be too many.
    #[error(
        "step is too small for the time range: it gives {intervals} intervals, at most \
         {INTERVALS_MAX} are allowed; the minimum step for this range is {}",
        Seconds(*.step_min_nanos)
    )]
    TooMany {
        /// How many.
        intervals: i64,
        /// The smallest step that is allowed.
        step_min_nanos: i64,
    },
    /// A step of zero or below.
    #[error(
        "step should be above zero; the minimum step for this range is {}",
        Seconds(*.step_min_nanos)
    )]
    NoStep {
        /// The smallest step that is allowed.
        step_min_nanos: i64,
    },
    /// A time is before 1970 or after 2262.
    #[error("the time range should lie between the years 1970 and 2262")]
    OutOfRange,
}

/// Nanoseconds, written as seconds.
struct Seconds(i64);

impl std::fmt::Display for Seconds {
    #[expect(clippy::cast_precision_loss, reason = "a text for people")]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}s", self.0 as f64 / 1e9)
    }
}

/// Intervals of equal length one after the other, or a single one.
///
/// A time `t` falls in the first interval when `start < t <= start + step`. A single one (instant)
/// also holds its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intervals {
    start: i64,
    step: i64,
    count: u32,
    instant: bool,
}

impl Intervals {
    /// Those of a range query, Unix nanoseconds: as [`Intervals::aligned`], with one more in front, which the values
    /// of a chart begin with.
    ///
    /// # Errors
    /// [`IntervalError`].
    pub fn range(start: i64, end: i64, step: i64) -> Result<Self, IntervalError> {
        let aligned = Self::aligned(start, end, step)?;
        if aligned.start <= step {
            return Ok(aligned);
        }
        Ok(Self { start: aligned.start - step, count: aligned.count + 1, ..aligned })
    }

    /// The start is rounded down to a multiple of the step, the end up.
    ///
    /// # Errors
    /// [`IntervalError`].
    pub fn aligned(start: i64, end: i64, step: i64) -> Result<Self, IntervalError> {
        if start < 0 {
            return Err(IntervalError::OutOfRange);
        }
        if end <= start {
            return Err(IntervalError::Empty);
        }
        let step_min_nanos = least_step(end - start);
        if step <= 0 {
            return Err(IntervalError::NoStep { step_min_nanos });
        }
        let intervals = (end - start) / step;
        if intervals > INTERVALS_MAX {
            return Err(IntervalError::TooMany { intervals, step_min_nanos });
        }
        let aligned = start - start % step;
        let count = (end - aligned).div_euclid(step) + i64::from((end - aligned) % step != 0);
        let last = count.checked_mul(step).and_then(|length| aligned.checked_add(length));
        match (last, u32::try_from(count)) {
            (Some(_), Ok(count)) => Ok(Self { start: aligned, step, count, instant: false }),
            _ => Err(IntervalError::OutOfRange),
        }
    }

    /// One interval, both ends included.
    ///
    /// # Errors
    /// [`IntervalError`].
    pub fn instant(start: i64, end: i64) -> Result<Self, IntervalError> {
        if start < 0 {
            return Err(IntervalError::OutOfRange);
        }
        if end <= start {
            return Err(IntervalError::Empty);
        }
        Ok(Self { start, step: end - start, count: 1, instant: true })
    }

    /// How many there are, at least 1.
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// Length of one, nanoseconds.
    pub fn step_nanos(&self) -> i64 {
        self.step
    }

    /// Length of one in seconds.
    #[expect(clippy::cast_precision_loss, reason = "rates are floats")]
    pub fn step_seconds(&self) -> f64 {
        self.step as f64 / 1e9
    }

    /// The earliest and the latest time that falls in one of them.
    pub fn bounds(&self) -> (i64, i64) {
        (self.start + i64::from(!self.instant), self.end_of(self.count() - 1))
    }

    /// The interval that a time falls in.
    pub fn of(&self, unix_nanos: i64) -> Option<usize> {
        let (first, last) = self.bounds();
        if unix_nanos < first || unix_nanos > last {
            return None;
        }
        let offset = unix_nanos - self.start;
        Some(((offset - i64::from(offset > 0)) / self.step) as usize)
    }

    /// The time of a value: the end of its interval, Unix nanoseconds.
    pub fn end_of(&self, interval: usize) -> i64 {
        // What is beyond the last was never an interval.
        self.start + (interval as i64 + 1) * self.step
    }
}

/// The smallest step that divides a range into no more intervals than allowed, to the millisecond.
fn least_step(range_nanos: i64) -> i64 {
    const MILLISECOND: i64 = 1_000_000;
    let nanos = range_nanos / INTERVALS_MAX + i64::from(range_nanos % INTERVALS_MAX != 0);
    nanos.div_euclid(MILLISECOND).saturating_add(i64::from(nanos % MILLISECOND != 0)) * MILLISECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_open_at_the_start_and_closed_at_the_end() {
        let intervals = Intervals::aligned(12, 39, 10).unwrap();
        assert_eq!((intervals.count(), intervals.bounds()), (3, (11, 40)));
        let of: Vec<_> = [10, 11, 20, 21, 40, 41].map(|time| intervals.of(time)).into();
        assert_eq!(of, [None, Some(0), Some(0), Some(1), Some(2), None]);
        assert_eq!(intervals.end_of(2), 40);
    }

    #[test]
    fn a_range_has_one_more_in_front() {
        let intervals = Intervals::range(32, 39, 10).unwrap();
        assert_eq!((intervals.count(), intervals.bounds()), (2, (21, 40)));
        // There is nothing before 1970.
        assert_eq!(Intervals::range(12, 39, 10), Intervals::aligned(12, 39, 10));
    }

    #[test]
    fn an_instant_holds_both_ends() {
        let instant = Intervals::instant(10, 15).unwrap();
        let of: Vec<_> = [9, 10, 15, 16].map(|time| instant.of(time)).into();
        assert_eq!(of, [None, Some(0), Some(0), None]);
        assert_eq!(instant.end_of(0), 15);
    }

    #[test]
    fn too_many_intervals_are_refused_with_the_smallest_step() {
        const YEAR: i64 = 365 * 24 * 3600 * 1_000_000_000;
        let error = Intervals::range(0, YEAR, 1_000_000).unwrap_err();
        assert_eq!(
            error.to_string(),
            "step is too small for the time range: it gives 31536000000 intervals, at most 10000 are \
             allowed; the minimum step for this range is 3153.6s"
        );
        assert!(Intervals::range(0, YEAR, 3_153_600_000_000).is_ok());
        let error = Intervals::range(0, 60_000_000_000, 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "step should be above zero; the minimum step for this range is 0.006s"
        );
        assert_eq!(Intervals::range(5, 5, 1), Err(IntervalError::Empty));
        assert_eq!(Intervals::instant(5, 5), Err(IntervalError::Empty));
        assert_eq!(Intervals::range(-5, 5, 1), Err(IntervalError::OutOfRange));
        let late = Intervals::range(i64::MAX - 5, i64::MAX, i64::MAX / 2 + 1);
        assert_eq!(late, Err(IntervalError::OutOfRange));
    }
}
