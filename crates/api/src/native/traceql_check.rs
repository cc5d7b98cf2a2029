//! `GET /api/ui/traceql/check?q=`: what is wrong with a query, where, and what would mend it; and its conditions, when
//! it is one row of them.

use axum::Json;
use serde::Serialize;
use spandrel_traceql::ast::{Query, Root};
use spandrel_traceql::{Diagnostic, Severity, conjunction, diagnose, fix, lenient, parse};

use crate::params::Params;

/// Mistakes for which a fix is looked for: looking takes time, and nobody reads more at once.
const FIXED_MAX: usize = 5;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Check {
    /// Whether there is no error; there may be warnings.
    valid: bool,
    /// What the query asks for, or is about to; absent when nothing can be told.
    kind: Option<&'static str>,
    errors: Vec<Mark>,
    /// The conditions of a valid query that is one filter of conditions that must all hold.
    chips: Option<Vec<Chip>>,
}

/// One thing to mark.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Mark {
    /// Bytes of the query.
    from: usize,
    to: usize,
    severity: &'static str,
    message: String,
    /// What to write from `from` to `to`.
    replace: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Chip {
    name: String,
    op: &'static str,
    literal: String,
}

pub(super) async fn check(params: Params) -> Json<Check> {
    Json(check_of(params.get("q").unwrap_or_default()))
}

fn check_of(text: &str) -> Check {
    let found = diagnose(text);
    let valid = found.iter().all(|found| found.severity != Severity::Error);
    let query = parse(text).ok().filter(|_| valid);
    Check {
        valid,
        kind: query.clone().or_else(|| lenient::parse(text)).map(|query| kind(&query)),
        errors: found.iter().zip(0..).map(|(found, number)| mark(text, found, number)).collect(),
        chips: query.as_ref().and_then(conjunction).map(|conditions| {
            let chip = |condition: spandrel_traceql::Condition| Chip {
                name: condition.attribute.to_string(),
                op: condition.op.as_str(),
                literal: condition.literal,
            };
            conditions.into_iter().map(chip).collect()
        }),
    }
}

fn kind(query: &Query) -> &'static str {
    match query.root {
        Root::Metrics(_) => "metrics",
        Root::Pipeline(_) | Root::ScalarPipelines(_) => "spans",
    }
}

fn mark(text: &str, found: &Diagnostic, number: usize) -> Mark {
    let fix = fix_of(text, found, number);
    let range =
        fix.as_ref().map_or(found.position.start..found.position.end, |fix| fix.range.clone());
    Mark {
        from: range.start,
        to: range.end,
        severity: match found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        message: message(found),
        replace: fix.map(|fix| fix.text),
    }
}

fn fix_of(text: &str, found: &Diagnostic, number: usize) -> Option<spandrel_traceql::Fix> {
    if number < FIXED_MAX { fix(text, found) } else { None }
}

/// In the words of a person: without what a parser calls things.
fn message(found: &Diagnostic) -> String {
    let Diagnostic { message, expected, suggestion, .. } = found;
    let message = message.strip_prefix("syntax error: ").unwrap_or(message);
    let mut message = message
        .replace("$end", "end of the query")
        .replace("IDENTIFIER", "word")
        .replace("END_ATTRIBUTE", "space");
    if !expected.is_empty() {
        message.push_str(", expecting ");
        message.push_str(&expected.join(" or "));
    }
    if let Some(suggestion) = suggestion {
        message.push_str("; ");
        message.push_str(suggestion);
    }
    message
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn checked(text: &str) -> Value {
        serde_json::to_value(check_of(text)).unwrap()
    }

    #[test]
    fn valid_queries_have_chips_where_they_can() {
        assert_eq!(
            checked("{ resource.service.name = `x` && duration > 1s }"),
            json!({"valid": true, "kind": "spans", "errors": [], "chips": [
                {"name": "resource.service.name", "op": "=", "literal": "\"x\""},
                {"name": "duration", "op": ">", "literal": "1s"},
            ]})
        );
        assert_eq!(
            checked("{ } | rate() by(name)"),
            json!({"valid": true, "kind": "metrics", "errors": [], "chips": null})
        );
        assert_eq!(checked("{}")["chips"], json!([]));
    }

    #[test]
    fn mistakes_have_a_place_and_a_fix() {
        assert_eq!(
            checked("{ durration > 1s }"),
            json!({"valid": false, "kind": "spans", "chips": null, "errors": [{
                "from": 2, "to": 11, "severity": "error", "replace": "duration",
                "message": "unexpected word; did you mean duration?",
            }]})
        );
        let warned = checked("{ duration > 10 }");
        assert_eq!(warned["valid"], json!(true));
        assert_eq!(warned["errors"][0]["severity"], json!("warning"));
        let empty = checked("");
        assert_eq!((&empty["valid"], &empty["kind"]), (&json!(false), &Value::Null));
        assert_eq!(
            empty["errors"][0]["message"],
            json!("unexpected end of the query; a query begins with braces, as in { }")
        );
    }
}
