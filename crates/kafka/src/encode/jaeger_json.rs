//! A span of Jaeger's model in protobuf's JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use spandrel_proto::jaeger::{KeyValue, Log, Span, SpanRef, ValueType};
use spandrel_proto::well_known::{Duration, Timestamp};

pub(super) fn to_json(span: &Span) -> Vec<u8> {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| {
        let is_default = match &value {
            Value::Null => true,
            Value::Array(list) => list.is_empty(),
            Value::String(text) => text.is_empty(),
            _ => false,
        };
        if !is_default {
            object.insert(key.to_owned(), value);
        }
    };
    put("traceId", STANDARD.encode(&span.trace_id).into());
    put("spanId", STANDARD.encode(&span.span_id).into());
    put("operationName", span.operation_name.clone().into());
    put("references", span.references.iter().map(reference).collect());
    if span.flags != 0 {
        put("flags", span.flags.into());
    }
    put("startTime", span.start_time.as_ref().map(timestamp).into());
    put("duration", span.duration.as_ref().map(duration).into());
    put("tags", span.tags.iter().map(tag).collect());
    put("logs", span.logs.iter().map(log).collect());
    if let Some(process) = &span.process {
        let tags: Value = process.tags.iter().map(tag).collect();
        put("process", json!({ "serviceName": process.service_name, "tags": tags }));
    }
    Value::Object(object).to_string().into_bytes()
}

fn reference(reference: &SpanRef) -> Value {
    json!({
        "traceId": STANDARD.encode(&reference.trace_id),
        "spanId": STANDARD.encode(&reference.span_id),
        "refType": reference.ref_type().as_str_name(),
    })
}

fn log(log: &Log) -> Value {
    let fields: Value = log.fields.iter().map(tag).collect();
    json!({ "timestamp": log.timestamp.as_ref().map(timestamp), "fields": fields })
}

fn tag(tag: &KeyValue) -> Value {
    let kind = tag.v_type();
    let (name, value) = match kind {
        ValueType::String => ("vStr", tag.v_str.clone().into()),
        ValueType::Bool => ("vBool", tag.v_bool.into()),
        // 64-bit integers are texts in protobuf's JSON.
        ValueType::Int64 => ("vInt64", tag.v_int64.to_string().into()),
        ValueType::Float64 => ("vFloat64", number(tag.v_float64)),
        ValueType::Binary => ("vBinary", STANDARD.encode(&tag.v_binary).into()),
    };
    json!({ "key": tag.key, "vType": kind.as_str_name(), name: value })
}

fn number(number: f64) -> Value {
    match number {
        number if number.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        number => number.into(),
    }
}

fn timestamp(time: &Timestamp) -> String {
    let time = jiff::Timestamp::new(time.seconds, time.nanos);
    time.map_or_else(|_out_of_range| String::new(), |time| time.to_string())
}

fn duration(duration: &Duration) -> String {
    format!("{}.{:09}s", duration.seconds, duration.nanos.unsigned_abs())
}
