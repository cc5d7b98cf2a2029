//! Protobuf fields with the bytes that they were read from, so that what is not understood can be copied.
//!
//! Everything here was written by a stranger: lengths are checked before they are used, and groups, which OTLP does
//! not have, are errors.

/// Bytes that are not the protobuf message they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed {message}")]
pub(crate) struct Malformed {
    /// The OTLP message in which the fault lies.
    pub(crate) message: &'static str,
}

/// The value of a field, by wire type.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    /// Integers, truth values and enumerations.
    Varint(u64),
    /// Times and doubles.
    Fixed64(u64),
    /// Texts, bytes and messages.
    Bytes(&'a [u8]),
    /// Flags.
    Fixed32(u32),
}

/// A field of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) value: Value<'a>,
    /// The whole field: tag, length and content.
    pub(crate) raw: &'a [u8],
}

/// Reads the fields of one message in the order in which they lie.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    message: &'static str,
}

impl<'a> Fields<'a> {
    /// The fields of `bytes`; `message` is its name, for errors.
    #[inline]
    pub(crate) fn of(bytes: &'a [u8], message: &'static str) -> Self {
        Self { rest: bytes, message }
    }

    /// The next field; `None` at the end of the message.
    ///
    /// Always inlined, so that the caller's `match` works on the wire type directly.
    #[inline(always)]
    pub(crate) fn next_field(&mut self) -> Result<Option<Field<'a>>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let before = self.rest;
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| self.malformed())?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.chunk()?)),
            2 => Value::Bytes(self.bytes()?),
            5 => Value::Fixed32(u32::from_le_bytes(self.chunk()?)),
            _ => return Err(self.malformed()),
        };
        if number == 0 {
            return Err(self.malformed());
        }
        let n_bytes = before.len() - self.rest.len();
        Ok(Some(Field { number, value, raw: before.get(..n_bytes).unwrap_or_default() }))
    }

    #[cold]
    fn malformed(&self) -> Malformed {
        Malformed { message: self.message }
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Malformed> {
        match *self.rest {
            [byte, ref rest @ ..] if byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            [low, high, ref rest @ ..] if high < 0x80 => {
                self.rest = rest;
                Ok(u64::from(low & 0x7f) | u64::from(high) << 7)
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for (i, &byte) in self.rest.iter().take(10).enumerate() {
            if i == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                self.rest = self.rest.get(i + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(self.malformed())
    }

    #[inline]
    fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.malformed());
        };
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let Some((chunk, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.malformed());
        };
        self.rest = rest;
        Ok(*chunk)
    }
}

/// Visits the messages in the field `number` of a message that may be damaged: then those before the fault.
#[inline]
pub(crate) fn each_message<'a>(bytes: &'a [u8], number: u32, mut visit: impl FnMut(&'a [u8])) {
    let mut fields = Fields::of(bytes, "message");
    while let Ok(Some(field)) = fields.next_field() {
        if let (true, Value::Bytes(message)) = (field.number == number, field.value) {
            visit(message);
        }
    }
}

/// Appends the tag and the length of a field of `length` bytes.
pub(crate) fn put_header(out: &mut Vec<u8>, number: u32, length: usize) {
    put_varint(out, u64::from(number << 3 | 2));
    put_varint(out, length as u64);
}

/// Appends a varint.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Bytes of a field with a one-byte tag and `length` bytes of content.
pub(crate) fn field_len(length: usize) -> usize {
    let significant_bits = usize::BITS - (length | 1).leading_zeros();
    1 + significant_bits.div_ceil(7) as usize + length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_that_are_written() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152] {
            let mut out = Vec::new();
            put_header(&mut out, 1, length);
            assert_eq!(out.len() + length, field_len(length), "{length}");
        }
    }

    #[test]
    fn fields_keep_the_bytes_they_came_from() {
        let bytes = [0x08, 0x96, 0x01, 0x12, 0x02, 7, 8, 0x1d, 1, 0, 0, 0];
        let mut fields = Fields::of(&bytes, "Test");
        let mut raw = Vec::new();
        while let Some(field) = fields.next_field().unwrap() {
            raw.push((field.number, field.raw));
        }
        assert_eq!(raw, [(1, &bytes[..3]), (2, &bytes[3..7]), (3, &bytes[7..])]);
    }

    #[test]
    fn what_is_no_field_is_refused() {
        for bytes in [&[0x08][..], &[0x0a, 2, 1], &[0x0b], &[0x0c], &[0x07], &[0xff; 11], &[0, 1]] {
            let mut fields = Fields::of(bytes, "Test");
            assert_eq!(
                fields.next_field().unwrap_err(),
                Malformed { message: "Test" },
                "{bytes:?}"
            );
        }
    }
}
