//! Requests whose spans carry a number, so that every span can be looked for.

use std::ops::Range;

use bytes::Bytes;
use prost::Message as _;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

/// 2026-01-01 00:00 UTC.
pub(crate) const NOW: u64 = 1_767_225_600_000_000_000;

/// The span with this number. Eight spans in a row share a trace.
pub(crate) fn span(number: u64) -> Span {
    Span {
        trace_id: Bytes::copy_from_slice(&u128::from(number / 8 + 1).to_be_bytes()),
        span_id: Bytes::copy_from_slice(&(number + 1).to_be_bytes()),
        name: format!("operation {}", number % 7),
        start_time_unix_nano: NOW + number * 1_000,
        end_time_unix_nano: NOW + number * 1_000 + 500,
        attributes: vec![
            attribute("number", Value::IntValue(number.cast_signed())),
            attribute("text", Value::StringValue(format!("text {}", number % 50))),
        ],
        ..Span::default()
    }
}

pub(crate) fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

pub(crate) fn request(spans: Vec<Span>) -> Bytes {
    let service = attribute("service.name", Value::StringValue("test".to_owned()));
    let resource_spans = ResourceSpans {
        resource: Some(Resource { attributes: vec![service], ..Resource::default() }),
        scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }.encode_to_vec().into()
}

/// A request of the spans with these numbers.
pub(crate) fn numbered(numbers: Range<u64>) -> Bytes {
    request(numbers.map(span).collect())
}

/// A request of which the last byte is missing.
pub(crate) fn malformed(numbers: Range<u64>) -> Bytes {
    let whole = numbered(numbers);
    whole.slice(..whole.len() - 1)
}
