//! Version 1 in JSON.

use std::net::IpAddr;

use serde::Deserialize;
use spandrel_translate::{Room, Translated};

use super::{BinaryAnnotation, Translation, V1Annotation, V1Span};
use crate::json::{Text, each, list, or_default};
use crate::tag_value::value;
use crate::{Endpoint, Options, ZipkinError};

/// Translates a list of spans. A span without any time is said to have been at `now_unix_nanos`.
///
/// # Errors
/// [`ZipkinError`] when it is none, when a span is invalid, or when it is too large for the room.
pub fn v1_json(
    json: &[u8],
    options: Options,
    now_unix_nanos: u64,
    room: &mut Room<'_>,
) -> Result<Translated, ZipkinError> {
    let mut translation = Translation::new(options, now_unix_nanos);
    each(json, |span: JsonSpan| translation.add(span.into_span(options)?, room))?;
    Ok(translation.builder.finish())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonSpan {
    #[serde(default, deserialize_with = "or_default")]
    trace_id: String,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    parent_id: String,
    #[serde(default, deserialize_with = "or_default")]
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    timestamp: i64,
    #[serde(default, deserialize_with = "or_default")]
    duration: i64,
    #[serde(default, deserialize_with = "list")]
    annotations: Vec<JsonAnnotation>,
    #[serde(default, deserialize_with = "list")]
    binary_annotations: Vec<JsonBinaryAnnotation>,
}

#[derive(Debug, Deserialize)]
struct JsonAnnotation {
    #[serde(default, deserialize_with = "or_default")]
    timestamp: i64,
    #[serde(default)]
    value: Text,
    #[serde(default)]
    endpoint: Option<JsonEndpoint>,
}

#[derive(Debug, Deserialize)]
struct JsonBinaryAnnotation {
    #[serde(default, deserialize_with = "or_default")]
    key: String,
    #[serde(default)]
    value: Text,
    #[serde(default)]
    endpoint: Option<JsonEndpoint>,
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
    port: i32,
}

impl JsonSpan {
    fn into_span(self, options: Options) -> Result<V1Span, ZipkinError> {
        let annotations = self.annotations.into_iter().map(|annotation| V1Annotation {
            timestamp_micros: annotation.timestamp,
            value: annotation.value.0,
            endpoint: annotation.endpoint.map(endpoint),
        });
        let binary = self.binary_annotations.into_iter().map(|annotation| BinaryAnnotation {
            key: annotation.key,
            value: value(annotation.value.0, options.parse_string_tags),
            endpoint: annotation.endpoint.map(endpoint),
        });
        let parent_id = match self.parent_id.as_str() {
            "" => 0,
            parent => id(parent, &[16], "parent id")?,
        };
        Ok(V1Span {
            trace_id: id(&self.trace_id, &[16, 32], "trace id")?,
            // 16 digits are 64 bits.
            id: id(&self.id, &[16], "span id")? as u64,
            parent_id: parent_id as u64,
            name: self.name,
            timestamp_micros: Some(self.timestamp).filter(|timestamp| *timestamp != 0),
            duration_micros: self.duration,
            annotations: annotations.collect(),
            binary_annotations: binary.collect(),
        })
    }
}

/// A hexadecimal number of that many digits, other than zero.
fn id(text: &str, lengths: &[usize], what: &'static str) -> Result<u128, ZipkinError> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = match is_hex && lengths.contains(&text.len()) {
        true => u128::from_str_radix(text, 16).ok(),
        false => None,
    };
    number.filter(|number| *number != 0).ok_or(ZipkinError::InvalidId { what })
}

fn endpoint(json: JsonEndpoint) -> Endpoint {
    let mut endpoint = Endpoint {
        service_name: json.service_name,
        // Writers in Java have signed ports.
        port: (json.port & 0xffff) as u16,
        ..Endpoint::default()
    };
    for text in [&json.ipv6, &json.ipv4] {
        match text.parse() {
            Ok(IpAddr::V4(address)) => endpoint.ipv4 = Some(address),
            Ok(IpAddr::V6(address)) => endpoint.ipv6 = Some(address),
            Err(_) => {}
        }
    }
    endpoint
}
