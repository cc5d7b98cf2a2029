//! Runs to write: the demo shop's, and requests put together by hand.

use prost::Message as _;
use spandrel_columns::SpanColumns;
use spandrel_demo::{Shop, TrafficGenerator, TrafficSettings};
use spandrel_otlp::{DecodeLimits, decode_request};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

/// The run that a request becomes.
pub(crate) fn run_of(request: &ExportTraceServiceRequest) -> SpanColumns {
    let mut run = SpanColumns::default();
    decode_request(&request.encode_to_vec(), &DecodeLimits::default(), &mut run).unwrap();
    run
}

/// At least this many spans of the demo shop.
pub(crate) fn shop_run(spans: u32) -> SpanColumns {
    let settings = TrafficSettings { traces_per_second: 500.0, ..TrafficSettings::default() };
    let mut run = SpanColumns::default();
    for export in TrafficGenerator::new(Shop::new(7), settings) {
        let bytes = export.request.encode_to_vec();
        decode_request(&bytes, &DecodeLimits::default(), &mut run).unwrap();
        if run.len() >= spans {
            break;
        }
    }
    run
}

/// A run of one resource without attributes.
pub(crate) fn run_of_spans(spans: Vec<Span>) -> SpanColumns {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    run_of(&ExportTraceServiceRequest { resource_spans })
}

/// A span of one millisecond; a parent of 0 is none.
pub(crate) fn span(trace: u64, id: u64, parent: u64) -> Span {
    let start = 1_767_225_600_000_000_000 + trace * 1_000_000_000 + id;
    let parent = if parent == 0 { Vec::new() } else { parent.to_be_bytes().to_vec() };
    Span {
        trace_id: u128::from(trace).to_be_bytes().to_vec().into(),
        span_id: id.to_be_bytes().to_vec().into(),
        parent_span_id: parent.into(),
        name: format!("operation {}", id % 5),
        start_time_unix_nano: start,
        end_time_unix_nano: start + 1_000_000,
        ..Span::default()
    }
}

pub(crate) fn pair(key: impl Into<String>, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }) }
}

pub(crate) fn text(key: impl Into<String>, value: impl Into<String>) -> KeyValue {
    pair(key, Value::StringValue(value.into()))
}
