//! Editors of lists.

use spandrel_proto::otlp::common::any_value::Value as Any;
use spandrel_proto::otlp::common::{AnyValue, ArrayValue};

use super::super::{Args, Function, Kind, editor, may, needs};
use super::place;
use crate::error::EvalError;
use crate::expression::{Call, Env};
use crate::value::{Value, out_of_bounds};
use crate::view::Target;

pub(super) const FUNCTIONS: [Function; 2] = [
    editor(
        "append",
        &[needs("target", Kind::Place), may("value", Kind::Value), may("values", Kind::List)],
        append,
    ),
    editor(
        "delete_index",
        &[
            needs("target", Kind::Place),
            needs("start_index", Kind::Int),
            may("end_index", Kind::Int),
        ],
        delete_index,
    ),
];

/// A value that is no list becomes the first member of one.
fn append(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    let path = place(call)?;
    let (added, keys) = {
        let view = target.view();
        let env = Env::new(view);
        let args = Args::new(call, &env);
        if !args.given(1) && !args.given(2) {
            return Err(args.refused("needs `value` or `values`"));
        }
        let mut added = Vec::new();
        if args.given(1) {
            added.push(args.value(1)?.storable(call.name)?);
        }
        if args.given(2) {
            for member in args.members(2)? {
                added.push(member.storable(call.name)?);
            }
        }
        (added, path.keys_now(view)?)
    };
    if keys.is_empty() {
        let got = path.get(&Env::new(target.view()))?.type_name();
        let expected = "a path with a key";
        return Err(EvalError::Type { place: call.name, expected, got });
    }
    let any = path.value_mut_or_insert(target, &keys)?;
    match any.value.as_mut() {
        Some(Any::ArrayValue(list)) => list.values.extend(added),
        Some(Any::KvlistValue(_)) => {
            let expected = "a list or a single value";
            return Err(EvalError::Type { place: call.name, expected, got: "map" });
        }
        _ => {
            let before = any.value.take().map(|value| AnyValue { value: Some(value) });
            let values = before.into_iter().chain(added).collect();
            any.value = Some(Any::ArrayValue(ArrayValue { values }));
        }
    }
    Ok(())
}

/// Removes one member, or those up to but not including the end.
fn delete_index(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    let path = place(call)?;
    let (start, end, keys) = {
        let view = target.view();
        let env = Env::new(view);
        let args = Args::new(call, &env);
        let start = args.int(1)?;
        let end = match args.given(2) {
            true => args.int(2)?,
            false => start.saturating_add(1),
        };
        (start, end, path.keys_now(view)?)
    };
    let list = match path.value_mut(target, &keys)?.and_then(|any| any.value.as_mut()) {
        Some(Any::ArrayValue(list)) => &mut list.values,
        _ => {
            let got =
                path.get(&Env::new(target.view())).map_or("nil", |v: Value<'_>| v.type_name());
            return Err(EvalError::Type { place: call.name, expected: "a list", got });
        }
    };
    let length = list.len();
    let within = |index: i64| usize::try_from(index).ok().filter(|index| *index <= length);
    let first = within(start).filter(|index| *index < length);
    let first = first.ok_or_else(|| out_of_bounds(start, length))?;
    let last = within(end).filter(|last| *last > first);
    let last = last.ok_or_else(|| out_of_bounds(end, length))?;
    list.drain(first..last);
    Ok(())
}
