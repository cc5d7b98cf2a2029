//! The options of commands that look at a part of all time.

use std::time::Duration;

use anyhow::bail;
use spandrel_query::TimeRange;

use crate::duration::parse_duration;
use crate::query::parse_time;

/// A range of time.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct TimeRangeArgs {
    /// Only the last hour, day ... (1h, 1d) [default: everything]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with_all = ["start", "end"])]
    since: Option<Duration>,

    /// From this time: 2026-01-31T12:00:00Z or Unix seconds
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    start: Option<i64>,

    /// To this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    end: Option<i64>,
}

impl TimeRangeArgs {
    /// What is asked for, at a time in Unix nanoseconds.
    pub(crate) fn range(self, now_unix_nanos: u64) -> anyhow::Result<TimeRange> {
        if let Some(since) = self.since {
            let now = i64::try_from(now_unix_nanos)?;
            let start = now.saturating_sub(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
            return Ok(TimeRange { start_unix_nanos: start.max(0), ..TimeRange::ALL });
        }
        let range = TimeRange {
            start_unix_nanos: self.start.unwrap_or(i64::MIN),
            end_unix_nanos: self.end.unwrap_or(i64::MAX),
        };
        if range.end_unix_nanos < range.start_unix_nanos {
            bail!("the end of the time range lies before its start");
        }
        Ok(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_open_where_nothing_is_said() {
        let range = |since: Option<u64>, start, end| {
            let since = since.map(Duration::from_nanos);
            TimeRangeArgs { since, start, end }.range(1_000).ok()
        };
        let of =
            |start_unix_nanos, end_unix_nanos| Some(TimeRange { start_unix_nanos, end_unix_nanos });
        assert_eq!(range(None, None, None), Some(TimeRange::ALL));
        assert_eq!(range(Some(400), None, None), of(600, i64::MAX));
        assert_eq!(range(Some(4_000), None, None), of(0, i64::MAX));
        assert_eq!(range(None, Some(5), Some(6)), of(5, 6));
        assert_eq!(range(None, Some(6), Some(5)), None);
    }
}
