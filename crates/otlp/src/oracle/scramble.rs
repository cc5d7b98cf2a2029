//! The same message as another sender could have written it, and as a broken wire could have.

use crate::wire::{
    Reader, Value, put_bytes_field, put_fixed32_field, put_fixed64_field, put_varint_field,
};

/// Deterministic random numbers (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) % end.max(1) as u64) as usize
    }
}

/// A message type, as far as its fields are messages themselves.
#[derive(Clone, Copy)]
pub(crate) enum Message {
    Request,
    ResourceSpans,
    Resource,
    ScopeSpans,
    Scope,
    Span,
    Event,
    Link,
    KeyValue,
    AnyValue,
    ArrayValue,
    KeyValueList,
    Leaf,
}

impl Message {
    fn of_field(self, number: u32) -> Option<Self> {
        Some(match (self, number) {
            (Self::Request, 1) => Self::ResourceSpans,
            (Self::ResourceSpans, 1) => Self::Resource,
            (Self::ResourceSpans, 2) => Self::ScopeSpans,
            (Self::ScopeSpans, 1) => Self::Scope,
            (Self::ScopeSpans, 2) => Self::Span,
            (Self::Span, 9) | (Self::Resource | Self::KeyValueList, 1) => Self::KeyValue,
            (Self::Scope | Self::Event, 3) | (Self::Link, 4) => Self::KeyValue,
            (Self::Span, 11) => Self::Event,
            (Self::Span, 13) => Self::Link,
            (Self::Span, 15) | (Self::Resource, 3) => Self::Leaf,
            (Self::KeyValue, 2) | (Self::ArrayValue, 1) => Self::AnyValue,
            (Self::AnyValue, 5) => Self::ArrayValue,
            (Self::AnyValue, 6) => Self::KeyValueList,
            _ => return None,
        })
    }
}

/// Shuffles and repeats fields at all levels and splices in fields that nobody knows.
pub(crate) fn scramble(bytes: &[u8], message: Message, random: &mut Random) -> Vec<u8> {
    let mut fields = Vec::new();
    let mut reader = Reader::new(bytes, "Test");
    while let Some((number, value)) = reader.next_field().unwrap() {
        let times = if random.below(8) == 0 { 2 } else { 1 };
        for _ in 0..times {
            let mut field = Vec::new();
            match value {
                Value::Varint(v) => put_varint_field(&mut field, number, v),
                Value::Fixed64(v) => put_fixed64_field(&mut field, number, v),
                Value::Fixed32(v) => put_fixed32_field(&mut field, number, v),
                Value::Bytes(v) => match message.of_field(number) {
                    Some(inner) => put_bytes_field(&mut field, number, &scramble(v, inner, random)),
                    None => put_bytes_field(&mut field, number, v),
                },
                Value::Group => unreachable!("prost writes no groups"),
            }
            fields.push(field);
        }
    }
    if random.below(6) == 0 {
        fields.push(unknown_field(random));
    }
    if random.below(3) == 0 {
        for i in (1..fields.len()).rev() {
            fields.swap(i, random.below(i + 1));
        }
    }
    fields.concat()
}

fn unknown_field(random: &mut Random) -> Vec<u8> {
    let mut field = Vec::new();
    let number = [17, 100, 1000, (1 << 29) - 1][random.below(4)];
    match random.below(5) {
        0 => put_varint_field(&mut field, number, u64::MAX),
        1 => put_fixed64_field(&mut field, number, 1),
        2 => put_fixed32_field(&mut field, number, 1),
        3 => put_bytes_field(&mut field, number, b"\xff\xff"),
        // A group of field 20 that holds a varint and a group of field 1.
        _ => field.extend_from_slice(&[0xa3, 0x01, 0x10, 0x05, 0x0b, 0x0c, 0xa4, 0x01]),
    }
    field
}

/// Flips some bits, cuts or doubles a part.
pub(crate) fn corrupt(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    match random.below(4) {
        0 => bytes.truncate(random.below(bytes.len())),
        1 => {
            let start = random.below(bytes.len());
            let end = start + random.below(bytes.len() - start);
            bytes.drain(start..end);
        }
        flips => {
            for _ in 0..flips {
                let i = random.below(bytes.len());
                bytes[i] ^= 1 << random.below(8);
            }
        }
    }
}
