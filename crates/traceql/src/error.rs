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
        write!(f, "{}", Hint(&self.suggestion))
    }
}

impl std::error::Error for ParseError {}

/// Why a query that parses is refused.
///
/// `Display` has the place and the suggestion when they are known:
/// `invalid query at line 1, col 3: operator > does not apply to status: status > ok`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidateError {
    /// The query can never make sense.
    #[error("invalid query{}: {reason}: {part}{}", Place(.position), Hint(.suggestion))]
    Invalid {
        /// What is wrong.
        reason: String,
        /// The part of the query, in canonical spelling, shortened when long.
        part: String,
        /// Where that part stands; unknown when a tree is checked without its text.
        position: Option<Position>,
        /// What the author probably meant.
        suggestion: Option<String>,
    },
    /// The language has it; nothing executes it.
    #[error("{what} not yet supported{}: {part}", Place(.position))]
    Unsupported {
        /// What the query uses.
        what: &'static str,
        /// The part of the query, in canonical spelling, shortened when long.
        part: String,
        /// As above.
        position: Option<Position>,
    },
}

impl ValidateError {
    /// Where the refused part stands.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Invalid { position, .. } | Self::Unsupported { position, .. } => *position,
        }
    }

    pub(crate) fn at(mut self, place: Position) -> Self {
        match &mut self {
            Self::Invalid { position, .. } | Self::Unsupported { position, .. } => {
                *position = Some(place);
            }
        }
        self
    }

    pub(crate) fn suggest(mut self, text: impl Into<String>) -> Self {
        if let Self::Invalid { suggestion, .. } = &mut self {
            *suggestion = Some(text.into());
        }
        self
    }

    /// Whether both refuse the same part for the same reason, wherever it stands.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let content = |error: &Self| match error {
            Self::Invalid { reason, part, .. } => (reason.clone(), part.clone()),
            Self::Unsupported { what, part, .. } => ((*what).to_owned(), part.clone()),
        };
        content(self) == content(other)
    }
}

/// ` at line 1, col 3`, or nothing.
struct Place<'a>(&'a Option<Position>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Position { line, column, .. }) = self.0 else { return Ok(()) };
        write!(f, " at line {line}, col {column}")
    }
}

/// A suggestion in parentheses, or nothing.
struct Hint<'a>(&'a Option<String>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(suggestion) = self.0 else { return Ok(()) };
        write!(f, " ({suggestion})")
    }
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
