//! The protobuf wire format: reading fields from a slice, appending fields to a vector.
//!
//! This is the one reader of wire bytes: decoding, views, processors, exporters and tail sampling stand on it.
//! Reading is as strict as prost: a varint of more than 64 bits, field number 0, wire types 6 and 7 and
//! unbalanced groups are errors. Unknown fields are returned like known ones; the caller ignores them, or copies
//! the bytes from which they were read ([`Reader::next_raw`]).
//!
//! # Invariants
//! - A length is checked before it is used; nothing is allocated to read.
//! - A message ends at its first damaged field; what came before it was read.

mod write;

use crate::DecodeError;

pub use write::{
    Open, begin, end, field_len, put_bytes_field, put_fixed32_field, put_fixed64_field, put_header,
    put_message_field, put_varint, put_varint_field,
};

/// Groups within groups. No OTLP message has a group, so any limit will do.
const GROUP_NESTING_MAX: u32 = 16;

/// The value of a field, by wire type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Integers, truth values and enumerations.
    Varint(u64),
    /// Times and doubles.
    Fixed64(u64),
    /// Texts, bytes and messages.
    Bytes(&'a [u8]),
    /// Flags.
    Fixed32(u32),
    /// Already skipped: no known field is a group.
    Group,
}

/// A field of a message with the bytes that it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its number.
    pub number: u32,
    /// Its value.
    pub value: Value<'a>,
    /// The whole field: tag, length and content.
    pub raw: &'a [u8],
}

impl<'a> Field<'a> {
    /// The content when this is the message, text or bytes with that number.
    #[inline]
    pub fn message(&self, number: u32) -> Option<&'a [u8]> {
        match self.value {
            Value::Bytes(bytes) if self.number == number => Some(bytes),
            _ => None,
        }
    }
}

/// Reads the fields of one message in the order in which they lie.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// Name of the message, for errors.
    message: &'static str,
}

impl<'a> Reader<'a> {
    /// The fields of `bytes`; `message` is the name of the message, for errors.
    #[inline]
    pub fn new(bytes: &'a [u8], message: &'static str) -> Self {
        Self { rest: bytes, message }
    }

    /// What has not been read yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next field's number and value; `None` at the end of the message.
    ///
    /// Always inlined: then the caller's `match` works on the wire type directly and no result is
    /// passed through memory, which makes decoding a third faster.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no field.
    #[inline(always)]
    pub fn next_field(&mut self) -> Result<Option<(u32, Value<'a>)>, DecodeError> {
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

    /// The next field with the bytes that it was read from; `None` at the end of the message.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no field.
    #[inline(always)]
    pub fn next_raw(&mut self) -> Result<Option<Field<'a>>, DecodeError> {
        let before = self.rest;
        let Some((number, value)) = self.next_field()? else { return Ok(None) };
        let n_bytes = before.len() - self.rest.len();
        Ok(Some(Field { number, value, raw: before.get(..n_bytes).unwrap_or_default() }))
    }

    /// The next field that is a message, text or bytes with that number.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes up to there are no fields.
    #[inline(always)]
    pub fn next_message(&mut self, number: u32) -> Result<Option<&'a [u8]>, DecodeError> {
        while let Some(field) = self.next_field()? {
            match field {
                (found, Value::Bytes(bytes)) if found == number => return Ok(Some(bytes)),
                _ => {}
            }
        }
        Ok(None)
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

#[cfg(test)]
mod tests;
