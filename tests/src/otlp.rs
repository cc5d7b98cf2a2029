//! OTLP requests: short ways to write them, and to send them.

use std::io;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use crate::http::{Http, Reply};

/// A value.
pub fn any(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

/// An attribute of type string.
pub fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(any(Value::StringValue(value.to_owned())));
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// A trace id whose halves are these numbers.
pub fn trace_id(high: u64, low: u64) -> Vec<u8> {
    [high.to_be_bytes(), low.to_be_bytes()].concat()
}

/// A span id.
pub fn span_id(id: u64) -> Vec<u8> {
    id.to_be_bytes().to_vec()
}

/// A root span of one millisecond.
pub fn span(trace_id: &[u8], id: u64, name: &str, start_unix_nanos: u64) -> Span {
    Span {
        trace_id: trace_id.to_vec(),
        span_id: span_id(id),
        name: name.to_owned(),
        kind: 1,
        start_time_unix_nano: start_unix_nanos,
        end_time_unix_nano: start_unix_nanos + 1_000_000,
        ..Span::default()
    }
}

/// Spans of a service.
pub fn resource_spans(service: &str, spans: Vec<Span>) -> ResourceSpans {
    let attributes = vec![attribute("service.name", service)];
    ResourceSpans {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    }
}

/// The request that sends these spans of one service.
pub fn request(service: &str, spans: Vec<Span>) -> Vec<u8> {
    let resource_spans = vec![resource_spans(service, spans)];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

/// Posts a request as protobuf.
///
/// # Errors
/// When the server cannot be reached or does not answer.
pub fn post_protobuf(http: &mut Http, request: &[u8]) -> io::Result<Reply> {
    http.post("/v1/traces", &[("content-type", "application/x-protobuf")], request)
}

/// Sends a request that must be accepted; returns how many spans of it were rejected, and why.
///
/// # Panics
/// When it is not accepted.
pub fn send(http: &mut Http, request: &[u8]) -> (i64, String) {
    let reply = post_protobuf(http, request).expect("the server answers");
    assert_eq!(reply.status, 200, "{}", reply.text());
    let response = ExportTraceServiceResponse::decode(reply.body.as_slice());
    let response = response.expect("the answer is an OTLP response");
    let partial = response.partial_success.unwrap_or_default();
    (partial.rejected_spans, partial.error_message)
}
