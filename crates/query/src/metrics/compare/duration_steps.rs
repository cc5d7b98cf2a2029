//! Durations in steps of 1, 2 and 5: as few values as people can tell apart.

/// Shorter durations are one step.
const SHORTEST_NANOS: i64 = 1000;

/// The step of a duration, by its least duration; 0 for what takes less than a microsecond.
pub(super) fn duration_step(nanos: i64) -> i64 {
    if nanos < SHORTEST_NANOS {
        return 0;
    }
    let decade = 10_i64.pow(nanos.ilog10());
    match nanos / decade {
        1 => decade,
        2..=4 => 2 * decade,
        _ => 5 * decade,
    }
}

/// The least duration that is beyond the step with this least duration.
pub fn duration_step_end(start_nanos: i64) -> i64 {
    if start_nanos < SHORTEST_NANOS {
        return SHORTEST_NANOS;
    }
    let decade = 10_i64.pow(start_nanos.ilog10());
    let next: i64 = match start_nanos / decade {
        1 => 2,
        2..=4 => 5,
        _ => 10,
    };
    next.saturating_mul(decade)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_lies_in_its_step() {
        for nanos in [1000, 1999, 2000, 4999, 5000, 9999, 10_000, 123_456_789, i64::MAX] {
            let start = duration_step(nanos);
            assert!(start <= nanos && nanos <= duration_step_end(start), "{nanos}");
            assert_eq!(duration_step(start), start);
        }
        assert_eq!([-5, 0, 999].map(duration_step), [0; 3]);
        assert_eq!(
            [0, 1000, 2000, 5000, 10_000].map(duration_step_end),
            [1000, 2000, 5000, 10_000, 20_000]
        );
    }
}
