//! Lists and maps.

use std::borrow::Cow;
use std::cmp::Ordering;

use spandrel_proto::otlp::common::KeyValue;

use super::super::{Args, Function, Kind, converter, may, needs};
use crate::error::EvalError;
use crate::value::{Key, Value, equal, order, put, text_of};

type Evaluated<'v> = Result<Value<'v>, EvalError>;

pub(super) const FUNCTIONS: [Function; 8] = [
    converter("Coalesce", &[needs("values", Kind::List)], coalesce),
    converter(
        "ContainsValue",
        &[needs("target", Kind::Value), needs("item", Kind::Value)],
        contains_value,
    ),
    converter("Index", &[needs("target", Kind::Value), needs("value", Kind::Value)], index),
    converter("Keys", &[needs("target", Kind::Map)], keys),
    converter("Len", &[needs("target", Kind::Value)], len),
    converter(
        "SliceToMap",
        &[needs("target", Kind::List), may("key_path", Kind::List), may("value_path", Kind::List)],
        slice_to_map,
    ),
    converter(
        "Sort",
        &[needs("target", Kind::List), may("order", Kind::Word(&["asc", "desc"]))],
        sort,
    ),
    converter("Values", &[needs("target", Kind::Map)], values),
];

/// The first value that is not nil.
fn coalesce<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let found = args.members(0)?.into_iter().find(|value| *value != Value::Nil);
    Ok(found.unwrap_or(Value::Nil))
}

fn contains_value<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let item = args.value(1)?;
    Ok(Value::Bool(args.members(0)?.iter().any(|member| equal(member, &item))))
}

/// Where a text has another, or a list a value; -1 when it has not.
fn index<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let found = match args.value(0)? {
        Value::String(text) => text.find(&*args.text(1)?),
        Value::List(_) => {
            let value = args.value(1)?;
            args.members(0)?.iter().position(|member| equal(member, &value))
        }
        other => return Err(args.refused(format_args!("no index in {}", other.type_name()))),
    };
    Ok(Value::Int(found.map_or(-1, |at| i64::try_from(at).unwrap_or(i64::MAX))))
}

fn keys<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::strings(args.map(0)?.iter().map(|entry| entry.key.as_str())))
}

fn values<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let entries = args.map(0)?;
    Ok(Value::list(entries.iter().map(|entry| entry.value.clone().unwrap_or_default()).collect()))
}

/// Bytes of a text, or members.
fn len<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let length = match args.value(0)? {
        Value::String(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Map(entries) => entries.len(),
        Value::List(members) => members.len(),
        Value::Events(events) => events.len(),
        Value::Links(links) => links.len(),
        Value::TraceId(id) => id.len(),
        Value::SpanId(id) => id.len(),
        other => return Err(args.refused(format_args!("no length of {}", other.type_name()))),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

/// Members of the list become entries. Their keys are what the key path leads to, or their indexes; their
/// values what the value path leads to, or the members themselves.
fn slice_to_map<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let (key_path, value_path) = (args.texts(1)?, args.texts(2)?);
    let at = |member: Value<'v>, path: &[Cow<'v, str>]| {
        path.iter().try_fold(member, |value, name| value.get(&Key::Name(name.clone())))
    };
    let mut out: Vec<KeyValue> = Vec::new();
    for (index, member) in args.members(0)?.into_iter().enumerate() {
        let key = match key_path.is_empty() {
            true => index.to_string(),
            false => match at(member.clone(), &key_path)? {
                Value::String(key) => key.into_owned(),
                Value::Nil => {
                    let path = key_path.join(".");
                    let message = format_args!("member {index} has nothing at {path}");
                    return Err(args.refused(message));
                }
                other => text_of(other).unwrap_or_default().into_owned(),
            },
        };
        put(&mut out, &key, at(member, &value_path)?.storable("SliceToMap")?);
    }
    Ok(Value::map(out))
}

/// Numbers by size; lists of mixed types by their texts.
fn sort<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let descending = &*args.text_or(1, "asc")? == "desc";
    let mut members = args.members(0)?;
    let comparable = members
        .iter()
        .zip(members.iter().skip(1))
        .all(|(left, right)| order(left, right).is_some());
    let by = |left: &Value<'v>, right: &Value<'v>| match comparable {
        true => order(left, right).unwrap_or(Ordering::Equal),
        false => text_of(left.clone()).cmp(&text_of(right.clone())),
    };
    match descending {
        true => members.sort_by(|left, right| by(right, left)),
        false => members.sort_by(by),
    }
    let members = members.into_iter().map(|member| member.storable("Sort"));
    Ok(Value::list(members.collect::<Result<_, _>>()?))
}
