//! Texts to times, by a layout.

use super::layout::{MONTHS, Piece, WEEKDAYS};
use super::{Civil, Time, month_days};

/// Reads `text` as `pieces` say.
///
/// What the layout leaves out is the start of January of the year 0, as in Go. A fraction may follow the
/// seconds although the layout has none. `offset_seconds` counts where the text has no offset of its own.
///
/// # Errors
/// Says which part of the text does not fit.
pub(crate) fn parse(text: &str, pieces: &[Piece], offset_seconds: i32) -> Result<Time, String> {
    let mut reader = Reader {
        rest: text,
        civil: Civil {
            year: 0,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            nanosecond: 0,
            weekday: 0,
        },
        afternoon: None,
        offset_seconds,
    };
    for (index, piece) in pieces.iter().enumerate() {
        let before = reader.rest;
        let read = match piece {
            Piece::Literal(c) if c.is_whitespace() => {
                let trimmed = reader.rest.trim_start();
                let found = trimmed.len() < reader.rest.len();
                reader.rest = trimmed;
                found.then_some(())
            }
            Piece::Literal(c) => reader.literal(*c),
            Piece::Field(field) => reader.field(*field),
        };
        if read.is_none() {
            let what = match piece {
                Piece::Literal(c) => format!("{c:?}"),
                Piece::Field(field) => format!("%{field}"),
            };
            return Err(format!("time {text:?} does not fit the layout: {what} at {before:?}"));
        }
        if *piece == Piece::Field('S') {
            reader.fraction_of_seconds(pieces.get(index + 1));
        }
    }
    if !reader.rest.is_empty() {
        return Err(format!("time {text:?} does not fit the layout: {:?} is left", reader.rest));
    }
    reader.finish().ok_or_else(|| format!("time {text:?} does not exist"))
}

struct Reader<'a> {
    rest: &'a str,
    civil: Civil,
    afternoon: Option<bool>,
    offset_seconds: i32,
}

impl Reader<'_> {
    fn literal(&mut self, c: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(c)?;
        Some(())
    }

    fn field(&mut self, field: char) -> Option<()> {
        match field {
            'Y' => self.civil.year = self.number(4, 4)?,
            'y' => {
                let year = self.number(2, 2)?;
                self.civil.year = if year >= 69 { 1900 + year } else { 2000 + year };
            }
            'm' => self.civil.month = self.small(2, 2)?,
            'o' | 'q' => self.civil.month = self.padded()?,
            'b' | 'h' => self.civil.month = self.name(&MONTHS, Some(3))? + 1,
            'B' => self.civil.month = self.name(&MONTHS, None)? + 1,
            'd' => self.civil.day = self.small(2, 2)?,
            'e' | 'g' => self.civil.day = self.padded()?,
            'a' => _ = self.name(&WEEKDAYS, Some(3))?,
            'A' => _ = self.name(&WEEKDAYS, None)?,
            'H' => self.civil.hour = self.small(1, 2)?,
            'I' => self.civil.hour = self.small(2, 2).filter(|hour| *hour <= 12)?,
            'l' => self.civil.hour = self.padded().filter(|hour| *hour <= 12)?,
            'p' | 'P' => {
                let half = self.rest.get(..2)?.to_ascii_lowercase();
                self.afternoon = Some(match half.as_str() {
                    "am" => false,
                    "pm" => true,
                    _ => return None,
                });
                self.rest = self.rest.get(2..)?;
            }
            'M' => self.civil.minute = self.small(2, 2)?,
            'S' => self.civil.second = self.small(2, 2)?,
            'L' => self.civil.nanosecond = self.fraction(3)?,
            'f' => self.civil.nanosecond = self.fraction(6)?,
            's' => self.civil.nanosecond = self.fraction(9)?,
            'Z' => self.zone()?,
            _ => self.offset(field)?,
        }
        Some(())
    }

    /// Digits after a point behind the seconds, unless the layout goes on with that point.
    fn fraction_of_seconds(&mut self, next: Option<&Piece>) {
        if matches!(next, Some(Piece::Literal('.' | ','))) {
            return;
        }
        let Some(tail) = self.rest.strip_prefix(['.', ',']) else { return };
        let length = tail.bytes().take_while(u8::is_ascii_digit).count();
        if length > 0 {
            self.rest = tail;
            let digits = tail.get(..length.min(9)).unwrap_or_default();
            self.civil.nanosecond = scaled(digits).unwrap_or_default();
            self.rest = tail.get(length..).unwrap_or_default();
        }
    }

    fn number(&mut self, least: usize, most: usize) -> Option<i64> {
        let length = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if length < least {
            return None;
        }
        let (digits, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        digits.parse().ok()
    }

    fn small(&mut self, least: usize, most: usize) -> Option<u8> {
        u8::try_from(self.number(least, most)?).ok()
    }

    /// One or two digits, with a blank before one.
    fn padded(&mut self) -> Option<u8> {
        self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
        self.small(1, 2)
    }

    /// Nanoseconds of exactly that many digits.
    fn fraction(&mut self, digits: usize) -> Option<u32> {
        let (text, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        scaled(text)
    }

    fn name(&mut self, names: &[&str], short: Option<usize>) -> Option<u8> {
        let found = names.iter().enumerate().find_map(|(index, name)| {
            let name = name.get(..short.unwrap_or(name.len()))?;
            let start = self.rest.get(..name.len())?;
            start.eq_ignore_ascii_case(name).then_some((index, name.len()))
        });
        let (index, length) = found?;
        self.rest = self.rest.get(length..)?;
        u8::try_from(index).ok()
    }

    /// An abbreviation: only those that mean UTC are known to have an offset; others count as UTC.
    fn zone(&mut self) -> Option<()> {
        let length = self.rest.bytes().take_while(u8::is_ascii_uppercase).count();
        if !(3..=5).contains(&length) {
            return None;
        }
        self.rest = self.rest.get(length..)?;
        self.offset_seconds = 0;
        Some(())
    }

    fn offset(&mut self, field: char) -> Option<()> {
        let negative = self.rest.starts_with('-');
        if self.rest.starts_with('Z') {
            self.rest = self.rest.get(1..)?;
            self.offset_seconds = 0;
            return Some(());
        }
        self.rest = self.rest.strip_prefix(['+', '-'])?;
        let hours = self.number(2, 2)?;
        if matches!(field, 'j' | 'k') {
            self.literal(':')?;
        }
        let minutes = if field == 'i' { 0 } else { self.number(2, 2)? };
        if field == 'k' {
            self.literal(':')?;
        }
        let seconds = if matches!(field, 'k' | 'w') { self.number(2, 2)? } else { 0 };
        if hours > 24 || minutes > 60 || seconds > 60 {
            return None;
        }
        let total = i32::try_from(hours * 3600 + minutes * 60 + seconds).ok()?;
        self.offset_seconds = if negative { -total } else { total };
        Some(())
    }

    fn finish(mut self) -> Option<Time> {
        match self.afternoon {
            Some(true) if self.civil.hour < 12 => self.civil.hour += 12,
            Some(false) if self.civil.hour == 12 => self.civil.hour = 0,
            _ => {}
        }
        let Civil { year, month, day, hour, minute, second, .. } = self.civil;
        let exists = (1..=12).contains(&month)
            && (1..=month_days(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        exists.then(|| Time::from_civil(&self.civil, self.offset_seconds))
    }
}

/// Nanoseconds of the digits behind a point.
fn scaled(digits: &str) -> Option<u32> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let scale = 10_u32.checked_pow(9_u32.checked_sub(u32::try_from(digits.len()).ok()?)?)?;
    digits.parse::<u32>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::super::layout::{format, pieces};
    use super::*;

    #[test]
    fn texts_are_read_and_written_by_layout() {
        for (text, layout, seconds) in [
            ("2023-02-15", "%Y-%m-%d", 1_676_419_200_i64),
            ("Feb 15, 2023", "%b %d, %Y", 1_676_419_200),
            ("15/02/23 10:30:05 PM", "%d/%m/%y %I:%M:%S %p", 1_676_500_205),
            ("2023-02-15T01:00:00+0100", "%Y-%m-%dT%H:%M:%S%z", 1_676_419_200),
            ("Wednesday February 15 00:00:00 2023", "%A %B %e %T %Y", 1_676_419_200),
            ("2023-02-15 00:00:00.000", "%F %T.%L", 1_676_419_200),
            ("100%", "1%H%%", -62_167_219_200),
        ] {
            let pieces = pieces(layout).unwrap();
            let time = parse(text, &pieces, 0).unwrap();
            assert_eq!(time.unix_nanos, i128::from(seconds) * 1_000_000_000, "{text}");
            assert_eq!(format(time, &pieces), text, "{layout}");
        }
    }

    #[test]
    fn fractions_may_follow_the_seconds() {
        let time = parse("10:00:00.25", &pieces("%H:%M:%S").unwrap(), 0).unwrap();
        assert_eq!(time.civil().nanosecond, 250_000_000);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (text, layout) in [
            ("2023-02-30", "%Y-%m-%d"),
            ("2023-13-01", "%Y-%m-%d"),
            ("2023-02-15x", "%Y-%m-%d"),
            ("23", "%Y"),
            ("", "%H"),
            ("\u{e9}\u{e9}", "%p"),
            ("+9999", "%z"),
            ("12345678901", "%s"),
        ] {
            assert!(parse(text, &pieces(layout).unwrap(), 0).is_err(), "{text} {layout}");
        }
        assert!(pieces("%Q").is_err());
        assert!(pieces("%").is_err());
    }
}
