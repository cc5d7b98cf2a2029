//! Editors that remove entries of maps.

use std::borrow::Cow;
use std::collections::HashSet;

use spandrel_proto::otlp::common::KeyValue;
use spandrel_re2::Regex;

use super::super::{Args, Argument, Function, Kind, editor, needs};
use super::place;
use crate::error::EvalError;
use crate::expression::{Call, Env};
use crate::view::Target;

pub(super) const FUNCTIONS: [Function; 5] = [
    editor("delete_key", &[needs("target", Kind::MapPlace), needs("key", Kind::Text)], delete_key),
    editor(
        "delete_matching_keys",
        &[needs("target", Kind::MapPlace), needs("pattern", Kind::Pattern)],
        delete_matching_keys,
    ),
    editor(
        "keep_matching_keys",
        &[needs("target", Kind::MapPlace), needs("pattern", Kind::Pattern)],
        keep_matching_keys,
    ),
    editor("keep_keys", &[needs("target", Kind::MapPlace), needs("keys", Kind::List)], keep_keys),
    editor(
        "limit",
        &[
            needs("target", Kind::MapPlace),
            needs("limit", Kind::Int),
            needs("priority_keys", Kind::List),
        ],
        limit,
    ),
];

/// Changes the map that the first argument leads to; where there is none, nothing happens.
pub(super) fn with_map(
    call: &Call,
    target: &mut Target<'_>,
    change: impl FnOnce(&mut Vec<KeyValue>) -> Result<(), EvalError>,
) -> Result<(), EvalError> {
    let path = place(call)?;
    let keys = path.keys_now(target.view())?;
    match path.map_mut(target, &keys)? {
        Some(entries) => change(entries),
        None if keys.is_empty() => Ok(()),
        None => {
            let got = path.get(&Env::new(target.view()))?.type_name();
            Err(EvalError::Type { place: call.name, expected: "a map", got })
        }
    }
}

/// A regular expression or glob that is a literal, borrowed from the call; cloning one is not cheap.
pub(super) fn literal_pattern(call: &Call, index: usize) -> Option<&Regex> {
    match call.arguments.get(index) {
        Some(Argument::Pattern(regex)) => Some(regex),
        _ => None,
    }
}

/// A regular expression that does not borrow from the target.
pub(super) fn pattern<'c>(
    call: &'c Call,
    target: &Target<'_>,
    index: usize,
) -> Result<Cow<'c, Regex>, EvalError> {
    if let Some(regex) = literal_pattern(call, index) {
        return Ok(Cow::Borrowed(regex));
    }
    let env = Env::new(target.view());
    Ok(Cow::Owned(Args::new(call, &env).pattern(index)?.into_owned()))
}

fn delete_key(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    let key = Args::new(call, &Env::new(target.view())).text(1)?.into_owned();
    with_map(call, target, |entries| {
        entries.retain(|entry| entry.key != key);
        Ok(())
    })
}

fn delete_matching_keys(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    retain_matching(call, target, false)
}

fn keep_matching_keys(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    retain_matching(call, target, true)
}

fn retain_matching(call: &Call, target: &mut Target<'_>, kept: bool) -> Result<(), EvalError> {
    let pattern = pattern(call, target, 1)?;
    with_map(call, target, |entries| {
        entries.retain(|entry| pattern.is_match(&entry.key) == kept);
        Ok(())
    })
}

/// The texts of a list argument, owned.
pub(super) fn texts(
    call: &Call,
    target: &Target<'_>,
    index: usize,
) -> Result<Vec<String>, EvalError> {
    let env = Env::new(target.view());
    let texts = Args::new(call, &env).texts(index)?;
    Ok(texts.into_iter().map(Cow::into_owned).collect())
}

fn keep_keys(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    let keys = texts(call, target, 1)?;
    with_map(call, target, |entries| {
        entries.retain(|entry| keys.contains(&entry.key));
        Ok(())
    })
}

/// Keeps so many entries: first those of the priority keys, then the others in order.
fn limit(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    let limit = Args::new(call, &Env::new(target.view())).int(1)?;
    let Ok(limit) = usize::try_from(limit) else {
        return Err(EvalError::refused(format_args!("limit: {limit} is less than 0")));
    };
    let priority: HashSet<String> = texts(call, target, 2)?.into_iter().collect();
    if limit < priority.len() {
        let keys = priority.len();
        let message = format_args!("limit: {limit} is less than the {keys} priority keys");
        return Err(EvalError::refused(message));
    }
    with_map(call, target, |entries| {
        if entries.len() <= limit {
            return Ok(());
        }
        let first = entries.iter().filter(|entry| priority.contains(&entry.key)).count();
        let mut others = limit.saturating_sub(first);
        entries.retain(|entry| {
            let kept = priority.contains(&entry.key) || others > 0;
            if !priority.contains(&entry.key) {
                others = others.saturating_sub(1);
            }
            kept
        });
        Ok(())
    })
}
