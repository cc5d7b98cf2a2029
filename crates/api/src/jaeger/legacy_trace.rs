//! Jaeger's model of a trace: the shapes, in the order of the fields of its legacy JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use spandrel_model::{SpanId, TraceId};

use crate::{go_json, trace_ids};

/// The largest integer that JavaScript holds exactly; beyond it values are sent as texts.
const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;
const NANOS_PER_MICRO: u64 = 1_000;

/// A trace. Processes are keyed `p1`, `p2` and so on, and listed in the order of their keys as
/// texts.
#[derive(Debug, serde::Serialize)]
pub(super) struct LegacyTrace<'a> {
    #[serde(rename = "traceID", serialize_with = "jaeger_id")]
    pub(super) trace_id: TraceId,
    pub(super) spans: Vec<LegacySpan<'a>>,
    pub(super) processes: BTreeMap<String, Process<'a>>,
    /// Always null: what is found is told of single spans.
    pub(super) warnings: Option<Vec<String>>,
}

/// A span; times are microseconds in JSON.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LegacySpan<'a> {
    #[serde(rename = "traceID", serialize_with = "jaeger_id")]
    pub(super) trace_id: TraceId,
    #[serde(rename = "spanID", serialize_with = "hex")]
    pub(super) span_id: SpanId,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) flags: u32,
    pub(super) operation_name: &'a str,
    pub(super) references: Vec<Reference>,
    #[serde(rename = "startTime", serialize_with = "micros")]
    pub(super) start_nanos: u64,
    #[serde(rename = "duration", serialize_with = "micros")]
    pub(super) duration_nanos: u64,
    pub(super) tags: Vec<Tag<'a>>,
    pub(super) logs: Vec<Log<'a>>,
    #[serde(rename = "processID")]
    pub(super) process_id: String,
    /// What was found when the trace was adjusted.
    pub(super) warnings: Option<Vec<String>>,
}

/// The parent, or a span that another follows from.
#[derive(Debug, serde::Serialize)]
pub(super) struct Reference {
    #[serde(rename = "refType")]
    pub(super) ref_type: RefType,
    #[serde(rename = "traceID", serialize_with = "jaeger_id")]
    pub(super) trace_id: TraceId,
    #[serde(rename = "spanID", serialize_with = "hex")]
    pub(super) span_id: SpanId,
}

/// How a span depends on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum RefType {
    ChildOf,
    FollowsFrom,
}

/// A producer of spans.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Process<'a> {
    pub(super) service_name: &'a str,
    pub(super) tags: Vec<Tag<'a>>,
}

/// An event.
#[derive(Debug, serde::Serialize)]
pub(super) struct Log<'a> {
    #[serde(rename = "timestamp", serialize_with = "micros")]
    pub(super) time_nanos: u64,
    pub(super) fields: Vec<Tag<'a>>,
}

/// A key with a typed value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tag<'a> {
    pub(super) key: &'a str,
    pub(super) value: TagValue<'a>,
}

/// A value of a tag.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TagValue<'a> {
    Text(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    Float(f64),
    Binary(&'a [u8]),
}

impl Serialize for Tag<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kind = match &self.value {
            TagValue::Text(_) => "string",
            TagValue::Bool(_) => "bool",
            TagValue::Int(_) => "int64",
            TagValue::Float(_) => "float64",
            TagValue::Binary(_) => "binary",
        };
        let mut tag = serializer.serialize_struct("Tag", 3)?;
        tag.serialize_field("key", self.key)?;
        tag.serialize_field("type", kind)?;
        match &self.value {
            TagValue::Text(text) => tag.serialize_field("value", text)?,
            TagValue::Bool(truth) => tag.serialize_field("value", truth)?,
            TagValue::Int(number) if number.unsigned_abs() > SAFE_INTEGER_MAX => {
                tag.serialize_field("value", &number.to_string())?;
            }
            TagValue::Int(number) => tag.serialize_field("value", number)?,
            TagValue::Float(number) if number.is_finite() => {
                tag.serialize_field("value", number)?;
            }
            TagValue::Float(number) => {
                tag.serialize_field("value", &go_json::float_text(*number))?;
            }
            TagValue::Binary(bytes) => tag.serialize_field("value", &STANDARD.encode(bytes))?,
        }
        tag.end()
    }
}

fn is_zero(flags: &u32) -> bool {
    *flags == 0
}

fn jaeger_id<S: Serializer>(id: &TraceId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&trace_ids::in_jaeger_json(*id))
}

fn hex<S: Serializer>(id: &SpanId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

fn micros<S: Serializer>(nanos: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(nanos / NANOS_PER_MICRO)
}
