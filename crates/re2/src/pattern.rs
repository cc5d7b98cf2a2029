//! A compiled pattern over text.
//!
//! It is compiled over bytes, because the ASCII form of `\B` exists only there; what it finds is cut at
//! boundaries of characters, or not at all.

use std::borrow::Cow;
use std::ops::Range;

use regex::bytes;

use crate::translate;

/// Bytes one compiled pattern may take.
const SIZE_LIMIT: usize = 4 << 20;

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid regular expression: {0}")]
pub struct PatternError(String);

/// A regular expression in RE2 syntax, not anchored.
#[derive(Clone, Debug)]
pub struct Regex {
    source: String,
    compiled: bytes::Regex,
}

impl Regex {
    /// Compiles `source`.
    ///
    /// # Errors
    /// When `source` is no RE2 expression, or needs more than four mebibytes.
    pub fn new(source: &str) -> Result<Self, PatternError> {
        let body = translate(source).map_err(PatternError)?;
        let compiled =
            bytes::RegexBuilder::new(&body).size_limit(SIZE_LIMIT).build().map_err(|error| {
                PatternError(match error {
                    regex::Error::CompiledTooBig(limit) => {
                        format!("compiles to more than {limit} bytes")
                    }
                    other => {
                        let text = other.to_string();
                        let last = text.lines().last().unwrap_or("not understood");
                        last.trim_start_matches("error: ").to_owned()
                    }
                })
            })?;
        Ok(Self { source: source.to_owned(), compiled })
    }

    /// The text as it was given.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether a part of `text` matches.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.compiled.is_match(text.as_bytes())
    }

    /// Where the first match and its groups are; none when nothing matches. The whole match comes first.
    #[must_use]
    pub fn groups(&self, text: &str) -> Option<Vec<Option<Range<usize>>>> {
        let captures = self.compiled.captures(text.as_bytes())?;
        Some(captures.iter().map(|group| group.map(|group| group.range())).collect())
    }

    /// The names of the groups, the whole match first.
    pub fn group_names(&self) -> impl Iterator<Item = Option<&str>> {
        self.compiled.capture_names()
    }

    /// Every match replaced by `template`, in which `$1`, `${1}`, `$name` and `${name}` stand for groups and
    /// `$$` for a dollar sign. Borrowed when nothing matches.
    #[must_use]
    pub fn replace_all<'t>(&self, text: &'t str, template: &str) -> Cow<'t, str> {
        into_text(self.compiled.replace_all(text.as_bytes(), template.as_bytes()), text)
    }

    /// Every match replaced by what `replacement` makes of `template` with the groups of the match filled in.
    ///
    /// # Errors
    /// The first error of `replacement`.
    pub fn replace_all_with<'t, E>(
        &self,
        text: &'t str,
        template: &str,
        mut replacement: impl FnMut(&str) -> Result<String, E>,
    ) -> Result<Cow<'t, str>, E> {
        let mut out = Vec::new();
        let mut copied = 0;
        for captures in self.compiled.captures_iter(text.as_bytes()) {
            let Some(found) = captures.get(0) else { continue };
            let mut expanded = Vec::new();
            captures.expand(template.as_bytes(), &mut expanded);
            out.extend_from_slice(text.as_bytes().get(copied..found.start()).unwrap_or_default());
            out.extend_from_slice(replacement(&String::from_utf8_lossy(&expanded))?.as_bytes());
            copied = found.end();
        }
        if copied == 0 && out.is_empty() {
            return Ok(Cow::Borrowed(text));
        }
        out.extend_from_slice(text.as_bytes().get(copied..).unwrap_or_default());
        Ok(into_text(Cow::Owned(out), text))
    }
}

/// Replacing keeps text valid, unless a pattern with `\B` matched inside of a character.
fn into_text<'t>(bytes: Cow<'t, [u8]>, text: &'t str) -> Cow<'t, str> {
    match bytes {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_name_groups() {
        let pattern = Regex::new(r"(?P<user>\w+)@(\w+)").unwrap();
        for (template, expected) in [
            ("$1 at $2", "joe at home!"),
            ("${user}_x", "joe_x!"),
            ("$user_x", "!"),
            ("$$1", "$1!"),
            ("$9", "!"),
            ("", "!"),
        ] {
            assert_eq!(pattern.replace_all("joe@home!", template), expected, "{template}");
        }
        assert!(matches!(pattern.replace_all("nobody", "x"), Cow::Borrowed("nobody")));
    }

    #[test]
    fn matches_are_not_anchored() {
        assert!(Regex::new("b").unwrap().is_match("abc"));
        assert!(!Regex::new("^b").unwrap().is_match("abc"));
        assert!(!Regex::new("a.c").unwrap().is_match("a\nc"));
    }

    #[test]
    fn replacements_may_be_computed() {
        let pattern = Regex::new("[a-z]+").unwrap();
        let upper = |text: &str| Ok::<_, ()>(text.to_uppercase());
        assert_eq!(pattern.replace_all_with("a1bc2", "<$0>", upper).unwrap(), "<A>1<BC>2");
        assert_eq!(pattern.replace_all_with("12", "$0", upper).unwrap(), "12");
        assert_eq!(pattern.replace_all_with("a", "$0", |_| Err(3)), Err(3));
        let empty = Regex::new("x*").unwrap();
        assert_eq!(empty.replace_all_with("ab", "-", upper).unwrap(), empty.replace_all("ab", "-"));
    }

    #[test]
    fn groups_have_places_and_names() {
        let pattern = Regex::new("(a)|(?P<n>b)").unwrap();
        assert_eq!(pattern.groups("xb"), Some(vec![Some(1..2), None, Some(1..2)]));
        assert_eq!(pattern.group_names().collect::<Vec<_>>(), [None, None, Some("n")]);
        assert_eq!(pattern.groups("x"), None);
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_reason() {
        assert_eq!(
            Regex::new("(").unwrap_err().to_string(),
            "invalid regular expression: unclosed group"
        );
        assert!(Regex::new(r"(\pL{1000}){1000}").unwrap_err().to_string().contains("bytes"));
    }

    #[test]
    fn matches_inside_of_a_character_do_not_break_text() {
        let pattern = Regex::new(r"\B").unwrap();
        assert!(!pattern.replace_all("\u{e9}", "-").is_empty());
    }
}
