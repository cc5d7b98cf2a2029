//! Reading msgpack in place.
//!
//! A list or a map is not longer than the bytes that are left, and nothing here recurses.

use std::borrow::Cow;

use crate::DatadogError;

/// The rest of the bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

/// What a value begins with: a value without contents, or how many contents follow.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Head<'a> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a [u8]),
    Other,
    Array(usize),
    Map(usize),
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// How many values a list has; none for nil.
    pub(crate) fn array(&mut self) -> Result<usize, DatadogError> {
        let before = *self;
        match self.head()? {
            Head::Array(length) => Ok(length),
            Head::Nil => Ok(0),
            _ => Err(before.unexpected("a list")),
        }
    }

    /// How many pairs a map has; none for nil.
    pub(crate) fn map(&mut self) -> Result<usize, DatadogError> {
        let before = *self;
        match self.head()? {
            Head::Map(length) => Ok(length),
            Head::Nil => Ok(0),
            _ => Err(before.unexpected("a map")),
        }
    }

    /// A text that must be there, such as a key.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, DatadogError> {
        let before = *self;
        match self.head()? {
            Head::Text(text) => Ok(String::from_utf8_lossy(text)),
            _ => Err(before.unexpected("a text")),
        }
    }

    /// The next value as a text; empty, and skipped, when it is none.
    pub(crate) fn text_or_empty(&mut self) -> Result<Cow<'a, str>, DatadogError> {
        let before = *self;
        match self.head()? {
            Head::Text(text) => Ok(String::from_utf8_lossy(text)),
            _ => self.skip_from(before).map(|()| Cow::Borrowed("")),
        }
    }

    /// The next value as a whole number, of either sign in 64 bits; 0, and skipped, when it is none.
    pub(crate) fn bits(&mut self) -> Result<u64, DatadogError> {
        let before = *self;
        match self.head()? {
            Head::Unsigned(number) => Ok(number),
            Head::Signed(number) => Ok(number.cast_unsigned()),
            // Towards zero, and to the nearest that there is.
            Head::Float(number) => Ok(number as u64),
            Head::Bool(value) => Ok(u64::from(value)),
            _ => self.skip_from(before).map(|()| 0),
        }
    }

    /// The next value as a number; `None`, and skipped, when it is none.
    pub(crate) fn number(&mut self) -> Result<Option<f64>, DatadogError> {
        let before = *self;
        match self.head()? {
            Head::Unsigned(number) => Ok(Some(number as f64)),
            Head::Signed(number) => Ok(Some(number as f64)),
            Head::Float(number) => Ok(Some(number)),
            _ => self.skip_from(before).map(|()| None),
        }
    }

    /// Goes past a value, whatever it is.
    pub(crate) fn skip(&mut self) -> Result<(), DatadogError> {
        let mut left = 1_usize;
        while left > 0 {
            left -= 1;
            // Each value within takes a byte, so the sum is bounded by the bytes that there are.
            left = left.saturating_add(match self.head()? {
                Head::Array(length) => length,
                Head::Map(length) => length.saturating_mul(2),
                _ => 0,
            });
        }
        Ok(())
    }

    fn skip_from(&mut self, before: Self) -> Result<(), DatadogError> {
        *self = before;
        self.skip()
    }

    fn unexpected(&self, expected: &'static str) -> DatadogError {
        match self.0.first() {
            Some(found) => DatadogError::Type { expected, found: *found },
            None => DatadogError::Truncated,
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DatadogError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(DatadogError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DatadogError> {
        let bytes = self.take(N)?;
        <[u8; N]>::try_from(bytes).map_err(|_never| DatadogError::Truncated)
    }

    /// A length of one, two or four bytes: the exponent is 0, 1 or 2.
    fn length(&mut self, exponent: u8) -> Result<usize, DatadogError> {
        let length = match exponent {
            0 => u32::from(u8::from_be_bytes(self.fixed()?)),
            1 => u32::from(u16::from_be_bytes(self.fixed()?)),
            _ => u32::from_be_bytes(self.fixed()?),
        };
        usize::try_from(length).map_err(|_never| DatadogError::Truncated)
    }

    fn head(&mut self) -> Result<Head<'a>, DatadogError> {
        let [first] = self.fixed::<1>()?;
        Ok(match first {
            0x00..=0x7f => Head::Unsigned(u64::from(first)),
            0x80..=0x8f => self.map_of(usize::from(first & 0x0f))?,
            0x90..=0x9f => self.array_of(usize::from(first & 0x0f))?,
            0xa0..=0xbf => Head::Text(self.take(usize::from(first & 0x1f))?),
            0xc0 => Head::Nil,
            0xc1 => return Err(DatadogError::Type { expected: "a value", found: first }),
            0xc2 | 0xc3 => Head::Bool(first == 0xc3),
            0xc4..=0xc6 => {
                let length = self.length(first - 0xc4)?;
                self.other(length)?
            }
            0xc7..=0xc9 => {
                let length = self.length(first - 0xc7)?;
                self.other(length.saturating_add(1))?
            }
            0xca => Head::Float(f64::from(f32::from_be_bytes(self.fixed()?))),
            0xcb => Head::Float(f64::from_be_bytes(self.fixed()?)),
            0xcc => Head::Unsigned(u64::from(u8::from_be_bytes(self.fixed()?))),
            0xcd => Head::Unsigned(u64::from(u16::from_be_bytes(self.fixed()?))),
            0xce => Head::Unsigned(u64::from(u32::from_be_bytes(self.fixed()?))),
            0xcf => Head::Unsigned(u64::from_be_bytes(self.fixed()?)),
            0xd0 => Head::Signed(i64::from(i8::from_be_bytes(self.fixed()?))),
            0xd1 => Head::Signed(i64::from(i16::from_be_bytes(self.fixed()?))),
            0xd2 => Head::Signed(i64::from(i32::from_be_bytes(self.fixed()?))),
            0xd3 => Head::Signed(i64::from_be_bytes(self.fixed()?)),
            0xd4..=0xd8 => self.other(1 + (1_usize << (first - 0xd4)))?,
            0xd9..=0xdb => {
                let length = self.length(first - 0xd9)?;
                Head::Text(self.take(length)?)
            }
            0xdc | 0xdd => {
                let length = self.length(first - 0xdc + 1)?;
                self.array_of(length)?
            }
            0xde | 0xdf => {
                let length = self.length(first - 0xde + 1)?;
                self.map_of(length)?
            }
            0xe0..=0xff => Head::Signed(i64::from(first.cast_signed())),
        })
    }

    fn other(&mut self, length: usize) -> Result<Head<'a>, DatadogError> {
        self.take(length)?;
        Ok(Head::Other)
    }

    fn array_of(&self, length: usize) -> Result<Head<'a>, DatadogError> {
        if length > self.0.len() { Err(DatadogError::Truncated) } else { Ok(Head::Array(length)) }
    }

    fn map_of(&self, length: usize) -> Result<Head<'a>, DatadogError> {
        if length > self.0.len() / 2 { Err(DatadogError::Truncated) } else { Ok(Head::Map(length)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_width() {
        let cases: [(&[u8], u64, f64); 10] = [
            (b"\x7f", 127, 127.0),
            (b"\xff", u64::MAX, -1.0),
            (b"\xcc\x80", 128, 128.0),
            (b"\xcd\x01\x00", 256, 256.0),
            (b"\xce\x00\x01\x00\x00", 65536, 65536.0),
            (b"\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 1 << 32, 4_294_967_296.0),
            (b"\xd0\x80", (-128_i64).cast_unsigned(), -128.0),
            (b"\xd3\xff\xff\xff\xff\xff\xff\xff\xfe", u64::MAX - 1, -2.0),
            (b"\xca\x3f\xc0\x00\x00", 1, 1.5),
            (b"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", 1, 1.5),
        ];
        for (bytes, bits, number) in cases {
            assert_eq!(Reader::new(bytes).bits(), Ok(bits), "{bytes:02x?}");
            assert_eq!(Reader::new(bytes).number(), Ok(Some(number)), "{bytes:02x?}");
        }
    }

    #[test]
    fn what_has_another_type_is_skipped() {
        // A map with a list, a binary and an extension in it, and a text behind.
        let bytes = b"\x81\xa1a\x93\xc4\x01x\xd4\x01x\xc0\xa1b";
        for n_values in 0..3 {
            let mut reader = Reader::new(bytes);
            match n_values {
                0 => assert_eq!(reader.bits(), Ok(0)),
                1 => assert_eq!(reader.number(), Ok(None)),
                _ => assert_eq!(reader.text_or_empty(), Ok(Cow::Borrowed(""))),
            }
            assert_eq!(reader.text(), Ok(Cow::Borrowed("b")));
            assert_eq!(reader.skip(), Err(DatadogError::Truncated));
        }
        let expected = DatadogError::Type { expected: "a list", found: 0x81 };
        assert_eq!(Reader::new(bytes).array(), Err(expected));
    }

    #[test]
    fn lengths_are_held_against_what_there_is() {
        let cases: [&[u8]; 8] = [
            b"",
            b"\xdd\xff\xff\xff\xff",
            b"\xdf\xff\xff\xff\xff\x00",
            b"\x92\x00",
            b"\x81\x00",
            b"\xdb\xff\xff\xff\xff",
            b"\xc6\xff\xff\xff\xff",
            b"\xc9\xff\xff\xff\xff\x01",
        ];
        for bytes in cases {
            assert_eq!(Reader::new(bytes).skip(), Err(DatadogError::Truncated), "{bytes:02x?}");
        }
        // As deep as it is long.
        let deep = vec![0x91; 1 << 20];
        assert_eq!(Reader::new(&deep).skip(), Err(DatadogError::Truncated));
    }
}
