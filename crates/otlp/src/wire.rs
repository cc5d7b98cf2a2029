//! The protobuf wire format: reading fields from a slice, appending fields to a vector.
//!
//! Reading is as strict as prost: a varint of more than 64 bits, field number 0, wire types 6 and 7 and
//! unbalanced groups are errors. Unknown fields are returned like known ones; the caller ignores them.

use crate::DecodeError;

/// Groups within groups. No OTLP message has a group, so any limit will do.
const GROUP_NESTING_MAX: u32 = 16;

/// The value of a field, by wire type.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
    /// Already skipped: no known field is a group.
    Group,
}

/// Reads the fields of one message in the order in which they lie.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Name of the message, for errors.
    message: &'static str,
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8], message: &'static str) -> Self {
        Self { rest: bytes, message }
    }

    /// What has not been read yet.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next field's number and value; `None` at the end of the message.
    ///
    /// Always inlined: then the caller's `match` works on the wire type directly and no result is
    /// passed through memory, which makes decoding a third faster.
    #[inline(always)]
    pub(crate) fn next_field(&mut self) -> Result<Option<(u32, Value<'a>)>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (number, wire_type) = self.tag()?;
        let value = match wire_type {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.chunk()?)),
            2 => Value::Bytes(self.bytes()?),
            5 => Value::Fixed32(u32::from_le_bytes(self.chunk()?)),
            _ => self.group(number, wire_type, GROUP_NESTING_MAX)?,
        };
        Ok(Some((number, value)))
    }

    /// The error for a known field of another wire type.
    #[cold]
    pub(crate) fn wrong_wire_type(&self, field: u32) -> DecodeError {
        DecodeError::WrongWireType { message: self.message, field }
    }

    /// Number and wire type.
    #[inline]
    fn tag(&mut self) -> Result<(u32, u32), DecodeError> {
        let tag = u32::try_from(self.varint()?);
        match tag {
            Ok(tag) if tag >= 8 => Ok((tag >> 3, tag & 7)),
            _ => Err(DecodeError::InvalidTag { message: self.message }),
        }
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, DecodeError> {
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

    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for (i, &byte) in self.rest.iter().take(10).enumerate() {
            if i == 9 && byte > 1 {
                return Err(DecodeError::VarintTooLong { message: self.message });
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                self.rest = self.rest.get(i + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(DecodeError::Truncated { message: self.message })
    }

    #[inline]
    fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        match self.rest.split_at_checked(length) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(DecodeError::Truncated { message: self.message }),
        }
    }

    #[inline]
    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((chunk, rest)) => {
                self.rest = rest;
                Ok(*chunk)
            }
            None => Err(DecodeError::Truncated { message: self.message }),
        }
    }

    /// Skips a group whose start tag has been read.
    #[cold]
    fn group(
        &mut self,
        number: u32,
        wire_type: u32,
        levels_left: u32,
    ) -> Result<Value<'a>, DecodeError> {
        match wire_type {
            3 if levels_left == 0 => {
                Err(DecodeError::TooDeep { message: "group", max: GROUP_NESTING_MAX })
            }
            3 => self.group_members(number, levels_left),
            4 => Err(DecodeError::UnmatchedGroupEnd { message: self.message, field: number }),
            _ => Err(DecodeError::InvalidTag { message: self.message }),
        }
    }

    fn group_members(&mut self, number: u32, levels_left: u32) -> Result<Value<'a>, DecodeError> {
        loop {
            match self.tag()? {
                (end, 4) if end == number => return Ok(Value::Group),
                (_, 0) => self.varint().map(drop)?,
                (_, 1) => self.chunk::<8>().map(drop)?,
                (_, 2) => self.bytes().map(drop)?,
                (_, 5) => self.chunk::<4>().map(drop)?,
                (inner, wire_type) => self.group(inner, wire_type, levels_left - 1).map(drop)?,
            }
        }
    }
}

/// Appends a varint.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a varint field.
pub(crate) fn put_varint_field(out: &mut Vec<u8>, number: u32, value: u64) {
    put_varint(out, u64::from(number << 3));
    put_varint(out, value);
}

/// Appends a fixed64 or double field.
pub(crate) fn put_fixed64_field(out: &mut Vec<u8>, number: u32, value: u64) {
    put_varint(out, u64::from(number << 3 | 1));
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a fixed32 field.
pub(crate) fn put_fixed32_field(out: &mut Vec<u8>, number: u32, value: u32) {
    put_varint(out, u64::from(number << 3 | 5));
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a string or bytes field.
pub(crate) fn put_bytes_field(out: &mut Vec<u8>, number: u32, value: &[u8]) {
    put_varint(out, u64::from(number << 3 | 2));
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// Appends a message field whose content `write` appends.
pub(crate) fn put_message_field(out: &mut Vec<u8>, number: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let start = begin_message(out, number);
    write(out);
    end_message(out, start);
}

/// Begins a message field; its content follows. Returns what [`end_message`] needs.
pub(crate) fn begin_message(out: &mut Vec<u8>, number: u32) -> usize {
    put_varint(out, u64::from(number << 3 | 2));
    out.len()
}

/// Puts the length in front of the content, which costs less than computing all lengths beforehand.
pub(crate) fn end_message(out: &mut Vec<u8>, start: usize) {
    let end = out.len();
    put_varint(out, (end - start) as u64);
    let length_bytes = out.len() - end;
    out[start..].rotate_right(length_bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<usize, DecodeError> {
        let mut reader = Reader::new(bytes, "Test");
        let mut count = 0;
        while reader.next_field()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    #[test]
    fn varints_end_at_64_bits() {
        let mut bytes = vec![0x08];
        put_varint(&mut bytes, u64::MAX);
        assert_eq!(bytes.len(), 11);
        assert!(matches!(
            Reader::new(&bytes, "Test").next_field(),
            Ok(Some((1, Value::Varint(u64::MAX))))
        ));
        bytes[10] = 2;
        assert_eq!(fields(&bytes), Err(DecodeError::VarintTooLong { message: "Test" }));
        assert_eq!(fields(&bytes[..10]), Err(DecodeError::Truncated { message: "Test" }));
    }

    #[test]
    fn groups_are_skipped_to_a_bounded_depth() {
        let nested = |depth| [vec![0x0b; depth], vec![0x0c; depth]].concat();
        assert_eq!(fields(&nested(16)), Ok(1));
        assert_eq!(fields(&nested(17)), Err(DecodeError::TooDeep { message: "group", max: 16 }));
        assert_eq!(fields(&[0x0b, 0x08, 0x01, 0x12, 0x00, 0x0c]), Ok(1));
        let unmatched = DecodeError::UnmatchedGroupEnd { message: "Test", field: 2 };
        assert_eq!(fields(&[0x0b, 0x14]), Err(unmatched));
    }

    #[test]
    fn tags_without_a_number_or_type_are_rejected() {
        for bytes in [&[0x00][..], &[0x07], &[0x0e], &[0x0f], &[0xf8, 0xff, 0xff, 0xff, 0x1f, 0]] {
            assert_eq!(
                fields(bytes),
                Err(DecodeError::InvalidTag { message: "Test" }),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn long_messages_get_longer_lengths() {
        let mut bytes = Vec::new();
        put_message_field(&mut bytes, 1, |out| out.extend_from_slice(&[7; 300]));
        let mut reader = Reader::new(&bytes, "Test");
        assert!(matches!(reader.next_field(), Ok(Some((1, Value::Bytes(b)))) if b == [7; 300]));
        assert!(reader.rest().is_empty());
    }
}
