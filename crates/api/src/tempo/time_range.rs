//! `start` and `end`: Unix seconds or nanoseconds, or RFC 3339.

use jiff::Timestamp;
use spandrel_query::TimeRange;

use crate::error::ApiError;
use crate::params::{Params, malformed};

/// Whole numbers of more digits than this are nanoseconds.
const SECONDS_DIGITS_MAX: usize = 10;
const NANOS_PER_SECOND: i64 = 1_000_000_000;
const EXPECTED: &str = "Unix seconds, Unix nanoseconds or an RFC 3339 time";

/// The range that `start` and `end` give, everything when both are absent.
///
/// # Errors
/// [`ApiError`] when only one is there, one is no time, or the range is empty.
pub(crate) fn time_range(params: &Params) -> Result<TimeRange, ApiError> {
    let (start, end) = (params.get("start"), params.get("end"));
    let (start, end) = match (start, end) {
        (None, None) => return Ok(TimeRange::ALL),
        (Some(start), Some(end)) => (start, end),
        (None, Some(_)) => return Err(ApiError::Contradiction("'end' needs a 'start'")),
        (Some(_), None) => return Err(ApiError::Contradiction("'start' needs an 'end'")),
    };
    let start_unix_nanos = unix_nanos(start).ok_or_else(|| malformed("start", EXPECTED, start))?;
    let end_unix_nanos = unix_nanos(end).ok_or_else(|| malformed("end", EXPECTED, end))?;
    if end_unix_nanos <= start_unix_nanos {
        return Err(ApiError::Contradiction("'end' should be after 'start'"));
    }
    Ok(TimeRange { start_unix_nanos, end_unix_nanos })
}

/// One time of a request.
///
/// # Errors
/// [`ApiError`] when it is no time.
pub(crate) fn time_param(params: &Params, name: &'static str) -> Result<Option<i64>, ApiError> {
    let Some(text) = params.get(name) else { return Ok(None) };
    unix_nanos(text).map(Some).ok_or_else(|| malformed(name, EXPECTED, text))
}

/// As [`time_range`], for endpoints where one of `start` and `end` may be missing: the range is open there.
///
/// # Errors
/// [`ApiError`] when one is no time, or the range is empty.
pub(crate) fn open_range(params: &Params) -> Result<TimeRange, ApiError> {
    let range = TimeRange {
        start_unix_nanos: time_param(params, "start")?.unwrap_or(i64::MIN),
        end_unix_nanos: time_param(params, "end")?.unwrap_or(i64::MAX),
    };
    if range.end_unix_nanos <= range.start_unix_nanos {
        let given = |name| params.get(name).unwrap_or_default().to_owned();
        return Err(ApiError::Reversed { start: given("start"), end: given("end") });
    }
    Ok(range)
}

fn unix_nanos(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number =
        !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
    if !is_number {
        let time: Timestamp = text.parse().ok()?;
        return i64::try_from(time.as_nanosecond()).ok();
    }
    let number: i64 = whole.parse().ok()?;
    if whole.len() > SECONDS_DIGITS_MAX {
        return Some(number);
    }
    // Nine digits are nanoseconds; what is beyond them is cut off.
    let nanos: i64 = format!("{fraction:0<9.9}").parse().ok()?;
    number.checked_mul(NANOS_PER_SECOND)?.checked_add(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(query: &str) -> Result<(i64, i64), String> {
        let range = time_range(&Params::parse(query)).map_err(|error| error.to_string())?;
        Ok((range.start_unix_nanos, range.end_unix_nanos))
    }

    #[test]
    fn every_form_of_time() {
        for (query, expected) in [
            ("", (i64::MIN, i64::MAX)),
            ("start=&end=", (i64::MIN, i64::MAX)),
            ("start=999&end=1001", (999_000_000_000, 1_001_000_000_000)),
            ("start=1.5&end=2.0000000019", (1_500_000_000, 2_000_000_001)),
            (
                "start=1711000000&end=1711000000000000001",
                (1_711_000_000_000_000_000, 1_711_000_000_000_000_001),
            ),
            (
                "start=1970-01-01T00:00:01Z&end=1970-01-01T01:00:02.5%2B01:00",
                (1_000_000_000, 2_500_000_000),
            ),
        ] {
            assert_eq!(range(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn an_open_range_may_be_half() {
        let open = |query: &str| {
            let range = open_range(&Params::parse(query)).map_err(|error| error.to_string())?;
            Ok::<_, String>((range.start_unix_nanos, range.end_unix_nanos))
        };
        assert_eq!(open("start=1&end="), Ok((1_000_000_000, i64::MAX)));
        assert_eq!(open("end=2"), Ok((i64::MIN, 2_000_000_000)));
        assert_eq!(open(""), Ok((i64::MIN, i64::MAX)));
        assert_eq!(
            open("start=2&end=1"),
            Err("http parameter start must be before end. received start=2 end=1".to_owned())
        );
        assert!(open("end=tomorrow").is_err());
    }

    #[test]
    fn half_a_range_or_an_empty_one_is_refused() {
        for (query, error) in [
            ("start=1", "'start' needs an 'end'"),
            ("end=1", "'end' needs a 'start'"),
            ("start=2&end=2", "'end' should be after 'start'"),
            (
                "start=yesterday&end=2",
                "unable to parse param 'start': expected Unix seconds, Unix nanoseconds or an \
                    RFC 3339 time, got 'yesterday'",
            ),
            (
                "start=1&end=99999999999999999999",
                "unable to parse param 'end': expected Unix seconds, Unix nanoseconds or an RFC \
                    3339 time, got '99999999999999999999'",
            ),
        ] {
            assert_eq!(range(query), Err(error.to_owned()), "{query}");
        }
    }
}
