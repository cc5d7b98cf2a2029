//! What can be wrong with a policy file.

use std::fmt;

/// Why a policy file is refused: where, what was expected, and what was probably meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The text is not YAML, or has another structure.
    #[error("line {line}, column {column}: {message}{}", hint(suggestion.as_deref()))]
    Structure {
        /// Counted from 1; 0 when it is not known.
        line: u64,
        /// Counted from 1; 0 when it is not known.
        column: u64,
        /// What is wrong and what was expected.
        message: String,
        /// What the author probably meant.
        suggestion: Option<String>,
    },
    /// A value makes no sense.
    #[error("line {line}: {place}: {problem}, expected {expected}{}", hint(suggestion.as_deref()))]
    Value {
        /// Counted from 1.
        line: u64,
        /// The list and the rule.
        place: String,
        /// What is wrong.
        problem: String,
        /// What would be right.
        expected: &'static str,
        /// What the author probably meant.
        suggestion: Option<String>,
    },
    /// The file is too large to be a policy.
    #[error("a policy file of {bytes} bytes, at most {max} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
}

impl PolicyError {
    /// With what the author probably meant.
    pub(crate) fn suggesting(mut self, text: impl Into<String>) -> Self {
        if let Self::Value { suggestion, .. } | Self::Structure { suggestion, .. } = &mut self {
            *suggestion = Some(text.into());
        }
        self
    }
}

struct Hint<'a>(Option<&'a str>);

fn hint(suggestion: Option<&str>) -> Hint<'_> {
    Hint(suggestion)
}

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |suggestion| write!(f, " ({suggestion})"))
    }
}
