//! Version 2 out: JSON and protobuf.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use prost::Message;
use serde::Serialize;
use spandrel_proto::zipkin as proto;

use crate::{Annotation, Endpoint, Kind, Span};

/// A list of spans in JSON. Names of spans and services become lower case, as Zipkin stores them.
#[expect(clippy::missing_panics_doc, reason = "the expect below states why it cannot")]
pub fn to_json(spans: &[Span]) -> Vec<u8> {
    let list: Vec<_> = spans.iter().map(json_span).collect();
    serde_json::to_vec(&list).expect("texts, numbers and maps with text keys can be written")
}

/// A `ListOfSpans` in protobuf.
pub fn to_protobuf(spans: &[Span]) -> Vec<u8> {
    proto::ListOfSpans { spans: spans.iter().map(proto_span).collect() }.encode_to_vec()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonSpan<'a> {
    trace_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "is_zero")]
    timestamp: u64,
    #[serde(skip_serializing_if = "is_zero")]
    duration: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_endpoint: Option<JsonEndpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_endpoint: Option<JsonEndpoint>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<JsonAnnotation<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    shared: bool,
}

#[derive(Debug, Serialize)]
struct JsonAnnotation<'a> {
    timestamp: u64,
    value: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonEndpoint {
    #[serde(skip_serializing_if = "String::is_empty")]
    service_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv4: Option<Ipv4Addr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6: Option<Ipv6Addr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn json_span(span: &Span) -> JsonSpan<'_> {
    // An id of 64 bits is written as one.
    let trace_id = match span.trace_id >> 64 {
        0 => format!("{:016x}", span.trace_id),
        _ => format!("{:032x}", span.trace_id),
    };
    let annotations = span.annotations.iter().map(|annotation| JsonAnnotation {
        timestamp: annotation.timestamp_micros,
        value: &annotation.value,
    });
    JsonSpan {
        trace_id,
        parent_id: span.parent_id.map(|parent| format!("{parent:016x}")),
        id: format!("{:016x}", span.id),
        kind: span.kind.as_str(),
        name: span.name.to_lowercase(),
        timestamp: span.timestamp_micros,
        duration: span.duration_micros,
        local_endpoint: span.local_endpoint.as_ref().and_then(json_endpoint),
        remote_endpoint: span.remote_endpoint.as_ref().and_then(json_endpoint),
        annotations: annotations.collect(),
        tags: &span.tags,
        shared: span.shared,
    }
}

fn json_endpoint(endpoint: &Endpoint) -> Option<JsonEndpoint> {
    (!endpoint.is_empty()).then(|| JsonEndpoint {
        service_name: endpoint.service_name.to_lowercase(),
        ipv4: endpoint.ipv4,
        ipv6: endpoint.ipv6,
        port: Some(endpoint.port).filter(|port| *port > 0),
    })
}

fn proto_span(span: &Span) -> proto::Span {
    let id = |id: u64| Bytes::copy_from_slice(&id.to_be_bytes());
    let kind = match span.kind {
        Kind::Unspecified => proto::span::Kind::SpanKindUnspecified,
        Kind::Client => proto::span::Kind::Client,
        Kind::Server => proto::span::Kind::Server,
        Kind::Producer => proto::span::Kind::Producer,
        Kind::Consumer => proto::span::Kind::Consumer,
    };
    proto::Span {
        trace_id: Bytes::copy_from_slice(&span.trace_id.to_be_bytes()),
        parent_id: span.parent_id.map(id).unwrap_or_default(),
        id: id(span.id),
        kind: kind as i32,
        name: span.name.clone(),
        timestamp: span.timestamp_micros,
        duration: span.duration_micros,
        local_endpoint: span.local_endpoint.as_ref().map(proto_endpoint),
        remote_endpoint: span.remote_endpoint.as_ref().map(proto_endpoint),
        annotations: span.annotations.iter().map(proto_annotation).collect(),
        tags: span.tags.clone(),
        shared: span.shared,
        ..proto::Span::default()
    }
}

fn proto_endpoint(endpoint: &Endpoint) -> proto::Endpoint {
    let v4 = endpoint.ipv4.map(|address| Bytes::copy_from_slice(&address.octets()));
    let v6 = endpoint.ipv6.map(|address| Bytes::copy_from_slice(&address.octets()));
    proto::Endpoint {
        service_name: endpoint.service_name.clone(),
        ipv4: v4.unwrap_or_default(),
        ipv6: v6.unwrap_or_default(),
        port: i32::from(endpoint.port),
    }
}

fn proto_annotation(annotation: &Annotation) -> proto::Annotation {
    proto::Annotation { timestamp: annotation.timestamp_micros, value: annotation.value.clone() }
}
