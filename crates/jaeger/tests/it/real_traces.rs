//! Real traces, from Jaeger's JSON into every encoding and from there into OTLP.

use std::fs;

use bytes::Bytes;
use serde_json::Value as Json;
use spandrel_proto::jaeger::{
    Batch, KeyValue, Log, Process, Span, SpanRef, SpanRefType, ValueType,
};
use spandrel_translate::thrift::Protocol;

use crate::senders::{by_protobuf, by_thrift, decode, duration, text, timestamp};

const DATA: &str = "../../../shared/suites/realtraces/jaeger";

#[test]
fn all_encodings_say_the_same() {
    let mut files = Vec::new();
    for folder in [DATA.to_owned(), format!("{DATA}/crisp")] {
        let Ok(entries) = fs::read_dir(&folder) else {
            eprintln!("skipped: {folder} is not there");
            return;
        };
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    let mut n_spans = 0;
    for file in files.iter().filter(|file| file.extension().is_some_and(|ext| ext == "json")) {
        let json: Json = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let traces = match &json["data"] {
            Json::Array(traces) => traces.clone(),
            trace => vec![trace.clone()],
        };
        for batch in traces.iter().flat_map(batches) {
            let n_expected = batch.spans.len() as u64;
            let parents = batch.spans.iter().filter(|span| !span.references.is_empty()).count();
            let translated = by_protobuf(batch.clone()).unwrap();
            let request = decode(&translated);
            let spans: Vec<_> = request
                .resource_spans
                .iter()
                .flat_map(|resource| resource.scope_spans.iter().flat_map(|scope| &scope.spans))
                .collect();
            assert_eq!(translated.spans, n_expected, "{}", file.display());
            let with_parent = spans.iter().filter(|span| !span.parent_span_id.is_empty()).count();
            assert_eq!(with_parent, parents, "{}", file.display());
            for protocol in [Protocol::Binary, Protocol::Compact] {
                assert_eq!(by_thrift(&batch, protocol).unwrap(), translated, "{}", file.display());
            }
            n_spans += n_expected;
        }
    }
    assert!(n_spans >= 60, "{n_spans} spans in {} files", files.len());
}

/// One batch for each process.
fn batches(trace: &Json) -> Vec<Batch> {
    let processes = trace["processes"].as_object().unwrap();
    let spans = trace["spans"].as_array().unwrap();
    let batch = |(key, process): (&String, &Json)| Batch {
        process: Some(Process {
            service_name: process["serviceName"].as_str().unwrap().to_owned(),
            tags: tags(&process["tags"]),
        }),
        spans: spans.iter().filter(|span| span["processID"] == **key).map(span_of).collect(),
    };
    processes.iter().map(batch).collect()
}

fn span_of(json: &Json) -> Span {
    let references = json["references"].as_array().cloned().unwrap_or_default();
    let logs = json["logs"].as_array().cloned().unwrap_or_default();
    Span {
        trace_id: id(&json["traceID"], 16),
        span_id: id(&json["spanID"], 8),
        operation_name: json["operationName"].as_str().unwrap_or_default().to_owned(),
        references: references
            .iter()
            .map(|reference| SpanRef {
                trace_id: id(&reference["traceID"], 16),
                span_id: id(&reference["spanID"], 8),
                ref_type: match reference["refType"].as_str() {
                    Some("FOLLOWS_FROM") => SpanRefType::FollowsFrom as i32,
                    _ => SpanRefType::ChildOf as i32,
                },
            })
            .collect(),
        start_time: timestamp(json["startTime"].as_i64().unwrap()),
        duration: duration(json["duration"].as_i64().unwrap()),
        tags: tags(&json["tags"]),
        logs: logs
            .iter()
            .map(|log| Log {
                timestamp: timestamp(log["timestamp"].as_i64().unwrap()),
                fields: tags(&log["fields"]),
            })
            .collect(),
        ..Span::default()
    }
}

/// The files have ids like `A` and `span-1`; what is no hexadecimal number gets one of its letters.
fn id(json: &Json, length: usize) -> Bytes {
    let text = json.as_str().unwrap_or_default();
    let number = u128::from_str_radix(text, 16).unwrap_or_else(|_| {
        text.bytes().fold(7, |sum: u128, byte| sum * 31 % (1 << 60) + u128::from(byte))
    });
    Bytes::copy_from_slice(&number.to_be_bytes()[16 - length..])
}

fn tags(json: &Json) -> Vec<KeyValue> {
    let tags = json.as_array().cloned().unwrap_or_default();
    let of = |tag: &Json| {
        let key = tag["key"].as_str().unwrap_or_default();
        let (kind, value) = (tag["type"].as_str().unwrap_or_default(), &tag["value"]);
        let typed = |kind: ValueType| KeyValue { v_type: kind as i32, ..text(key, "") };
        match (kind, value) {
            ("bool", Json::Bool(truth)) => KeyValue { v_bool: *truth, ..typed(ValueType::Bool) },
            ("int64", Json::Number(number)) => {
                KeyValue { v_int64: number.as_i64().unwrap_or(0), ..typed(ValueType::Int64) }
            }
            ("float64", Json::Number(number)) => {
                KeyValue { v_float64: number.as_f64().unwrap_or(0.0), ..typed(ValueType::Float64) }
            }
            (_, Json::String(value)) => text(key, value),
            (_, other) => text(key, &other.to_string()),
        }
    };
    // Those are translated from protobuf only, which is tested elsewhere.
    let only_protobuf = ["w3c.tracestate", "otel.scope.name", "otel.scope.version"];
    tags.iter().map(of).filter(|tag| !only_protobuf.contains(&tag.key.as_str())).collect()
}
