//! `latency`: the time from the earliest start to the latest end.
//!
//! As in the Collector, spans are taken one after the other and the first moment at which the duration so far fits
//! decides, so with an upper bound the order of spans matters. A start or end of 0 counts as none so far.

use crate::facts::SpanFacts;
use crate::settings::LatencySettings;

const NANOS_PER_MILLI: i128 = 1_000_000;

pub(super) fn matches(settings: &LatencySettings, spans: &[SpanFacts<'_>]) -> bool {
    let (mut start, mut end) = (0, 0);
    spans.iter().any(|span| {
        if start == 0 || span.start_unix_nanos < start {
            start = span.start_unix_nanos;
        }
        if end == 0 || span.end_unix_nanos > end {
            end = span.end_unix_nanos;
        }
        let whole_ms = (i128::from(end) - i128::from(start)) / NANOS_PER_MILLI;
        let upper = match settings.upper_threshold_ms {
            0 => i128::MAX,
            upper => i128::from(upper),
        };
        i128::from(settings.threshold_ms) < whole_ms && whole_ms <= upper
    })
}
