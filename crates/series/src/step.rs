//! The step of a query that gives none.

const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000 * MILLISECOND;
const MINUTE: i64 = 60 * SECOND;

/// Values that a range has about, unless a step is given: an hour in steps of 15 s.
const VALUES: i64 = 240;

/// A range shorter than this has steps below a second.
const SHORT_RANGE: i64 = MINUTE;
const SHORT_GRANULARITY: i64 = 50 * MILLISECOND;

/// Steps are rounded down to a multiple of the first of these that they exceed.
const GRANULARITIES: [i64; 6] = [60 * MINUTE, 5 * MINUTE, MINUTE, 15 * SECOND, 5 * SECOND, SECOND];

/// The step, in nanoseconds, for a range of this many nanoseconds: round, and such that there are at least 240
/// values. That of Tempo, so that dashboards look alike.
pub fn default_step(range_nanos: i64) -> i64 {
    let wanted = range_nanos / VALUES;
    if range_nanos < SHORT_RANGE {
        return (wanted / SHORT_GRANULARITY * SHORT_GRANULARITY).max(SHORT_GRANULARITY);
    }
    let granularity = GRANULARITIES.into_iter().find(|granularity| wanted > *granularity);
    granularity.map_or(SECOND, |granularity| wanted / granularity * granularity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_grow_with_the_range() {
        let hour = 60 * MINUTE;
        for (range, step) in [
            (0, 50 * MILLISECOND),
            (10 * SECOND, 50 * MILLISECOND),
            (30 * SECOND, 100 * MILLISECOND),
            (MINUTE, SECOND),
            (20 * MINUTE, 5 * SECOND),
            (hour, 15 * SECOND),
            (2 * hour, 30 * SECOND),
            (4 * hour, MINUTE),
            (48 * hour, 10 * MINUTE),
            (7 * 24 * hour, 40 * MINUTE),
            (30 * 24 * hour, 3 * hour),
        ] {
            assert_eq!(default_step(range), step, "{range}");
        }
    }
}
