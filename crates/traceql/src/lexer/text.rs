//! String literals with Go's escapes.

use super::{Lexer, Mark};
use crate::error::ParseError;
use crate::token::{TokenKind, TokenValue};

impl Lexer<'_> {
    /// A string in backticks: everything up to the next one, without carriage returns.
    pub(super) fn raw_string(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        self.bump();
        let content = self.take_while(|c| c != '`').replace('\r', "");
        if !self.take("`") {
            return Err(self.error(start, "literal not terminated"));
        }
        self.push(TokenKind::String, TokenValue::Text(content), self.position(start));
        Ok(())
    }

    /// A string in double quotes, on one line.
    pub(super) fn quoted_string(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        self.bump();
        // Bytes, because escapes may spell a character byte by byte.
        let mut content = Vec::new();
        loop {
            let at = self.at;
            match self.bump() {
                Some('"') => break,
                Some('\\') => {
                    if let Err(error) = self.escape(at, &mut content) {
                        self.skip_string();
                        return Err(error);
                    }
                }
                None | Some('\n') => return Err(self.error(start, "literal not terminated")),
                Some(c) => content.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        let content = String::from_utf8(content)
            .map_err(|_| self.error(start, "string is not valid UTF-8"))?;
        self.push(TokenKind::String, TokenValue::Text(content), self.position(start));
        Ok(())
    }

    /// Moves past the rest of a string with a mistake in it, so that what follows can be read.
    fn skip_string(&mut self) {
        while let Some(c) = self.peek().filter(|c| *c != '\n') {
            self.bump();
            match c {
                '"' => return,
                '\\' => {
                    self.bump();
                }
                _ => {}
            }
        }
    }

    /// The escape whose backslash, at `start`, has been read.
    fn escape(&mut self, start: Mark, content: &mut Vec<u8>) -> Result<(), ParseError> {
        let c = self.bump();
        let byte = match c {
            Some('a') => 0x07,
            Some('b') => 0x08,
            Some('f') => 0x0c,
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('v') => 0x0b,
            Some('\\') => b'\\',
            Some('"') => b'"',
            Some('x') => self
                .code(2, 16, 0)
                .and_then(|code| u8::try_from(code).ok())
                .ok_or_else(|| self.bad_escape(start))?,
            Some(c @ '0'..='7') => {
                let first = c.to_digit(8).unwrap_or_default();
                self.code(2, 8, first)
                    .and_then(|code| u8::try_from(code).ok())
                    .ok_or_else(|| self.bad_escape(start))?
            }
            Some(c @ ('u' | 'U')) => {
                let length = if c == 'u' { 4 } else { 8 };
                let code = self.code(length, 16, 0).and_then(char::from_u32);
                let c = code.ok_or_else(|| self.bad_escape(start))?;
                content.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(self.bad_escape(start)),
        };
        content.push(byte);
        Ok(())
    }

    /// Exactly `length` digits, continuing a number that began with `value`.
    fn code(&mut self, length: usize, radix: u32, mut value: u32) -> Option<u32> {
        for _ in 0..length {
            let digit = self.bump()?.to_digit(radix)?;
            value = value.checked_mul(radix)?.checked_add(digit)?;
        }
        Some(value)
    }

    fn bad_escape(&self, start: Mark) -> ParseError {
        self.error(start, "invalid escape sequence in string")
            .suggest("backticks quote a string without escapes, which suits regular expressions")
    }
}
