//! The writer: what senders do, for tests of those who read it.

use super::{Kind, Protocol};

/// Writes values into a vector.
#[derive(Debug, Clone)]
pub struct Writer {
    bytes: Vec<u8>,
    protocol: Protocol,
    /// The id of the field before, in the struct that is being written.
    last: i16,
}

impl Writer {
    /// Writes in this protocol.
    pub fn new(protocol: Protocol) -> Self {
        Self { bytes: Vec::new(), protocol, last: 0 }
    }

    /// What has been written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes the head of a call without an answer; its arguments follow with [`Writer::body`].
    pub fn oneway(&mut self, name: &str) {
        match self.protocol {
            Protocol::Binary => {
                self.bytes.extend([0x80, 1, 0, 4]);
                self.length(name.len());
                self.bytes.extend(name.as_bytes());
                self.bytes.extend([0; 4]);
            }
            Protocol::Compact => {
                self.bytes.extend([0x82, 4 << 5 | 1, 0]);
                self.length(name.len());
                self.bytes.extend(name.as_bytes());
            }
        }
    }

    /// Writes a struct that is no field, by its fields.
    pub fn body(&mut self, fields: impl FnOnce(&mut Self)) {
        let outer = std::mem::take(&mut self.last);
        fields(self);
        self.bytes.push(0);
        self.last = outer;
    }

    /// Writes a field that is a struct.
    pub fn structure(&mut self, id: i16, fields: impl FnOnce(&mut Self)) {
        self.head(id, Kind::Struct);
        self.body(fields);
    }

    /// Writes a field that is a list of structs.
    pub fn list<T>(&mut self, id: i16, items: &[T], fields: impl Fn(&mut Self, &T)) {
        self.head(id, Kind::List);
        self.bare_list(items, fields);
    }

    /// Writes a list of structs that is no field.
    pub fn bare_list<T>(&mut self, items: &[T], fields: impl Fn(&mut Self, &T)) {
        let code = code_of(self.protocol, Kind::Struct);
        match self.protocol {
            Protocol::Binary => {
                self.bytes.push(code);
                self.length(items.len());
            }
            Protocol::Compact if items.len() < 15 => {
                self.bytes.push((items.len() as u8) << 4 | code);
            }
            Protocol::Compact => {
                self.bytes.push(15 << 4 | code);
                self.length(items.len());
            }
        }
        for item in items {
            self.body(|writer| fields(writer, item));
        }
    }

    /// Writes a field that is a boolean.
    pub fn bool(&mut self, id: i16, value: bool) {
        match self.protocol {
            Protocol::Binary => {
                self.head(id, Kind::Bool);
                self.bytes.push(value.into());
            }
            Protocol::Compact => self.compact_head(id, if value { 1 } else { 2 }),
        }
    }

    /// Writes a field that is an integer of 16 bits.
    pub fn i16(&mut self, id: i16, value: i16) {
        self.head(id, Kind::I16);
        match self.protocol {
            Protocol::Binary => self.bytes.extend(value.to_be_bytes()),
            Protocol::Compact => self.zigzag(value.into()),
        }
    }

    /// Writes a field that is an integer of 32 bits.
    pub fn i32(&mut self, id: i16, value: i32) {
        self.head(id, Kind::I32);
        match self.protocol {
            Protocol::Binary => self.bytes.extend(value.to_be_bytes()),
            Protocol::Compact => self.zigzag(value.into()),
        }
    }

    /// Writes a field that is an integer of 64 bits.
    pub fn i64(&mut self, id: i16, value: i64) {
        self.head(id, Kind::I64);
        match self.protocol {
            Protocol::Binary => self.bytes.extend(value.to_be_bytes()),
            Protocol::Compact => self.zigzag(value),
        }
    }

    /// Writes a field that is a floating-point number.
    pub fn double(&mut self, id: i16, value: f64) {
        self.head(id, Kind::Double);
        match self.protocol {
            Protocol::Binary => self.bytes.extend(value.to_be_bytes()),
            Protocol::Compact => self.bytes.extend(value.to_le_bytes()),
        }
    }

    /// Writes a field that is text or bytes.
    pub fn bytes(&mut self, id: i16, value: impl AsRef<[u8]>) {
        self.head(id, Kind::String);
        self.length(value.as_ref().len());
        self.bytes.extend(value.as_ref());
    }

    fn head(&mut self, id: i16, kind: Kind) {
        let code = code_of(self.protocol, kind);
        match self.protocol {
            Protocol::Binary => {
                self.bytes.push(code);
                self.bytes.extend(id.to_be_bytes());
            }
            Protocol::Compact => self.compact_head(id, code),
        }
    }

    fn compact_head(&mut self, id: i16, code: u8) {
        match id.wrapping_sub(self.last) {
            delta @ 1..=15 => self.bytes.push((delta as u8) << 4 | code),
            _ => {
                self.bytes.push(code);
                self.zigzag(id.into());
            }
        }
        self.last = id;
    }

    /// Lengths fit into 32 bits wherever Thrift is used.
    fn length(&mut self, length: usize) {
        match self.protocol {
            Protocol::Binary => self.bytes.extend((length as u32).to_be_bytes()),
            Protocol::Compact => self.varint(length as u64),
        }
    }

    fn zigzag(&mut self, value: i64) {
        self.varint((value << 1 ^ value >> 63).cast_unsigned());
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

fn code_of(protocol: Protocol, kind: Kind) -> u8 {
    let (binary, compact) = match kind {
        Kind::Bool => (2, 1),
        Kind::Byte => (3, 3),
        Kind::I16 => (6, 4),
        Kind::I32 => (8, 5),
        Kind::I64 => (10, 6),
        Kind::Double => (4, 7),
        Kind::String => (11, 8),
        Kind::Struct => (12, 12),
        Kind::Map => (13, 11),
        Kind::Set => (14, 10),
        Kind::List => (15, 9),
        Kind::Uuid => (16, 13),
    };
    match protocol {
        Protocol::Binary => binary,
        Protocol::Compact => compact,
    }
}
