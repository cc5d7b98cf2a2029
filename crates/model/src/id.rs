//! Trace and span identifiers: fixed-size, big-endian byte strings as W3C Trace Context defines them.

use std::fmt;

/// A 16-byte trace id. All zeros is invalid in OTLP and W3C Trace Context.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TraceId(pub [u8; 16]);

/// An 8-byte span id. All zeros means "no span", as in the parent of a root.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SpanId(pub [u8; 8]);

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty.
    #[error("id is empty")]
    Empty,
    /// The text has more hex digits than the id has.
    #[error("id has more than {max} hex digits")]
    TooLong {
        /// How many digits are allowed.
        max: usize,
    },
    /// A character is not a hex digit.
    #[error(
        "ids can only contain hex characters: invalid character {found:?} at position {position}"
    )]
    NotHex {
        /// The character that was found.
        found: char,
        /// Its position, counted in characters from 1.
        position: usize,
    },
}

impl TraceId {
    /// Reads 1 to 32 hex digits of either case; fewer than 32 are padded with zeros on the left.
    ///
    /// # Errors
    /// See [`IdError`].
    pub fn from_hex(text: &str) -> Result<Self, IdError> {
        parse_hex(text).map(Self)
    }

    /// Whether every byte is zero.
    pub fn is_zero(self) -> bool {
        self.0 == [0; 16]
    }
}

impl SpanId {
    /// Reads 1 to 16 hex digits of either case; fewer than 16 are padded with zeros on the left.
    ///
    /// # Errors
    /// See [`IdError`].
    pub fn from_hex(text: &str) -> Result<Self, IdError> {
        parse_hex(text).map(Self)
    }

    /// Whether every byte is zero.
    pub fn is_zero(self) -> bool {
        self.0 == [0; 8]
    }
}

fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    for (i, found) in text.chars().enumerate() {
        if !found.is_ascii_hexdigit() {
            return Err(IdError::NotHex { found, position: i + 1 });
        }
    }
    if text.len() > 2 * N {
        return Err(IdError::TooLong { max: 2 * N });
    }
    let mut bytes = [0; N];
    for (i, digit) in text.bytes().rev().enumerate() {
        let nibble = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => digit - b'A' + 10,
        };
        bytes[N - 1 - i / 2] |= nibble << (4 * (i % 2));
    }
    Ok(bytes)
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_hex_is_padded_on_the_left() {
        assert_eq!(TraceId::from_hex("1Af").unwrap().to_string(), format!("{:0>32}", "1af"));
        assert_eq!(SpanId::from_hex("ff").unwrap().0, [0, 0, 0, 0, 0, 0, 0, 255]);
    }

    #[test]
    fn bad_ids_say_what_is_wrong() {
        assert_eq!(TraceId::from_hex(""), Err(IdError::Empty));
        assert_eq!(TraceId::from_hex(&"0".repeat(33)), Err(IdError::TooLong { max: 32 }));
        assert_eq!(TraceId::from_hex("12x"), Err(IdError::NotHex { found: 'x', position: 3 }));
        assert_eq!(
            SpanId::from_hex("\u{e9}1"),
            Err(IdError::NotHex { found: '\u{e9}', position: 1 })
        );
    }
}
