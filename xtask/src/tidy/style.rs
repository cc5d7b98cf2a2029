//! Rules on the text of one Rust file.

use crate::tidy::Finding;
use crate::tidy::source::{SourceFile, matching_brace};

/// Every rule of this module.
pub(crate) fn check(source: &SourceFile<'_>, findings: &mut Vec<Finding>) {
    module_doc(source, findings);
    ascii(source, findings);
    open_ends(source, findings);
    test_habits(source, findings);
    log_messages(source, findings);
}

/// `doc`: a file says first what it is.
fn module_doc(source: &SourceFile<'_>, findings: &mut Vec<Finding>) {
    if !source.file.text.starts_with("//! ") {
        let message = "starts with a `//!` sentence that says what the file is for";
        findings.push(Finding::error(&source.file.path, 1, "doc", message));
    }
}

/// `ascii`: look-alike and invisible characters cannot hide in code.
fn ascii(source: &SourceFile<'_>, findings: &mut Vec<Finding>) {
    if let Some(at) = source.file.text.bytes().position(|byte| !byte.is_ascii()) {
        let message = "source is ASCII; write an escape such as \\u{00e9}";
        findings.push(Finding::error(&source.file.path, source.line_of(at), "ascii", message));
    }
}

/// `open-end`: what is unfinished is tracked somewhere, or it is not merged.
fn open_ends(source: &SourceFile<'_>, findings: &mut Vec<Finding>) {
    let comments = &source.lexed.comments;
    for at in crate::tidy::source::find_word(comments, concat!("FIX", "ME")) {
        findings.extend(source.finding(at, "open-end", "is fixed before it is merged"));
    }
    for at in crate::tidy::source::find_word(comments, concat!("TO", "DO")) {
        if !comments[at + 4..].starts_with("(#") {
            findings.extend(source.finding(at, "open-end", "names its ticket: (#123)"));
        }
    }
    for at in source.find_code("dbg!") {
        findings.extend(source.finding(at, "open-end", "debugging output is removed"));
    }
}

/// `sleep`, `ignore`: a test waits for an event, and an ignored test says why.
fn test_habits(source: &SourceFile<'_>, findings: &mut Vec<Finding>) {
    for at in source.find_code("sleep(") {
        if source.is_test(at) {
            let message = "tests wait for an event or move the clock, they do not sleep";
            findings.extend(source.finding(at, "sleep", message));
        }
    }
    for at in source.find_code("#[ignore]") {
        findings.extend(source.finding(at, "ignore", "has a reason: #[ignore = \"...\"]"));
    }
}

/// `log`: messages are constant, so that they can be searched for and counted.
fn log_messages(source: &SourceFile<'_>, findings: &mut Vec<Finding>) {
    for name in ["trace!", "debug!", "info!", "warn!", "error!"] {
        for at in source.find_code(name) {
            let Some(message) = message_of(source, at + name.len()) else {
                continue;
            };
            if let Some(complaint) = log_complaint(message) {
                findings.extend(source.finding(at, "log", complaint));
            }
        }
    }
}

/// The literal message of the log macro whose arguments start at `open`: the string literal that
/// stands as an argument of its own, not as a field's value.
fn message_of<'a>(source: &'a SourceFile<'_>, open: usize) -> Option<&'a str> {
    let code = &source.lexed.code;
    if !code[open..].starts_with('(') {
        return None;
    }
    let end = matching_brace(code, open);
    let arguments = source.lexed.strings.iter().filter(|r| open < r.start && r.end < end);
    arguments
        .filter(|range| {
            let before = code[open..range.start].trim_end_matches(['"', 'r', '#']).trim_end();
            let nested = before[1..].matches('(').count() != before[1..].matches(')').count();
            before.ends_with(['(', ',']) && !nested
        })
        .map(|range| &source.file.text[range.clone()])
        .next()
}

/// What is wrong with a log message.
fn log_complaint(message: &str) -> Option<&'static str> {
    let mut chars = message.chars();
    let (first, second) = (chars.next(), chars.next());
    let is_upper = |c: Option<char>| c.is_some_and(char::is_uppercase);
    // "OTLP receiver started" is fine, "Started" is not.
    if is_upper(first) && !is_upper(second) {
        Some("log messages start in lower case")
    } else if message.ends_with('.') {
        Some("log messages have no full stop")
    } else if message.replace("{{", "").contains('{') {
        Some("log messages are constant; values are fields")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::TextFile;

    /// Checks `text` as the file `path`; expects exactly these `line: rule`.
    #[track_caller]
    fn check_file(path: &str, text: &str, expected: &[&str]) {
        let file = TextFile::new(path, text);
        let mut findings = Vec::new();
        check(&SourceFile::new(&file), &mut findings);
        let found: Vec<String> =
            findings.iter().map(|finding| format!("{}: {}", finding.line, finding.rule)).collect();
        assert_eq!(found, expected, "{findings:?}");
    }

    const PATH: &str = "crates/a/src/f.rs";

    #[test]
    fn doc() {
        check_file(PATH, "use a::b;\n", &["1: doc"]);
        check_file(PATH, "//! What it is.\nuse a::b;\n", &[]);
    }

    #[test]
    fn ascii_only() {
        check_file(PATH, "//! D.\nconst E: &str = \"\u{e9}\";\n", &["2: ascii"]);
    }

    #[test]
    fn open_end() {
        let fix = concat!("FIX", "ME");
        let todo = concat!("TO", "DO");
        check_file(PATH, &format!("//! D.\n// {fix} later\n"), &["2: open-end"]);
        check_file(PATH, &format!("//! D.\n// {todo}: later\n"), &["2: open-end"]);
        check_file(PATH, &format!("//! D.\n// {todo}(#12): later\n"), &[]);
        check_file(PATH, "//! D.\nfn f() { dbg!(1); }\n", &["2: open-end"]);
        check_file(PATH, &format!("//! D.\nconst A: &str = \"{todo} dbg!\";\n"), &[]);
    }

    #[test]
    fn sleep_in_tests() {
        let call = "//! D.\nfn f() { std::thread::sleep(D); }\n";
        check_file(PATH, call, &[]);
        check_file("crates/a/src/f/tests.rs", call, &["2: sleep"]);
        let allowed = "//! D.\n// tidy: allow(sleep) polls another process\nfn f() { sleep(D); }\n";
        check_file("tests/src/lib.rs", allowed, &[]);
    }

    #[test]
    fn ignore_without_reason() {
        check_file(PATH, "//! D.\n#[ignore]\nfn f() {}\n", &["2: ignore"]);
        check_file(PATH, "//! D.\n#[ignore = \"needs a network\"]\nfn f() {}\n", &[]);
    }

    #[test]
    fn log_form() {
        let log = |call: &str| format!("//! D.\nfn f() {{ {call} }}\n");
        for bad in [
            "info!(\"Started\");",
            "tracing::warn!(segment = 3, \"segment lost.\");",
            "warn!(error = %err, \"cannot open {path}\");",
            "error!(target: \"x\", \"Bad\");",
        ] {
            check_file(PATH, &log(bad), &["2: log"]);
        }
        for good in [
            "info!(\"started\");",
            "info!(addr = \"Any.\", \"OTLP receiver started\");",
            "warn!(name = %name(\"A.\"), \"slow\");",
            "my_info!(\"Started\");",
        ] {
            check_file(PATH, &log(good), &[]);
        }
    }
}
