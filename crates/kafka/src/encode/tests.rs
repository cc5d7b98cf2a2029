//! Spans that are written are read as they were, and requests that are too large are cut.

use spandrel_proto::jaeger;
use spandrel_proto::otlp::common::{AnyValue, ArrayValue, InstrumentationScope, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, Link, SpanKind};
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, Status};
use spandrel_translate::Room;

use super::*;
use crate::decode::decode;

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

/// A span that has everything.
fn full() -> ExportTraceServiceRequest {
    let id = |byte: u8, length: usize| Bytes::from(vec![byte; length]);
    let span = Span {
        trace_id: id(1, 16),
        span_id: id(2, 8),
        parent_span_id: id(3, 8),
        trace_state: "a=b".to_owned(),
        name: "GET /".to_owned(),
        kind: SpanKind::Server as i32,
        start_time_unix_nano: 1_700_000_000_123_456_789,
        end_time_unix_nano: 1_700_000_001_123_456_790,
        attributes: vec![
            text("text", "t"),
            attribute("bool", Value::BoolValue(true)),
            attribute("int", Value::IntValue(i64::MIN)),
            attribute("double", Value::DoubleValue(0.5)),
            attribute("infinite", Value::DoubleValue(f64::INFINITY)),
            attribute("bytes", Value::BytesValue(id(9, 3))),
        ],
        events: vec![Event {
            time_unix_nano: 1_700_000_000_500_000_000,
            name: "retry".to_owned(),
            attributes: vec![text("n", "2")],
            ..Event::default()
        }],
        links: vec![Link {
            trace_id: id(7, 16),
            span_id: id(8, 8),
            attributes: vec![text("opentracing.ref_type", "follows_from")],
            ..Link::default()
        }],
        status: Some(Status { message: "bad".to_owned(), code: 2 }),
        ..Span::default()
    };
    let scope = InstrumentationScope {
        name: "lib".to_owned(),
        version: "1".to_owned(),
        ..InstrumentationScope::default()
    };
    let scope_spans = ScopeSpans { scope: Some(scope), spans: vec![span], ..ScopeSpans::default() };
    let attributes = vec![text("service.name", "shop"), text("zone", "a")];
    let resource = Resource { attributes, ..Resource::default() };
    let resource_spans = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![scope_spans],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }
}

fn encoder(encoding: Encoding) -> Encoder {
    Encoder { encoding, by_trace: false, record_bytes_max: 1 << 20 }
}

#[test]
fn jaeger_comes_back_as_it_was() {
    let otlp = Bytes::from(full().encode_to_vec());
    for encoding in [Encoding::JaegerProto, Encoding::JaegerJson] {
        let records = encoder(encoding).encode(&otlp, 1, None).unwrap().records;
        assert_eq!(records.len(), 1);
        let mut grant = |_| true;
        let decoded = decode(&records[0].value, encoding, &mut Room::new(&mut grant)).unwrap();
        let decoded = ExportTraceServiceRequest::decode(decoded.otlp).unwrap();
        assert_eq!(decoded, full(), "{encoding:?}");
    }
}

#[test]
fn lists_are_json_in_jaeger() {
    let mut request = full();
    let values = [Value::IntValue(1), Value::StringValue("a".to_owned())];
    let values = values.map(|value| AnyValue { value: Some(value) }).to_vec();
    let span = &mut request.resource_spans[0].scope_spans[0].spans[0];
    span.attributes = vec![attribute("list", Value::ArrayValue(ArrayValue { values }))];
    let record = &encoder(Encoding::JaegerProto)
        .encode(&request.encode_to_vec().into(), 1, None)
        .unwrap()
        .records[0];
    let span = jaeger::Span::decode(record.value.clone()).unwrap();
    assert_eq!(span.tags.last().unwrap().v_str, r#"[1,"a"]"#);
}

#[test]
fn requests_are_halved_between_what_they_consist_of() {
    let mut request = full();
    let spans = &mut request.resource_spans[0].scope_spans[0].spans;
    *spans = vec![spans[0].clone(); 5];
    request.resource_spans.push(full().resource_spans[0].clone());
    let otlp = Bytes::from(request.encode_to_vec());
    let one = full().encoded_len();
    let encoder = Encoder { record_bytes_max: one, ..encoder(Encoding::OtlpProto) };
    let records = encoder.encode(&otlp, 6, None).unwrap();
    assert_eq!(records.too_large_spans, 0);
    let values: Vec<_> = records.records.iter().map(|record| record.value.clone()).collect();
    assert_eq!(values, vec![Bytes::from(full().encode_to_vec()); 6]);
    let none = Encoder { record_bytes_max: one - 1, ..encoder };
    assert_eq!(none.encode(&otlp, 6, None).unwrap().too_large_spans, 6);
}

#[test]
fn garbage_is_an_error() {
    let garbage = Bytes::from_static(b"\x0a\xff\xff");
    for encoding in [Encoding::OtlpJson, Encoding::JaegerProto, Encoding::ZipkinJson] {
        assert!(encoder(encoding).encode(&garbage, 0, None).is_err(), "{encoding:?}");
    }
}
