//! Both protocols by their specification, and bytes that are neither.

use proptest::prelude::*;

use super::*;

/// A struct with a field of each kind, in the compact protocol.
const COMPACT: &[u8] = &[
    0x11, // 1: true
    0x12, // 2: false
    0x15, 0x03, // 3: i32 -2
    0x16, 0xac, 0x02, // 4: i64 150
    0x17, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, // 5: double 1.0, little-endian
    0x18, 2, b'h', b'i', // 6: text
    0x19, 0x25, 0x02, 0x04, // 7: list of the i32 1, 2
    0x1b, 1, 0x84, 1, b'k', 0x0e, // 8: map of text to i16, one pair
    0x1c, 0x13, 9, 0, // 9: struct of a byte
    0x04, 0xc8, 0x01, 0x08, // 100, written in full: i16 4
    0,
];

/// The same in the binary protocol.
const BINARY: &[u8] = &[
    2, 0, 1, 1, // 1: true
    2, 0, 2, 0, // 2: false
    8, 0, 3, 0xff, 0xff, 0xff, 0xfe, // 3: i32 -2
    10, 0, 4, 0, 0, 0, 0, 0, 0, 0, 150, // 4: i64 150
    4, 0, 5, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, // 5: double 1.0
    11, 0, 6, 0, 0, 0, 2, b'h', b'i', // 6: text
    15, 0, 7, 8, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, // 7: list
    13, 0, 8, 11, 6, 0, 0, 0, 1, 0, 0, 0, 1, b'k', 0, 7, // 8: map
    12, 0, 9, 3, 0, 1, 9, 0, // 9: struct
    6, 0, 100, 0, 4, // 100: i16
    0,
];

/// Reads what is known and prints it; passes over the rest.
fn print(reader: &mut Reader<'_>) -> Result<Vec<String>, ThriftError> {
    let (mut printed, mut last) = (Vec::new(), 0);
    while let Some(field) = reader.field(&mut last)? {
        let text = match field.kind {
            Kind::Bool => reader.bool(field)?.to_string(),
            Kind::I16 => reader.i16()?.to_string(),
            Kind::I32 => reader.i32()?.to_string(),
            Kind::I64 => reader.i64()?.to_string(),
            Kind::Double => format!("{:.1}", reader.double()?),
            Kind::String => reader.text()?.into_owned(),
            Kind::List => {
                let list = reader.list()?;
                let mut items = Vec::new();
                for _ in 0..list.len {
                    match list.kind {
                        Kind::I32 => items.push(reader.i32()?),
                        other => reader.skip_element(other)?,
                    }
                }
                format!("{items:?}")
            }
            _ => {
                reader.skip(field)?;
                "skipped".to_owned()
            }
        };
        printed.push(format!("{}={text}", field.id));
    }
    Ok(printed)
}

#[test]
fn both_protocols_say_the_same() {
    let expected = [
        "1=true",
        "2=false",
        "3=-2",
        "4=150",
        "5=1.0",
        "6=hi",
        "7=[1, 2]",
        "8=skipped",
        "9=skipped",
        "100=4",
    ];
    for (bytes, protocol) in [(COMPACT, Protocol::Compact), (BINARY, Protocol::Binary)] {
        let mut reader = Reader::new(bytes, protocol);
        assert_eq!(print(&mut reader).unwrap(), expected, "{protocol:?}");
        for end in 0..bytes.len() {
            let cut = print(&mut Reader::new(&bytes[..end], protocol));
            assert_eq!(cut, Err(ThriftError::Truncated), "{protocol:?} cut at {end}");
        }
    }
}

#[test]
fn what_is_written_is_read() {
    for protocol in [Protocol::Binary, Protocol::Compact] {
        let mut writer = Writer::new(protocol);
        writer.oneway("call");
        writer.body(|call| {
            call.bool(1, true);
            call.bool(2, false);
            call.i16(3, -3);
            call.i32(4, i32::MIN);
            call.i64(5, i64::MAX);
            call.double(6, 0.5);
            call.bytes(7, "text");
            call.structure(8, |inner| inner.i64(40, 1));
            call.list(9, &[1_i64; 20], |item, value| item.i64(1, *value));
            call.i32(100, 7);
        });
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes, protocol);
        assert_eq!(reader.message().unwrap(), Message { name: "call".into(), kind: 4 });
        let expected = [
            "1=true",
            "2=false",
            "3=-3",
            "4=-2147483648",
            "5=9223372036854775807",
            "6=0.5",
            "7=text",
            "8=skipped",
            "9=[]",
            "100=7",
        ];
        assert_eq!(print(&mut reader).unwrap(), expected, "{protocol:?}");
    }
}

#[test]
fn the_heads_of_calls() {
    type Begin = Result<(&'static str, u8), ThriftError>;
    let cases: [(&[u8], Protocol, Begin); 5] = [
        (&[0x82, 0x81, 7, 2, b'a', b'b'], Protocol::Compact, Ok(("ab", 4))),
        (&[0x80, 1, 0, 4, 0, 0, 0, 1, b'a', 0, 0, 0, 9], Protocol::Binary, Ok(("a", 4))),
        (&[0, 0, 0, 1, b'a', 1, 0, 0, 0, 9], Protocol::Binary, Ok(("a", 1))),
        (&[0x81, 0x81, 7, 0], Protocol::Compact, Err(ThriftError::NoMessage)),
        (&[0x80, 2, 0, 4, 0, 0, 0, 0], Protocol::Binary, Err(ThriftError::NoMessage)),
    ];
    for (bytes, protocol, expected) in cases {
        let message = Reader::new(bytes, protocol).message();
        let message = message.as_ref().map(|message| (message.name.as_ref(), message.kind));
        assert_eq!(message.map_err(|error| *error), expected, "{bytes:?}");
    }
}

#[test]
fn what_claims_too_much_is_refused() {
    let huge = [0x19, 0xfc, 0xff, 0xff, 0xff, 0x07];
    assert_eq!(print(&mut Reader::new(&huge, Protocol::Compact)), Err(ThriftError::Truncated));
    let negative = [11, 0, 1, 0xff, 0xff, 0xff, 0xff];
    let refused = print(&mut Reader::new(&negative, Protocol::Binary));
    assert_eq!(refused, Err(ThriftError::NegativeSize));
    let deep = [0x1c].repeat(100_000);
    assert_eq!(print(&mut Reader::new(&deep, Protocol::Compact)), Err(ThriftError::TooDeep));
}

proptest! {
    #[test]
    fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for protocol in [Protocol::Binary, Protocol::Compact] {
            let mut reader = Reader::new(&bytes, protocol);
            drop(reader.message());
            drop(print(&mut reader));
        }
    }
}
