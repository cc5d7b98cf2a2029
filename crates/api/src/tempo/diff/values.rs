//! Attribute values as JSON, and when two of them count as equal.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use spandrel_model::{Attribute, AttributeValue};

/// Attributes that tell an amount (bytes, tokens, time), where a small relative difference is noise.
const AMOUNTS: [&str; 24] = [
    "app.jank.period",
    "file.size",
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.completion_tokens",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.prompt_tokens",
    "gen_ai.usage.reasoning.output_tokens",
    "http.request.body.size",
    "http.request.size",
    "http.request_content_length",
    "http.request_content_length_uncompressed",
    "http.response.body.size",
    "http.response.size",
    "http.response_content_length",
    "http.response_content_length_uncompressed",
    "message.compressed_size",
    "message.uncompressed_size",
    "messaging.message.body.size",
    "messaging.message.envelope.size",
    "rpc.message.compressed_size",
    "rpc.message.uncompressed_size",
];

/// Amounts that differ by less than this part of the larger one are equal.
const AMOUNT_TOLERANCE: f64 = 0.05;
/// Durations that differ by less than this part of the longer one are equal,
const DURATION_TOLERANCE: f64 = 0.2;
/// and so are those that differ by less than this besides.
const DURATION_TOLERANCE_NANOS: f64 = 1_000_000.0;

/// Attributes by key; of several under one key the last.
pub(super) fn plain_map(attributes: &[Attribute]) -> Map<String, Value> {
    attributes.iter().map(|a| (a.key.clone(), plain(&a.value))).collect()
}

/// Bytes are in base64; numbers that JSON does not have are their names.
fn plain(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::Empty => Value::Null,
        AttributeValue::String(text) => text.as_str().into(),
        AttributeValue::Bool(truth) => (*truth).into(),
        AttributeValue::Int(number) => (*number).into(),
        AttributeValue::Double(number) if number.is_nan() => "NaN".into(),
        AttributeValue::Double(number) if number.is_infinite() => {
            if *number > 0.0 {
                "+Inf".into()
            } else {
                "-Inf".into()
            }
        }
        AttributeValue::Double(number) => (*number).into(),
        AttributeValue::Array(values) => values.iter().map(plain).collect::<Vec<_>>().into(),
        AttributeValue::KeyValueList(attributes) => plain_map(attributes).into(),
        AttributeValue::Bytes(bytes) => STANDARD.encode(bytes).into(),
    }
}

/// Whether an attribute counts as changed.
pub(super) fn attribute_changed(key: &str, before: &Value, after: &Value) -> bool {
    if let (Some(a), Some(b)) = (before.as_f64(), after.as_f64()) {
        if AMOUNTS.contains(&key) {
            return !are_close(a, b, AMOUNT_TOLERANCE, 0.0);
        }
        // 2 and 2.0 are the same; large integers are compared as they are.
        if before.is_f64() != after.is_f64() {
            return a != b;
        }
    }
    before != after
}

/// Whether a duration counts as changed.
pub(super) fn duration_changed(before: Option<i64>, after: Option<i64>) -> bool {
    match (before, after) {
        (Some(a), Some(b)) => {
            !are_close(a as f64, b as f64, DURATION_TOLERANCE, DURATION_TOLERANCE_NANOS)
        }
        (before, after) => before != after,
    }
}

fn are_close(a: f64, b: f64, relative: f64, absolute: f64) -> bool {
    (a - b).abs() <= absolute + relative * a.abs().max(b.abs())
}
