//! What editors are told: messages with their places and suggestions, and completions.
//!
//! The cases are data in `testdata`, which was written for them.

use std::fmt::Write as _;

use serde_json::Value;
use spandrel_traceql::complete::{Candidate, complete};
use spandrel_traceql::{Diagnostic, Severity, compile, diagnose};

/// The cases of a file, with what they say must come out and what does.
fn check(file: &str, run: impl Fn(&Value) -> Vec<String>) {
    let text = std::fs::read_to_string(format!("testdata/{file}")).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut failures = String::new();
    for case in &cases {
        let wanted: Vec<&str> =
            case["wanted"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        let got = run(case);
        if got != wanted {
            let query = &case["query"];
            writeln!(failures, "{query}\n  wanted {wanted:#?}\n  got    {got:#?}").unwrap();
        }
    }
    spandrel_suites::say(&format!("{file}: {} cases", cases.len()));
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn messages() {
    check("messages.json", |case| {
        let query = case["query"].as_str().unwrap();
        let diagnostics = diagnose(query);
        let verdict = compile(query);
        let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
        assert_eq!(verdict.is_err(), errors > 0, "{query}: {verdict:?}, {diagnostics:?}");
        let mut lines: Vec<String> = diagnostics.iter().map(|d| line(query, d)).collect();
        lines.extend(verdict.err().map(|error| error.to_string()));
        lines
    });
}

/// A diagnostic in one line: what it marks, what it says, what it suggests.
fn line(query: &str, diagnostic: &Diagnostic) -> String {
    let Diagnostic { severity, position, message, suggestion, .. } = diagnostic;
    let marked = &query[position.start..position.end];
    let mut line = format!("{severity:?} `{marked}`: {message}");
    if let Some(suggestion) = suggestion {
        write!(line, " ({suggestion})").unwrap();
    }
    line
}

#[test]
fn completions() {
    check("completions.json", |case| {
        let marked = case["query"].as_str().unwrap();
        let cursor = marked.find("<cursor>").unwrap();
        let text = marked.replace("<cursor>", "");
        let completion = complete(&text, cursor);
        let mut lines = vec![format!("replaces `{}`", &text[completion.replaces.clone()])];
        let mut texts = Vec::new();
        for candidate in completion.candidates {
            match candidate {
                Candidate::AttributeNames { scope, parent, prefixed } => {
                    let parent = if parent { " of the parent" } else { "" };
                    let how = if prefixed { "" } else { " with their scopes" };
                    lines.push(format!("names in {scope:?}{parent}{how}"));
                }
                Candidate::AttributeValues { attribute, op } => {
                    lines.push(format!("values of {attribute} for {}", op.as_str()));
                }
                Candidate::Text { text, .. } => texts.push(text),
            }
        }
        if !texts.is_empty() {
            lines.push(texts.join(" "));
        }
        lines
    });
}

#[test]
fn editors_get_answers_to_any_text() {
    let texts = ["{ .a = \u{e9}\"\u{1f600}`", "))}}((", "\u{0}", "/*", "{ .\"", "with(", "|||"];
    for text in texts {
        for cursor in 0..=text.len() + 1 {
            let completion = complete(text, cursor);
            assert!(text.get(completion.replaces).is_some(), "{text} {cursor}");
        }
        assert!(!diagnose(text).is_empty(), "{text}");
    }
}

/// Whatever parses has no error of syntax, and whatever does not has one within the text.
#[test]
fn the_suite_is_marked_as_it_parses() {
    for (file, is_valid) in [("parse_ok.json", true), ("parse_errors.json", false)] {
        let Some(suite) = spandrel_suites::traceql(file) else { return };
        for case in spandrel_suites::cases(&suite) {
            let query = spandrel_suites::member(case, "query");
            let found = diagnose(query);
            let errors: Vec<&Diagnostic> =
                found.iter().filter(|found| found.severity == Severity::Error).collect();
            if is_valid {
                assert_eq!(errors.is_empty(), compile(query).is_ok(), "{query}: {errors:?}");
            } else {
                let position = errors.first().expect(query).position;
                assert!(query.get(position.start..position.end).is_some(), "{query}: {position:?}");
            }
        }
    }
}
