//! Parameters of a metrics query.

use spandrel_query::{EXEMPLARS_MAX, MetricsQuery};
use spandrel_series::{Intervals, default_step};
use spandrel_traceql::{Query, compile};

use crate::error::ApiError;
use crate::go_duration;
use crate::params::{Params, malformed};
use crate::tempo::time_range;

/// Series of an answer unless `maxSeries` asks for fewer.
const SERIES_MAX: usize = 1000;
const NANOS_PER_SECOND: f64 = 1e9;
/// How far back a query looks that does not say.
const SINCE_DEFAULT: i64 = 3_600_000_000_000;

/// A query for a value in each interval; `instant` makes it one interval.
///
/// # Errors
/// [`ApiError`], which names the parameter at fault.
pub(in crate::tempo) fn range(
    params: &Params,
    now_unix_nanos: u64,
) -> Result<MetricsQuery, ApiError> {
    if params.flag("instant")? {
        return instant(params, now_unix_nanos);
    }
    let (start, end) = times(params, now_unix_nanos)?;
    let step = step(params)?.unwrap_or_else(|| default_step(end.saturating_sub(start)));
    query(params, Intervals::range(start, end, step)?)
}

/// A query for one value.
///
/// # Errors
/// As [`range`].
pub(in crate::tempo) fn instant(
    params: &Params,
    now_unix_nanos: u64,
) -> Result<MetricsQuery, ApiError> {
    let (start, end) = times(params, now_unix_nanos)?;
    query(params, Intervals::instant(start, end)?)
}

fn query(params: &Params, intervals: Intervals) -> Result<MetricsQuery, ApiError> {
    Ok(MetricsQuery {
        query: compiled(params)?,
        intervals,
        series_max: params
            .number("maxSeries", 0..=SERIES_MAX)?
            .filter(|n| *n > 0)
            .unwrap_or(SERIES_MAX),
        exemplars_max: params.number("exemplars", 0..=usize::MAX)?.unwrap_or(0).min(EXEMPLARS_MAX),
    })
}

fn compiled(params: &Params) -> Result<Query, ApiError> {
    let text = params.get("q").or_else(|| params.get("query")).ok_or(ApiError::Required("q"))?;
    Ok(compile(text)?)
}

/// Start and end: `end` is now unless given, `start` is `since` before it.
fn times(params: &Params, now_unix_nanos: u64) -> Result<(i64, i64), ApiError> {
    let now = i64::try_from(now_unix_nanos).unwrap_or(i64::MAX);
    let end = time_range::time_param(params, "end")?.unwrap_or(now);
    let start = match time_range::time_param(params, "start")? {
        Some(start) => start,
        None => end.saturating_sub(since(params)?.unwrap_or(SINCE_DEFAULT)),
    };
    Ok((start, end))
}

/// Nanoseconds of a duration as Prometheus writes it, such as `1d12h`.
fn since(params: &Params) -> Result<Option<i64>, ApiError> {
    let Some(text) = params.get("since") else { return Ok(None) };
    let nanos = go_duration::parse_long(text).filter(|nanos| *nanos > 0);
    let expected = "a duration such as 30m, 12h or 7d";
    nanos.map(Some).ok_or_else(|| malformed("since", expected, text))
}

/// A Go duration, or seconds.
fn step(params: &Params) -> Result<Option<i64>, ApiError> {
    let Some(text) = params.get("step") else { return Ok(None) };
    let nanos = match text.parse::<f64>() {
        Ok(seconds) if (0.0..9e9).contains(&seconds) => {
            Some((seconds * NANOS_PER_SECOND).round() as i64)
        }
        Ok(_) => None,
        Err(_) => go_duration::parse(text),
    };
    let expected = "a duration such as 15s or 1m, or seconds";
    nanos.map(Some).ok_or_else(|| malformed("step", expected, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_711_000_000_000_000_000;
    const SECOND: i64 = 1_000_000_000;

    fn parsed(query: &str) -> Result<MetricsQuery, String> {
        range(&Params::parse(query), NOW).map_err(|error| error.to_string())
    }

    #[test]
    fn the_last_hour_unless_told_otherwise() {
        let query = parsed("q=%7B%7D%7Crate()").unwrap();
        assert_eq!(query.intervals.step_nanos(), 15 * SECOND);
        assert_eq!(query.intervals.count(), 242);
        assert_eq!((query.series_max, query.exemplars_max), (1000, 0));
        let day = parsed("query=%7B%7D%7Crate()&since=1d&maxSeries=7&exemplars=5000").unwrap();
        assert_eq!(day.intervals.step_nanos(), 300 * SECOND);
        assert_eq!((day.series_max, day.exemplars_max), (7, 1000));
    }

    #[test]
    fn times_and_steps_in_every_form() {
        for (rest, bounds, step) in [
            ("start=100&end=160&step=30", (60 * SECOND + 1, 180 * SECOND), 30 * SECOND),
            ("start=100.5&end=160&step=30s", (60 * SECOND + 1, 180 * SECOND), 30 * SECOND),
            (
                "start=100&end=160&step=0.5",
                (99 * SECOND + SECOND / 2 + 1, 160 * SECOND),
                SECOND / 2,
            ),
            (
                "start=200&end=1970-01-01T00:04:20Z&step=1m",
                (120 * SECOND + 1, 300 * SECOND),
                60 * SECOND,
            ),
            ("start=100&end=160&instant=true", (100 * SECOND, 160 * SECOND), 60 * SECOND),
        ] {
            let query = parsed(&format!("q=%7B%7D%7Crate()&{rest}")).unwrap();
            assert_eq!(
                (query.intervals.bounds(), query.intervals.step_nanos()),
                (bounds, step),
                "{rest}"
            );
        }
        let since = |text: &str| since(&Params::parse(&format!("since={text}"))).ok().flatten();
        assert_eq!(since("1d12h"), Some(36 * 3600 * SECOND));
        assert_eq!(since("2w"), Some(14 * 24 * 3600 * SECOND));
        assert_eq!(since("90s"), Some(90 * SECOND));
        for text in ["0s", "-1h", "1", "d", "1d-1h", "99999999999y"] {
            assert_eq!(since(text), None, "{text}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (query, error) in [
            ("", "parameter 'q' is required"),
            ("q=%7B%7D%7Crate()&start=5&end=5", "'end' should be after 'start'"),
            (
                "q=%7B%7D%7Crate()&since=365d&step=1ms",
                "step is too small for the time range: it gives 31536000000 intervals, at most 10000 are \
                 allowed; the minimum step for this range is 3153.6s",
            ),
            (
                "q=%7B%7D%7Crate()&step=0",
                "step should be above zero; the minimum step for this range is 0.36s",
            ),
            (
                "q=%7B%7D%7Crate()&step=often",
                "unable to parse param 'step': expected a duration such as 15s or 1m, or seconds, got 'often'",
            ),
            (
                "q=%7B%7D%7Crate()&maxSeries=1001",
                "unable to parse param 'maxSeries': expected a whole number from 0 to 1000, got '1001'",
            ),
        ] {
            assert_eq!(parsed(query).map(drop), Err(error.to_owned()), "{query}");
        }
        let error = parsed("q=%7B%7D%7Crate(").unwrap_err();
        assert!(error.starts_with("parse error at line 1"), "{error}");
    }
}
