//! A span of Jaeger's model in protobuf's JSON: ids in base64, times in RFC 3339, names in either case.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use prost::Message as _;
use serde::{Deserialize, Deserializer};
use spandrel_proto::jaeger as proto;
use spandrel_proto::well_known::{Duration, Timestamp};
use spandrel_translate::Room;

use super::RecordError;

/// What a byte of JSON takes at most when it is read: `{}` becomes a key and value of about 100 bytes, in a list
/// that may have twice the room that it needs, once as JSON's and once as protobuf's.
const BYTES_PER_BYTE: usize = 160;

/// The span in protobuf.
pub(super) fn to_protobuf(json: &[u8], room: &mut Room<'_>) -> Result<Vec<u8>, RecordError> {
    room.take(json.len().saturating_mul(BYTES_PER_BYTE))?;
    let span: Span = serde_json::from_slice(json)
        .map_err(|error| RecordError::Malformed(format!("invalid JSON: {error}")))?;
    Ok(span.into_proto().encode_to_vec())
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Span {
    #[serde(alias = "trace_id", deserialize_with = "bytes")]
    trace_id: Bytes,
    #[serde(alias = "span_id", deserialize_with = "bytes")]
    span_id: Bytes,
    #[serde(alias = "operation_name")]
    operation_name: String,
    references: Vec<Reference>,
    flags: u32,
    #[serde(alias = "start_time", deserialize_with = "timestamp")]
    start_time: Option<Timestamp>,
    #[serde(deserialize_with = "duration")]
    duration: Option<Duration>,
    tags: Vec<KeyValue>,
    logs: Vec<Log>,
    process: Option<Process>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Reference {
    #[serde(alias = "trace_id", deserialize_with = "bytes")]
    trace_id: Bytes,
    #[serde(alias = "span_id", deserialize_with = "bytes")]
    span_id: Bytes,
    #[serde(alias = "ref_type")]
    ref_type: Name,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct KeyValue {
    key: String,
    #[serde(alias = "v_type")]
    v_type: Name,
    #[serde(alias = "v_str")]
    v_str: String,
    #[serde(alias = "v_bool")]
    v_bool: bool,
    #[serde(alias = "v_int64", rename = "vInt64")]
    v_int64: Number,
    #[serde(alias = "v_float64", rename = "vFloat64")]
    v_float64: Number,
    #[serde(alias = "v_binary", deserialize_with = "bytes")]
    v_binary: Bytes,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Log {
    #[serde(deserialize_with = "timestamp")]
    timestamp: Option<Timestamp>,
    fields: Vec<KeyValue>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Process {
    #[serde(alias = "service_name")]
    service_name: String,
    tags: Vec<KeyValue>,
}

/// An enumeration by name or number; the default is the number 0.
#[derive(Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Number(i32),
}

impl Default for Name {
    fn default() -> Self {
        Self::Number(0)
    }
}

/// A number, which may be written as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Int(i64),
    Float(f64),
    Text(String),
}

impl Default for Number {
    fn default() -> Self {
        Self::Int(0)
    }
}

impl Number {
    fn as_i64(&self) -> i64 {
        match self {
            Self::Int(number) => *number,
            // Rounded towards zero, and to the nearest that there is.
            Self::Float(number) => *number as i64,
            Self::Text(text) => text.parse().unwrap_or(0),
        }
    }

    fn as_f64(&self) -> f64 {
        match self {
            Self::Int(number) => *number as f64,
            Self::Float(number) => *number,
            Self::Text(text) => text.parse().unwrap_or(0.0),
        }
    }
}

impl Span {
    fn into_proto(self) -> proto::Span {
        proto::Span {
            trace_id: self.trace_id,
            span_id: self.span_id,
            operation_name: self.operation_name,
            references: self.references.into_iter().map(Reference::into_proto).collect(),
            flags: self.flags,
            start_time: self.start_time,
            duration: self.duration,
            tags: tags(self.tags),
            logs: self.logs.into_iter().map(Log::into_proto).collect(),
            process: self.process.map(|process| proto::Process {
                service_name: process.service_name,
                tags: tags(process.tags),
            }),
            ..proto::Span::default()
        }
    }
}

impl Reference {
    fn into_proto(self) -> proto::SpanRef {
        let ref_type = match self.ref_type {
            Name::Text(name) => proto::SpanRefType::from_str_name(&name).unwrap_or_default() as i32,
            Name::Number(number) => number,
        };
        proto::SpanRef { trace_id: self.trace_id, span_id: self.span_id, ref_type }
    }
}

impl KeyValue {
    fn into_proto(self) -> proto::KeyValue {
        let v_type = match self.v_type {
            Name::Text(name) => proto::ValueType::from_str_name(&name).unwrap_or_default() as i32,
            Name::Number(number) => number,
        };
        proto::KeyValue {
            key: self.key,
            v_type,
            v_str: self.v_str,
            v_bool: self.v_bool,
            v_int64: self.v_int64.as_i64(),
            v_float64: self.v_float64.as_f64(),
            v_binary: self.v_binary,
        }
    }
}

impl Log {
    fn into_proto(self) -> proto::Log {
        proto::Log { timestamp: self.timestamp, fields: tags(self.fields) }
    }
}

fn tags(tags: Vec<KeyValue>) -> Vec<proto::KeyValue> {
    tags.into_iter().map(KeyValue::into_proto).collect()
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    STANDARD.decode(text).map(Bytes::from).map_err(serde::de::Error::custom)
}

fn timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let time: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
    let nanos = time.as_nanosecond();
    let (seconds, nanos) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
    let seconds = i64::try_from(seconds).map_err(serde::de::Error::custom)?;
    Ok(Some(Timestamp { seconds, nanos: i32::try_from(nanos).unwrap_or(0) }))
}

/// `1.5s`
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let invalid = || serde::de::Error::custom("a duration is a number of seconds with an `s`");
    let number = text.strip_suffix('s').ok_or_else(invalid)?;
    let (seconds, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid());
    }
    let nanos: i32 = format!("{fraction:0<9}").parse().map_err(|_not_digits| invalid())?;
    let nanos = if seconds.starts_with('-') { -nanos } else { nanos };
    Ok(Some(Duration { seconds: seconds.parse().map_err(|_not_digits| invalid())?, nanos }))
}
