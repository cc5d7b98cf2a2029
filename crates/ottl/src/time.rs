//! Points in time and their calendar, durations, and layouts.

use std::fmt;

pub(crate) mod duration;
pub(crate) mod layout;
mod parse;

pub(crate) use parse::parse;

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A point in time, and the offset of the clock it is read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Nanoseconds since 1970.
    pub unix_nanos: i128,
    /// Seconds that the clock is ahead of UTC.
    pub offset_seconds: i32,
}

/// What a calendar and a clock on the wall show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// From 1.
    pub(crate) month: u8,
    /// From 1.
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
    pub(crate) nanosecond: u32,
    /// From Sunday, which is 0.
    pub(crate) weekday: u8,
}

impl Time {
    pub(crate) fn utc(unix_nanos: i128) -> Self {
        Self { unix_nanos, offset_seconds: 0 }
    }

    pub(crate) fn plus(self, nanos: i128) -> Self {
        Self { unix_nanos: self.unix_nanos.saturating_add(nanos), ..self }
    }

    /// The time that a calendar and clock with that offset show; `civil.weekday` is not looked at.
    pub(crate) fn from_civil(civil: &Civil, offset_seconds: i32) -> Self {
        let days = days_from_civil(civil.year, civil.month, civil.day);
        let clock =
            i64::from(civil.hour) * 3600 + i64::from(civil.minute) * 60 + i64::from(civil.second);
        let seconds = i128::from(days) * i128::from(SECONDS_PER_DAY) + i128::from(clock)
            - i128::from(offset_seconds);
        Self {
            unix_nanos: seconds * NANOS_PER_SECOND + i128::from(civil.nanosecond),
            offset_seconds,
        }
    }

    pub(crate) fn civil(self) -> Civil {
        let local = self.unix_nanos + i128::from(self.offset_seconds) * NANOS_PER_SECOND;
        let seconds = i64::try_from(local.div_euclid(NANOS_PER_SECOND)).unwrap_or_default();
        let nanosecond = u32::try_from(local.rem_euclid(NANOS_PER_SECOND)).unwrap_or_default();
        let days = seconds.div_euclid(SECONDS_PER_DAY);
        let clock = seconds.rem_euclid(SECONDS_PER_DAY);
        let (year, month, day) = civil_from_days(days);
        let small = |value: i64| u8::try_from(value).unwrap_or_default();
        Civil {
            year,
            month,
            day,
            hour: small(clock / 3600),
            minute: small(clock / 60 % 60),
            second: small(clock % 60),
            nanosecond,
            // The first of January 1970 was a Thursday.
            weekday: small((days + 4).rem_euclid(7)),
        }
    }
}

/// As Go prints it: `2023-02-15 10:00:00.5 +0000 UTC`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, hour, minute, second, nanosecond, .. } = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")?;
        if nanosecond > 0 {
            write!(f, ".{}", format!("{nanosecond:09}").trim_end_matches('0'))?;
        }
        let offset = layout::offset_text(self.offset_seconds, "");
        match self.offset_seconds {
            0 => write!(f, " {offset} UTC"),
            _ => write!(f, " {offset} {offset}"),
        }
    }
}

/// Days since 1970 in the proleptic Gregorian calendar, counted in eras of 400 years from March on.
fn days_from_civil(year: i64, month: u8, day: u8) -> i64 {
    let (month, day) = (i64::from(month), i64::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let small = |value: i64| u8::try_from(value).unwrap_or_default();
    (year, small(month), small(day))
}

/// Days of a month.
pub(crate) fn month_days(year: i64, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_and_nanoseconds_convert() {
        for (seconds, year, month, day, weekday) in [
            (0_i64, 1970, 1, 1, 4),
            (951_782_400, 2000, 2, 29, 2),
            (-1, 1969, 12, 31, 3),
            (1_676_419_200, 2023, 2, 15, 3),
            (253_402_300_799, 9999, 12, 31, 5),
            (-62_135_596_800, 1, 1, 1, 1),
        ] {
            let time = Time::utc(i128::from(seconds) * NANOS_PER_SECOND);
            let civil = time.civil();
            assert_eq!((civil.year, civil.month, civil.day), (year, month, day));
            assert_eq!(civil.weekday, weekday, "{year}-{month}-{day}");
            assert_eq!(Time::from_civil(&civil, 0), time);
        }
    }

    #[test]
    fn times_print_like_go() {
        let time = Time { unix_nanos: 1_676_419_200_500_000_000, offset_seconds: 0 };
        assert_eq!(time.to_string(), "2023-02-15 00:00:00.5 +0000 UTC");
        let ahead = Time { offset_seconds: 7200, ..time };
        assert_eq!(ahead.to_string(), "2023-02-15 02:00:00.5 +0200 +0200");
    }
}
