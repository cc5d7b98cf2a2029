//! Regular expressions of the language: RE2 syntax, anchored at both ends, case-sensitive, with
//! `.` matching line breaks too.

use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};

/// Bytes one compiled pattern may take.
const SIZE_LIMIT: usize = 1 << 20;

/// Bytes of a compiled pattern that is not large.
const SMALL_LIMIT: usize = 1 << 17;

/// A regular expression, compiled at most once per query.
///
/// Two patterns are equal when their texts are.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    small: OnceLock<Compiled>,
    large: OnceLock<Result<Regex, String>>,
}

/// What came of compiling a pattern within the smaller limit.
#[derive(Clone, Debug)]
enum Compiled {
    Done(Regex),
    TooBig,
    Wrong(String),
}

impl Pattern {
    /// A pattern that is compiled when first needed.
    #[must_use]
    pub fn new(source: impl Into<String>) -> Self {
        Self { source: source.into(), small: OnceLock::new(), large: OnceLock::new() }
    }

    /// The text as written in the query, without anchors.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Compiles the pattern.
    ///
    /// # Errors
    /// The reason, when the text is no regular expression or compiles to more than a mebibyte.
    pub fn check(&self) -> Result<(), &str> {
        self.compiled().map(|_| ())
    }

    /// Whether the whole of `text` matches; none when the pattern does not compile.
    #[must_use]
    pub fn matches(&self, text: &str) -> Option<bool> {
        self.compiled().ok().map(|regex| regex.is_match(text.as_bytes()))
    }

    /// Whether compiling takes much time and memory; a query can have few of them.
    pub(crate) fn is_large(&self) -> bool {
        matches!(self.small(), Compiled::TooBig)
    }

    fn compiled(&self) -> Result<&Regex, &str> {
        match self.small() {
            Compiled::Done(regex) => Ok(regex),
            Compiled::Wrong(reason) => Err(reason),
            Compiled::TooBig => {
                let compiled = self.large.get_or_init(|| {
                    compile(&self.source, SIZE_LIMIT).map_err(|error| reason(&error))
                });
                compiled.as_ref().map_err(String::as_str)
            }
        }
    }

    fn small(&self) -> &Compiled {
        self.small.get_or_init(|| match compile(&self.source, SMALL_LIMIT) {
            Ok(regex) => Compiled::Done(regex),
            Err(regex::Error::CompiledTooBig(_)) => Compiled::TooBig,
            Err(error) => Compiled::Wrong(reason(&error)),
        })
    }
}

fn compile(source: &str, size_limit: usize) -> Result<Regex, regex::Error> {
    let body = spandrel_re2::translate(source).map_err(regex::Error::Syntax)?;
    // Over bytes, because the ASCII form of \B is not available over text.
    RegexBuilder::new(&format!(r"\A(?s:{body})\z")).size_limit(size_limit).build()
}

/// The reason without the multi-line drawing of the (translated) pattern.
fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => format!("compiles to more than {limit} bytes"),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or("no regular expression");
            last.trim_start_matches("error: ").to_owned()
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).matches(text).unwrap()
    }

    #[test]
    fn the_whole_text_must_match() {
        assert!(matches("foo.*", "foobar"));
        assert!(!matches("foo", "foobar"));
        assert!(!matches("a|b", "ab"));
        assert!(matches("a.b", "a\nb"));
        assert!(matches("(?i)abc", "aBC"));
        assert!(matches("", ""));
    }

    #[test]
    fn perl_classes_are_ascii() {
        assert!(matches(r"\d+\w\s", "12_ "));
        assert!(!matches(r"\d", "\u{663}"));
        assert!(matches(r"\D", "\u{663}"));
        assert!(!matches(r"\s", "\u{b}"));
        assert!(matches(r"[\d_-]+", "1_2-3"));
        assert!(matches(r"[^\s]+", "\u{e9}x"));
        assert!(matches(r"a\b.*", "a b"));
        assert!(matches(r"a\Bb", "ab"));
    }

    #[test]
    fn braces_that_repeat_nothing_are_literal() {
        assert!(matches("/api/{id}/.*", "/api/{id}/x"));
        assert!(matches("a{2,3}", "aaa"));
        assert!(matches("x{,2}", "x{,2}"));
        assert!(matches(r"\Qa.b{2}\E+", "a.b{2}}}"));
    }

    #[test]
    fn set_operators_and_word_ends_do_not_exist() {
        assert!(matches("[a&&b]+", "a&b"));
        assert!(matches("[[a]+", "[a"));
        assert!(matches("[[:alpha:]]+", "abc"));
        assert!(matches("[[:^digit:]x]+", "abc"));
        assert!(matches("[[:a]+", "[:a"));
        assert!(matches(r"\<a\>", "<a>"));
        assert!(matches("[]a]+", "]a"));
    }

    #[test]
    fn what_re2_reads_is_read() {
        for (pattern, text) in [
            (r"\p{Greek}+", "\u{3b1}"),
            (r"\p{^Greek}+", "ab"),
            (r"\PN\pN", "a1"),
            (r"(?P<n>a)(?<m>b)", "ab"),
            (r"(?i:ab)C", "ABC"),
            (r"(?i)k", "\u{212a}"),
            (r"(?U)a+", "aa"),
            (r"(?-s)a\x2eb|(?s)c.d", "c\nd"),
            (r"(?m)^a$\n^b$", "a\nb"),
            (r"\x{263a}\x41\101", "\u{263a}AA"),
            (r"[[:word:]\-.]+", "a_-."),
            (r"a{2}b{1,}c{0,2}", "aabb"),
            (r"a{,3}", "a{,3}"),
            (r"\Aa\z", "a"),
            (r"(|a)+?", ""),
            (r"[^\n]+", "a b"),
            (r"^*a", "a"),
            (r"[a-\x{7f}]+", "az"),
            (r"\QA+[\E.", "A+[x"),
            (r"\-\_\/", "-_/"),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), Some(true), "{pattern}");
        }
    }

    #[test]
    fn long_patterns_take_linear_time() {
        for part in ["[[:", "{", "{1", "(?i:", "\\Q", "[", "(?", "\\p{"] {
            let pattern = Pattern::new(part.repeat(100_000));
            assert!(pattern.check().is_err() || part == "\\Q" || part.starts_with('{'), "{part}");
        }
    }

    #[test]
    fn what_does_not_compile_is_reported() {
        for bad in
            ["[", "(", ")", "a)(b", "*", "(?=a)", r"\1", r"\C", "\\", "a{1001}", "(?x)a", "[[:x:]]"]
        {
            assert!(Pattern::new(bad).check().is_err(), "{bad}");
        }
        assert!(Pattern::new(r"(\pL{1000}){1000}").check().unwrap_err().contains("bytes"));
    }
}
