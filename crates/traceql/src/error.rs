//! What can be wrong with a query.

use std::fmt;

use crate::token::Position;

/// A query that is not in the language, or that the language's types forbid.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The text does not parse.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The text parses; its types or values do not fit.
    #[error(transparent)]
    Validate(#[from] ValidateError),
}

/// Where and why a text does not parse.
///
/// `Display` begins as Tempo's message does, which clients match on:
/// `parse error at line 1, col 14: syntax error: unexpected $end, expecting { or (`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Where the text stops making sense.
    pub position: Position,
    /// What is wrong there.
    pub message: String,
    /// What could stand there instead; empty when there are too many possibilities to be of use.
    pub expected: Vec<&'static str>,
    /// What the author probably meant.
    pub suggestion: Option<String>,
}

impl ParseError {
    pub(crate) fn new(position: Position, message: impl Into<String>) -> Self {
        Self { position, message: message.into(), expected: Vec::new(), suggestion: None }
    }

    pub(crate) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column, .. } = self.position;
        write!(f, "parse error at line {line}, col {column}: {}", self.message)?;
        for (i, expected) in self.expected.iter().enumerate() {
            f.write_str(if i == 0 { ", expecting " } else { " or " })?;
            f.write_str(expected)?;
        }
        if let Some(suggestion) = &self.suggestion {
            write!(f, " ({suggestion})")?;
        }
        Ok(())
    }
}

impl std::error::Error for ParseError {}

/// Why a query that parses is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidateError {
    /// The query can never make sense.
    #[error("invalid query: {reason}: {part}")]
    Invalid {
        /// What is wrong.
        reason: String,
        /// The part of the query, in canonical spelling, shortened when long.
        part: String,
    },
    /// The language has it; nothing executes it.
    #[error("{what} not yet supported: {part}")]
    Unsupported {
        /// What the query uses.
        what: &'static str,
        /// The part of the query, in canonical spelling, shortened when long.
        part: String,
    },
}

/// Why an expression has no value for a span although its types fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// A whole number divided by zero, or its remainder.
    #[error("integer division by zero")]
    DivisionByZero,
    /// `!` before something that is neither a truth value nor absent.
    #[error("operator ! needs a boolean, got {got}")]
    NotBoolean {
        /// The type of the operand.
        got: &'static str,
    },
    /// Unary `-` before something that is neither a number nor absent.
    #[error("operator - needs a number, got {got}")]
    NotNumeric {
        /// The type of the operand.
        got: &'static str,
    },
    /// Arithmetic with an array attribute.
    #[error("arrays have no arithmetic")]
    ArrayArithmetic,
    /// Both operands are array attributes.
    #[error("array operators must consist of a scalar and an array operand")]
    TwoArrays,
    /// A regular expression that does not compile; validation finds it first.
    #[error("regular expression does not compile")]
    Pattern,
}
