//! `ExtractPatterns`.

use super::super::{Args, Function, Kind, converter, needs};
use crate::error::EvalError;
use crate::value::{Value, any_text, put};

type Evaluated<'v> = Result<Value<'v>, EvalError>;

pub(super) const FUNCTIONS: [Function; 1] = [converter(
    "ExtractPatterns",
    &[needs("target", Kind::Text), needs("pattern", Kind::Pattern)],
    extract_patterns,
)];

/// The named groups of the first match; an empty map when nothing matches.
fn extract_patterns<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let (text, pattern) = (args.text(0)?, args.pattern(1)?);
    if !pattern.group_names().any(|name| name.is_some()) {
        return Err(args.refused("the pattern has no named group"));
    }
    let mut out = Vec::new();
    let Some(groups) = pattern.groups(&text) else { return Ok(Value::map(out)) };
    for (name, group) in pattern.group_names().zip(groups) {
        if let Some(name) = name {
            let found = group.and_then(|group| text.get(group)).unwrap_or_default();
            put(&mut out, name, any_text(found));
        }
    }
    Ok(Value::map(out))
}
