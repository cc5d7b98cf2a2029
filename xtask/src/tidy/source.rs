//! A Rust file, prepared for the rules: code apart from comments, tests apart from production.

use std::ops::Range;

use crate::tidy::Finding;
use crate::tidy::lexer::{Lexed, is_ident, lex};
use crate::tidy::tree::TextFile;

/// A lexed Rust file.
#[derive(Debug)]
pub(crate) struct SourceFile<'a> {
    pub(crate) file: &'a TextFile,
    pub(crate) lexed: Lexed,
    /// Byte offset of each line's first byte.
    line_starts: Vec<usize>,
    /// Byte ranges of `#[cfg(test)] mod ... { ... }`; everything for a file of tests.
    tests: Vec<Range<usize>>,
}

impl<'a> SourceFile<'a> {
    pub(crate) fn new(file: &'a TextFile) -> Self {
        let lexed = lex(&file.text);
        let breaks = file.text.match_indices('\n').map(|(at, _)| at + 1);
        let line_starts = std::iter::once(0).chain(breaks).collect();
        let tests = if is_test_file(&file.path) {
            std::iter::once(0..file.text.len()).collect()
        } else {
            test_modules(&lexed.code)
        };
        Self { file, lexed, line_starts, tests }
    }

    /// The line of a byte, counted from one.
    pub(crate) fn line_of(&self, at: usize) -> usize {
        self.line_starts.partition_point(|&start| start <= at)
    }

    pub(crate) fn is_test(&self, at: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&at))
    }

    /// Lines outside of tests.
    pub(crate) fn production_lines(&self) -> usize {
        let all = self.file.text.lines().count();
        let in_tests = self.tests.iter().map(|range| {
            let last = range.end.saturating_sub(1).max(range.start);
            self.line_of(last) + 1 - self.line_of(range.start)
        });
        all.saturating_sub(in_tests.sum())
    }

    /// Offsets at which `word` stands in the code, not as a part of a longer identifier.
    pub(crate) fn find_code(&self, word: &str) -> Vec<usize> {
        find_word(&self.lexed.code, word)
    }

    /// A finding at a byte, unless the line or the one above says
    /// `// tidy: allow(<rule>) <reason>`.
    pub(crate) fn finding(&self, at: usize, rule: &'static str, message: &str) -> Option<Finding> {
        let line = self.line_of(at);
        let allow = format!("tidy: allow({rule}) ");
        let mut nearby = self.lexed.comments.lines().skip(line.saturating_sub(2)).take(2);
        let allowed = nearby.any(|comment| {
            comment.split_once(&allow).is_some_and(|(_, reason)| !reason.trim().is_empty())
        });
        (!allowed).then(|| Finding::error(&self.file.path, line, rule, message))
    }
}

/// A file whose path says that it holds tests only.
fn is_test_file(path: &str) -> bool {
    let in_dir = |dir: &str| path.contains(dir);
    path.ends_with("/tests.rs")
        || path.starts_with("tests/")
        || in_dir("/tests/")
        || in_dir("/benches/")
        || in_dir("/examples/")
}

/// Offsets of `word` in `text`, where no identifier continues on either side.
pub(crate) fn find_word(text: &str, word: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let (first, last) = (word.as_bytes()[0], word.as_bytes()[word.len() - 1]);
    let stands_alone = |&(at, _): &(usize, &str)| {
        let before = at.checked_sub(1).map(|i| bytes[i]);
        let after = bytes.get(at + word.len()).copied();
        let continues_left = is_ident(first) && before.is_some_and(is_ident);
        let continues_right = is_ident(last) && after.is_some_and(is_ident);
        !continues_left && !continues_right
    };
    text.match_indices(word).filter(stands_alone).map(|(at, _)| at).collect()
}

/// The body of each `#[cfg(test)]` module, attribute included.
fn test_modules(code: &str) -> Vec<Range<usize>> {
    let mut modules = Vec::new();
    for (start, attribute) in code.match_indices("#[cfg(test)]") {
        let after = &code[start + attribute.len()..];
        let Some(open) = after.find(['{', ';']) else {
            continue;
        };
        if !after[..open].split_whitespace().any(|word| word == "mod")
            || after[open..].starts_with(';')
        {
            continue;
        }
        let open = start + attribute.len() + open;
        modules.push(start..matching_brace(code, open));
    }
    modules
}

/// The offset after the bracket that closes the one at `open`.
pub(crate) fn matching_brace(code: &str, open: usize) -> usize {
    let mut depth = 0usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "//! Doc.\nfn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n";

    #[test]
    fn test_modules_are_not_production() {
        let file = TextFile::new("crates/a/src/f.rs", SOURCE);
        let source = SourceFile::new(&file);
        assert_eq!(source.production_lines(), 3);
        assert!(!source.is_test(SOURCE.find("fn f").unwrap()));
        assert!(source.is_test(SOURCE.find("fn g").unwrap()));
    }

    #[test]
    fn test_files_have_no_production_lines() {
        for path in ["crates/a/src/f/tests.rs", "tests/src/lib.rs", "crates/a/tests/it/main.rs"] {
            let file = TextFile::new(path, SOURCE);
            assert_eq!(SourceFile::new(&file).production_lines(), 0, "{path}");
        }
    }

    #[test]
    fn words_stand_alone() {
        assert_eq!(find_word("sleep(a); my_sleep(b); sleepy(c)", "sleep("), [0]);
        assert_eq!(find_word("a.b dba b", "b"), [2, 8]);
    }

    #[test]
    fn a_finding_can_be_allowed_with_a_reason() {
        let text = "//! D.\n// tidy: allow(x) because\nf();\ng();\n// tidy: allow(x) \nh();\n";
        let file = TextFile::new("crates/a/src/f.rs", text);
        let source = SourceFile::new(&file);
        let line_of = |call: &str| {
            let finding = source.finding(text.find(call).unwrap(), "x", "m");
            finding.map(|finding| finding.line)
        };
        assert_eq!(line_of("f()"), None);
        assert_eq!(line_of("g()"), Some(4));
        assert_eq!(line_of("h()"), Some(6));
    }
}
