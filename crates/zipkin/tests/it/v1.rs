//! Version 1: the Collector's own spans, in JSON and in Thrift.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_translate::thrift::{Protocol, Writer};
use spandrel_translate::{Room, Translated};
use spandrel_zipkin::{Options, ZipkinError, v1_json, v1_thrift};

use crate::v2::{decode, pair, spans, text};

const DATA: &str =
    "../../../shared/suites/otel/contrib-v0.115-testdata/pkg/translator/zipkin/zipkinv1/testdata";
const NOW: u64 = 1_600_000_000_000_000_000;

fn from_json(json: &[u8]) -> Result<Translated, ZipkinError> {
    let mut grant = |_| true;
    v1_json(json, Options::default(), NOW, &mut Room::new(&mut grant))
}

fn read(file: &str) -> Option<Json> {
    match fs::read_to_string(format!("{DATA}/{file}")) {
        Ok(text) => Some(serde_json::from_str(&text).unwrap()),
        Err(_) => {
            eprintln!("skipped: {DATA} is not there");
            None
        }
    }
}

/// Service, name, kind, times in microseconds, events, keys of attributes.
fn outline(translated: &Translated) -> Vec<String> {
    let line = |(resource, span): (Vec<_>, spandrel_proto::otlp::trace::Span)| {
        let resource: Vec<_> = resource.iter().map(short).collect();
        let events: Vec<_> = span.events.iter().map(|event| event.name.as_str()).collect();
        let attributes: Vec<_> = span.attributes.iter().map(short).collect();
        format!(
            "{} {} kind {} {}+{} {events:?} {attributes:?}",
            resource.join(","),
            span.name,
            span.kind,
            span.start_time_unix_nano / 1_000,
            (span.end_time_unix_nano - span.start_time_unix_nano) / 1_000,
        )
    };
    spans(&decode(translated)).into_iter().map(line).collect()
}

fn short(pair: &spandrel_proto::otlp::common::KeyValue) -> String {
    let value = pair.value.as_ref().unwrap().value.as_ref().unwrap();
    let value = match value {
        Value::StringValue(text) => text.clone(),
        Value::BoolValue(truth) => truth.to_string(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    format!("{}={value}", pair.key)
}

/// The files hold Go's JSON of the Thrift structs.
fn to_thrift(list: &Json) -> Vec<u8> {
    let int = |json: &Json| json.as_i64().unwrap();
    let host = |fields: &mut Writer, id: i16, json: &Json| {
        if json.is_object() {
            fields.structure(id, |host| {
                host.i32(1, int(&json["ipv4"]) as i32);
                host.i16(2, int(&json["port"]) as i16);
                host.bytes(3, json["service_name"].as_str().unwrap());
            });
        }
    };
    let mut writer = Writer::new(Protocol::Binary);
    let spans = list.as_array().unwrap();
    let none = Vec::new();
    writer.bare_list(spans, |fields, span| {
        fields.i64(1, int(&span["trace_id"]));
        fields.bytes(3, span["name"].as_str().unwrap());
        fields.i64(4, int(&span["id"]));
        if span["parent_id"].is_i64() {
            fields.i64(5, int(&span["parent_id"]));
        }
        let annotations = span["annotations"].as_array().unwrap_or(&none);
        fields.list(6, annotations, |fields, annotation| {
            fields.i64(1, int(&annotation["timestamp"]));
            fields.bytes(2, annotation["value"].as_str().unwrap());
            host(fields, 3, &annotation["host"]);
        });
        let binary = span["binary_annotations"].as_array().unwrap_or(&none);
        fields.list(8, binary, |fields, annotation| {
            fields.bytes(1, annotation["key"].as_str().unwrap());
            fields.bytes(2, STANDARD.decode(annotation["value"].as_str().unwrap()).unwrap());
            let kinds = ["BOOL", "BYTES", "I16", "I32", "I64", "DOUBLE", "STRING"];
            let kind = annotation["annotation_type"].as_str().unwrap();
            fields.i32(3, kinds.iter().position(|known| *known == kind).unwrap() as i32);
            host(fields, 4, &annotation["host"]);
        });
        for (id, key) in [(10, "timestamp"), (11, "duration")] {
            if span[key].is_i64() {
                fields.i64(id, int(&span[key]));
            }
        }
    });
    writer.into_bytes()
}

/// What the batch is in OTLP, in the order of the services.
const BATCH: [&str; 5] = [
    "service.name=service1,ipv4=172.31.0.4 checkAvailability kind 2 1544805927448081+12021 [\"custom time event\"] []",
    "service.name=service1,ipv4=172.31.0.4 checkStock kind 3 1544805927453923+3740 [] []",
    "service.name=front-proxy,ipv4=172.31.0.2 checkAvailability kind 3 1544805927446743+12956 [] ",
    "service.name=service2,ipv4=172.31.0.7 checkStock kind 2 1544805927454487+3000 [] ",
    "service.name=service2,ipv4=172.31.0.7 ",
];

#[test]
fn a_batch_of_the_collector() {
    let Some(batch) = read("zipkin_v1_single_batch.json") else { return };
    let lines = outline(&from_json(batch.to_string().as_bytes()).unwrap());
    assert_eq!(lines.len(), batch.as_array().unwrap().len());
    assert_eq!(lines[..2], BATCH[..2], "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with(BATCH[2])), "{lines:#?}");
    let Some(batch) = read("zipkin_v1_thrift_single_batch.json") else { return };
    let mut grant = |_| true;
    let thrift = to_thrift(&batch);
    let by_thrift = v1_thrift(&thrift, Options::default(), &mut Room::new(&mut grant)).unwrap();
    let lines = outline(&by_thrift);
    assert_eq!(lines[..2], BATCH[..2], "{lines:#?}");
    assert_eq!(by_thrift.spans, batch.as_array().unwrap().len() as u64);
}

#[test]
fn the_local_component_names_the_service() {
    let Some(batch) = read("zipkin_v1_thrift_local_component.json") else { return };
    let mut grant = |_| true;
    let thrift = to_thrift(&batch);
    let translated = v1_thrift(&thrift, Options::default(), &mut Room::new(&mut grant)).unwrap();
    let lines = outline(&translated);
    let expected = [
        "service.name=myLocalComponent checkStock kind 0 1544805927453923+3740 [] \
         [\"component=myLocalComponent\"]",
        "service.name=myServiceName sendOrder kind 0 1544805927453925+3740 [] \
         [\"component=myLocalComponent\"]",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn addresses_are_the_peer() {
    let endpoint =
        |service: &str| json!({ "serviceName": service, "ipv4": "10.0.0.9", "port": -6 });
    let json = json!([{
        "traceId": "00000000000000010000000000000002",
        "id": "0000000000000003",
        "parentId": "0000000000000004",
        "name": "query",
        "annotations": [
            { "timestamp": 10, "value": "cs", "endpoint": endpoint("app") },
            { "timestamp": 30, "value": "cr" },
        ],
        "binaryAnnotations": [
            { "key": "sa", "value": true, "endpoint": endpoint("mysql") },
            { "key": "error", "value": "no such table" },
            { "key": "http.status_code", "value": 404 },
        ],
    }]);
    let translated = from_json(json.to_string().as_bytes()).unwrap();
    let (resource, span) = spans(&decode(&translated)).remove(0);
    let expected = [text("service.name", "app"), text("ipv4", "10.0.0.9"), text("port", "65530")];
    assert_eq!(resource, expected);
    let expected = [
        text("service.peer.name", "mysql"),
        text("network.peer.address", "10.0.0.9"),
        pair("net.peer.port", Value::IntValue(65530)),
        text("http.status_code", "404"),
    ];
    assert_eq!(span.attributes, expected);
    assert_eq!((span.kind, span.status.unwrap().code), (3, 2));
    assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (10_000, 30_000));
}

#[test]
fn a_span_without_any_time_is_of_now() {
    let json = json!([{ "traceId": "1".repeat(16), "id": "2".repeat(16), "name": "n" }]);
    let translated = from_json(json.to_string().as_bytes()).unwrap();
    let line = outline(&translated).remove(0);
    let expected = "service.name=unknown-service n kind 0 1600000000000000+0 [] \
                    [\"otel.zipkin.absentField.startTime=true\"]";
    assert_eq!(line, expected);
}

#[test]
fn ids_have_their_length() {
    let (short, long) = ("1".repeat(16), "1".repeat(32));
    for (trace, span, parent, expected) in [
        (&short, &short, "", Ok(1)),
        (&long, &short, &*short, Ok(1)),
        (&"1".repeat(15), &short, "", Err("invalid trace id")),
        (&"0".repeat(16), &short, "", Err("invalid trace id")),
        (&short, &long, "", Err("invalid span id")),
        (&short, &short, "12", Err("invalid parent id")),
    ] {
        let json = json!([{ "traceId": trace, "id": span, "parentId": parent }]);
        let read = from_json(json.to_string().as_bytes());
        let read = read.map(|translated| translated.spans).map_err(|error| error.to_string());
        assert_eq!(read, expected.map_err(str::to_owned), "{trace} {span} {parent}");
    }
}

#[test]
fn values_of_thrift() {
    let annotations: [(i32, &[u8], &str); 9] = [
        (0, &[1], "k=true"),
        (0, &[0], "k=false"),
        (1, &[1, 2], "k=AQI="),
        (2, &[0xff, 0xfe], "k=-2"),
        (3, &[0, 0, 1, 0], "k=256"),
        (4, &[0xff; 8], "k=-1"),
        (5, &[0x3f, 0xf8, 0, 0, 0, 0, 0, 0], "k=DoubleValue(1.5)"),
        (3, &[1], "k=<not enough bytes representing the number>"),
        (9, &[], "k=<unknown zipkin v1 binary annotation type (9)>"),
    ];
    for (kind, bytes, expected) in annotations {
        let mut writer = Writer::new(Protocol::Binary);
        writer.bare_list(&[()], |span, ()| {
            span.i64(1, 1);
            span.i64(4, 2);
            span.list(8, &[()], |annotation, ()| {
                annotation.bytes(1, "k");
                annotation.bytes(2, bytes);
                annotation.i32(3, kind);
            });
        });
        let mut grant = |_| true;
        let body = writer.into_bytes();
        let translated = v1_thrift(&body, Options::default(), &mut Room::new(&mut grant)).unwrap();
        let line = outline(&translated).remove(0);
        assert!(line.ends_with(&format!("[{expected:?}]")), "{line}");
    }
}
