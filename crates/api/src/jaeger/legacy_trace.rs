//! Jaeger's legacy trace JSON: the shapes, in the order of Jaeger's own fields.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

/// A trace. Processes are keyed `p1`, `p2` and so on, and listed in the order of their keys as
/// texts.
#[derive(Debug, Serialize)]
pub(super) struct LegacyTrace<'a> {
    #[serde(rename = "traceID")]
    pub(super) trace_id: String,
    pub(super) spans: Vec<LegacySpan<'a>>,
    pub(super) processes: BTreeMap<String, Process<'a>>,
    /// Always null: nothing adjusts traces.
    pub(super) warnings: Option<Vec<String>>,
}

/// A span; times in microseconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LegacySpan<'a> {
    #[serde(rename = "traceID")]
    pub(super) trace_id: String,
    #[serde(rename = "spanID")]
    pub(super) span_id: String,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) flags: u32,
    pub(super) operation_name: &'a str,
    pub(super) references: Vec<Reference>,
    pub(super) start_time: u64,
    pub(super) duration: u64,
    pub(super) tags: Vec<Tag<'a>>,
    pub(super) logs: Vec<Log<'a>>,
    #[serde(rename = "processID")]
    pub(super) process_id: String,
    /// Always null: nothing adjusts spans.
    pub(super) warnings: Option<Vec<String>>,
}

fn is_zero(flags: &u32) -> bool {
    *flags == 0
}

/// The parent, or a span that another follows from.
#[derive(Debug, Serialize)]
pub(super) struct Reference {
    #[serde(rename = "refType")]
    pub(super) ref_type: &'static str,
    #[serde(rename = "traceID")]
    pub(super) trace_id: String,
    #[serde(rename = "spanID")]
    pub(super) span_id: String,
}

/// A producer of spans.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Process<'a> {
    pub(super) service_name: &'a str,
    pub(super) tags: Vec<Tag<'a>>,
}

/// An event.
#[derive(Debug, Serialize)]
pub(super) struct Log<'a> {
    pub(super) timestamp: u64,
    pub(super) fields: Vec<Tag<'a>>,
}

/// A key with a typed value.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Tag<'a> {
    pub(super) key: &'a str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) value: TagValue<'a>,
}

/// A value; which JSON type stands for it is decided where it is made.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum TagValue<'a> {
    Text(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    Float(f64),
}
