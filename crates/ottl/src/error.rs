//! What can be wrong with a text, and what can go wrong when it is evaluated.

use std::fmt;

/// A text that is no OTTL, or not in this place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("offset {offset}: {message}")]
pub struct OttlError {
    /// Where in the text, in bytes.
    pub offset: usize,
    /// What is wrong there, and the nearest right name where there is one.
    pub message: String,
}

impl OttlError {
    pub(crate) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into() }
    }

    /// Line and column in `text`, both from 1, the column in characters.
    #[must_use]
    pub fn line_and_column(&self, text: &str) -> (usize, usize) {
        let mut end = self.offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = text.get(..end).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        (before.matches('\n').count() + 1, column)
    }
}

/// A failure while a statement, condition or value is evaluated on an item.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EvalError {
    /// A value of another type was needed.
    #[error("{place}: expected {expected}, got {got}")]
    Type {
        /// The function's parameter or the operation that needed it.
        place: &'static str,
        /// The types that would do.
        expected: &'static str,
        /// The type that was there.
        got: &'static str,
    },
    /// A path or key that cannot be set.
    #[error("cannot set {0}")]
    ReadOnly(&'static str),
    /// Something that a function or operation refuses.
    #[error("{0}")]
    Refused(String),
    /// A statement of a list failed, and its error mode says to stop there.
    #[error("{text:?}: {error}")]
    Statement {
        /// The statement or condition as written.
        text: String,
        /// What went wrong.
        error: Box<EvalError>,
    },
}

impl EvalError {
    pub(crate) fn refused(message: impl fmt::Display) -> Self {
        Self::Refused(message.to_string())
    }
}
