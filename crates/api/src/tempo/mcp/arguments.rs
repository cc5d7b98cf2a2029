//! Arguments of a tool.

use jiff::Timestamp;
use serde_json::Value;
use spandrel_base::clock::SharedClock;

/// What is searched when nobody says.
const HOUR_NANOS: i64 = 3_600_000_000_000;

/// The arguments of one call.
pub(super) struct Arguments<'a>(pub(super) &'a Value);

impl Arguments<'_> {
    /// A text; absent when it is empty.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, String> {
        match &self.0[name] {
            Value::Null => Ok(None),
            Value::String(text) if text.is_empty() => Ok(None),
            Value::String(text) => Ok(Some(text)),
            other => Err(format!("argument '{name}': expected a text, got {other}")),
        }
    }

    /// A text that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, String> {
        self.text(name)?.ok_or_else(|| format!("required argument '{name}' not found"))
    }

    /// A time in RFC 3339, in Unix nanoseconds.
    fn time(&self, name: &str) -> Result<Option<i64>, String> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let time = text.parse().ok().map(Timestamp::as_nanosecond);
        let nanos = time.and_then(|nanos| i64::try_from(nanos).ok());
        nanos.map(Some).ok_or_else(|| {
            format!("invalid {name} time: expected RFC 3339, as 2026-01-31T10:00:00Z, got '{text}'")
        })
    }

    /// `start` and `end`, the last hour as far as they are missing.
    pub(super) fn range(&self, clock: &SharedClock) -> Result<(i64, i64), String> {
        let now = i64::try_from(clock.now_unix_nanos()).unwrap_or(i64::MAX);
        let start = self.time("start")?.unwrap_or(now.saturating_sub(HOUR_NANOS));
        let end = self.time("end")?.unwrap_or(now);
        match start < end {
            true => Ok((start, end)),
            false => {
                Err("start must be before end; without them, the last hour is searched".into())
            }
        }
    }

    /// A range in Unix seconds of which both ends are given, or none.
    pub(super) fn seconds(&self, start: &str, end: &str) -> Result<Option<(i64, i64)>, String> {
        match (self.time(start)?, self.time(end)?) {
            (None, None) => Ok(None),
            (Some(start), Some(end)) => {
                Ok(Some((start.div_euclid(1_000_000_000), end.div_euclid(1_000_000_000))))
            }
            _ => Err(format!("arguments '{start}' and '{end}' must be provided together")),
        }
    }
}
