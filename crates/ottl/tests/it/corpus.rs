//! Real texts: how many of them are read, and which are not.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value as Json;
use spandrel_ottl::{Condition, Context, Functions, Kind, Statement, parse_syntax};

/// The texts; none when the suites are not beside the checkout.
fn texts() -> Option<Vec<(String, String, String)>> {
    let path = "../../../shared/suites/otel/ottl/statements.jsonl";
    let Ok(lines) = fs::read_to_string(path) else {
        eprintln!("skipped: {path} is absent");
        return None;
    };
    let field = |line: &Json, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let texts = lines.lines().map(|line| {
        let line: Json = serde_json::from_str(line).unwrap();
        (field(&line, "kind"), field(&line, "context"), field(&line, "text"))
    });
    Some(texts.collect())
}

/// Texts that are wrong: on purpose, or cut badly out of documents.
fn is_wrong(text: &str) -> bool {
    let cut = text.matches('"').count() % 2 == 1 && !text.contains("\\\"");
    let shown = ["-> 255", "UnixMilli(t)", "sum([1", "not_a_function", "[REDACTED]", "pcommon."];
    cut || shown.iter().any(|part| text.contains(part))
}

#[test]
fn nearly_all_real_texts_are_read() {
    let Some(texts) = texts() else { return };
    let functions = Functions::standard().with_editor("route");
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut refused = Vec::new();
    let mut wrong_but_read = Vec::new();
    for (kind, _, text) in &texts {
        let count = counts.entry(kind.clone()).or_default();
        let kind = match kind.as_str() {
            "statement" => Kind::Statement,
            "condition" => Kind::Condition,
            _ => Kind::Value,
        };
        let read = parse_syntax(kind, text, &functions);
        if is_wrong(text) {
            if read.is_ok() {
                wrong_but_read.push(text.clone());
            }
            continue;
        }
        count.1 += 1;
        match read {
            Ok(()) => count.0 += 1,
            Err(error) => refused.push(format!("{text}\n    {error}")),
        }
    }
    for (kind, (read, all)) in &counts {
        eprintln!("{kind}: {read} of {all} read");
    }
    eprintln!("refused:\n  {}", refused.join("\n  "));
    assert_eq!(wrong_but_read, [""; 0]);
    let (read, all) = counts.values().fold((0, 0), |sum, (r, a)| (sum.0 + r, sum.1 + a));
    assert!(read * 100 >= all * 98, "{read} of {all}");
}

#[test]
fn texts_of_traces_compile() {
    let Some(texts) = texts() else { return };
    let functions = Functions::standard().with_editor("route");
    let mut refused = Vec::new();
    let mut compiled = 0;
    for (kind, context, text) in &texts {
        let (_, inner) = context.split_once('/').unwrap_or_default();
        let inner = inner.trim_end_matches('s');
        let foreign = ["log", "metric", "profile"].iter().any(|s| context.starts_with(s));
        let Some(context) = Context::from_name(inner).filter(|_| !foreign) else { continue };
        // Texts of other signals that stand in a configuration of contexts that all have.
        if is_wrong(text) || text.contains("log.severity") {
            continue;
        }
        let outcome = match kind.as_str() {
            "statement" => Statement::compile(text, context, &functions).map(drop),
            _ => Condition::compile(text, context, &functions).map(drop),
        };
        match outcome {
            Ok(()) => compiled += 1,
            Err(error) => refused.push(format!("{context}: {text}\n    {error}")),
        }
    }
    eprintln!("{compiled} compiled, refused:\n  {}", refused.join("\n  "));
    assert!(compiled > 90 && refused.len() <= 2, "{compiled} {}", refused.len());
}
