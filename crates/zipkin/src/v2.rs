//! Version 2 in: JSON and protobuf.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use prost::Message;
use serde::Deserialize;
use spandrel_proto::zipkin as proto;
use spandrel_translate::{Fields, Room, Shape, Translated, count_messages};

use crate::json::{Text, each, list, or_default, tags};
use crate::to_otlp::Translation;
use crate::{Annotation, Endpoint, Kind, Options, Span, ZipkinError};

/// Field of the spans in protobuf's list.
const SPANS: u32 = 1;
static LEAF: Shape = Shape(&[]);
static SPAN: Shape = Shape(&[(8, &LEAF), (9, &LEAF), (10, &LEAF), (11, &LEAF)]);
/// What a message within a span takes at most when it is decoded and translated, besides its texts.
const MESSAGE_BYTES: usize = 512;

/// Translates a list of spans in JSON.
///
/// # Errors
/// [`ZipkinError`] when it is none, when a span is invalid, or when it is too large for the room.
pub fn v2_json(
    json: &[u8],
    options: Options,
    room: &mut Room<'_>,
) -> Result<Translated, ZipkinError> {
    let mut translation = Translation::new(options);
    each(json, |span: JsonSpan| translation.add(span.into_span()?, room))?;
    Ok(translation.finish())
}

/// Translates a `ListOfSpans` in protobuf.
///
/// # Errors
/// [`ZipkinError`] when it is none, when a span is invalid, or when it is too large for the room.
pub fn v2_protobuf(
    list: &Bytes,
    options: Options,
    room: &mut Room<'_>,
) -> Result<Translated, ZipkinError> {
    let mut translation = Translation::new(options);
    for field in Fields::new(list) {
        if let (SPANS, message) = field? {
            let n_messages = count_messages(message, &SPAN).saturating_add(1);
            room.take(n_messages.saturating_mul(MESSAGE_BYTES).saturating_add(2 * message.len()))?;
            let span = proto::Span::decode(list.slice_ref(message))?;
            translation.add(span_of(span)?, room)?;
        }
    }
    Ok(translation.finish())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonSpan {
    #[serde(default, deserialize_with = "or_default")]
    trace_id: String,
    #[serde(default, deserialize_with = "or_default")]
    parent_id: String,
    #[serde(default, deserialize_with = "or_default")]
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    kind: String,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    timestamp: u64,
    #[serde(default, deserialize_with = "or_default")]
    duration: u64,
    #[serde(default)]
    local_endpoint: Option<JsonEndpoint>,
    #[serde(default)]
    remote_endpoint: Option<JsonEndpoint>,
    #[serde(default, deserialize_with = "list")]
    annotations: Vec<JsonAnnotation>,
    #[serde(default, deserialize_with = "tags")]
    tags: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct JsonAnnotation {
    #[serde(default, deserialize_with = "or_default")]
    timestamp: u64,
    #[serde(default)]
    value: Text,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonEndpoint {
    #[serde(default, deserialize_with = "or_default")]
    service_name: String,
    #[serde(default, deserialize_with = "or_default")]
    ipv4: String,
    #[serde(default, deserialize_with = "or_default")]
    ipv6: String,
    #[serde(default, deserialize_with = "or_default")]
    port: u16,
}

impl JsonSpan {
    fn into_span(self) -> Result<Span, ZipkinError> {
        let annotations =
            self.annotations.into_iter().map(|annotation| match annotation.timestamp {
                0 => Err(ZipkinError::AnnotationTimestamp),
                timestamp_micros => Ok(Annotation { timestamp_micros, value: annotation.value.0 }),
            });
        let parent_id = match self.parent_id.as_str() {
            "" => None,
            parent => Some(id(parent, 16, "parent id")?).filter(|parent| *parent != 0),
        };
        let checked = |number: u128, what| match number {
            0 => Err(ZipkinError::InvalidId { what }),
            _ => Ok(number),
        };
        Ok(Span {
            trace_id: checked(id(&self.trace_id, 32, "trace id")?, "trace id")?,
            parent_id: parent_id.map(|parent| parent as u64),
            id: checked(id(&self.id, 16, "span id")?, "span id")? as u64,
            kind: Kind::from_name(&self.kind),
            shared: false,
            name: self.name,
            timestamp_micros: self.timestamp,
            duration_micros: self.duration,
            local_endpoint: self.local_endpoint.and_then(JsonEndpoint::into_endpoint),
            remote_endpoint: self.remote_endpoint.and_then(JsonEndpoint::into_endpoint),
            annotations: annotations.collect::<Result<_, _>>()?,
            tags: self.tags,
        })
    }
}

impl JsonEndpoint {
    /// None when nothing is known. Addresses are sorted by what they are, and those that are none are left out.
    fn into_endpoint(self) -> Option<Endpoint> {
        let mut endpoint =
            Endpoint { service_name: self.service_name, port: self.port, ..Endpoint::default() };
        for text in [&self.ipv6, &self.ipv4] {
            match text.parse() {
                Ok(IpAddr::V4(address)) => endpoint.ipv4 = Some(address),
                Ok(IpAddr::V6(address)) => endpoint.ipv6 = Some(address),
                Err(_) => {}
            }
        }
        (!endpoint.is_empty()).then_some(endpoint)
    }
}

/// A hexadecimal number of up to so many digits; fewer stand for zeros before it.
fn id(text: &str, digits_max: usize, what: &'static str) -> Result<u128, ZipkinError> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = match is_hex && text.len() <= digits_max {
        true => u128::from_str_radix(text, 16).ok(),
        false => None,
    };
    number.ok_or(ZipkinError::InvalidId { what })
}

fn span_of(span: proto::Span) -> Result<Span, ZipkinError> {
    let trace_id = match span.trace_id.len() {
        8 => Some(u128::from(u64_of(&span.trace_id))),
        16 => span.trace_id[..].try_into().ok().map(u128::from_be_bytes),
        _ => None,
    };
    let parent_id = match span.parent_id.len() {
        0 => None,
        8 => Some(u64_of(&span.parent_id)).filter(|parent| *parent != 0),
        _ => return Err(ZipkinError::InvalidId { what: "parent id" }),
    };
    let invalid = |what| ZipkinError::InvalidId { what };
    let annotations = span.annotations.into_iter().map(|annotation| Annotation {
        timestamp_micros: annotation.timestamp,
        value: annotation.value,
    });
    Ok(Span {
        trace_id: trace_id.filter(|id| *id != 0).ok_or(invalid("trace id"))?,
        parent_id,
        id: Some(u64_of(&span.id)).filter(|id| *id != 0).ok_or(invalid("span id"))?,
        kind: match proto::span::Kind::try_from(span.kind) {
            Ok(proto::span::Kind::Client) => Kind::Client,
            Ok(proto::span::Kind::Server) => Kind::Server,
            Ok(proto::span::Kind::Producer) => Kind::Producer,
            Ok(proto::span::Kind::Consumer) => Kind::Consumer,
            Ok(proto::span::Kind::SpanKindUnspecified) | Err(_) => Kind::Unspecified,
        },
        shared: false,
        name: span.name,
        timestamp_micros: span.timestamp,
        duration_micros: span.duration,
        local_endpoint: span.local_endpoint.and_then(endpoint_of),
        remote_endpoint: span.remote_endpoint.and_then(endpoint_of),
        annotations: annotations.collect(),
        tags: span.tags,
    })
}

/// Zero when it has not 8 bytes.
fn u64_of(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_be_bytes)
}

fn endpoint_of(endpoint: proto::Endpoint) -> Option<Endpoint> {
    let ipv4 = <[u8; 4]>::try_from(&endpoint.ipv4[..]).ok().map(Ipv4Addr::from);
    // Some libraries write every address in 16 bytes.
    let wide = [&endpoint.ipv4, &endpoint.ipv6]
        .map(|bytes| <[u8; 16]>::try_from(&bytes[..]).ok().map(Ipv6Addr::from));
    let mapped = wide.iter().flatten().find_map(Ipv6Addr::to_ipv4_mapped);
    let endpoint = Endpoint {
        service_name: endpoint.service_name,
        ipv4: ipv4.or(mapped),
        ipv6: wide.into_iter().flatten().find(|address| address.to_ipv4_mapped().is_none()),
        port: u16::try_from(endpoint.port).unwrap_or(0),
    };
    (!endpoint.is_empty()).then_some(endpoint)
}
