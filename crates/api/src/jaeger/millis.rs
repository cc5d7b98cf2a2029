//! Times and lengths of time in milliseconds, as dependencies and metrics take them.

use std::time::Duration;

use spandrel_query::TimeRange;

use crate::error::ApiError;
use crate::params::{Params, malformed};

const NANOS_PER_MILLI: i64 = 1_000_000;

/// The range that ends at `endTs`, which is now when it is not given, and is as long as `lookback`.
///
/// # Errors
/// [`ApiError::Parameter`].
pub(super) fn range(
    params: &Params,
    now_unix_nanos: u64,
    lookback: Duration,
) -> Result<TimeRange, ApiError> {
    let now = i64::try_from(now_unix_nanos).unwrap_or(i64::MAX);
    let end_unix_nanos = match params.get("endTs") {
        None => now,
        Some(text) => {
            nanos_of(text, i64::MIN).ok_or_else(|| malformed("endTs", "Unix milliseconds", text))?
        }
    };
    let lookback = length(params, "lookback", lookback)?.as_nanos();
    let lookback = i64::try_from(lookback).unwrap_or(i64::MAX);
    Ok(TimeRange { start_unix_nanos: end_unix_nanos.saturating_sub(lookback), end_unix_nanos })
}

/// A length of time.
///
/// # Errors
/// [`ApiError::Parameter`] when it is none, or not above zero.
pub(super) fn length(
    params: &Params,
    name: &'static str,
    default: Duration,
) -> Result<Duration, ApiError> {
    let Some(text) = params.get(name) else { return Ok(default) };
    let nanos = nanos_of(text, 1).map(i64::unsigned_abs);
    nanos.map(Duration::from_nanos).ok_or_else(|| malformed(name, "milliseconds above zero", text))
}

fn nanos_of(text: &str, min: i64) -> Option<i64> {
    text.parse::<i64>().ok().filter(|millis| *millis >= min)?.checked_mul(NANOS_PER_MILLI)
}
