//! Whole batches to whole requests: those of the Collector's tests, and what only one encoding has.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value as Json;
use spandrel_jaeger::JaegerError;
use spandrel_proto::jaeger::{Batch, KeyValue, Process, Span, SpanRef, SpanRefType};
use spandrel_proto::otlp::trace::ScopeSpans;
use spandrel_translate::thrift::Protocol;

use crate::senders::{
    by_protobuf, by_thrift, decode, duration, process, reference, span, text, timestamp,
};

const DATA: &str =
    "../../../shared/suites/otel/contrib-v0.115-testdata/pkg/translator/jaeger/testdata";

/// Spans as name, parent, kind, times, attributes and links, for comparing at a glance.
pub(crate) fn outline(scopes: &[ScopeSpans]) -> Vec<String> {
    let hex = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let spans = scopes.iter().flat_map(|scope| &scope.spans);
    let line = |span: &spandrel_proto::otlp::trace::Span| {
        let keys: Vec<_> = span.attributes.iter().map(|pair| pair.key.as_str()).collect();
        let links: Vec<_> = span.links.iter().map(|link| hex(&link.span_id)).collect();
        format!(
            "{} {} {}<-{} kind {} {}+{} {keys:?} {links:?}",
            span.name,
            hex(&span.trace_id),
            hex(&span.span_id),
            hex(&span.parent_span_id),
            span.kind,
            span.start_time_unix_nano,
            span.end_time_unix_nano - span.start_time_unix_nano,
        )
    };
    spans.map(line).collect()
}

/// The Collector's files are Go's JSON of the protobuf messages.
fn read(file: &str) -> Option<Batch> {
    let Ok(text) = fs::read_to_string(format!("{DATA}/{file}")) else {
        eprintln!("skipped: {DATA} is not there");
        return None;
    };
    let json: Json = serde_json::from_str(&text).unwrap();
    let spans = json["spans"].as_array().unwrap().iter().map(read_span).collect();
    Some(Batch { spans, process: read_process(&json["process"]) })
}

fn read_span(json: &Json) -> Span {
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let id = |json: &Json| Bytes::from(STANDARD.decode(json.as_str().unwrap_or_default()).unwrap());
    let references = json["references"].as_array().cloned().unwrap_or_default();
    let start: jiff::Timestamp = json["start_time"].as_str().unwrap().parse().unwrap();
    Span {
        trace_id: id(&json["trace_id"]),
        span_id: id(&json["span_id"]),
        operation_name: text(&json["operation_name"]),
        references: references
            .iter()
            .map(|reference| SpanRef {
                trace_id: id(&reference["trace_id"]),
                span_id: id(&reference["span_id"]),
                ref_type: reference["ref_type"].as_i64().unwrap_or(0) as i32,
            })
            .collect(),
        start_time: timestamp(start.as_microsecond()),
        duration: duration(json["duration"].as_i64().unwrap() / 1_000),
        tags: read_tags(&json["tags"]),
        process: read_process(&json["process"]),
        ..Span::default()
    }
}

fn read_process(json: &Json) -> Option<Process> {
    let name = json.get("service_name")?.as_str()?.to_owned();
    Some(Process { service_name: name, tags: read_tags(&json["tags"]) })
}

fn read_tags(json: &Json) -> Vec<KeyValue> {
    let tags = json.as_array().cloned().unwrap_or_default();
    tags.iter()
        .map(|tag| text(tag["key"].as_str().unwrap(), tag["v_str"].as_str().unwrap()))
        .collect()
}

const TRACE: &str = "000000000000000052969a8955571a3f";

#[test]
fn a_batch_of_the_collector() {
    let Some(batch) = read("jaegerproto_batch_02.json") else { return };
    let start = 1_485_467_191_639_875_000_u64;
    let expected = [
        format!("get {TRACE} 0000000000647d98<- kind 2 {start}+22938000 [\"peer.service\"] []"),
        format!(
            "get {TRACE} 0000000000647d99<-0000000000647d98 kind 2 {start}+22938000 [] \
             [\"000000000068c4e3\"]"
        ),
        format!("get2 {TRACE} 0000000000647d98<- kind 0 {}+22938000 [] []", start + 1_000_000_000),
    ];
    let translated = by_protobuf(batch.clone()).unwrap();
    let request = decode(&translated);
    assert_eq!(translated.spans, 3);
    // The process of every span is that of the batch, so all are of one resource.
    assert_eq!(request.resource_spans.len(), 1);
    let resource = &request.resource_spans[0];
    assert_eq!(outline(&resource.scope_spans), expected);
    let name = &resource.resource.as_ref().unwrap().attributes[0];
    assert_eq!(format!("{name:?}").matches("\"api\"").count(), 1, "{name:?}");
    for protocol in [Protocol::Binary, Protocol::Compact] {
        assert_eq!(by_thrift(&batch, protocol).unwrap(), translated, "{protocol:?}");
    }
}

#[test]
fn a_batch_without_defaults() {
    let Some(batch) = read("proto_batch_no_binary_tags_02.json") else { return };
    let request = decode(&by_protobuf(batch).unwrap());
    let lines = outline(&request.resource_spans[0].scope_spans);
    // A reference to nothing is a link all the same.
    assert!(lines[1].ends_with("[\"000000000068c4e3\", \"\"]"), "{lines:?}");
    assert_eq!(lines.len(), 3);
}

#[test]
fn spans_are_grouped_by_process_and_scope() {
    let scoped = |id, name, tags: &[KeyValue]| Span { tags: tags.to_vec(), ..span(1, id, name) };
    let scope = [text("otel.scope.name", "lib"), text("otel.scope.version", "1")];
    let other = process("other", &[text("a", "b")]);
    let batch = Batch {
        process: Some(process("api", &[])),
        spans: vec![
            scoped(1, "plain", &[]),
            scoped(2, "scoped", &scope),
            Span { process: Some(other.clone()), ..scoped(3, "of another", &[]) },
            scoped(4, "scoped too", &scope),
            Span { process: Some(other), ..scoped(5, "of the same", &[]) },
            Span {
                process: Some(process("OTLPResourceNoServiceName", &[])),
                ..span(1, 6, "of none")
            },
            Span::default(),
            scoped(7, "version alone", &scope[1..]),
        ],
    };
    let request = decode(&by_protobuf(batch).unwrap());
    let groups: Vec<_> = request
        .resource_spans
        .iter()
        .flat_map(|resource| {
            let n_attributes = resource.resource.as_ref().unwrap().attributes.len();
            resource.scope_spans.iter().map(move |scope| {
                let names: Vec<_> = scope.spans.iter().map(|span| span.name.as_str()).collect();
                let scope = scope.scope.as_ref().unwrap();
                (n_attributes, scope.name.as_str(), scope.version.as_str(), names)
            })
        })
        .collect();
    let expected = [
        (1, "", "", vec!["plain", "version alone"]),
        (1, "lib", "1", vec!["scoped", "scoped too"]),
        (2, "", "", vec!["of another", "of the same"]),
        (0, "", "", vec!["of none"]),
    ];
    assert_eq!(groups, expected);
}

#[test]
fn trace_state_and_scope_are_of_protobuf_only() {
    let tags = vec![text("w3c.tracestate", "a=b"), text("otel.scope.name", "lib")];
    let batch =
        Batch { process: Some(process("api", &[])), spans: vec![Span { tags, ..span(1, 2, "s") }] };
    let request = decode(&by_protobuf(batch.clone()).unwrap());
    let translated = &request.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!((translated.trace_state.as_str(), translated.attributes.len()), ("a=b", 0));
    let request = decode(&by_thrift(&batch, Protocol::Compact).unwrap());
    let translated = &request.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!((translated.trace_state.as_str(), translated.attributes.len()), ("", 2));
}

#[test]
fn ids_of_64_bits_and_of_other_lengths() {
    let with_id = |length: usize| {
        let trace_id = vec![1; length].into();
        let batch = Batch { spans: vec![Span { trace_id, ..span(1, 2, "s") }], process: None };
        by_protobuf(batch)
    };
    let request = decode(&with_id(8).unwrap());
    let id = &request.resource_spans[0].scope_spans[0].spans[0].trace_id;
    assert_eq!(id[..], [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(with_id(7), Err(JaegerError::InvalidId { what: "trace id", length: 7 }));
    let empty = with_id(0).unwrap();
    assert_eq!(decode(&empty).resource_spans[0].scope_spans[0].spans[0].trace_id[..], [0; 16]);
    let spans = vec![Span {
        references: vec![reference(SpanRefType::FollowsFrom, 9, 9)],
        ..span(1, 2, "linked")
    }];
    let request = decode(&by_protobuf(Batch { spans, process: None }).unwrap());
    assert!(outline(&request.resource_spans[0].scope_spans)[0].ends_with("[\"0000000000000009\"]"));
}

#[test]
fn nothing_is_nothing() {
    let empty = Batch { spans: Vec::new(), process: Some(process("api", &[])) };
    assert!(by_protobuf(empty.clone()).unwrap().otlp.is_empty());
    assert_eq!(by_thrift(&empty, Protocol::Binary).unwrap().spans, 0);
}
