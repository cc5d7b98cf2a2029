//! Version 2: whole spans to whole spans.

use bytes::Bytes;
use prost::Message;
use serde_json::{Value as Json, json};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_proto::otlp::trace::span::{Event, Link};
use spandrel_proto::otlp::trace::{Span, Status};
use spandrel_translate::{Room, Translated, span_id, trace_id};
use spandrel_zipkin::{Network, Options, ZipkinError, v2_json, v2_protobuf};

pub(crate) const SUITE: &str =
    "../../../shared/suites/otel/contrib-v0.115-testdata/receiver/zipkinreceiver/testdata";

pub(crate) fn decode(translated: &Translated) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(translated.otlp.clone()).unwrap()
}

pub(crate) fn from_json(json: &[u8], options: Options) -> Result<Translated, ZipkinError> {
    let mut grant = |_| true;
    v2_json(json, options, &mut Room::new(&mut grant))
}

/// All spans, each with the attributes of its resource.
pub(crate) fn spans(request: &ExportTraceServiceRequest) -> Vec<(Vec<KeyValue>, Span)> {
    let resources = request.resource_spans.iter();
    let flat = resources.flat_map(|resource| {
        let attributes = resource.resource.as_ref().unwrap().attributes.clone();
        let spans = resource.scope_spans.iter().flat_map(|scope| &scope.spans);
        spans.map(move |span| (attributes.clone(), span.clone()))
    });
    flat.collect()
}

pub(crate) fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

pub(crate) fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Value::StringValue(value.to_owned()))
}

fn full() -> Json {
    json!({
        "traceId": "4d1e00c0db9010db86154a4ba6e91385",
        "parentId": "86154a4ba6e91385",
        "id": "4d1e00c0db9010db",
        "kind": "CLIENT",
        "name": "get",
        "timestamp": 1_472_470_996_199_000_u64,
        "duration": 207_000,
        "debug": true,
        "shared": true,
        "localEndpoint": { "serviceName": "frontend", "ipv6": "7::80:807f" },
        "remoteEndpoint": { "serviceName": "backend", "ipv4": "192.168.99.101", "port": 9000 },
        "annotations": [
            { "timestamp": 1_472_470_996_238_000_u64, "value": "foo" },
            { "timestamp": 1_472_470_996_403_000_u64, "value": "bar|{\"n\":1}|2" },
        ],
        "tags": {
            "clnt/finagle.version": "6.45.0",
            "error": "it broke",
            "host.name": "h1",
            "http.path": "/api",
            "otel.library.name": "lib",
            "otel.library.version": "1.2",
            "otel.status_code": "Error",
            "otel.status_description": "why",
            "otlp.link.0": "4d1e00c0db9010db86154a4ba6e91385|86154a4ba6e91385|x=y|{\"k\":true}|3",
            "w3c.tracestate": "a=b",
        },
    })
}

fn full_in_otlp() -> Span {
    let event = |micros: u64, name: &str| Event {
        time_unix_nano: micros * 1_000,
        name: name.to_owned(),
        ..Event::default()
    };
    let id = 0x4d1e_00c0_db90_10db_8615_4a4b_a6e9_1385_u128;
    Span {
        trace_id: trace_id(id),
        span_id: span_id(0x4d1e_00c0_db90_10db),
        parent_span_id: span_id(0x8615_4a4b_a6e9_1385),
        trace_state: "a=b".to_owned(),
        name: "get".to_owned(),
        kind: 3,
        start_time_unix_nano: 1_472_470_996_199_000_000,
        end_time_unix_nano: 1_472_470_996_406_000_000,
        attributes: vec![
            text("clnt/finagle.version", "6.45.0"),
            text("error", "it broke"),
            text("http.path", "/api"),
            text("network.local.address", "7::80:807f"),
            text("service.peer.name", "backend"),
            text("network.peer.address", "192.168.99.101"),
            pair("net.peer.port", Value::IntValue(9000)),
        ],
        events: vec![
            event(1_472_470_996_238_000, "foo"),
            Event {
                attributes: vec![pair("n", Value::IntValue(1))],
                dropped_attributes_count: 2,
                ..event(1_472_470_996_403_000, "bar")
            },
        ],
        links: vec![Link {
            trace_id: trace_id(id),
            span_id: span_id(0x8615_4a4b_a6e9_1385),
            trace_state: "x=y".to_owned(),
            attributes: vec![pair("k", Value::BoolValue(true))],
            dropped_attributes_count: 3,
            ..Link::default()
        }],
        status: Some(Status { code: 2, message: "why".to_owned() }),
        ..Span::default()
    }
}

#[test]
fn a_span_with_everything() {
    let translated = from_json(json!([full()]).to_string().as_bytes(), Options::default()).unwrap();
    let request = decode(&translated);
    let resource = vec![text("service.name", "frontend"), text("host.name", "h1")];
    assert_eq!(spans(&request), [(resource, full_in_otlp())]);
    let scope = request.resource_spans[0].scope_spans[0].scope.as_ref().unwrap();
    assert_eq!((scope.name.as_str(), scope.version.as_str()), ("lib", "1.2"));
    assert_eq!(translated.spans, 1);
}

#[test]
fn old_names_and_parsed_tags() {
    let options = Options { parse_string_tags: true, network: Network::Old };
    let span = json!([{
        "traceId": "1", "id": "2", "timestamp": 5,
        "localEndpoint": { "ipv4": "1.2.3.4", "port": 80 },
        "remoteEndpoint": { "serviceName": "db", "ipv6": "::1" },
        "tags": { "a": "12", "b": "1.5", "c": "true", "d": "x" },
    }]);
    let request = decode(&from_json(span.to_string().as_bytes(), options).unwrap());
    let expected = [
        pair("a", Value::IntValue(12)),
        pair("b", Value::DoubleValue(1.5)),
        pair("c", Value::BoolValue(true)),
        text("d", "x"),
        text("net.host.ip", "1.2.3.4"),
        pair("net.host.port", Value::IntValue(80)),
        text("peer.service", "db"),
        text("net.peer.ip", "::1"),
    ];
    let (resource, span) = spans(&request).remove(0);
    assert_eq!((resource, span.attributes), (vec![], expected.to_vec()));
    assert_eq!(span.trace_id, trace_id(1));
}

/// A span with these members over the least that there must be.
fn one(members: Json) -> Span {
    let mut span = json!({ "traceId": "1", "id": "2", "timestamp": 5 });
    span.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let translated = from_json(json!([span]).to_string().as_bytes(), Options::default());
    spans(&decode(&translated.unwrap())).remove(0).1
}

#[test]
fn statuses_kinds_and_parents() {
    let statuses = [
        (json!({}), None, 0),
        (json!({ "error": "true" }), Some((2, "")), 0),
        (json!({ "error": "" }), Some((2, "")), 1),
        (json!({ "error": "false" }), Some((2, "")), 1),
        (json!({ "otel.status_code": "OK" }), Some((1, "")), 0),
        (json!({ "otel.status_code": "STATUS_CODE_OK", "error": "no" }), Some((2, "")), 1),
        (json!({ "otel.status_description": "stays" }), None, 1),
    ];
    for (tags, status, n_left) in statuses {
        let span = one(json!({ "tags": tags }));
        let found = span.status.as_ref().map(|status| (status.code, status.message.as_str()));
        assert_eq!((found, span.attributes.len()), (status, n_left), "{tags}");
    }
    let kinds = [("CLIENT", 3), ("SERVER", 2), ("PRODUCER", 4), ("CONSUMER", 5), ("other", 0)];
    for (kind, expected) in kinds {
        assert_eq!(one(json!({ "kind": kind })).kind, expected, "{kind}");
    }
    assert_eq!(one(json!({ "tags": { "span.kind": "internal" } })).kind, 1);
    let own_parent = one(json!({ "parentId": "2" }));
    assert!(own_parent.parent_span_id.is_empty());
    assert_eq!(one(json!({ "parentId": "0000000000000003" })).parent_span_id, span_id(3));
}

#[test]
fn a_span_without_a_time_says_so() {
    let span = json!([{ "traceId": "1", "id": "2", "duration": 7 }]);
    let translated = from_json(span.to_string().as_bytes(), Options::default()).unwrap();
    let span = spans(&decode(&translated)).remove(0).1;
    assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (0, 7_000));
    let absent = pair("otel.zipkin.absentField.startTime", Value::BoolValue(true));
    assert_eq!(span.attributes, [absent]);
}

#[test]
fn what_is_no_span_is_refused() {
    let cases = [
        (json!([{ "id": "2" }]), "invalid trace id"),
        (json!([{ "traceId": "1" }]), "invalid span id"),
        (json!([{ "traceId": "1", "id": "0" }]), "invalid span id"),
        (json!([{ "traceId": "x", "id": "1" }]), "invalid trace id"),
        (json!([{ "traceId": "1".repeat(33), "id": "1" }]), "invalid trace id"),
        (json!([{ "traceId": "1", "id": "+1" }]), "invalid span id"),
        (json!([{ "traceId": "1", "id": "1", "parentId": "1".repeat(17) }]), "invalid parent id"),
        (
            json!([{ "traceId": "1", "id": "1", "annotations": [{ "value": "x" }] }]),
            "valid annotation timestamp required",
        ),
        (
            json!([{ "traceId": "1", "id": "1", "tags": { "otlp.link.0": "x" } }]),
            "invalid tag otlp.link.0",
        ),
    ];
    for (json, expected) in cases {
        let refused = from_json(json.to_string().as_bytes(), Options::default()).unwrap_err();
        assert_eq!(refused.to_string(), expected, "{json}");
    }
    let refused = from_json(b"[{\"id\": 7}]", Options::default()).unwrap_err().to_string();
    assert!(refused.starts_with("invalid JSON: "), "{refused}");
    assert_eq!(from_json(b"[null]", Options::default()).unwrap().spans, 0);
}

#[test]
fn samples_of_the_collector() {
    for (file, n_spans) in [("sample1.json", 5), ("sample2.json", 1), ("sample3.json", 1)] {
        let Ok(json) = std::fs::read(format!("{SUITE}/{file}")) else {
            eprintln!("skipped: {SUITE} is not there");
            return;
        };
        let Ok(translated) = from_json(&json, Options::default()) else {
            // Some of them are of version 1.
            continue;
        };
        assert!(translated.spans >= n_spans.min(1), "{file}");
    }
}

#[test]
fn protobuf_says_the_same() {
    let json = json!([full()]).to_string();
    let by_json = from_json(json.as_bytes(), Options::default()).unwrap();
    let zipkin = spandrel_zipkin::spans_of(&decode(&by_json)).unwrap();
    let list = Bytes::from(spandrel_zipkin::to_protobuf(&zipkin));
    let mut grant = |_| true;
    let by_protobuf = v2_protobuf(&list, Options::default(), &mut Room::new(&mut grant)).unwrap();
    let mut expected = spans(&decode(&by_json));
    // On the way back the message of the error has become the bare tag.
    expected[0].1.attributes.retain(|attribute| attribute.key != "error");
    assert_eq!(spans(&decode(&by_protobuf)), expected);
    for broken in [&list[..list.len() - 1], &[0x0a, 2, 0x0a, 0]] {
        let broken = Bytes::copy_from_slice(broken);
        assert!(v2_protobuf(&broken, Options::default(), &mut Room::new(&mut grant)).is_err());
    }
}
