//! Jaeger's JSON, as its API and its interface give out traces, into OTLP: by way of Jaeger's protobuf model, so that
//! the rules are those of its receivers.

use std::collections::HashMap;

use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use serde::Deserialize;
use serde_json::Value;
use spandrel_jaeger::post_spans;
use spandrel_model::{SpanId, TraceId};
use spandrel_proto::jaeger::{
    Batch, KeyValue, Log, PostSpansRequest, Process, Span, SpanRef, SpanRefType, ValueType,
};
use spandrel_proto::well_known::{Duration, Timestamp};
use spandrel_translate::Room;

use super::read::malformed;
use crate::error::ApiError;

const MICROS_PER_SECOND: u64 = 1_000_000;

/// An answer of the API, or one trace of it.
#[derive(Debug, Deserialize)]
struct Document {
    #[serde(default)]
    data: Vec<JsonTrace>,
    #[serde(flatten)]
    trace: JsonTrace,
}

#[derive(Debug, Default, Deserialize)]
struct JsonTrace {
    #[serde(default)]
    spans: Vec<JsonSpan>,
    #[serde(default)]
    processes: HashMap<String, JsonProcess>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonSpan {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
    /// Of old versions; newer ones have a reference.
    #[serde(rename = "parentSpanID", default)]
    parent_span_id: String,
    #[serde(default)]
    flags: u32,
    #[serde(default)]
    operation_name: String,
    #[serde(default)]
    references: Vec<JsonReference>,
    /// Microseconds, as all times.
    start_time: u64,
    #[serde(default)]
    duration: u64,
    #[serde(default)]
    tags: Vec<JsonTag>,
    #[serde(default)]
    logs: Option<Vec<JsonLog>>,
    #[serde(rename = "processID", default)]
    process_id: String,
    process: Option<JsonProcess>,
}

#[derive(Debug, Deserialize)]
struct JsonReference {
    #[serde(rename = "refType", default)]
    ref_type: String,
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonProcess {
    #[serde(default)]
    service_name: String,
    #[serde(default)]
    tags: Vec<JsonTag>,
}

#[derive(Debug, Deserialize)]
struct JsonLog {
    #[serde(default)]
    timestamp: u64,
    #[serde(default)]
    fields: Vec<JsonTag>,
}

#[derive(Debug, Clone, Deserialize)]
struct JsonTag {
    key: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    value: Value,
}

/// The spans as an OTLP request.
///
/// # Errors
/// [`ApiError::Body`] when it is something else, or too large for the room.
pub(super) fn translate(json: &[u8], room: &mut Room<'_>) -> Result<Bytes, ApiError> {
    let failed =
        |error: &dyn std::error::Error| malformed(&format!("cannot read Jaeger's JSON: {error}"));
    let document: Document = serde_json::from_slice(json).map_err(|error| failed(&error))?;
    let mut spans = Vec::new();
    for trace in document.data.into_iter().chain([document.trace]) {
        let JsonTrace { spans: of_trace, processes } = trace;
        for span in of_trace {
            spans.push(to_span(span, &processes)?);
        }
    }
    let batch = Batch { spans, process: None };
    let request = PostSpansRequest { batch: Some(batch) }.encode_to_vec();
    let translated = post_spans(&request.into(), room).map_err(|error| failed(&error))?;
    Ok(translated.otlp)
}

fn to_span(span: JsonSpan, processes: &HashMap<String, JsonProcess>) -> Result<Span, ApiError> {
    let process = span.process.or_else(|| processes.get(&span.process_id).cloned());
    let mut references = Vec::new();
    for reference in &span.references {
        references.push(to_reference(reference)?);
    }
    if references.is_empty() && !span.parent_span_id.is_empty() {
        let (trace_id, span_id) = (span.trace_id.clone(), span.parent_span_id);
        references.push(to_reference(&JsonReference {
            ref_type: String::new(),
            trace_id,
            span_id,
        })?);
    }
    let log = |log: JsonLog| Log {
        timestamp: Some(timestamp(log.timestamp)),
        fields: log.fields.into_iter().map(tag).collect(),
    };
    let (seconds, nanos) = seconds_and_nanos(span.duration);
    Ok(Span {
        trace_id: trace_id(&span.trace_id)?,
        span_id: span_id(&span.span_id)?,
        operation_name: span.operation_name,
        references,
        flags: span.flags,
        start_time: Some(timestamp(span.start_time)),
        duration: Some(Duration { seconds, nanos }),
        tags: span.tags.into_iter().map(tag).collect(),
        logs: span.logs.unwrap_or_default().into_iter().map(log).collect(),
        process: process.map(|process| Process {
            service_name: process.service_name,
            tags: process.tags.into_iter().map(tag).collect(),
        }),
        ..Span::default()
    })
}

fn to_reference(reference: &JsonReference) -> Result<SpanRef, ApiError> {
    let ref_type = match reference.ref_type.as_str() {
        "FOLLOWS_FROM" => SpanRefType::FollowsFrom,
        _ => SpanRefType::ChildOf,
    };
    Ok(SpanRef {
        trace_id: trace_id(&reference.trace_id)?,
        span_id: span_id(&reference.span_id)?,
        ref_type: ref_type.into(),
    })
}

fn trace_id(text: &str) -> Result<Bytes, ApiError> {
    let id = TraceId::from_hex(text).map_err(|error| malformed(&format!("trace id: {error}")))?;
    Ok(Bytes::copy_from_slice(&id.0))
}

fn span_id(text: &str) -> Result<Bytes, ApiError> {
    let id = SpanId::from_hex(text).map_err(|error| malformed(&format!("span id: {error}")))?;
    Ok(Bytes::copy_from_slice(&id.0))
}

fn seconds_and_nanos(micros: u64) -> (i64, i32) {
    let seconds = i64::try_from(micros / MICROS_PER_SECOND).unwrap_or(i64::MAX);
    let nanos = i32::try_from(micros % MICROS_PER_SECOND * 1_000).unwrap_or_default();
    (seconds, nanos)
}

fn timestamp(micros: u64) -> Timestamp {
    let (seconds, nanos) = seconds_and_nanos(micros);
    Timestamp { seconds, nanos }
}

/// The type counts where the value has it; without one, the value's own.
fn tag(tag: JsonTag) -> KeyValue {
    let JsonTag { key, kind, value } = tag;
    let mut pair = KeyValue { key, ..KeyValue::default() };
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        value => value.to_string(),
    };
    let number = text(&value);
    match (kind.as_str(), &value) {
        ("bool", Value::String(word)) => pair.set(ValueType::Bool).v_bool = word == "true",
        ("bool" | "", Value::Bool(truth)) => pair.set(ValueType::Bool).v_bool = *truth,
        ("int64" | "", _)
            if number.parse::<i64>().is_ok() && !(kind.is_empty() && value.is_string()) =>
        {
            pair.set(ValueType::Int64).v_int64 = number.parse().unwrap_or_default();
        }
        ("float64" | "int64", _) if number.parse::<f64>().is_ok() => {
            pair.set(ValueType::Float64).v_float64 = number.parse().unwrap_or_default();
        }
        ("", Value::Number(value)) => {
            pair.set(ValueType::Float64).v_float64 = value.as_f64().unwrap_or_default();
        }
        ("binary", Value::String(encoded)) => match STANDARD.decode(encoded) {
            Ok(bytes) => pair.set(ValueType::Binary).v_binary = bytes.into(),
            Err(_) => pair.set(ValueType::String).v_str.clone_from(encoded),
        },
        _ => pair.set(ValueType::String).v_str = number,
    }
    pair
}

/// Sets the type of a value that is being made.
trait SetType {
    fn set(&mut self, kind: ValueType) -> &mut Self;
}

impl SetType for KeyValue {
    fn set(&mut self, kind: ValueType) -> &mut Self {
        self.v_type = kind.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_have_their_types() {
        let typed = |kind: &str, value: Value| {
            let kind = kind.to_owned();
            let pair = tag(JsonTag { key: "k".to_owned(), kind, value });
            (pair.v_type(), pair.v_str, pair.v_bool, pair.v_int64, pair.v_float64)
        };
        let text = String::new;
        assert_eq!(typed("string", json!("a")), (ValueType::String, "a".to_owned(), false, 0, 0.0));
        assert_eq!(typed("", json!("7")), (ValueType::String, "7".to_owned(), false, 0, 0.0));
        assert_eq!(typed("bool", json!(true)), (ValueType::Bool, text(), true, 0, 0.0));
        assert_eq!(
            typed("int64", json!("9007199254740993")),
            (ValueType::Int64, text(), false, 9_007_199_254_740_993, 0.0)
        );
        assert_eq!(typed("int64", json!(5)), (ValueType::Int64, text(), false, 5, 0.0));
        assert_eq!(typed("", json!(5)), (ValueType::Int64, text(), false, 5, 0.0));
        assert_eq!(typed("float64", json!(0.5)), (ValueType::Float64, text(), false, 0, 0.5));
        assert_eq!(typed("", json!([1])), (ValueType::String, "[1]".to_owned(), false, 0, 0.0));
    }
}
