//! JSON both ways.

use opentelemetry_proto::tonic::common::v1::EntityRef;
use proptest::prelude::*;
use prost::Message as _;
use serde_json::json;
use spandrel_columns::SpanColumns;
use spandrel_model::{Span, Trace, TraceId};

use super::{Dialect, json_to_protobuf, write_trace};
use crate::encode::group_spans;
use crate::oracle::{all_spans, arbitrary, canonical, expected, proptest_config};
use crate::{DecodeLimits, decode_request};

fn decode(json: &[u8]) -> Vec<Span> {
    let limits = DecodeLimits::default();
    let protobuf = json_to_protobuf(json, &limits).unwrap();
    let mut columns = SpanColumns::default();
    decode_request(&protobuf, &limits, &mut columns).unwrap();
    all_spans(&columns)
}

fn span_of(fields: &serde_json::Value) -> Span {
    let mut span =
        json!({"traceId": "0102030405060708090a0B0C0D0E0F10", "spanId": "00000000000000fF"});
    span.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let request = json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]});
    decode(request.to_string().as_bytes()).remove(0)
}

fn error_of(json: &str) -> String {
    json_to_protobuf(json.as_bytes(), &DecodeLimits::default()).unwrap_err().to_string()
}

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn traces_come_back_from_json(request in arbitrary::request()) {
        let spans = expected(&request).0;
        let grouped: Vec<_> = group_spans(&spans)
            .into_iter()
            .flat_map(|group| group.scopes)
            .flat_map(|group| group.spans)
            .cloned()
            .collect();
        let trace = Trace { trace_id: TraceId::default(), spans };
        let mut json = Vec::new();
        write_trace(&trace, Dialect::Otlp, &mut json);
        prop_assert_eq!(canonical(&decode(&json)), canonical(&grouped));
    }

    #[test]
    fn arbitrary_text_is_rejected_or_read(text in "[\\[\\]{}:,\"a-z0-9]{0,40}") {
        if let Ok(protobuf) = json_to_protobuf(text.as_bytes(), &DecodeLimits::default()) {
            prop_assert!(opentelemetry_proto::tonic::trace::v1::TracesData::decode(&*protobuf).is_ok());
        }
    }
}

/// Nothing here keeps them, but a pipeline passes them on.
#[test]
fn entity_references_are_read() {
    let entity = json!({
        "schemaUrl": "url", "type": "service", "idKeys": ["a", "b"], "descriptionKeys": ["c"],
    });
    let json = json!({"resourceSpans": [{"resource": {"entityRefs": [entity, {}]}}]});
    let protobuf = json_to_protobuf(json.to_string().as_bytes(), &DecodeLimits::default()).unwrap();
    let data = opentelemetry_proto::tonic::trace::v1::TracesData::decode(&*protobuf).unwrap();
    let resource = data.resource_spans[0].resource.as_ref().unwrap();
    let full = EntityRef {
        schema_url: "url".to_owned(),
        r#type: "service".to_owned(),
        id_keys: vec!["a".to_owned(), "b".to_owned()],
        description_keys: vec!["c".to_owned()],
    };
    assert_eq!(resource.entity_refs, [full, EntityRef::default()]);
    let wrong = r#"{"resourceSpans":[{"resource":{"entityRefs":[{"idKeys":["a",1]}]}}]}"#;
    assert!(error_of(wrong).contains("expected a string"));
}

/// Everything that OTLP/JSON allows in two spellings gives the same span.
#[test]
fn both_spellings_are_read() {
    let strict = span_of(&json!({
        "parentSpanId": "0000000000000001", "flags": 1, "kind": 2,
        "startTimeUnixNano": "1700000000000000001", "endTimeUnixNano": "1700000000000000002",
        "droppedEventsCount": 3, "status": {"code": 2, "message": "m"},
        "attributes": [
            {"key": "i", "value": {"intValue": "-5"}},
            {"key": "d", "value": {"doubleValue": "NaN"}},
            {"key": "e", "value": {"doubleValue": 2.0}},
        ],
        "events": [{"timeUnixNano": "1000000000", "name": "n"}],
    }));
    let lenient = span_of(&json!({
        "parent_span_id": "0000000000000001", "flags": "1", "kind": "SPAN_KIND_SERVER",
        "start_time_unix_nano": 1_700_000_000_000_000_001_u64,
        "end_time_unix_nano": 1_700_000_000_000_000_002_u64,
        "dropped_events_count": "3", "status": {"code": "STATUS_CODE_ERROR", "message": "m"},
        "attributes": [
            {"key": "i", "value": {"int_value": -5}},
            {"key": "d", "value": {"double_value": "NaN"}},
            {"key": "e", "value": {"doubleValue": 2}},
        ],
        "events": [{"time_unix_nano": 1e9, "name": "n", "attributes": null}],
        "links": null, "unheardOf": {"a": [1]},
    }));
    assert_eq!(canonical(&[lenient]), canonical(&[strict]));
}

#[test]
fn values_of_all_kinds_are_read() {
    let span = span_of(&json!({"name": "n", "attributes": [
        {"key": "s", "value": {"stringValue": ""}},
        {"key": "b", "value": {"boolValue": false}},
        {"key": "x", "value": {"bytesValue": "AP8="}},
        {"key": "a", "value": {"arrayValue": {"values": [{"intValue": 1}, {}]}}},
        {"key": "m", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}}},
        {"key": "none"},
        {"key": "null", "value": null},
    ]}));
    let values: Vec<_> = span.attributes.iter().map(|a| format!("{:?}", a.value)).collect();
    let map = "KeyValueList([Attribute { key: \"k\", value: String(\"v\") }])";
    let expected =
        ["String(\"\")", "Bool(false)", "Bytes([0, 255])", "Array([Int(1), Empty])", map];
    assert_eq!(values[..5], expected);
    assert_eq!(values[5..], ["Empty", "Empty"]);
}

#[test]
fn faults_are_told_with_their_position() {
    let of_span = |fields: &str| {
        error_of(&format!(
            "{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[\n{{{fields}}}]}}]}}]}}"
        ))
    };
    assert_eq!(
        of_span("\"traceId\":\"abc\""),
        "invalid value: string \"abc\", expected 32 hex digits as trace_id at line 2 column 16"
    );
    assert_eq!(
        of_span("\"spanId\":\"000000000000000g\""),
        "invalid value: string \"000000000000000g\", expected 16 hex digits as span_id \
         at line 2 column 28"
    );
    assert_eq!(
        of_span("\"flags\":-1"),
        "invalid value: integer `-1`, expected an unsigned 32-bit integer as flags at line 2 column 11"
    );
    assert_eq!(
        of_span("\"name\":7"),
        "invalid type: integer `7`, expected a string as name at line 2 column 9"
    );
    assert!(of_span("\"kind\":1.5").starts_with("invalid value: floating point `1.5`"));
    assert!(of_span("\"events\":{}").starts_with("invalid type: map, expected a list of objects"));
    assert!(of_span("\"status\":[]").starts_with("invalid type: sequence, expected an object"));
    assert!(of_span("\"startTimeUnixNano\":1e30").starts_with("invalid value"));
    assert_eq!(error_of("[]"), "invalid type: sequence, expected an object at line 1 column 0");
    assert_eq!(error_of("{} x"), "trailing characters at line 1 column 4");
    assert!(error_of("").starts_with("EOF while parsing"));
}

#[test]
fn nesting_and_span_counts_are_bounded() {
    let value = |levels| {
        let (open, close) = (r#"{"arrayValue":{"values":["#, "]}}");
        let value = format!("{}{{}}{}", open.repeat(levels), close.repeat(levels));
        format!(r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"value":{value}}}]}}}}]}}"#)
    };
    assert!(json_to_protobuf(value(39).as_bytes(), &DecodeLimits::default()).is_ok());
    assert!(error_of(&value(41)).starts_with("recursion limit exceeded"));
    let limits = DecodeLimits { spans_max: 2, ..DecodeLimits::default() };
    let request =
        |spans| format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{spans}]}}]}}]}}");
    assert!(json_to_protobuf(request("{},{}").as_bytes(), &limits).is_ok());
    let error = json_to_protobuf(request("{},{},{}").as_bytes(), &limits).unwrap_err();
    assert_eq!(error.to_string(), "more than 2 spans in one request at line 1 column 52");
}

fn sample() -> Trace {
    let span = span_of(&json!({
        "name": "a \"quoted\" name", "kind": 2, "flags": 257, "traceState": "k=v",
        "startTimeUnixNano": "1", "endTimeUnixNano": "3", "status": {"code": 2},
        "attributes": [
            {"key": "int", "value": {"intValue": "7"}},
            {"key": "infinite", "value": {"doubleValue": "-Infinity"}},
            {"key": "list", "value": {"arrayValue": {"values": [{"boolValue": true}]}}},
            {"key": "bytes", "value": {"bytesValue": "AP8="}},
        ],
        "links": [{"traceId": "00000000000000000000000000000001", "spanId": "0000000000000002"}],
    }));
    Trace { trace_id: span.trace_id, spans: vec![span] }
}

#[test]
fn the_otlp_dialect() {
    let mut json = Vec::new();
    write_trace(&sample(), Dialect::Otlp, &mut json);
    assert_eq!(
        String::from_utf8(json).unwrap(),
        r#"{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":[{"#.to_owned()
            + r#""traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"00000000000000ff","#
            + r#""traceState":"k=v","flags":257,"name":"a \"quoted\" name","kind":2,"#
            + r#""startTimeUnixNano":"1","endTimeUnixNano":"3","attributes":["#
            + r#"{"key":"int","value":{"intValue":"7"}},"#
            + r#"{"key":"infinite","value":{"doubleValue":"-Infinity"}},"#
            + r#"{"key":"list","value":{"arrayValue":{"values":[{"boolValue":true}]}}},"#
            + r#"{"key":"bytes","value":{"bytesValue":"AP8="}}],"#
            + r#""links":[{"traceId":"00000000000000000000000000000001","#
            + r#""spanId":"0000000000000002"}],"status":{"code":2}}]}]}]}"#
    );
}

#[test]
fn the_tempo_dialect_differs_in_ids_and_enums() {
    let mut json = Vec::new();
    write_trace(&sample(), Dialect::Tempo, &mut json);
    let json = String::from_utf8(json).unwrap();
    for part in [
        r#""traceId":"AQIDBAUGBwgJCgsMDQ4PEA==","spanId":"AAAAAAAAAP8=""#,
        r#""kind":"SPAN_KIND_SERVER","startTimeUnixNano":"1""#,
        r#""links":[{"traceId":"AAAAAAAAAAAAAAAAAAAAAQ==","spanId":"AAAAAAAAAAI="}]"#,
        r#""status":{"code":"STATUS_CODE_ERROR"}"#,
    ] {
        assert!(json.contains(part), "{part} is not in {json}");
    }
}

/// Every span in the published examples that are trace requests, counted without our reader.
#[test]
fn published_examples_are_read() {
    let suites = "../../../shared/suites";
    let mut total = 0;
    for folder in ["otel/otlp-proto-examples", "realtraces/otlp"] {
        let Ok(entries) = std::fs::read_dir(format!("{suites}/{folder}")) else {
            println!("skipped: ../shared/suites is not there");
            return;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let is_lines = path.extension().is_some_and(|extension| extension == "jsonl");
            let documents = if is_lines { text.lines().collect() } else { vec![text.as_str()] };
            for json in documents {
                let spans = decode(json.as_bytes()).len();
                let document = serde_json::from_str(json).unwrap();
                assert_eq!(spans, count_spans(&[document], &["resource", "scope", ""]), "{path:?}");
                total += spans;
            }
        }
    }
    assert!(total > 500, "only {total} spans");
}

/// Counts along `resourceSpans`, `scopeSpans`, `spans` in either spelling.
fn count_spans(objects: &[serde_json::Value], path: &[&str]) -> usize {
    let Some((name, path)) = path.split_first() else { return objects.len() };
    let lists = objects.iter().filter_map(|object| {
        let names = match *name {
            "" => ["spans".to_owned(), String::new()],
            name => [format!("{name}Spans"), format!("{name}_spans")],
        };
        names.iter().find_map(|name| object.get(name)?.as_array())
    });
    lists.map(|list| count_spans(list, path)).sum()
}
