//! What SDKs of X-Ray send, into OTLP.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use prost::Message as _;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::KeyValue;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::trace::Span;
use spandrel_translate::{NoRoom, Room, Translated, span_id, trace_id};
use spandrel_xray::{XrayError, datagram};

const HEADER: &str = "{\"format\": \"json\", \"version\": 1}\n";
const SEGMENT: &str = r#"{
    "name": "shop", "id": "70de5b6f19ff9a0a", "trace_id": "1-581cf771-a006649127e371903a2de979",
    "start_time": 1478293361.25, "end_time": 1478293361.5, "user": "jane",
    "http": { "request": { "method": "GET", "client_ip": "10.0.0.1" }, "response": { "status": 502, "content_length": 7 } },
    "aws": { "account_id": "123", "ec2": { "instance_id": "i-1" }, "xray": { "sdk": "X-Ray for Go" } },
    "service": { "version": "1.2" },
    "annotations": { "zone": "a", "n": 3 }, "metadata": { "default": { "k": [1] } },
    "cause": { "exceptions": [{ "id": "1", "type": "Timeout", "message": "slow",
        "stack": [{ "label": "call", "path": "a.go", "line": 7 }, { "label": "main" }] }] },
    "subsegments": [
        { "name": "DynamoDB", "id": "53995c3f42cd8ad8", "namespace": "aws", "start_time": 1478293361.375,
          "in_progress": true, "aws": { "operation": "Get", "retries": 1 },
          "subsegments": [{ "name": "inner", "id": "1111111111111111", "start_time": 1478293361.375 }] }
    ]
}"#;

fn translated(bytes: &[u8]) -> Result<Translated, XrayError> {
    let mut grant = |_| true;
    datagram(bytes, &mut Room::new(&mut grant))
}

fn texts(attributes: &[KeyValue]) -> Vec<String> {
    let text = |pair: &KeyValue| match pair.value.clone().unwrap().value.unwrap() {
        Value::StringValue(text) => format!("{}={text}", pair.key),
        Value::IntValue(number) => format!("{}={number}", pair.key),
        Value::BoolValue(value) => format!("{}={value}", pair.key),
        other => format!("{}={other:?}", pair.key),
    };
    attributes.iter().map(text).filter(|text| !text.starts_with("aws.xray.annotations")).collect()
}

#[test]
fn a_segment_is_a_resource_and_spans() {
    let translated = translated(format!("{HEADER}{SEGMENT}").as_bytes()).unwrap();
    assert_eq!(translated.spans, 3);
    let request = ExportTraceServiceRequest::decode(translated.otlp).unwrap();
    let resource = &request.resource_spans[0];
    let attributes = texts(&resource.resource.as_ref().unwrap().attributes);
    let expected = [
        "service.name=shop",
        "cloud.provider=aws",
        "cloud.account.id=123",
        "host.id=i-1",
        "telemetry.sdk.name=X-Ray for Go",
        "service.version=1.2",
    ];
    assert_eq!(attributes, expected);
    let spans: &[Span] = &resource.scope_spans[0].spans;
    let facts: Vec<_> = spans
        .iter()
        .map(|span| {
            let is_error = span.status.as_ref().is_some_and(|status| status.code == 2);
            (span.name.as_str(), span.parent_span_id.clone(), span.kind, is_error)
        })
        .collect();
    let expected = [
        ("shop", span_id(0), 2, true),
        ("DynamoDB", span_id(0x70de_5b6f_19ff_9a0a), 3, false),
        ("inner", span_id(0x5399_5c3f_42cd_8ad8), 1, false),
    ];
    assert_eq!(facts, expected);
    assert!(
        spans.iter().all(|s| s.trace_id == trace_id(0x581c_f771_a006_6491_27e3_7190_3a2d_e979))
    );
    let times = (spans[0].start_time_unix_nano, spans[0].end_time_unix_nano);
    assert_eq!(times, (1_478_293_361_250_000_000, 1_478_293_361_500_000_000));
    let expected = [
        "enduser.id=jane",
        "http.method=GET",
        "http.client_ip=10.0.0.1",
        "http.status_code=502",
        "http.response_content_length=7",
        "aws.account_id=123",
        "n=3",
        "zone=a",
        "aws.xray.metadata.default={\"k\":[1]}",
    ];
    assert_eq!(texts(&spans[0].attributes), expected);
    let expected = [
        "aws.service=DynamoDB",
        "aws.xray.inprogress=true",
        "aws.operation=Get",
        "aws.xray.retries=1",
    ];
    assert_eq!(texts(&spans[1].attributes), expected);
    let stack = "exception.stacktrace=Timeout: slow\n\tat call(a.go: 7)\n\tat main(: <unknown>)\n";
    let expected =
        ["aws.xray.exception.id=1", "exception.message=slow", "exception.type=Timeout", stack];
    assert_eq!(texts(&spans[0].events[0].attributes), expected);
}

#[test]
fn what_is_no_segment_is_an_error() {
    let cases = [
        ("", XrayError::Header),
        ("{}", XrayError::Header),
        ("{\"format\":\"json\",\"version\":2}\n{}", XrayError::Header),
        ("{\"format\":\"json\",\"version\":1}\n{}", XrayError::Field("trace_id")),
        (
            "{\"format\":\"json\",\"version\":1}\n{\"trace_id\":\"1-581cf771-+006649127e371903a2de979\"}",
            XrayError::Field("trace_id"),
        ),
        (
            "{\"format\":\"json\",\"version\":1}\n{\"trace_id\":\"1-581cf771-a006649127e371903a2de979\",\"id\":\"1\"}",
            XrayError::Field("id"),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(translated(text.as_bytes()), Err(expected), "{text}");
    }
}

#[test]
fn damage_never_panics_and_memory_is_asked_for() {
    let whole = format!("{HEADER}{SEGMENT}").into_bytes();
    for length in 0..whole.len() {
        assert!(translated(&whole[..length]).is_err(), "{length}");
    }
    for place in 0..whole.len() {
        for byte in [0, b'"', b'{', b'[', b'9', 0xff] {
            let mut damaged = whole.clone();
            damaged[place] = byte;
            drop(translated(&damaged));
        }
    }
    let deep = format!("{HEADER}{}", "{\"subsegments\":[".repeat(1 << 14));
    assert!(matches!(translated(deep.as_bytes()), Err(XrayError::Json(_))));
    let mut grant = |_| false;
    let refused = datagram(&whole, &mut Room::new(&mut grant));
    assert_eq!(refused, Err(XrayError::NoRoom(NoRoom)));
}
