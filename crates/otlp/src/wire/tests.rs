//! The reader by hand-made bytes, and against prost.

use proptest::prelude::*;
use prost::Message as _;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use super::*;
use crate::oracle::scramble::{Random, corrupt};
use crate::oracle::{arbitrary, proptest_config};

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
        assert_eq!(fields(bytes), Err(DecodeError::InvalidTag { message: "Test" }), "{bytes:?}");
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

#[test]
fn fields_keep_the_bytes_they_came_from() {
    let bytes = [0x08, 0x96, 0x01, 0x12, 0x02, 7, 8, 0x1d, 1, 0, 0, 0, 0x23, 0x24];
    let mut reader = Reader::new(&bytes, "Test");
    let mut raw = Vec::new();
    while let Some(field) = reader.next_raw().unwrap() {
        assert_eq!(field.message(2), (field.number == 2).then_some(&[7, 8][..]));
        raw.push((field.number, field.raw));
    }
    assert_eq!(raw, [(1, &bytes[..3]), (2, &bytes[3..7]), (3, &bytes[7..12]), (4, &bytes[12..])]);
}

/// Number, wire type and bytes of each field as prost sees them, and whether it has seen all of the message.
fn fields_by_prost(bytes: &[u8]) -> (Vec<(u32, &[u8])>, bool) {
    let mut fields = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let before = rest;
        let Ok((number, wire_type)) = decode_key(&mut rest) else { return (fields, false) };
        let skipped = match wire_type {
            WireType::LengthDelimited => {
                let length = decode_varint(&mut rest).ok().and_then(|n| usize::try_from(n).ok());
                length.and_then(|n| rest.split_at_checked(n)).map(|(_, after)| rest = after)
            }
            _ => skip_field(wire_type, number, &mut rest, DecodeContext::default()).ok(),
        };
        if skipped.is_none() {
            return (fields, false);
        }
        fields.push((number, &before[..before.len() - rest.len()]));
    }
    (fields, true)
}

fn fields_by_reader(bytes: &[u8]) -> (Vec<(u32, &[u8])>, bool) {
    let mut fields = Vec::new();
    let mut reader = Reader::new(bytes, "Test");
    loop {
        match reader.next_raw() {
            Ok(Some(field)) => fields.push((field.number, field.raw)),
            Ok(None) => return (fields, true),
            Err(_) => return (fields, false),
        }
    }
}

/// Compares a message, and what might be messages in it.
fn compare(bytes: &[u8], levels: u32) {
    assert_eq!(fields_by_reader(bytes), fields_by_prost(bytes), "{bytes:?}");
    let mut reader = Reader::new(bytes, "Test");
    while let Ok(Some((_, value))) = reader.next_field() {
        if let (Value::Bytes(inner), 1..) = (value, levels) {
            compare(inner, levels - 1);
        }
    }
}

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn fields_are_those_that_prost_sees(request in arbitrary::request(), seed: u64) {
        let mut bytes = request.encode_to_vec();
        compare(&bytes, 8);
        corrupt(&mut bytes, &mut Random(seed));
        compare(&bytes, 8);
    }

    #[test]
    fn any_bytes_are_read_as_prost_does(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        compare(&bytes, 2);
    }
}
