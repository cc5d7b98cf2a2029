//! Text into tokens.
//!
//! The tokens follow Go's scanner, which Tempo builds on: its comments, strings and numbers.
//! Attribute names have rules of their own, see [`crate::token::is_attribute_char`]. Every
//! attribute name is followed by an end token, which stands alone where a name is missing. At the
//! first thing that is no token lexing stops: what stands before may contain an earlier mistake,
//! which is the one to report.

use crate::error::ParseError;
use crate::token::{Position, Token, TokenKind, TokenValue};

mod duration;
mod name;
mod number;
mod text;

/// The tokens of `query`, the last one of kind [`TokenKind::End`].
///
/// # Errors
/// The first place that is no token.
pub fn tokenize(query: &str) -> Result<Vec<Token>, ParseError> {
    let Lexed { tokens, error } = lex(query);
    error.map_or(Ok(tokens), Err)
}

/// Tokens up to the end or to the first thing that is none.
pub(crate) struct Lexed {
    /// Always ends with an end token.
    pub(crate) tokens: Vec<Token>,
    /// Why the end token is not the end of the text.
    pub(crate) error: Option<ParseError>,
}

pub(crate) fn lex(query: &str) -> Lexed {
    let mut lexer =
        Lexer { rest: query, at: Mark { offset: 0, line: 1, column: 1 }, tokens: Vec::new() };
    let error = lexer.run().err();
    let end = lexer.position(lexer.at);
    lexer.push(TokenKind::End, TokenValue::None, end);
    Lexed { tokens: lexer.tokens, error }
}

/// A place between two characters.
#[derive(Clone, Copy)]
struct Mark {
    offset: usize,
    line: u32,
    column: u32,
}

struct Lexer<'a> {
    rest: &'a str,
    at: Mark,
    tokens: Vec<Token>,
}

impl<'a> Lexer<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn peek_second(&self) -> Option<char> {
        self.rest.chars().nth(1)
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
        self.at.offset += c.len_utf8();
        if c == '\n' {
            self.at.line += 1;
            self.at.column = 1;
        } else {
            self.at.column += 1;
        }
        Some(c)
    }

    /// Consumes characters while `keep` holds and returns them.
    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest;
        while self.peek().is_some_and(&keep) {
            self.bump();
        }
        rest.get(..rest.len() - self.rest.len()).unwrap_or_default()
    }

    /// Consumes `text` when it is next.
    fn take(&mut self, text: &str) -> bool {
        let found = self.rest.starts_with(text);
        if found {
            text.chars().for_each(|_| {
                self.bump();
            });
        }
        found
    }

    /// From `start` to where the lexer is.
    fn position(&self, start: Mark) -> Position {
        Position {
            line: start.line,
            column: start.column,
            start: start.offset,
            end: self.at.offset.max(start.offset),
        }
    }

    fn push(&mut self, kind: TokenKind, value: TokenValue, position: Position) {
        self.tokens.push(Token { kind, value, position });
    }

    fn error(&self, start: Mark, message: impl Into<String>) -> ParseError {
        ParseError::new(self.position(start), message)
    }

    fn run(&mut self) -> Result<(), ParseError> {
        loop {
            self.skip_blanks()?;
            let Some(c) = self.peek() else { return Ok(()) };
            match c {
                '"' => self.quoted_string()?,
                '`' => self.raw_string()?,
                '0'..='9' => self.number()?,
                '.' if self.peek_second().is_some_and(|c| c.is_ascii_digit()) => self.number()?,
                '.' => {
                    let start = self.at;
                    self.bump();
                    self.attribute(TokenKind::Dot, start)?;
                }
                c if c.is_alphabetic() || c == '_' => self.word()?,
                _ => self.operator()?,
            }
        }
    }

    fn skip_blanks(&mut self) -> Result<(), ParseError> {
        loop {
            self.take_while(char::is_whitespace);
            let start = self.at;
            if self.take("//") {
                self.take_while(|c| c != '\n');
            } else if self.take("/*") {
                while !self.take("*/") {
                    self.bump().ok_or_else(|| self.error(start, "comment not terminated"))?;
                }
            } else {
                return Ok(());
            }
        }
    }

    fn operator(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        if let Some(kind) = TokenKind::operator(self.rest) {
            self.take(kind.text());
            self.push(kind, TokenValue::None, self.position(start));
            return Ok(());
        }
        let c = self.bump().unwrap_or_default();
        let error = self.error(start, format!("syntax error: unexpected {}", c.escape_debug()));
        Err(match c {
            '\'' => error.suggest("strings are written in double quotes or backticks"),
            '&' => error.suggest("did you mean &&?"),
            ':' => error.suggest(
                "a colon follows trace, span, event, link or instrumentation, as in trace:id",
            ),
            _ => error,
        })
    }
}
