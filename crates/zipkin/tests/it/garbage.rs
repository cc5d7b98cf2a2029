//! Bytes of strangers: they end in an error or in spans, and in no more memory than was granted.

use bytes::Bytes;
use proptest::prelude::*;
use spandrel_translate::{NoRoom, Room};
use spandrel_zipkin::{Options, ZipkinError, v1_json, v1_thrift, v2_json, v2_protobuf};

const OPTIONS: Options =
    Options { parse_string_tags: true, network: spandrel_zipkin::Network::Current };

/// Grants that many bytes.
fn up_to(limit: usize) -> impl FnMut(usize) -> bool {
    let mut left = limit;
    move |bytes| left.checked_sub(bytes).map(|rest| left = rest).is_some()
}

#[test]
fn the_room_is_a_limit() {
    let json = format!("[{}]", vec![r#"{"traceId":"1","id":"1"}"#; 10_000].join(","));
    let refused = v2_json(json.as_bytes(), OPTIONS, &mut Room::new(&mut up_to(128 << 10)));
    assert_eq!(refused, Err(ZipkinError::NoRoom(NoRoom)));
    // Spans of one byte each: a list of 100,000 empty structs.
    let mut thrift = vec![12];
    thrift.extend(100_000_u32.to_be_bytes());
    thrift.extend(vec![0; 100_000]);
    let refused = v1_thrift(&thrift, OPTIONS, &mut Room::new(&mut up_to(1 << 20)));
    assert_eq!(refused, Err(ZipkinError::NoRoom(NoRoom)));
    // A span of many empty tags, two bytes each.
    let mut protobuf = vec![0x0a];
    prost::encoding::encode_varint(100_000, &mut protobuf);
    protobuf.extend([0x5a, 0].repeat(50_000));
    let protobuf = Bytes::from(protobuf);
    let refused = v2_protobuf(&protobuf, OPTIONS, &mut Room::new(&mut up_to(1 << 20)));
    assert_eq!(refused, Err(ZipkinError::NoRoom(NoRoom)));
}

#[test]
fn nesting_is_limited() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let refused = v2_json(deep.as_bytes(), OPTIONS, &mut Room::new(&mut up_to(1 << 20)));
    assert!(matches!(refused, Err(ZipkinError::Json(_))), "{refused:?}");
    let value = format!("n|{}|0", "{\"a\":".repeat(10_000));
    let span = serde_json::json!([{
        "traceId": "1", "id": "1", "annotations": [{ "timestamp": 1, "value": value }],
    }]);
    let text = span.to_string();
    let taken = v2_json(text.as_bytes(), OPTIONS, &mut Room::new(&mut up_to(1 << 20)));
    assert_eq!(taken.map(|translated| translated.spans), Ok(1));
}

proptest! {
    #[test]
    fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut grant = up_to(16 << 20);
        let mut room = Room::new(&mut grant);
        drop(v1_json(&bytes, OPTIONS, 1, &mut room));
        drop(v2_json(&bytes, OPTIONS, &mut room));
        drop(v1_thrift(&bytes, OPTIONS, &mut room));
        drop(v2_protobuf(&Bytes::from(bytes), OPTIONS, &mut room));
    }

    #[test]
    fn damaged_json_ends(at in 0_usize..1_000, byte: u8) {
        let text = br#"[{"traceId":"1","id":"2","tags":{"a":"1.5"},"annotations":[{"timestamp":1,"value":"a|{}|1"}],"localEndpoint":{"serviceName":"s","ipv4":"1.2.3.4","port":1}}]"#;
        let mut text = text.to_vec();
        let at = at % text.len();
        text[at] = byte;
        let mut grant = up_to(16 << 20);
        drop(v2_json(&text, OPTIONS, &mut Room::new(&mut grant)));
        drop(v1_json(&text, OPTIONS, 1, &mut Room::new(&mut grant)));
    }
}
