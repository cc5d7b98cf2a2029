//! The reader: one value after the other, in the order in which they lie.

use std::borrow::Cow;

use super::{Kind, Protocol, ThriftError};

/// Values within values that are passed over.
const DEPTH_MAX: u32 = 32;
/// The first two bytes of a message in the binary protocol.
const BINARY_VERSION: u32 = 0x8001_0000;
const VERSION_MASK: u32 = 0xffff_0000;
/// The first byte of a message in the compact protocol, and the version in the second.
const COMPACT_ID: u8 = 0x82;
const COMPACT_VERSION: u8 = 1;

/// Reads values from a slice.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
    protocol: Protocol,
}

/// The head of a field in a struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its number.
    pub id: i16,
    /// Its type.
    pub kind: Kind,
    /// The value, where the head holds it: booleans of the compact protocol.
    flag: Option<bool>,
}

/// The head of a list or set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List {
    /// The type of its elements.
    pub kind: Kind,
    /// How many there are; no more than bytes are left.
    pub len: usize,
}

/// The head of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// The method.
    pub name: Cow<'a, str>,
    /// Call, reply, exception or oneway, as Thrift numbers them.
    pub kind: u8,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`.
    pub fn new(bytes: &'a [u8], protocol: Protocol) -> Self {
        Self { rest: bytes, protocol }
    }

    /// Reads the head of a call; its arguments follow as a struct.
    ///
    /// # Errors
    /// [`ThriftError`] when it is none.
    pub fn message(&mut self) -> Result<Message<'a>, ThriftError> {
        match self.protocol {
            Protocol::Binary => {
                let first = self.fixed_i32()?;
                // Old senders begin with the length of the name, without a version.
                if first >= 0 {
                    let name = self.slice(first.cast_unsigned() as usize)?;
                    let kind = self.byte()?;
                    self.fixed_i32()?;
                    return Ok(Message { name: String::from_utf8_lossy(name), kind });
                }
                if first.cast_unsigned() & VERSION_MASK != BINARY_VERSION {
                    return Err(ThriftError::NoMessage);
                }
                let name = self.text()?;
                self.fixed_i32()?;
                Ok(Message { name, kind: (first & 0xff) as u8 })
            }
            Protocol::Compact => {
                let (id, version) = (self.byte()?, self.byte()?);
                if id != COMPACT_ID || version & 0x1f != COMPACT_VERSION {
                    return Err(ThriftError::NoMessage);
                }
                self.varint()?;
                Ok(Message { name: self.text()?, kind: version >> 5 })
            }
        }
    }

    /// Reads the head of the next field of a struct; `None` at its end. `last` is the id of the field
    /// before, zero at first.
    ///
    /// # Errors
    /// [`ThriftError`] when there is none.
    pub fn field(&mut self, last: &mut i16) -> Result<Option<Field>, ThriftError> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        let field = match self.protocol {
            Protocol::Binary => {
                Field { kind: binary_kind(head)?, id: self.fixed_i16()?, flag: None }
            }
            Protocol::Compact => {
                let code = head & 0x0f;
                let id = match head >> 4 {
                    0 => self.zigzag()? as i16,
                    delta => last.wrapping_add(i16::from(delta)),
                };
                let flag = matches!(code, 1 | 2).then_some(code == 1);
                Field { kind: compact_kind(code)?, id, flag }
            }
        };
        *last = field.id;
        Ok(Some(field))
    }

    /// Reads the value of a field that is a boolean.
    ///
    /// # Errors
    /// [`ThriftError`] when there is none.
    pub fn bool(&mut self, field: Field) -> Result<bool, ThriftError> {
        match field.flag {
            Some(flag) => Ok(flag),
            None => Ok(self.byte()? == 1),
        }
    }

    /// Reads a byte.
    ///
    /// # Errors
    /// [`ThriftError::Truncated`] at the end.
    pub fn byte(&mut self) -> Result<u8, ThriftError> {
        self.slice(1)?.first().copied().ok_or(ThriftError::Truncated)
    }

    /// Reads an integer of 16 bits.
    ///
    /// # Errors
    /// [`ThriftError`] when there is none.
    pub fn i16(&mut self) -> Result<i16, ThriftError> {
        match self.protocol {
            Protocol::Binary => self.fixed_i16(),
            Protocol::Compact => Ok(self.zigzag()? as i16),
        }
    }

    /// Reads an integer of 32 bits.
    ///
    /// # Errors
    /// [`ThriftError`] when there is none.
    pub fn i32(&mut self) -> Result<i32, ThriftError> {
        match self.protocol {
            Protocol::Binary => self.fixed_i32(),
            Protocol::Compact => Ok(self.zigzag()? as i32),
        }
    }

    /// Reads an integer of 64 bits.
    ///
    /// # Errors
    /// [`ThriftError`] when there is none.
    pub fn i64(&mut self) -> Result<i64, ThriftError> {
        match self.protocol {
            Protocol::Binary => Ok(i64::from_be_bytes(self.chunk()?)),
            Protocol::Compact => self.zigzag(),
        }
    }

    /// Reads a floating-point number.
    ///
    /// # Errors
    /// [`ThriftError`] when there is none.
    pub fn double(&mut self) -> Result<f64, ThriftError> {
        match self.protocol {
            Protocol::Binary => Ok(f64::from_be_bytes(self.chunk()?)),
            Protocol::Compact => Ok(f64::from_le_bytes(self.chunk()?)),
        }
    }

    /// Reads bytes.
    ///
    /// # Errors
    /// [`ThriftError`] when there are not so many.
    pub fn bytes(&mut self) -> Result<&'a [u8], ThriftError> {
        let length = self.size()?;
        self.slice(length)
    }

    /// Reads text; what is not UTF-8 becomes U+FFFD.
    ///
    /// # Errors
    /// [`ThriftError`] when there is none.
    pub fn text(&mut self) -> Result<Cow<'a, str>, ThriftError> {
        Ok(String::from_utf8_lossy(self.bytes()?))
    }

    /// Reads the head of a list or set.
    ///
    /// # Errors
    /// [`ThriftError`] when there is none, or when it claims more elements than there are bytes.
    pub fn list(&mut self) -> Result<List, ThriftError> {
        let list = match self.protocol {
            Protocol::Binary => {
                let kind = self.byte()?;
                let len = self.size()?;
                // Some senders write no type for a list without elements.
                let kind = if len == 0 { Kind::Byte } else { binary_kind(kind)? };
                List { kind, len }
            }
            Protocol::Compact => {
                let head = self.byte()?;
                let len = match head >> 4 {
                    15 => self.size()?,
                    short => usize::from(short),
                };
                let kind = if len == 0 { Kind::Byte } else { compact_kind(head & 0x0f)? };
                List { kind, len }
            }
        };
        // No element is shorter than a byte.
        if list.len > self.rest.len() { Err(ThriftError::Truncated) } else { Ok(list) }
    }

    /// Passes over the value of `field`.
    ///
    /// # Errors
    /// [`ThriftError`] when it is damaged.
    pub fn skip(&mut self, field: Field) -> Result<(), ThriftError> {
        match field.flag {
            Some(_) => Ok(()),
            None => self.skip_value(field.kind, DEPTH_MAX),
        }
    }

    /// Passes over an element of a list.
    ///
    /// # Errors
    /// [`ThriftError`] when it is damaged.
    pub fn skip_element(&mut self, kind: Kind) -> Result<(), ThriftError> {
        self.skip_value(kind, DEPTH_MAX)
    }

    fn skip_value(&mut self, kind: Kind, depth: u32) -> Result<(), ThriftError> {
        let depth = depth.checked_sub(1).ok_or(ThriftError::TooDeep)?;
        match kind {
            Kind::Bool | Kind::Byte => self.byte().map(drop),
            Kind::I16 => self.i16().map(drop),
            Kind::I32 => self.i32().map(drop),
            Kind::I64 => self.i64().map(drop),
            Kind::Double => self.double().map(drop),
            Kind::String => self.bytes().map(drop),
            Kind::Uuid => self.slice(16).map(drop),
            Kind::List | Kind::Set => {
                let list = self.list()?;
                for _ in 0..list.len {
                    self.skip_value(list.kind, depth)?;
                }
                Ok(())
            }
            Kind::Map => self.skip_map(depth),
            Kind::Struct => {
                let mut last = 0;
                while let Some(field) = self.field(&mut last)? {
                    if field.flag.is_none() {
                        self.skip_value(field.kind, depth)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn skip_map(&mut self, depth: u32) -> Result<(), ThriftError> {
        let (key, value, len) = match self.protocol {
            Protocol::Binary => {
                let (key, value) = (self.byte()?, self.byte()?);
                let len = self.size()?;
                if len == 0 {
                    return Ok(());
                }
                (binary_kind(key)?, binary_kind(value)?, len)
            }
            Protocol::Compact => {
                let len = self.size()?;
                if len == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                (compact_kind(kinds >> 4)?, compact_kind(kinds & 0x0f)?, len)
            }
        };
        for _ in 0..len {
            self.skip_value(key, depth)?;
            self.skip_value(value, depth)?;
        }
        Ok(())
    }

    /// The length of something.
    fn size(&mut self) -> Result<usize, ThriftError> {
        match self.protocol {
            Protocol::Binary => {
                usize::try_from(self.fixed_i32()?).map_err(|_| ThriftError::NegativeSize)
            }
            Protocol::Compact => {
                let size = self.varint()?;
                let size = i32::try_from(size).map_err(|_| ThriftError::NegativeSize)?;
                usize::try_from(size).map_err(|_| ThriftError::NegativeSize)
            }
        }
    }

    fn fixed_i16(&mut self) -> Result<i16, ThriftError> {
        Ok(i16::from_be_bytes(self.chunk()?))
    }

    fn fixed_i32(&mut self) -> Result<i32, ThriftError> {
        Ok(i32::from_be_bytes(self.chunk()?))
    }

    fn zigzag(&mut self) -> Result<i64, ThriftError> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    fn varint(&mut self) -> Result<u64, ThriftError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ThriftError::VarintTooLong)
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], ThriftError> {
        let (chunk, rest) = self.rest.split_first_chunk().ok_or(ThriftError::Truncated)?;
        self.rest = rest;
        Ok(*chunk)
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], ThriftError> {
        let (slice, rest) = self.rest.split_at_checked(length).ok_or(ThriftError::Truncated)?;
        self.rest = rest;
        Ok(slice)
    }
}

fn binary_kind(code: u8) -> Result<Kind, ThriftError> {
    Ok(match code {
        2 => Kind::Bool,
        3 => Kind::Byte,
        4 => Kind::Double,
        6 => Kind::I16,
        8 => Kind::I32,
        10 => Kind::I64,
        11 => Kind::String,
        12 => Kind::Struct,
        13 => Kind::Map,
        14 => Kind::Set,
        15 => Kind::List,
        16 => Kind::Uuid,
        _ => return Err(ThriftError::UnknownType(code)),
    })
}

fn compact_kind(code: u8) -> Result<Kind, ThriftError> {
    Ok(match code {
        1 | 2 => Kind::Bool,
        3 => Kind::Byte,
        4 => Kind::I16,
        5 => Kind::I32,
        6 => Kind::I64,
        7 => Kind::Double,
        8 => Kind::String,
        9 => Kind::List,
        10 => Kind::Set,
        11 => Kind::Map,
        12 => Kind::Struct,
        13 => Kind::Uuid,
        _ => return Err(ThriftError::UnknownType(code)),
    })
}
