//! Regular expressions of filters: RE2 syntax, anywhere in the value. What engines of stores read differently is
//! refused, as in Jaeger, so that a filter means the same everywhere.

use spandrel_re2::Regex;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.source() == other.0.source()
    }
}

impl Pattern {
    /// The pattern.
    ///
    /// # Errors
    /// When it is no regular expression, or not one that means the same everywhere.
    pub(super) fn new(source: &str) -> Result<Self, String> {
        let regex = Regex::new(source).map_err(|error| error.to_string())?;
        match refused(source) {
            Some(what) => {
                Err(format!("filter pattern {source:?} has {what}, which is not supported"))
            }
            None => Ok(Self(regex)),
        }
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// What in a valid pattern does not mean the same everywhere.
fn refused(source: &str) -> Option<&'static str> {
    let mut chars = source.chars().peekable();
    let (mut in_class, mut behind_quantifier) = (false, false);
    while let Some(c) = chars.next() {
        let quantifies = !in_class && matches!(c, '*' | '+' | '?' | '}');
        match c {
            '\\' => match chars.next() {
                Some('A' | 'z' | 'Z') => return Some("an anchor"),
                Some('b' | 'B') => return Some("a word boundary"),
                Some('Q') => return Some("a quotation"),
                _ => {}
            },
            ']' => in_class = false,
            '[' if !in_class => {
                in_class = true;
                // A bracket right behind the opening one, negated or not, stands for itself.
                chars.next_if_eq(&'^');
                chars.next_if_eq(&']');
            }
            '^' | '$' if !in_class => return Some("an anchor"),
            '?' if behind_quantifier => return Some("a lazy quantifier"),
            '(' if !in_class && chars.next_if_eq(&'?').is_some() => match chars.peek() {
                Some(':' | 'P' | '<') => {}
                _ => return Some("flags"),
            },
            _ => {}
        }
        behind_quantifier = quantifies;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_engines_read_differently_is_refused() {
        for (source, what) in [
            ("^a", "an anchor"),
            ("a$", "an anchor"),
            ("\\Aa", "an anchor"),
            ("\\ba", "a word boundary"),
            ("a*?", "a lazy quantifier"),
            ("a{1,2}?", "a lazy quantifier"),
            ("(?i)a", "flags"),
        ] {
            let error = Pattern::new(source).unwrap_err();
            assert!(error.contains(what), "{source}: {error}");
        }
        assert!(Pattern::new("a(").is_err());
        for (source, text) in [
            ("same.*", "the same as"),
            ("[^$^]x", "ax"),
            ("[]^]", "^"),
            ("\\$\\^", "$^"),
            ("(?:a|b)?c", "c"),
            ("(a+)b", "caab"),
        ] {
            assert!(Pattern::new(source).unwrap().is_match(text), "{source}");
        }
    }
}
