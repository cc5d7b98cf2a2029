//! Comparison of values of any types.
//!
//! Numbers compare as floating-point when their types differ; other values of different types are unequal
//! and in no order. Nothing is less or more than nil.

use std::cmp::Ordering;

use spandrel_proto::otlp::common::any_value::Value as Any;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};

use super::Value;
use crate::ast::Comparison;

/// Whether `left op right`.
pub(crate) fn compare(op: Comparison, left: &Value<'_>, right: &Value<'_>) -> bool {
    match op {
        Comparison::Equal => equal(left, right),
        Comparison::NotEqual => !equal(left, right),
        Comparison::Less => order(left, right) == Some(Ordering::Less),
        Comparison::LessOrEqual => order(left, right).is_some_and(Ordering::is_le),
        Comparison::Greater => order(left, right) == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => order(left, right).is_some_and(Ordering::is_ge),
    }
}

/// The order of two values of types that have one.
#[expect(clippy::cast_precision_loss, reason = "numbers of different types compare as f64")]
pub(crate) fn order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
        (Value::Int(left), Value::Double(right)) => (*left as f64).partial_cmp(right),
        (Value::Double(left), Value::Int(right)) => left.partial_cmp(&(*right as f64)),
        (Value::String(left), Value::String(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (Value::Bytes(left), Value::Bytes(right)) => Some(left.cmp(right)),
        (Value::Time(left), Value::Time(right)) => Some(left.unix_nanos.cmp(&right.unix_nanos)),
        (Value::Duration(left), Value::Duration(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Whether two values are the same.
pub(crate) fn equal(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::Nil, Value::Nil) => true,
        (Value::Nil, Value::Bytes(bytes)) | (Value::Bytes(bytes), Value::Nil) => bytes.is_empty(),
        (Value::TraceId(left), Value::TraceId(right)) => left == right,
        (Value::SpanId(left), Value::SpanId(right)) => left == right,
        (Value::Map(left), Value::Map(right)) => same_map(left, right),
        (Value::List(left), Value::List(right)) => same_list(left, right),
        (Value::Events(left), Value::Events(right)) => left == right,
        (Value::Links(left), Value::Links(right)) => left == right,
        _ => order(left, right) == Some(Ordering::Equal),
    }
}

/// Maps are the same in any order.
fn same_map(left: &[KeyValue], right: &[KeyValue]) -> bool {
    left.len() == right.len()
        && left.iter().all(|entry| {
            let other = right.iter().find(|other| other.key == entry.key);
            other.is_some_and(|other| same(entry.value.as_ref(), other.value.as_ref()))
        })
}

fn same_list(left: &[AnyValue], right: &[AnyValue]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| same(Some(left), Some(right)))
}

/// Inside of maps and lists, types matter.
fn same(left: Option<&AnyValue>, right: Option<&AnyValue>) -> bool {
    let value = |any: Option<&AnyValue>| any.and_then(|any| any.value.clone());
    match (left.and_then(|any| any.value.as_ref()), right.and_then(|any| any.value.as_ref())) {
        (Some(Any::KvlistValue(left)), Some(Any::KvlistValue(right))) => {
            same_map(&left.values, &right.values)
        }
        (Some(Any::ArrayValue(left)), Some(Any::ArrayValue(right))) => {
            same_list(&left.values, &right.values)
        }
        _ => value(left) == value(right),
    }
}
