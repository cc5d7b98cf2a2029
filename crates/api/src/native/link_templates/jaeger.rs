//! `linkPatterns` of a Jaeger UI configuration
//! (<https://www.jaegertracing.io/docs/latest/deployment/frontend-ui/#link-patterns>).
//!
//! `#{name}` in `url` and `text` stands for a value of the span, its resource, the spans above it, or the trace.

use serde::Serialize;
use spandrel_config::{Problem, Value, ValueKind};

use super::text_of;

/// What a link is shown at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum On {
    Span,
    Resource,
    Event,
    Trace,
}

/// Jaeger's words for them.
const TYPES: [(&str, On); 4] =
    [("tags", On::Span), ("process", On::Resource), ("logs", On::Event), ("traces", On::Trace)];

/// A link at attributes of these keys, or at the trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Pattern {
    on: On,
    keys: Vec<String>,
    url: String,
    text: String,
}

pub(super) fn read(patterns: &[Value], problems: &mut Vec<Problem>) -> Vec<Pattern> {
    let each = patterns.iter().enumerate();
    each.filter_map(|(number, value)| pattern(value, &format!("linkPatterns::{number}"), problems))
        .collect()
}

fn pattern(value: &Value, path: &str, problems: &mut Vec<Problem>) -> Option<Pattern> {
    let mut required = |key: &str| {
        let before = problems.len();
        let text = text_of(value, key, path, problems);
        if text.is_none() && problems.len() == before {
            problems.push(Problem::at(&value.position, format!("{path}::{key}"), "is required"));
        }
        text
    };
    let (kind, url, text) = (required("type"), required("url"), required("text"));
    let (kind, url, text) = (kind?, url?, text?);
    let Some((_, on)) = TYPES.iter().find(|(word, _)| *word == kind) else {
        let words = TYPES.map(|(word, _)| format!("`{word}`")).join(", ");
        let message = format!("must be one of {words}, not `{kind}`");
        problems.push(Problem::at(&value.position, format!("{path}::type"), message));
        return None;
    };
    if !is_address(url) {
        let message = "must begin with http://, https:// or /, or be a `#{...}`";
        problems.push(Problem::at(&value.position, format!("{path}::url"), message));
        return None;
    }
    let keys = match (on, value.member("key").map(|key| &key.kind)) {
        (On::Trace, _) => Vec::new(),
        (_, Some(ValueKind::String(key))) => vec![key.clone()],
        (_, Some(ValueKind::List(keys))) => {
            keys.iter().filter_map(|key| key.as_text().map(str::to_owned)).collect()
        }
        _ => {
            let message = "must be the key of an attribute, or a list of keys";
            problems.push(Problem::at(&value.position, format!("{path}::key"), message));
            return None;
        }
    };
    Some(Pattern { on: *on, keys, url: url.to_owned(), text: text.to_owned() })
}

/// A link must not run anything. One that is a value as a whole is looked at again when the value is known.
fn is_address(url: &str) -> bool {
    ["http://", "https://", "/", "#{"].iter().any(|start| url.starts_with(start))
}
