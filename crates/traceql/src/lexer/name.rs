//! Words, scopes and attribute names.

use super::{Lexer, Mark};
use crate::attribute::Scope;
use crate::error::ParseError;
use crate::token::{TokenKind, TokenValue, is_attribute_char};

impl Lexer<'_> {
    /// A keyword, a scope with what follows it, or an identifier.
    pub(super) fn word(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        let word = self.take_while(|c| c.is_alphanumeric() || c == '_');
        let scope = match self.peek() {
            Some('.') => TokenKind::dot_scope(word),
            Some(':') => TokenKind::colon_scope(word),
            _ => None,
        };
        if let Some(scope) = scope {
            let dot = self.bump() == Some('.');
            if dot {
                return self.attribute(scope, start);
            }
            self.push(scope, TokenValue::None, self.position(start));
            return Ok(());
        }
        let position = self.position(start);
        match word {
            "minInt" => self.push(TokenKind::Integer, TokenValue::Int(i64::MIN.into()), position),
            "maxInt" => self.push(TokenKind::Integer, TokenValue::Int(i64::MAX.into()), position),
            _ => match TokenKind::keyword(word) {
                Some(kind) => self.push(kind, TokenValue::None, position),
                None => {
                    self.push(TokenKind::Identifier, TokenValue::Text(word.to_owned()), position);
                }
            },
        }
        Ok(())
    }

    /// The tokens of an attribute whose scope token `scope` began at `start` and has been read.
    pub(super) fn attribute(&mut self, scope: TokenKind, start: Mark) -> Result<(), ParseError> {
        self.push(scope, TokenValue::None, self.position(start));
        let mut scope_start = start;
        if scope == TokenKind::ParentDot
            && let Some(nested) = Scope::nested(self.rest)
        {
            scope_start = self.at;
            self.take(nested.prefix());
            let kind =
                if nested == Scope::Span { TokenKind::SpanDot } else { TokenKind::ResourceDot };
            self.push(kind, TokenValue::None, self.position(scope_start));
        }
        let name_start = self.at;
        let name = self.attribute_name(scope_start)?;
        if !name.is_empty() {
            self.push(TokenKind::Identifier, TokenValue::Text(name), self.position(name_start));
        }
        self.push(TokenKind::EndAttribute, TokenValue::None, self.position(scope_start));
        Ok(())
    }

    fn attribute_name(&mut self, scope_start: Mark) -> Result<String, ParseError> {
        let mut name = String::new();
        loop {
            name.push_str(self.take_while(|c| is_attribute_char(c) && c != '"'));
            if !self.take("\"") {
                return Ok(name);
            }
            self.quoted_part(&mut name, scope_start)?;
        }
    }

    /// The rest of a quoted part of a name, up to and including its closing quote.
    fn quoted_part(&mut self, name: &mut String, scope_start: Mark) -> Result<(), ParseError> {
        loop {
            let escape_start = self.at;
            let c = match self.bump() {
                Some('"') => return Ok(()),
                Some('\\') => match self.bump() {
                    Some(c @ ('"' | '\\')) => Some(c),
                    Some(_) => {
                        return Err(self
                            .error(escape_start, "invalid escape sequence in attribute name")
                            .suggest("a quoted name knows only \\\" and \\\\"));
                    }
                    None => None,
                },
                c => c,
            };
            name.push(c.ok_or_else(|| self.error(scope_start, "unexpected EOF, expecting \""))?);
        }
    }
}
