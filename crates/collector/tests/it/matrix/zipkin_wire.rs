//! Zipkin's spans as they travel: version 2 in JSON and protobuf, written and read; version 1 in JSON and Thrift,
//! written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use prost::Message;
use serde_json::{Value as Json, json};
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::zipkin as proto;
use spandrel_translate::thrift::{Protocol, Writer};

use super::model::id;
use super::zipkin::{Endpoint, ZipkinSpan};
use super::zipkin_v1::{V1Span, json_text};

const KINDS: [&str; 5] = ["", "CLIENT", "SERVER", "PRODUCER", "CONSUMER"];

/// Sixteen digits where they do.
fn trace_hex(id: u128) -> String {
    match id >> 64 {
        0 => format!("{id:016x}"),
        _ => format!("{id:032x}"),
    }
}

fn endpoint_json(endpoint: &Endpoint) -> Json {
    let mut json = json!({"serviceName": endpoint.service});
    match endpoint.address {
        Some(IpAddr::V4(address)) => json["ipv4"] = json!(address),
        Some(IpAddr::V6(address)) => json["ipv6"] = json!(address),
        None => {}
    }
    if endpoint.port > 0 {
        json["port"] = json!(endpoint.port);
    }
    json
}

pub(super) fn v2_json(spans: &[ZipkinSpan]) -> Vec<u8> {
    let span = |span: &ZipkinSpan| {
        let annotations = span.annotations.iter();
        let annotations =
            annotations.map(|(time, value)| json!({"timestamp": time, "value": value}));
        let mut json = json!({
            "traceId": trace_hex(span.trace_id),
            "id": format!("{:016x}", span.id),
            "name": span.name,
            "timestamp": span.timestamp,
            "localEndpoint": endpoint_json(&span.local),
            "annotations": annotations.collect::<Vec<_>>(),
            "tags": span.tags,
        });
        let mut put = |key: &str, is_there: bool, value: Json| {
            if is_there {
                json[key] = value;
            }
        };
        put("parentId", span.parent != 0, json!(format!("{:016x}", span.parent)));
        put("kind", !span.kind.is_empty(), json!(span.kind));
        put("duration", span.duration != 0, json!(span.duration));
        put("remoteEndpoint", span.remote != Endpoint::default(), endpoint_json(&span.remote));
        json
    };
    serde_json::to_vec(&spans.iter().map(span).collect::<Vec<_>>()).unwrap()
}

pub(super) fn of_v2_json(bytes: &[u8]) -> Vec<ZipkinSpan> {
    let list: Vec<Json> = serde_json::from_slice(bytes).unwrap();
    list.iter().map(of_span_json).collect()
}

fn of_span_json(json: &Json) -> ZipkinSpan {
    let text = |of: &Json, key: &str| of[key].as_str().unwrap_or_default().to_owned();
    let number = |key: &str| json[key].as_u64().unwrap_or(0);
    let id = |key: &str| u128::from_str_radix(&text(json, key), 16).unwrap_or(0);
    let endpoint = |key: &str| {
        let addresses = ["ipv4", "ipv6"].map(|address| text(&json[key], address).parse().ok());
        Endpoint {
            service: text(&json[key], "serviceName"),
            address: addresses.into_iter().flatten().next(),
            port: json[key]["port"].as_u64().unwrap_or(0).try_into().unwrap(),
        }
    };
    let annotations = json["annotations"].as_array().into_iter().flatten();
    let annotations = annotations
        .map(|annotation| (annotation["timestamp"].as_u64().unwrap(), text(annotation, "value")));
    let tags = json["tags"].as_object().into_iter().flatten();
    let kind = text(json, "kind");
    ZipkinSpan {
        trace_id: id("traceId"),
        id: id("id") as u64,
        parent: id("parentId") as u64,
        kind: KINDS.into_iter().find(|known| *known == kind).unwrap(),
        name: text(json, "name"),
        timestamp: number("timestamp"),
        duration: number("duration"),
        local: endpoint("localEndpoint"),
        remote: endpoint("remoteEndpoint"),
        annotations: annotations.collect(),
        tags: tags.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect(),
    }
}

pub(super) fn v2_protobuf(spans: &[ZipkinSpan]) -> Vec<u8> {
    let endpoint = |of: &Endpoint| {
        let mut endpoint = proto::Endpoint {
            service_name: of.service.clone(),
            port: of.port.into(),
            ..proto::Endpoint::default()
        };
        match of.address {
            Some(IpAddr::V4(address)) => endpoint.ipv4 = address.octets().to_vec().into(),
            Some(IpAddr::V6(address)) => endpoint.ipv6 = address.octets().to_vec().into(),
            None => {}
        }
        (*of != Endpoint::default()).then_some(endpoint)
    };
    let span = |span: &ZipkinSpan| {
        let trace_id = match span.trace_id >> 64 {
            0 => (span.trace_id as u64).to_be_bytes().to_vec(),
            _ => span.trace_id.to_be_bytes().to_vec(),
        };
        let parent = (span.parent != 0).then(|| span.parent.to_be_bytes().to_vec());
        let kind = KINDS.iter().position(|kind| *kind == span.kind).unwrap();
        let annotations = span.annotations.iter().map(|(timestamp, value)| proto::Annotation {
            timestamp: *timestamp,
            value: value.clone(),
        });
        proto::Span {
            trace_id: trace_id.into(),
            parent_id: parent.unwrap_or_default().into(),
            id: span.id.to_be_bytes().to_vec().into(),
            kind: kind as i32,
            name: span.name.clone(),
            timestamp: span.timestamp,
            duration: span.duration,
            local_endpoint: endpoint(&span.local),
            remote_endpoint: endpoint(&span.remote),
            annotations: annotations.collect(),
            tags: span.tags.clone(),
            ..proto::Span::default()
        }
    };
    proto::ListOfSpans { spans: spans.iter().map(span).collect() }.encode_to_vec()
}

pub(super) fn of_v2_protobuf(bytes: &[u8]) -> Vec<ZipkinSpan> {
    let endpoint = |of: Option<proto::Endpoint>| {
        let of = of.unwrap_or_default();
        let v4 = of.ipv4[..].try_into().ok().map(|octets: [u8; 4]| Ipv4Addr::from(octets).into());
        let v6 = of.ipv6[..].try_into().ok().map(|octets: [u8; 16]| Ipv6Addr::from(octets).into());
        Endpoint { service: of.service_name, address: v4.or(v6), port: of.port.try_into().unwrap() }
    };
    let list = proto::ListOfSpans::decode(bytes).unwrap();
    let spans = list.spans.into_iter().map(|span| ZipkinSpan {
        trace_id: id(&span.trace_id),
        id: id(&span.id) as u64,
        parent: id(&span.parent_id) as u64,
        kind: KINDS[usize::try_from(span.kind).unwrap()],
        name: span.name,
        timestamp: span.timestamp,
        duration: span.duration,
        local: endpoint(span.local_endpoint),
        remote: endpoint(span.remote_endpoint),
        annotations: span.annotations.into_iter().map(|one| (one.timestamp, one.value)).collect(),
        tags: span.tags,
    });
    spans.collect()
}

pub(super) fn v1_json(spans: &[V1Span]) -> Vec<u8> {
    let span = |v1: &V1Span| {
        let span = &v1.zipkin;
        let host = endpoint_json(&span.local);
        let core = v1.core.iter().map(
            |(time, value)| json!({"timestamp": time, "value": value, "endpoint": host.clone()}),
        );
        let others = span
            .annotations
            .iter()
            .map(|(time, value)| json!({"timestamp": time, "value": value, "endpoint": host}));
        let tags = v1
            .tags
            .iter()
            .map(|(key, value)| json!({"key": key, "value": json_text(value), "endpoint": host}));
        let mut binary: Vec<_> = tags.collect();
        if span.remote != Endpoint::default() {
            let peer = endpoint_json(&span.remote);
            binary.push(json!({"key": v1.peer, "value": true, "endpoint": peer}));
        }
        let mut json = json!({
            "traceId": trace_hex(span.trace_id),
            "id": format!("{:016x}", span.id),
            "name": span.name,
            "timestamp": span.timestamp,
            "duration": span.duration,
            "annotations": core.chain(others).collect::<Vec<_>>(),
            "binaryAnnotations": binary,
        });
        if span.parent != 0 {
            json["parentId"] = json!(format!("{:016x}", span.parent));
        }
        json
    };
    serde_json::to_vec(&spans.iter().map(span).collect::<Vec<_>>()).unwrap()
}

/// A list of `Span` of `zipkinCore.thrift`.
pub(super) fn v1_thrift(spans: &[V1Span]) -> Vec<u8> {
    let mut writer = Writer::new(Protocol::Binary);
    writer.bare_list(spans, |fields, v1| {
        let span = &v1.zipkin;
        fields.i64(1, (span.trace_id as u64).cast_signed());
        fields.bytes(3, &span.name);
        fields.i64(4, span.id.cast_signed());
        if span.parent != 0 {
            fields.i64(5, span.parent.cast_signed());
        }
        let core = v1.core.iter().map(|(time, value)| (*time, *value));
        let others = span.annotations.iter().map(|(time, value)| (*time, value.as_str()));
        let annotations: Vec<_> = core.chain(others).collect();
        fields.list(6, &annotations, |annotation, (time, value)| {
            annotation.i64(1, time.cast_signed());
            annotation.bytes(2, value);
            annotation.structure(3, |host| put_endpoint(host, &span.local));
        });
        let mut binary: Vec<_> =
            v1.tags.iter().map(|(key, value)| (key.as_str(), value.clone(), &span.local)).collect();
        if span.remote != Endpoint::default() {
            binary.push((v1.peer, Value::BoolValue(true), &span.remote));
        }
        fields.list(8, &binary, |annotation, (key, value, host)| {
            let (kind, bytes) = typed_bytes(value);
            annotation.bytes(1, key);
            annotation.bytes(2, bytes);
            annotation.i32(3, kind);
            annotation.structure(4, |fields| put_endpoint(fields, host));
        });
        fields.i64(10, span.timestamp.cast_signed());
        fields.i64(11, span.duration.cast_signed());
        fields.i64(12, ((span.trace_id >> 64) as u64).cast_signed());
    });
    writer.into_bytes()
}

/// The type of a value in `zipkinCore.thrift`, and its bytes.
fn typed_bytes(value: &Value) -> (i32, Vec<u8>) {
    match value {
        Value::BoolValue(truth) => (0, vec![u8::from(*truth)]),
        Value::BytesValue(bytes) => (1, bytes.to_vec()),
        Value::IntValue(number) => (4, number.to_be_bytes().to_vec()),
        Value::DoubleValue(number) => (5, number.to_be_bytes().to_vec()),
        Value::StringValue(text) => (6, text.clone().into_bytes()),
        Value::ArrayValue(_) | Value::KvlistValue(_) => panic!("no annotation has such a value"),
    }
}

fn put_endpoint(fields: &mut Writer, endpoint: &Endpoint) {
    if let Some(IpAddr::V4(address)) = endpoint.address {
        fields.i32(1, u32::from(address).cast_signed());
    }
    fields.i16(2, endpoint.port.cast_signed());
    fields.bytes(3, &endpoint.service);
    if let Some(IpAddr::V6(address)) = endpoint.address {
        fields.bytes(4, address.octets());
    }
}
