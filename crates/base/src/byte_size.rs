//! Amounts of bytes as people write them: `512`, `64 MiB`, `10 GB`.
//!
//! `KiB`, `MiB`, `GiB` and `TiB` are powers of 1024; `kB` (or `KB`), `MB`, `GB` and `TB` are powers
//! of 1000; a bare number and `B` are bytes. The unit is not case-sensitive.
//! [`ByteSize`] prints a whole number of the largest binary unit where one divides the amount, which
//! parses back to the same amount, and otherwise one rounded decimal, which is for reading only.

use std::fmt;
use std::str::FromStr;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

/// An amount of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(
    /// The amount in bytes.
    pub u64,
);

impl ByteSize {
    /// `n` times 1024 bytes, at most `u64::MAX` bytes.
    pub const fn kib(n: u64) -> Self {
        Self(n.saturating_mul(KIB))
    }

    /// `n` times 1024^2 bytes, at most `u64::MAX` bytes.
    pub const fn mib(n: u64) -> Self {
        Self(n.saturating_mul(MIB))
    }

    /// `n` times 1024^3 bytes, at most `u64::MAX` bytes.
    pub const fn gib(n: u64) -> Self {
        Self(n.saturating_mul(GIB))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")];
        let Some((unit, name)) = units.into_iter().find(|(unit, _)| self.0 >= *unit) else {
            return write!(f, "{} B", self.0);
        };
        if self.0.is_multiple_of(unit) {
            write!(f, "{} {name}", self.0 / unit)
        } else {
            write!(f, "{:.1} {name}", self.0 as f64 / unit as f64)
        }
    }
}

/// A text that is not an amount of bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ByteSizeParseError {
    /// The text does not start with a whole number.
    #[error("`{text}` is not an amount of bytes, write a whole number and a unit such as `64 MiB`")]
    Number {
        /// The whole text.
        text: String,
    },
    /// The number is followed by something that is no unit.
    #[error("`{unit}` is not a unit of bytes, use B, KiB, MiB, GiB, TiB, kB, MB, GB or TB")]
    Unit {
        /// What follows the number.
        unit: String,
    },
    /// The amount does not fit 64 bits.
    #[error("`{text}` is more than 64 bits of bytes")]
    TooLarge {
        /// The whole text.
        text: String,
    },
}

impl FromStr for ByteSize {
    type Err = ByteSizeParseError;

    fn from_str(text: &str) -> Result<Self, ByteSizeParseError> {
        let trimmed = text.trim();
        let digits_end = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
        let (digits, rest) = trimmed.split_at(digits_end);
        if digits.is_empty() {
            return Err(ByteSizeParseError::Number { text: text.to_owned() });
        }
        let unit = rest.trim_start();
        let unit_bytes = match unit.to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "kib" => KIB,
            "mib" => MIB,
            "gib" => GIB,
            "tib" => TIB,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            _ => {
                return Err(ByteSizeParseError::Unit { unit: unit.to_owned() });
            }
        };
        digits
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(unit_bytes))
            .map(Self)
            .ok_or_else(|| ByteSizeParseError::TooLarge { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_largest_unit_that_fits() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (64 * MIB, "64 MiB"),
            (5 * GIB / 2, "2.5 GiB"),
            (3 * TIB, "3 TiB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(ByteSize(bytes).to_string(), text);
        }
    }

    #[test]
    fn parses_every_unit_with_and_without_a_space() {
        let cases = [
            ("0", 0),
            ("512", 512),
            ("512B", 512),
            (" 64 MiB ", 64 * MIB),
            ("64mib", 64 * MIB),
            ("2GiB", 2 * GIB),
            ("1 TiB", TIB),
            ("7 kB", 7_000),
            ("7MB", 7_000_000),
            ("7GB", 7_000_000_000),
            ("7TB", 7_000_000_000_000),
        ];
        for (text, bytes) in cases {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        assert_eq!(ByteSize::mib(64).to_string().parse(), Ok(ByteSize::mib(64)));
    }

    #[test]
    fn says_what_is_wrong_with_other_texts() {
        for text in ["", "MiB", "-1", "many"] {
            let parsed = text.parse::<ByteSize>();
            assert!(matches!(parsed, Err(ByteSizeParseError::Number { .. })), "{text}");
        }
        for text in ["1.5 MiB", "3 M", "3 miles"] {
            let parsed = text.parse::<ByteSize>();
            assert!(matches!(parsed, Err(ByteSizeParseError::Unit { .. })), "{text}");
        }
        for text in ["18446744073709551616", "18446744073709551615 KiB"] {
            let parsed = text.parse::<ByteSize>();
            assert!(matches!(parsed, Err(ByteSizeParseError::TooLarge { .. })), "{text}");
        }
    }
}
