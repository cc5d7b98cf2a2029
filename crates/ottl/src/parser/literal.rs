//! Literals, lists and maps.

use super::Parser;
use crate::ast::{Expression, Tree};
use crate::error::OttlError;
use crate::lexer::Token;

impl Parser {
    pub(super) fn literal(&mut self) -> Result<Expression, OttlError> {
        let literal = match self.peek().clone() {
            Token::Lower(word) if word == "nil" => Expression::Nil,
            Token::Lower(word) if word == "true" => Expression::Bool(true),
            Token::Lower(word) if word == "false" => Expression::Bool(false),
            Token::Int(value) => Expression::Int(value),
            Token::Double(value) => Expression::Double(value),
            Token::Bytes(bytes) => Expression::Bytes(bytes),
            Token::Text(text) => Expression::Text(text),
            Token::Sign("[") => {
                self.advance();
                return self.deeper(Self::list);
            }
            Token::Sign("{") => {
                self.advance();
                return self.deeper(Self::map);
            }
            Token::IntMin => {
                return Err(OttlError::new(self.offset(), "integer does not fit 64 bits"));
            }
            _ => return Err(self.expected("a value")),
        };
        self.advance();
        Ok(literal)
    }

    /// The members of a list whose bracket has been read.
    fn list(&mut self) -> Result<Expression, OttlError> {
        let mut members: Vec<Tree> = Vec::new();
        if self.takes("]") {
            return Ok(Expression::List(members));
        }
        loop {
            members.push(self.value()?);
            if self.takes("]") {
                return Ok(Expression::List(members));
            }
            self.needs(",", "`]` or ")?;
        }
    }

    /// The entries of a map whose brace has been read.
    fn map(&mut self) -> Result<Expression, OttlError> {
        let mut entries: Vec<(String, Tree)> = Vec::new();
        if self.takes("}") {
            return Ok(Expression::Map(entries));
        }
        loop {
            let Token::Text(key) = self.peek().clone() else {
                return Err(self.expected("a string as key"));
            };
            self.advance();
            self.needs(":", "")?;
            let value = self.value()?;
            entries.retain(|(other, _)| *other != key);
            entries.push((key, value));
            if self.takes("}") {
                return Ok(Expression::Map(entries));
            }
            self.needs(",", "`}` or ")?;
        }
    }
}
