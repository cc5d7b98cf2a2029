//! Functions that take lambdas.
//!
//! A lambda of two parameters gets the key of a map or the index of a list, and the value.

use std::borrow::Cow;

use spandrel_proto::otlp::common::{AnyValue, KeyValue};

use super::super::{Args, Function, Kind, converter, needs};
use crate::error::EvalError;
use crate::value::{Value, entry, put, text_of};

type Evaluated<'v> = Result<Value<'v>, EvalError>;

const PREDICATE: &[super::super::Parameter] =
    &[needs("source", Kind::Value), needs("predicate", Kind::Lambda(2))];

pub(super) const FUNCTIONS: [Function; 8] = [
    converter("All", PREDICATE, all),
    converter("Any", PREDICATE, any),
    converter("Filter", PREDICATE, filter),
    converter("Find", PREDICATE, find),
    converter(
        "MapEach",
        &[needs("source", Kind::Value), needs("mapper", Kind::Lambda(2))],
        map_each,
    ),
    converter("MapKeys", &[needs("source", Kind::Map), needs("mapper", Kind::Lambda(2))], map_keys),
    converter(
        "Reduce",
        &[
            needs("source", Kind::Value),
            needs("seed", Kind::Value),
            needs("accumulator", Kind::Lambda(3)),
        ],
        reduce,
    ),
    converter(
        "When",
        &[
            needs("condition", Kind::Lambda(0)),
            needs("value", Kind::Value),
            needs("otherwise", Kind::Value),
        ],
        when,
    ),
];

/// Keys or indexes with their values; the flag tells a map.
type Members<'v> = (bool, Vec<(Value<'v>, Value<'v>)>);

fn members<'v>(args: &Args<'_, 'v>) -> Result<Members<'v>, EvalError> {
    let pair = |KeyValue { key, value }: KeyValue| {
        (Value::owned(key), value.map_or(Value::Nil, Value::of_owned))
    };
    let index = |index: usize| Value::Int(i64::try_from(index).unwrap_or(i64::MAX));
    match args.value(0)? {
        Value::Map(Cow::Borrowed(entries)) => {
            let pairs = entries.iter().map(|entry| {
                let value = entry.value.as_ref().map_or(Value::Nil, Value::of);
                (Value::text(&entry.key), value)
            });
            Ok((true, pairs.collect()))
        }
        Value::Map(Cow::Owned(entries)) => Ok((true, entries.into_iter().map(pair).collect())),
        Value::List(_) => {
            let members = args.members(0)?.into_iter().enumerate();
            Ok((false, members.map(|(at, value)| (index(at), value)).collect()))
        }
        other => Err(args.refused(format_args!("no list or map: {}", other.type_name()))),
    }
}

fn all<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    for (key, value) in members(args)?.1 {
        if !args.lambda_holds(1, key, value)? {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

fn any<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    for (key, value) in members(args)?.1 {
        if args.lambda_holds(1, key, value)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

/// The first value for which the lambda holds; nil when there is none.
fn find<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    for (key, value) in members(args)?.1 {
        if args.lambda_holds(1, key, value.clone())? {
            return Ok(value);
        }
    }
    Ok(Value::Nil)
}

fn filter<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let (is_map, members) = members(args)?;
    let mut kept = Vec::new();
    for (key, value) in members {
        if args.lambda_holds(1, key.clone(), value.clone())? {
            kept.push((key, value));
        }
    }
    rebuilt(is_map, kept)
}

fn map_each<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let (is_map, members) = members(args)?;
    let mut mapped = Vec::with_capacity(members.len());
    for (key, value) in members {
        let value = args.apply_lambda(1, None, key.clone(), value)?;
        mapped.push((key, value));
    }
    rebuilt(is_map, mapped)
}

fn map_keys<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let mut out = Vec::new();
    for (key, value) in members(args)?.1 {
        let Value::String(key) = args.apply_lambda(1, None, key, value.clone())? else {
            return Err(args.refused("the lambda gives no string"));
        };
        put(&mut out, &key, value.storable("MapKeys")?);
    }
    Ok(Value::map(out))
}

fn reduce<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let mut so_far = args.value(1)?;
    for (key, value) in members(args)?.1 {
        so_far = args.apply_lambda(2, Some(so_far), key, value)?;
    }
    Ok(so_far)
}

/// Evaluates only the value it gives.
fn when<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let holds = args.lambda_holds(0, Value::Nil, Value::Nil)?;
    args.value(if holds { 1 } else { 2 })
}

fn rebuilt<'v>(is_map: bool, members: Vec<(Value<'v>, Value<'v>)>) -> Evaluated<'v> {
    if !is_map {
        let members = members.into_iter().map(|(_, value)| value.storable("a list"));
        return Ok(Value::list(members.collect::<Result<Vec<AnyValue>, _>>()?));
    }
    let mut out = Vec::with_capacity(members.len());
    for (key, value) in members {
        let key = text_of(key).unwrap_or_default().into_owned();
        out.push(entry(key, value.storable("a map")?));
    }
    Ok(Value::map(out))
}
