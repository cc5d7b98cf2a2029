//! Conversion between types, and asking for them.

use super::super::{Args, Function, Kind, converter, needs};
use crate::error::EvalError;
use crate::value::Value;

type Evaluated<'v> = Result<Value<'v>, EvalError>;

const VALUE: &[super::super::Parameter] = &[needs("value", Kind::Value)];

pub(super) const FUNCTIONS: [Function; 11] = [
    converter("Bool", VALUE, to_bool),
    converter("Double", VALUE, to_double),
    converter("Int", VALUE, to_int),
    converter("String", VALUE, to_string),
    converter("IsBool", VALUE, is_bool),
    converter("IsDouble", VALUE, is_double),
    converter("IsInt", VALUE, is_int),
    converter("IsList", VALUE, is_list),
    converter("IsMap", VALUE, is_map),
    converter("IsString", VALUE, is_string),
    converter("IsEmpty", VALUE, is_empty),
];

fn to_bool<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(match args.value(0)? {
        Value::Nil => Value::Nil,
        Value::Bool(value) => Value::Bool(value),
        Value::Int(value) => Value::Bool(value != 0),
        Value::Double(value) => Value::Bool(value != 0.0),
        Value::String(text) => match &*text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Value::Bool(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Value::Bool(false),
            other => return Err(args.refused(format_args!("{other:?} is no bool"))),
        },
        other => return Err(args.refused(format_args!("no bool of {}", other.type_name()))),
    })
}

/// Nil for text that is no number.
#[expect(clippy::cast_precision_loss, reason = "integers become floating-point as in Go")]
fn to_double<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(match args.value(0)? {
        Value::Nil => Value::Nil,
        Value::Bool(value) => Value::Double(f64::from(u8::from(value))),
        Value::Int(value) => Value::Double(value as f64),
        Value::Double(value) => Value::Double(value),
        Value::String(text) => text.parse().map_or(Value::Nil, Value::Double),
        other => return Err(args.refused(format_args!("no double of {}", other.type_name()))),
    })
}

/// Nil for text that is no integer; fractions are cut off.
#[expect(clippy::cast_possible_truncation, reason = "fractions are cut off")]
fn to_int<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(match args.value(0)? {
        Value::Nil => Value::Nil,
        Value::Bool(value) => Value::Int(value.into()),
        Value::Int(value) => Value::Int(value),
        Value::Double(value) => Value::Int(value as i64),
        Value::String(text) => text.parse().map_or(Value::Nil, Value::Int),
        other => return Err(args.refused(format_args!("no int of {}", other.type_name()))),
    })
}

fn to_string<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(args.text_like(0)?.map_or(Value::Nil, Value::String))
}

fn is_bool<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Bool(matches!(args.value(0)?, Value::Bool(_))))
}

fn is_double<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Bool(matches!(args.value(0)?, Value::Double(_))))
}

fn is_int<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Bool(matches!(args.value(0)?, Value::Int(_))))
}

fn is_list<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Bool(matches!(args.value(0)?, Value::List(_))))
}

fn is_map<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Bool(matches!(args.value(0)?, Value::Map(_))))
}

fn is_string<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Bool(matches!(args.value(0)?, Value::String(_))))
}

fn is_empty<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::Bool(match args.value(0)? {
        Value::Nil => true,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::List(members) => members.is_empty(),
        Value::Events(events) => events.is_empty(),
        Value::Links(links) => links.is_empty(),
        _ => false,
    }))
}
