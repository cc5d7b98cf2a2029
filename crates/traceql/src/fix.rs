//! What to write instead of a mistake. A fix is offered only when it was tried and leaves fewer mistakes.

use std::ops::Range;

use crate::diagnose::{Diagnostic, Severity, diagnose};
use crate::token::is_attribute_char;

/// A text to write in place of a part of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The bytes that are replaced; they hold what the diagnostic marks.
    pub range: Range<usize>,
    /// What stands there instead.
    pub text: String,
}

/// Longer texts are not mended: every try takes time linear in the text, and nobody types such a one.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// Words of a suggestion that are tried at most.
const SNIPPETS_MAX: usize = 4;

/// The fix of one of the [`diagnose`]d mistakes of `text`, if there is one that is sure to help. Takes a few times as
/// long as finding the mistakes did.
#[must_use]
pub fn fix(text: &str, diagnostic: &Diagnostic) -> Option<Fix> {
    let suggestion = diagnostic.suggestion.as_deref().filter(|_| text.len() <= TEXT_BYTES_MAX)?;
    let marked = diagnostic.position.start..diagnostic.position.end;
    let before = mistakes(&diagnose(text));
    let helps = |fix: &Fix| {
        let fixed = applied(text, fix)?;
        (mistakes(&diagnose(&fixed)) < before).then_some(())
    };
    candidates(text, &marked, suggestion).into_iter().find(|fix| helps(fix).is_some())
}

/// Errors, and then warnings.
fn mistakes(found: &[Diagnostic]) -> (usize, usize) {
    let errors = found.iter().filter(|found| found.severity == Severity::Error).count();
    (errors, found.len() - errors)
}

fn applied(text: &str, fix: &Fix) -> Option<String> {
    let (before, after) = (text.get(..fix.range.start)?, text.get(fix.range.end..)?);
    Some(format!("{before}{}{after}", fix.text))
}

fn candidates(text: &str, marked: &Range<usize>, suggestion: &str) -> Vec<Fix> {
    let marked_text = text.get(marked.clone()).unwrap_or_default();
    if let Some(closing) = missing_bracket(suggestion) {
        let gap = if marked_text.is_empty() { "" } else { " " };
        let text = format!("{closing}{gap}{marked_text}");
        return vec![Fix { range: marked.clone(), text }];
    }
    let mut ranges = vec![word_from(text, marked), marked.clone(), operator_around(text, marked)];
    ranges.dedup();
    let snippets = snippets(suggestion).into_iter().take(SNIPPETS_MAX);
    snippets
        .flat_map(|snippet| {
            let fix = |range: &Range<usize>| Fix { range: range.clone(), text: snippet.to_owned() };
            ranges.iter().map(fix).collect::<Vec<_>>()
        })
        .collect()
}

/// What closes the bracket of `the { at line 1, col 1 is not closed`.
fn missing_bracket(suggestion: &str) -> Option<&'static str> {
    let bracket = suggestion.strip_prefix("the ").filter(|_| suggestion.ends_with("is not closed"));
    match bracket?.chars().next()? {
        '{' => Some("}"),
        '(' => Some(")"),
        _ => None,
    }
}

/// What a suggestion names to be written: behind `did you mean`, `is written` or a colon.
fn snippets(suggestion: &str) -> Vec<&str> {
    let leads = ["did you mean ", ": ", "is written ", "joined by "];
    let Some((_, named)) = leads.iter().find_map(|lead| suggestion.split_once(lead)) else {
        return Vec::new();
    };
    let named = named.strip_suffix('?').unwrap_or(named);
    named.split(", ").flat_map(|part| part.split(" or ")).filter(|part| !part.is_empty()).collect()
}

/// The marked part and the rest of the word that it begins, dots included.
fn word_from(text: &str, marked: &Range<usize>) -> Range<usize> {
    let rest = text.get(marked.end..).unwrap_or_default();
    let length = rest.find(|c| !is_attribute_char(c)).unwrap_or(rest.len());
    marked.start..marked.end + length
}

/// The marked part and what touches it on both sides of an operator that is written with several characters.
fn operator_around(text: &str, marked: &Range<usize>) -> Range<usize> {
    const SIGNS: [char; 5] = ['=', '!', '<', '>', '~'];
    let before = text.get(..marked.start).unwrap_or_default();
    let after = text.get(marked.end..).unwrap_or_default();
    let more = after.len() - after.trim_start_matches(SIGNS).len();
    before.trim_end_matches(SIGNS).len()..marked.end + more
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the fix of the first mistake that has one makes of a text.
    fn fixed(text: &str) -> Option<String> {
        let found = diagnose(text).iter().find_map(|diagnostic| fix(text, diagnostic))?;
        applied(text, &found)
    }

    #[test]
    fn typos_are_fixed() {
        for (text, wanted) in [
            ("{ durration > 1s }", "{ duration > 1s }"),
            ("{ status = eror }", "{ status = error }"),
            ("{ .a = True }", "{ .a = true }"),
            ("{ .a == 1 }", "{ .a = 1 }"),
            ("{ .a !== 1 }", "{ .a != 1 }"),
            ("{ .a => 1 }", "{ .a >= 1 }"),
            ("{ .a <> 1 }", "{ .a != 1 }"),
            ("{ .a ~= \"x\" }", "{ .a =~ \"x\" }"),
            ("{ .a = foo }", "{ .a = \"foo\" }"),
            ("{ .a = 1 and .b = 2 }", "{ .a = 1 && .b = 2 }"),
            ("{ http.method = \"GET\" }", "{ .http.method = \"GET\" }"),
            ("{ service.name = \"shop\" }", "{ resource.service.name = \"shop\" }"),
            ("{ traceID = \"1\" }", "{ trace:id = \"1\" }"),
            ("{ .a = 1", "{ .a = 1}"),
            ("{ .a = 1 | count() > 2", "{ .a = 1 } | count() > 2"),
            ("{ } | rat()", "{ } | rate()"),
            ("{ server }", "{ kind = server }"),
        ] {
            assert_eq!(fixed(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_nobody_can_know_is_not() {
        for text in ["", "{ kind = frontend }", "{ .a contains \"x\" }", "{ .a = 1 }", "???"] {
            assert_eq!(fixed(text), None, "{text}");
        }
    }
}
