//! Values of limits: numbers with or without a unit, ages, and `unlimited`.
//!
//! As in Tempo, zero is no limit. Only a rate of zero is one, and refuses everything.

use std::time::Duration;

use spandrel_base::byte_size::ByteSize;
use spandrel_config::{Setting, Value, ValueKind, parse_duration};

use crate::limits::Limit;

const UNLIMITED: &str = "unlimited";

/// Bytes.
pub(super) struct Bytes(Limit);

/// Things that are counted.
pub(super) struct Count(Limit);

/// Time.
pub(super) struct Age(Option<Duration>);

/// What a limit is set to.
pub(super) trait LimitValue: Setting {
    /// The type of the limit that is set.
    type Limit;

    /// The limit when zero is one.
    fn rate(self) -> Self::Limit;

    /// The limit when zero is none.
    fn limit(self) -> Self::Limit;
}

impl Setting for Bytes {
    fn from_value(value: &Value) -> Result<Self, String> {
        let parse = |text: &str| text.parse().ok().map(|ByteSize(bytes)| bytes);
        number(value, parse).map(Self).ok_or_else(|| expected(value, "an amount of bytes"))
    }
}

impl Setting for Count {
    fn from_value(value: &Value) -> Result<Self, String> {
        let parse = |text: &str| text.parse().ok();
        number(value, parse).map(Self).ok_or_else(|| expected(value, "a number"))
    }
}

impl Setting for Age {
    fn from_value(value: &Value) -> Result<Self, String> {
        let age = match (value.as_text(), &value.kind) {
            (Some(UNLIMITED), _) => Some(None),
            (Some(text), _) => age(text).map(Some),
            (None, ValueKind::Int(0)) => Some(None),
            _ => None,
        };
        age.map(Self).ok_or_else(|| expected(value, "a time such as `12h` or `14d`"))
    }
}

impl LimitValue for Bytes {
    type Limit = Limit;

    fn rate(self) -> Limit {
        self.0
    }

    fn limit(self) -> Limit {
        self.0.filter(|limit| *limit > 0)
    }
}

impl LimitValue for Count {
    type Limit = Limit;

    fn rate(self) -> Limit {
        self.0
    }

    fn limit(self) -> Limit {
        self.0.filter(|limit| *limit > 0)
    }
}

impl LimitValue for Age {
    type Limit = Option<Duration>;

    fn rate(self) -> Option<Duration> {
        self.0
    }

    fn limit(self) -> Option<Duration> {
        self.0.filter(|age| !age.is_zero())
    }
}

fn number(value: &Value, parse: impl FnOnce(&str) -> Option<u64>) -> Option<Limit> {
    match (value.as_text(), &value.kind) {
        (Some(UNLIMITED), _) => Some(None),
        (Some(text), _) => parse(text).map(Some),
        (None, ValueKind::Int(number)) => u64::try_from(*number).ok().map(Some),
        // As large numbers are read, and written with an exponent.
        (None, ValueKind::Float(number)) => {
            let is_whole = number.fract() == 0.0 && (0.0..1.8e19).contains(number);
            is_whole.then_some(Some(*number as u64))
        }
        _ => None,
    }
}

/// A time as Prometheus writes it, such as `1w2d12h`.
fn age(text: &str) -> Option<Duration> {
    let (mut age, mut rest) = (Duration::ZERO, text);
    for (unit, days) in [('y', 365), ('w', 7), ('d', 1)] {
        if let Some((number, after)) = rest.split_once(unit) {
            let number: u32 = number.parse().ok()?;
            age = age.checked_add(Duration::from_secs(days * 86_400).checked_mul(number)?)?;
            rest = after;
        }
    }
    let is_whole = rest.is_empty() && !text.is_empty();
    let hours = if is_whole { Duration::ZERO } else { parse_duration(rest).ok()? };
    age.checked_add(hours)
}

fn expected(value: &Value, what: &str) -> String {
    format!("must be {what} or `{UNLIMITED}`, not {}", value.describe())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_days() {
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
        for (text, expected) in [
            ("14d", hours(336)),
            ("1w2d12h", hours(228)),
            ("1y", hours(8760)),
            ("90m", Some(Duration::from_secs(5400))),
            ("0", hours(0)),
            ("", None),
            ("d", None),
            ("-1d", None),
            ("2d1w", None),
            ("14", None),
            ("5000000000y", None),
        ] {
            assert_eq!(age(text), expected, "{text}");
        }
    }
}
