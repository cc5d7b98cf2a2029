//! The intervals of a question.

use std::time::Duration;

use crate::services::answer::RED_STEPS_MAX;
use crate::{QueryError, TimeRange};

/// A range of time in intervals of one width, the last one cut off by the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steps {
    range: TimeRange,
    /// `None`: one interval.
    step_nanos: Option<i64>,
    n: usize,
}

impl Steps {
    pub(super) fn one(range: TimeRange) -> Self {
        Self { range, step_nanos: None, n: 1 }
    }

    pub(super) fn new(range: TimeRange, step: Option<Duration>) -> Result<Self, QueryError> {
        let Some(step) = step else { return Ok(Self::one(range)) };
        let step_nanos = i64::try_from(step.as_nanos()).unwrap_or(i64::MAX).max(1);
        let length = i128::from(range.end_unix_nanos) - i128::from(range.start_unix_nanos) + 1;
        let n = (length.max(1) + i128::from(step_nanos) - 1) / i128::from(step_nanos);
        match usize::try_from(n) {
            Ok(n) if n <= RED_STEPS_MAX => Ok(Self { range, step_nanos: Some(step_nanos), n }),
            _ => Err(QueryError::TooManyIntervals { max: RED_STEPS_MAX }),
        }
    }

    /// How many intervals there are.
    pub(super) fn len(&self) -> usize {
        self.n
    }

    /// The interval of a time.
    pub(super) fn at(&self, unix_nanos: i64) -> Option<usize> {
        let TimeRange { start_unix_nanos, end_unix_nanos } = self.range;
        if unix_nanos < start_unix_nanos || unix_nanos > end_unix_nanos {
            return None;
        }
        // With a step the range is short.
        let step = |step: i64| ((unix_nanos - start_unix_nanos) / step) as usize;
        Some(self.step_nanos.map_or(0, step))
    }

    /// Whether some time from `first` to `last` is in an interval.
    pub(super) fn touches(&self, first: i64, last: i64) -> bool {
        self.range.overlaps(first, last)
    }

    /// The interval in which all times from `first` to `last` lie.
    pub(super) fn of_all(&self, first: i64, last: i64) -> Option<usize> {
        self.at(first).filter(|interval| self.at(last) == Some(*interval))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start_unix_nanos: i64, end_unix_nanos: i64) -> TimeRange {
        TimeRange { start_unix_nanos, end_unix_nanos }
    }

    #[test]
    fn times_have_their_interval() {
        let steps = Steps::new(range(100, 124), Some(Duration::from_nanos(10))).unwrap();
        assert_eq!(steps.len(), 3);
        let got = [99, 100, 109, 110, 124, 125].map(|nanos| steps.at(nanos));
        assert_eq!(got, [None, Some(0), Some(0), Some(1), Some(2), None]);
        assert_eq!((steps.of_all(101, 109), steps.of_all(101, 110)), (Some(0), None));
        assert_eq!(Steps::one(TimeRange::ALL).at(i64::MIN), Some(0));
    }

    #[test]
    fn too_many_intervals_are_refused() {
        let refused = Steps::new(TimeRange::ALL, Some(Duration::from_secs(1)));
        assert!(matches!(refused, Err(QueryError::TooManyIntervals { max: RED_STEPS_MAX })));
    }
}
