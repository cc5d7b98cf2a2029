//! Tokens into a syntax tree: recursive descent with precedence climbing.
//!
//! The grammar is Tempo's, including what surprises: `&&` and `||` bind equally, comparisons chain,
//! a pipeline in parentheses cannot be continued with `|`. Both the recursion and the height of the
//! resulting tree are bounded, so that neither parsing nor walking a tree can exhaust the stack;
//! within the bounds, the canonical text of a tree parses as well.

use crate::ast::Query;
use crate::attribute::Attribute;
use crate::error::ParseError;
use crate::lexer::{Lexed, lex};
use crate::token::{Position, Token, TokenKind, TokenValue};

mod attribute;
mod field;
mod metrics;
mod note;
mod pipeline;
mod spanset;
mod suggest;
#[cfg(test)]
mod tests;

pub(crate) use attribute::{attribute_of, is_colon_scope, operand_tokens, scope_of};
pub(crate) use field::{binary_op_of, is_binary_op};
pub(crate) use note::{Notes, Warning, note, note_tokens};
pub(crate) use spanset::is_spanset_op;

/// The longest query, in bytes.
pub const MAX_QUERY_BYTES: usize = 128 * 1024;

/// The largest height of an expression over one span, which is how many operators a chain can have.
/// Walking a tree of that height takes well under a mebibyte of stack.
pub const MAX_DEPTH: usize = 1000;

/// The largest height of the expressions over spansets, scalars and series around them, and how
/// deep parentheses nest there; reading these recurses.
const MAX_NESTING: usize = 128;

/// Regular expressions in one query; each may take a mebibyte when compiled.
const MAX_PATTERNS: usize = 256;

/// Large ones among them.
const MAX_LARGE_PATTERNS: usize = 16;

/// Parses a query.
///
/// # Errors
/// Where and why `query` is not in the language, is too long or nests too deeply. Types are left
/// to [`crate::validate`].
pub fn parse(query: &str) -> Result<Query, ParseError> {
    let mut parser = Parser::new(query)?;
    parser.query()
}

/// Parses a single attribute or intrinsic, as the tag APIs take it: `span.foo`, `."a b"`, `name`.
///
/// # Errors
/// Where and why `text` is anything else.
pub fn parse_identifier(text: &str) -> Result<Attribute, ParseError> {
    let mut parser = Parser::new(text)?;
    let attribute = parser.attribute()?;
    parser.expect(TokenKind::End)?;
    Ok(attribute)
}

fn parse_into(mut parser: Parser) -> (Result<Query, ParseError>, Notes) {
    parser.notes = Some(Notes::default());
    let parsed = parser.query();
    (parsed, parser.notes.unwrap_or_default())
}

/// Parses tokens that end with an end token; fails with the index of the one that does not fit.
pub(crate) fn parse_tokens(tokens: Vec<Token>) -> Result<Query, usize> {
    let mut parser = Parser::of_tokens(tokens, None);
    parser.query().map_err(|_| parser.index)
}

/// How tightly an operator binds, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Logical,
    Compare,
    Add,
    Multiply,
    Power,
}

impl Level {
    /// The weakest operator that may follow within the right operand of one at this level: all but
    /// powers group to the left.
    fn right(self) -> Self {
        match self {
            Self::Logical => Self::Compare,
            Self::Compare => Self::Add,
            Self::Add => Self::Multiply,
            Self::Multiply | Self::Power => Self::Power,
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    index: usize,
    /// Why the last token is not the end of the query.
    lex_error: Option<ParseError>,
    nesting: usize,
    patterns: usize,
    large_patterns: usize,
    /// What is noted besides mistakes in the syntax, when somebody asks for it.
    notes: Option<Notes>,
}

impl Parser {
    fn new(query: &str) -> Result<Self, ParseError> {
        if query.len() > MAX_QUERY_BYTES {
            let position = Position { line: 1, column: 1, start: 0, end: query.len() };
            let message = format!("query is longer than {MAX_QUERY_BYTES} bytes");
            return Err(ParseError::new(position, message));
        }
        let Lexed { tokens, error } = lex(query);
        Ok(Self::of_tokens(tokens, error))
    }

    fn of_tokens(tokens: Vec<Token>, lex_error: Option<ParseError>) -> Self {
        Self {
            tokens,
            index: 0,
            lex_error,
            nesting: 0,
            patterns: 0,
            large_patterns: 0,
            notes: None,
        }
    }

    fn token(&self) -> &Token {
        self.tokens.get(self.index).expect("the end token is never passed")
    }

    fn kind(&self) -> TokenKind {
        self.token().kind
    }

    /// The kind of the token behind the current one.
    fn kind_after(&self) -> TokenKind {
        self.tokens.get(self.index + 1).map_or(TokenKind::End, |token| token.kind)
    }

    /// Moves past the current token, never past the end.
    fn bump(&mut self) {
        if self.kind() != TokenKind::End {
            self.index += 1;
        }
    }

    /// Moves past the current token when it is a `kind`.
    fn take(&mut self, kind: TokenKind) -> bool {
        let found = self.kind() == kind;
        if found {
            self.bump();
        }
        found
    }

    fn expect(&mut self, kind: TokenKind) -> Result<(), ParseError> {
        let cut_short = kind == TokenKind::End && self.lex_error.is_some();
        if self.kind() != kind || cut_short {
            return Err(self.unexpected(&[kind.text()]));
        }
        self.bump();
        Ok(())
    }

    /// Moves past the current token and returns the text or name it carries.
    fn text(&mut self, kind: TokenKind) -> Result<String, ParseError> {
        let text = match &self.token().value {
            TokenValue::Text(text) if self.kind() == kind => text.clone(),
            _ => return Err(self.unexpected(&[kind.text()])),
        };
        self.bump();
        Ok(text)
    }

    /// Moves past a whole number and returns it.
    fn integer(&mut self) -> Result<i64, ParseError> {
        let TokenValue::Int(n) = self.token().value else {
            return Err(self.unexpected(&[TokenKind::Integer.text()]));
        };
        let value =
            i64::try_from(n).map_err(|_| self.error("syntax error: number out of range"))?;
        self.bump();
        Ok(value)
    }

    /// The error of the current token standing where it does.
    fn unexpected(&self, expected: &[&'static str]) -> ParseError {
        if self.kind() == TokenKind::End
            && let Some(error) = &self.lex_error
        {
            return error.clone();
        }
        let mut error = self.error(format!("syntax error: unexpected {}", self.kind().text()));
        error.expected = expected.to_vec();
        error.suggestion = suggest::suggestion(&self.tokens, self.index);
        error
    }

    fn error(&self, message: impl Into<String>) -> ParseError {
        ParseError::new(self.token().position, message)
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        if self.nesting == MAX_NESTING {
            return Err(self.error(format!("query nests deeper than {MAX_NESTING} levels")));
        }
        self.nesting += 1;
        let result = parse(self);
        self.nesting -= 1;
        result
    }

    /// The height of a node above children of the heights `lhs` and `rhs`.
    fn height(&self, lhs: usize, rhs: usize) -> Result<usize, ParseError> {
        let height = lhs.max(rhs) + 1;
        if height > MAX_NESTING {
            return Err(self.error(format!("query nests deeper than {MAX_NESTING} levels")));
        }
        Ok(height)
    }
}
