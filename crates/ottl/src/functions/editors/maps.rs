//! Editors of whole maps.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use spandrel_proto::otlp::common::KeyValue;
use spandrel_proto::otlp::common::any_value::Value as Any;

use super::super::{Args, Function, Kind, editor, may, needs};
use super::keys::with_map;
use super::place;
use crate::error::EvalError;
use crate::expression::{Call, Env};
use crate::value::{Value, any_text, put, text_of};
use crate::view::Target;

pub(super) const FUNCTIONS: [Function; 3] = [
    editor(
        "merge_maps",
        &[
            needs("target", Kind::MapPlace),
            needs("source", Kind::Map),
            needs("strategy", Kind::Word(&["insert", "update", "upsert"])),
        ],
        merge_maps,
    ),
    editor(
        "flatten",
        &[
            needs("target", Kind::MapPlace),
            may("prefix", Kind::Text),
            may("depth", Kind::Int),
            may("resolve_conflicts", Kind::Bool),
        ],
        flatten,
    ),
    editor("stringify_all", &[needs("target", Kind::MapPlace)], stringify_all),
];

/// Inserts new keys, updates old ones, or both. A target that is not there is made.
fn merge_maps(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    let (source, strategy) = {
        let env = Env::new(target.view());
        let args = Args::new(call, &env);
        (args.map(1)?.into_owned(), args.text(2)?.into_owned())
    };
    let path = place(call)?;
    let keys = path.keys_now(target.view())?;
    if !keys.is_empty() && path.get(&Env::new(target.view()))? == Value::Nil {
        path.set(target, &keys, Value::map(Vec::new()))?;
    }
    with_map(call, target, |entries| {
        for KeyValue { key, value } in source {
            let known = entries.iter().any(|entry| entry.key == key);
            let wanted = match strategy.as_str() {
                "insert" => !known,
                "update" => known,
                _ => true,
            };
            if wanted {
                put(entries, &key, value.unwrap_or_default());
            }
        }
        Ok(())
    })
}

/// Members of maps and lists inside of the map become entries of the map itself, their keys joined by dots.
fn flatten(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    let (prefix, depth, resolve_conflicts) = {
        let env = Env::new(target.view());
        let args = Args::new(call, &env);
        let depth = args.int_or(2, i64::MAX)?;
        if depth < 0 {
            return Err(args.refused(format_args!("depth {depth} is less than 0")));
        }
        (args.text_or(1, "")?.into_owned(), depth, args.bool_or(3, false)?)
    };
    with_map(call, target, |entries| {
        let mut flat = Flat { entries: Vec::with_capacity(entries.len()), resolve_conflicts };
        for KeyValue { key, value } in std::mem::take(entries) {
            let key = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            flat.add(key, value.and_then(|any| any.value), depth);
        }
        *entries = flat.entries;
        Ok(())
    })
}

struct Flat {
    entries: Vec<KeyValue>,
    resolve_conflicts: bool,
}

impl Flat {
    /// Adds what is at `key`, as deep as `depth`. Values come from bounded messages, so recursion is bounded.
    fn add(&mut self, key: String, value: Option<Any>, depth: i64) {
        match value {
            Some(Any::KvlistValue(map)) if depth > 0 => {
                for entry in map.values {
                    let value = entry.value.and_then(|any| any.value);
                    self.add(format!("{key}.{}", entry.key), value, depth - 1);
                }
            }
            Some(Any::ArrayValue(list)) if depth > 0 => {
                for (index, member) in list.values.into_iter().enumerate() {
                    // Without resolution members are counted; with it they share a key, which is then told
                    // apart like any other.
                    let key = match self.resolve_conflicts {
                        true => key.clone(),
                        false => format!("{key}.{index}"),
                    };
                    self.add(key, member.value, depth - 1);
                }
            }
            value => self.put(key, value),
        }
    }

    fn put(&mut self, key: String, value: Option<Any>) {
        let any = spandrel_proto::otlp::common::AnyValue { value };
        if !self.resolve_conflicts {
            put(&mut self.entries, &key, any);
            return;
        }
        let taken = |entries: &[KeyValue], key: &str| entries.iter().any(|e| e.key == key);
        let mut unique = key.clone();
        let mut count = 0;
        while taken(&self.entries, &unique) {
            unique = format!("{key}.{count}");
            count += 1;
        }
        self.entries.push(KeyValue { key: unique, value: Some(any) });
    }
}

/// Bytes become base64, maps and lists JSON, and what is empty an empty text.
fn stringify_all(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    with_map(call, target, |entries| {
        for entry in entries {
            let value = entry.value.take().map_or(Value::Nil, Value::of_owned);
            let text = match value {
                Value::Bytes(bytes) => STANDARD.encode(bytes),
                value => text_of(value).unwrap_or_default().into_owned(),
            };
            entry.value = Some(any_text(text));
        }
        Ok(())
    })
}
