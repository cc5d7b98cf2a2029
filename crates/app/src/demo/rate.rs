//! How fast to send.

use std::fmt;

/// Spans of a trace of the shop, on average.
const SPANS_PER_TRACE: f64 = 20.0;
/// The simulated rate at [`Rate::Max`]: more than one machine sends, so that the times of spans never
/// lie in the future.
const MAX_TRACES_PER_SECOND: f64 = 50_000.0;

/// A rate of traces or spans.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rate {
    TracesPerSecond(f64),
    SpansPerSecond(f64),
    Max,
}

impl Rate {
    /// Reads `20`, `2000spans` or `max`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (number, unit): (&str, fn(f64) -> Self) = match text.strip_suffix("spans") {
            Some(number) => (number.trim_end(), Self::SpansPerSecond),
            None if text == "max" => return Ok(Self::Max),
            None => (text.strip_suffix("traces").unwrap_or(text).trim_end(), Self::TracesPerSecond),
        };
        match number.parse() {
            Ok(number) if (0.001..=1e9).contains(&number) => Ok(unit(number)),
            _ => {
                Err("a rate is traces per second such as 20, spans per second such as 2000spans, \
                      or max"
                    .to_owned())
            }
        }
    }

    /// The mean arrival rate.
    pub(super) fn traces_per_second(self) -> f64 {
        match self {
            Self::TracesPerSecond(traces) => traces,
            Self::SpansPerSecond(spans) => spans / SPANS_PER_TRACE,
            Self::Max => MAX_TRACES_PER_SECOND,
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TracesPerSecond(traces) => {
                write!(f, "{traces} traces/s (about {} spans/s)", traces * SPANS_PER_TRACE)
            }
            Self::SpansPerSecond(spans) => write!(f, "about {spans} spans/s"),
            Self::Max => f.write_str("as fast as it goes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_traces_spans_and_max() {
        assert_eq!(Rate::parse("20"), Ok(Rate::TracesPerSecond(20.0)));
        assert_eq!(Rate::parse("0.5traces"), Ok(Rate::TracesPerSecond(0.5)));
        assert_eq!(Rate::parse("2000spans"), Ok(Rate::SpansPerSecond(2000.0)));
        assert_eq!(Rate::parse("max"), Ok(Rate::Max));
        for wrong in ["", "0", "-1", "fast", "nan", "inf", "spans"] {
            assert!(Rate::parse(wrong).is_err(), "{wrong}");
        }
    }
}
