//! Every encoding, whole and damaged.

use prost::Message as _;

use super::*;

const ENCODINGS: [Encoding; 7] = [
    Encoding::OtlpProto,
    Encoding::OtlpJson,
    Encoding::JaegerProto,
    Encoding::JaegerJson,
    Encoding::ZipkinProto,
    Encoding::ZipkinJson,
    Encoding::ZipkinThrift,
];

fn decoded(value: &[u8], encoding: Encoding) -> Result<Translated, RecordError> {
    let mut grant = |_| true;
    decode(&Bytes::copy_from_slice(value), encoding, &mut Room::new(&mut grant))
}

#[test]
fn garbage_is_malformed_in_every_encoding() {
    for encoding in ENCODINGS {
        for garbage in
            [&b"\x0a\xff\xff"[..], b"{\"", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]
        {
            let decoded = decoded(garbage, encoding);
            assert!(matches!(decoded, Err(RecordError::Malformed(_))), "{encoding:?}: {decoded:?}");
        }
    }
}

#[test]
fn nothing_is_translated_without_room() {
    let values: [(&[u8], Encoding); 4] = [
        (
            br#"{"traceId":"AAAAAAAAAAAAAAAAAAAAAQ==","spanId":"AAAAAAAAAAE="}"#,
            Encoding::JaegerJson,
        ),
        (br#"{"resourceSpans":[]}"#, Encoding::OtlpJson),
        (br#"[{"traceId":"1","id":"1"}]"#, Encoding::ZipkinJson),
        (
            b"\x0a\x10\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01",
            Encoding::JaegerProto,
        ),
    ];
    for (value, encoding) in values {
        assert!(decoded(value, encoding).is_ok(), "{encoding:?}");
        let mut grant = |_| false;
        let refused = decode(&Bytes::copy_from_slice(value), encoding, &mut Room::new(&mut grant));
        assert_eq!(refused, Err(RecordError::NoRoom(NoRoom)), "{encoding:?}");
    }
}

#[test]
fn jaeger_json_is_read_with_either_case() {
    let json = br#"{
        "trace_id": "AAAAAAAAAAAAAAAAAAAAAQ==", "spanId": "AAAAAAAAAAI=", "operation_name": "get",
        "startTime": "2023-11-14T22:13:20.000001Z", "duration": "0.0015s",
        "tags": [{ "key": "n", "vType": "INT64", "vInt64": "7" }, { "key": "m", "v_type": 2, "v_int64": 8 }],
        "process": { "serviceName": "shop" }
    }"#;
    let translated = decoded(json, Encoding::JaegerJson).unwrap();
    let request =
        spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest::decode(translated.otlp);
    let span = request.unwrap().resource_spans[0].scope_spans[0].spans[0].clone();
    assert_eq!(span.name, "get");
    assert_eq!(span.end_time_unix_nano - span.start_time_unix_nano, 1_500_000);
    assert_eq!(span.start_time_unix_nano, 1_700_000_000_000_001_000);
    let numbers: Vec<_> =
        span.attributes.iter().map(|pair| pair.value.clone().unwrap().value.unwrap()).collect();
    use spandrel_proto::otlp::common::any_value::Value::IntValue;
    assert_eq!(numbers, [IntValue(7), IntValue(8)]);
}
