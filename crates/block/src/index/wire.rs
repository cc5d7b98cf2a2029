//! Bytes of a section, in and out: fixed-width little-endian integers, LEB128 varints, texts.
//!
//! Reading trusts nothing: every length is compared with the bytes that are left before anything is
//! allocated, and a varint that is longer than its type is an error.

use super::{IndexError, Section};

/// Appends `value` as a LEB128 varint, 1 to 10 bytes.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends `value` so that numbers near zero of either sign are short.
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// Appends the length of `text` in bytes as a varint, then its bytes.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Appends how many of something follow.
pub(super) fn put_count(out: &mut Vec<u8>, count: usize) {
    put_varint(out, count as u64);
}

/// Reads a section from front to back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    section: Section,
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Reads `bytes`, which are the content of `section`.
    pub(super) fn new(section: Section, bytes: &'a [u8]) -> Self {
        Self { section, rest: bytes }
    }

    /// The error that says what is wrong with this section.
    pub(super) fn corrupt(&self, reason: &'static str) -> IndexError {
        IndexError::Corrupt { section: self.section, reason }
    }

    /// The next `length` bytes.
    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], IndexError> {
        let Some((head, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.corrupt("ends early"));
        };
        self.rest = rest;
        Ok(head)
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], IndexError> {
        let Some((head, rest)) = self.rest.split_first_chunk() else {
            return Err(self.corrupt("ends early"));
        };
        self.rest = rest;
        Ok(*head)
    }

    /// One byte.
    pub(super) fn u8(&mut self) -> Result<u8, IndexError> {
        self.array().map(|[byte]| byte)
    }

    /// A truth value: one byte, 0 or 1.
    pub(super) fn bool(&mut self) -> Result<bool, IndexError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.corrupt("truth value is neither 0 nor 1")),
        }
    }

    /// A float, 8 bytes.
    pub(super) fn f64(&mut self) -> Result<f64, IndexError> {
        self.array().map(f64::from_le_bytes)
    }

    /// A varint.
    pub(super) fn varint(&mut self) -> Result<u64, IndexError> {
        let mut value = 0u64;
        for (i, &byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                if i == 9 && byte > 1 {
                    break;
                }
                self.rest = self.rest.get(i + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        let cut = self.rest.len() < 10;
        Err(self.corrupt(if cut { "ends early" } else { "varint is longer than 64 bits" }))
    }

    /// A varint that is at most `u32::MAX`.
    pub(super) fn varint_u32(&mut self) -> Result<u32, IndexError> {
        let value = self.varint()?;
        u32::try_from(value).map_err(|_| self.corrupt("number is above 32 bits"))
    }

    /// A zigzag varint.
    pub(super) fn signed(&mut self) -> Result<i64, IndexError> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// How many elements of at least `bytes_each` bytes follow; so many bytes are there.
    pub(super) fn count(&mut self, bytes_each: usize) -> Result<usize, IndexError> {
        let count = self.varint()?;
        match usize::try_from(count) {
            Ok(count) if count <= self.rest.len() / bytes_each => Ok(count),
            _ => Err(self.corrupt("count is above the bytes that are left")),
        }
    }

    /// A text: its length in bytes, its bytes.
    pub(super) fn text(&mut self) -> Result<&'a str, IndexError> {
        let length = self.count(1)?;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| self.corrupt("text is not UTF-8"))
    }

    /// Reads `count` elements with `read`. The caller has compared `count` with the bytes left.
    pub(super) fn column<T>(
        &mut self,
        count: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, IndexError>,
    ) -> Result<Vec<T>, IndexError> {
        let mut column = Vec::with_capacity(count);
        for _ in 0..count {
            column.push(read(self)?);
        }
        Ok(column)
    }

    /// Ends reading; bytes that are left are an error.
    pub(super) fn finish(self) -> Result<(), IndexError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.corrupt("bytes after the end")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_at_the_edges_come_back() {
        let mut out = Vec::new();
        for value in [0, 1, 127, 128, u64::from(u32::MAX), u64::MAX] {
            put_varint(&mut out, value);
        }
        for value in [0, -1, 1, i64::MIN, i64::MAX] {
            put_signed(&mut out, value);
        }
        let mut cursor = Cursor::new(Section::Facts, &out);
        for value in [0, 1, 127, 128, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(cursor.varint(), Ok(value));
        }
        for value in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(cursor.signed(), Ok(value));
        }
        assert_eq!(cursor.finish(), Ok(()));
    }

    #[test]
    fn bad_bytes_say_what_is_wrong() {
        let corrupt = |reason| IndexError::Corrupt { section: Section::Facts, reason };
        let cursor = |bytes| Cursor::new(Section::Facts, bytes);
        let too_long = [[0xff; 9].as_slice(), &[2]].concat();
        assert_eq!(cursor(&too_long).varint(), Err(corrupt("varint is longer than 64 bits")));
        assert_eq!(cursor(&[0x80]).varint(), Err(corrupt("ends early")));
        assert_eq!(
            cursor(&[3, 0, 0, 0, 0, 0]).count(2),
            Err(corrupt("count is above the bytes that are left"))
        );
        assert_eq!(cursor(&[1, 0xff]).text(), Err(corrupt("text is not UTF-8")));
        assert_eq!(cursor(&[2]).bool(), Err(corrupt("truth value is neither 0 nor 1")));
        assert_eq!(cursor(&[0]).finish(), Err(corrupt("bytes after the end")));
    }
}
