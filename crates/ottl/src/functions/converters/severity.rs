//! `ParseSeverity`.

use super::super::{Args, Function, Kind, converter, needs};
use crate::error::EvalError;
use crate::value::{Value, equal, find, order};

type Evaluated<'v> = Result<Value<'v>, EvalError>;

pub(super) const FUNCTIONS: [Function; 1] = [converter(
    "ParseSeverity",
    &[needs("target", Kind::Value), needs("severity_mapping", Kind::Map)],
    parse_severity,
)];

/// The level whose criteria the target meets. A level has a list of them: `{"equals": [..]}` for texts, and
/// `{"range": {"min": .., "max": ..}}` or `{"range": "2xx"}` for numbers.
fn parse_severity<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let target = args.value(0)?;
    for level in args.map(1)?.iter() {
        let Value::List(criteria) = level.value.as_ref().map_or(Value::Nil, Value::of) else {
            return Err(args.refused(format_args!("level {:?} has no list", level.key)));
        };
        for criterion in criteria.iter() {
            if meets(args, &target, &Value::of(criterion))? {
                return Ok(Value::owned(level.key.clone()));
            }
        }
    }
    Err(args.refused("no level fits"))
}

fn meets(
    args: &Args<'_, '_>,
    target: &Value<'_>,
    criterion: &Value<'_>,
) -> Result<bool, EvalError> {
    let wrong = || args.refused("a criterion is a map with `equals` or `range`");
    let Value::Map(entries) = criterion else { return Err(wrong()) };
    for (name, value) in entries.iter().map(|entry| (entry.key.as_str(), find(entries, &entry.key)))
    {
        let met = match (name, value) {
            ("equals", Value::List(texts)) => {
                texts.iter().any(|text| equal(&Value::of(text), target))
            }
            ("range", Value::Map(range)) => {
                let (least, most) = (find(&range, "min"), find(&range, "max"));
                let at_least = order(target, &least).is_some_and(std::cmp::Ordering::is_ge);
                at_least && order(target, &most).is_some_and(std::cmp::Ordering::is_le)
            }
            ("range", Value::String(class)) => {
                let hundreds = match &*class {
                    "2xx" => 2,
                    "3xx" => 3,
                    "4xx" => 4,
                    "5xx" => 5,
                    other => return Err(args.refused(format_args!("no range {other:?}"))),
                };
                matches!(target, Value::Int(status) if status / 100 == hundreds)
            }
            _ => return Err(wrong()),
        };
        if met {
            return Ok(true);
        }
    }
    Ok(false)
}
