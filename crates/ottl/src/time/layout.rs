//! Layouts of times in the manner of strptime: `%Y-%m-%dT%H:%M:%S.%f%z`.

use super::Time;

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(crate) const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A piece of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(char),
    /// The letter behind a percent sign.
    Field(char),
}

/// Splits a layout into its pieces, shorthands written out.
///
/// # Errors
/// Names the directive that does not exist.
pub(crate) fn pieces(layout: &str) -> Result<Vec<Piece>, String> {
    let mut out = Vec::new();
    let mut chars = layout.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(Piece::Literal(c));
            continue;
        }
        let Some(directive) = chars.next() else {
            return Err("the layout ends with `%`".to_owned());
        };
        match directive {
            '%' => out.push(Piece::Literal('%')),
            'n' => out.push(Piece::Literal('\n')),
            't' => out.push(Piece::Literal('\t')),
            'c' => out.extend(pieces("%a %b %d %H:%M:%S %Y")?),
            'D' | 'x' => out.extend(pieces("%m/%d/%Y")?),
            'F' => out.extend(pieces("%Y-%m-%d")?),
            'T' | 'X' => out.extend(pieces("%H:%M:%S")?),
            'R' => out.extend(pieces("%H:%M")?),
            'r' => out.extend(pieces("%I:%M:%S %p")?),
            'v' => out.extend(pieces("%e-%b-%Y")?),
            field if "YymoqbhBdegaAHlIpPMSLfsZzwijk".contains(field) => {
                out.push(Piece::Field(field));
            }
            other => return Err(format!("unknown directive `%{other}` in the layout")),
        }
    }
    Ok(out)
}

/// `time` in the form of `pieces`.
pub(crate) fn format(time: Time, pieces: &[Piece]) -> String {
    let civil = time.civil();
    let hour12 = (civil.hour + 11) % 12 + 1;
    let month = name(&MONTHS, civil.month.saturating_sub(1));
    let weekday = name(&WEEKDAYS, civil.weekday);
    let half = if civil.hour < 12 { "AM" } else { "PM" };
    let mut out = String::new();
    for piece in pieces {
        let text = match piece {
            Piece::Literal(c) => c.to_string(),
            Piece::Field(field) => match field {
                'Y' => format!("{:04}", civil.year),
                'y' => format!("{:02}", civil.year.rem_euclid(100)),
                'm' => format!("{:02}", civil.month),
                'o' => format!("{:2}", civil.month),
                'q' => civil.month.to_string(),
                'b' | 'h' => month.chars().take(3).collect(),
                'B' => month.to_owned(),
                'd' => format!("{:02}", civil.day),
                'e' => format!("{:2}", civil.day),
                'g' => civil.day.to_string(),
                'a' => weekday.chars().take(3).collect(),
                'A' => weekday.to_owned(),
                'H' => format!("{:02}", civil.hour),
                'I' => format!("{hour12:02}"),
                'l' => hour12.to_string(),
                'p' => half.to_owned(),
                'P' => half.to_ascii_lowercase(),
                'M' => format!("{:02}", civil.minute),
                'S' => format!("{:02}", civil.second),
                'L' => format!("{:03}", civil.nanosecond / 1_000_000),
                'f' => format!("{:06}", civil.nanosecond / 1_000),
                's' => format!("{:09}", civil.nanosecond),
                'Z' if time.offset_seconds == 0 => "UTC".to_owned(),
                'j' => offset_text(time.offset_seconds, ":"),
                'k' => format!("{}:00", offset_text(time.offset_seconds, ":")),
                'w' => format!("{}00", offset_text(time.offset_seconds, "")),
                'i' => offset_text(time.offset_seconds, "").chars().take(3).collect(),
                _ => offset_text(time.offset_seconds, ""),
            },
        };
        out.push_str(&text);
    }
    out
}

fn name<'a>(names: &[&'a str], index: u8) -> &'a str {
    names.get(usize::from(index)).copied().unwrap_or_default()
}

/// `+0200`, with `between` hours and minutes.
pub(crate) fn offset_text(seconds: i32, between: &str) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("{sign}{:02}{between}{:02}", minutes / 60, minutes % 60)
}
