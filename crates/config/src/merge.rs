//! Putting the maps of several sources together.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::problem::Problem;
use crate::value::{Key, Position, Value, ValueKind};
use crate::yaml::DEPTH_MAX;

/// Separates the keys of nested maps where they are written as one: `a::b: 1`.
pub(crate) const DELIMITER: &str = "::";

/// Lays `over` over `base`: maps are merged key by key, everything else replaces what was there, null included.
pub(crate) fn merge(base: &mut Value, over: Value) {
    let Value { kind: ValueKind::Map(into), .. } = base else {
        *base = over;
        return;
    };
    let Value { kind: ValueKind::Map(entries), .. } = over else {
        *base = over;
        return;
    };
    let mut places: BTreeMap<Arc<str>, usize> =
        into.iter().enumerate().map(|(i, (key, _))| (key.text.clone(), i)).collect();
    for (key, value) in entries {
        match places.get(&key.text).and_then(|place| into.get_mut(*place)) {
            Some((_, there)) => merge(there, value),
            None => {
                places.insert(key.text.clone(), into.len());
                into.push((key, value));
            }
        }
    }
}

/// Turns keys like `a::b` into maps in maps, at all depths, and merges what then has the same key.
pub(crate) fn nest(value: Value) -> Result<Value, Problem> {
    nest_below(value, 0)
}

fn nest_below(value: Value, depth: usize) -> Result<Value, Problem> {
    if depth > DEPTH_MAX {
        let message = format!("is nested deeper than {DEPTH_MAX} levels");
        return Err(Problem::at(&value.position, "", message));
    }
    let Value { kind, position, raw } = value;
    let kind = match kind {
        ValueKind::List(values) => {
            let values: Result<_, _> =
                values.into_iter().map(|value| nest_below(value, depth + 1)).collect();
            ValueKind::List(values?)
        }
        ValueKind::Map(entries) => {
            let mut map = Value::new(ValueKind::Map(Vec::new()), position.clone());
            for (key, value) in entries {
                let parts = parts(&key.text);
                let value = nest_below(value, depth + parts.len())?;
                merge(&mut map, wrap(&parts, &key.position, value));
            }
            map.kind
        }
        kind => kind,
    };
    Ok(Value { kind, position, raw })
}

/// The keys that a key stands for; itself when a part would be empty.
pub(crate) fn parts(key: &str) -> Vec<&str> {
    let parts: Vec<&str> = key.split(DELIMITER).collect();
    if parts.iter().any(|part| part.is_empty()) { vec![key] } else { parts }
}

/// A value as the only one of maps in maps.
pub(crate) fn wrap(parts: &[&str], position: &Position, value: Value) -> Value {
    parts.iter().rev().fold(value, |value, part| {
        let key = Key { text: (*part).into(), position: position.clone() };
        Value::new(ValueKind::Map(vec![(key, value)]), position.clone())
    })
}
