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
    let mut lexer = Lexer::new(query);
    let error = lexer.run().err();
    lexer.end();
    Lexed { tokens: lexer.tokens, error }
}

/// All tokens of a text that may hold things that are none, each of which becomes an identifier
/// without a name.
pub(crate) struct LexedAll {
    /// Always ends with an end token.
    pub(crate) tokens: Vec<Token>,
    /// What is wrong, at most [`MAX_ERRORS`].
    pub(crate) errors: Vec<ParseError>,
}

/// How many mistakes of one text are told.
pub(crate) const MAX_ERRORS: usize = 50;

pub(crate) fn lex_all(text: &str) -> LexedAll {
    let mut lexer = Lexer::new(text);
    let mut errors = Vec::new();
    while let Err(error) = lexer.run() {
        let mut position = lexer.position(lexer.token_start);
        let end = lexer.tokens.last().map_or(0, |token| token.position.end);
        // Of an attribute, the scope is a token already.
        position.start = position.start.max(end);
        lexer.push(TokenKind::Identifier, TokenValue::Text(String::new()), position);
        if errors.len() < MAX_ERRORS {
            errors.push(error);
        }
    }
    lexer.end();
    LexedAll { tokens: lexer.tokens, errors }
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
    /// Where the token being read begins.
    token_start: Mark,
    tokens: Vec<Token>,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str) -> Self {
        let at = Mark { offset: 0, line: 1, column: 1 };
        Self { rest: text, at, token_start: at, tokens: Vec::new() }
    }

    fn end(&mut self) {
        let end = self.position(self.at);
        self.push(TokenKind::End, TokenValue::None, end);
    }

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
            self.token_start = self.at;
            self.skip_blanks()?;
            self.token_start = self.at;
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
            // Straight and typographic quotes.
            '\'' => {
                // Its whole content, so that it is one mistake.
                let line = self.rest.lines().next().unwrap_or_default();
                let content = line.split_once('\'').map(|(content, _)| content);
                content.unwrap_or_default().chars().for_each(|_| {
                    self.bump();
                });
                if content.is_some() {
                    self.bump();
                }
                let mut error = error.suggest("strings are written in double quotes or backticks");
                error.position = self.position(start);
                error
            }
            '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => {
                error.suggest("strings are written in double quotes or backticks")
            }
            ';' => error.suggest("a query ends without semicolon"),
            '&' => error.suggest("did you mean &&?"),
            ':' => error.suggest(
                "a colon follows trace, span, event, link or instrumentation, as in trace:id",
            ),
            _ => error,
        })
    }
}
