//! Numbers and durations.

use super::Lexer;
use super::duration::parse_duration;
use crate::error::ParseError;
use crate::token::{TokenKind, TokenValue};

/// Characters that begin a unit, and with digits and dots continue a duration.
const UNIT_CHARS: [char; 9] = ['n', 's', 'u', '\u{b5}', 'm', 'h', 'd', 'w', 'y'];

impl Lexer<'_> {
    /// A whole number, a float or a duration, which has no sign of its own.
    pub(super) fn number(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        let text = self.rest;
        let digits = |c: char| c.is_ascii_digit();
        self.take_while(digits);
        let mut whole = true;
        if self.take(".") {
            whole = false;
            self.take_while(digits);
        }
        if self.exponent_follows() {
            whole = false;
            self.bump();
            self.take_while(|c| c == '+' || c == '-');
            self.take_while(digits);
        }
        let has_unit = self.peek().is_some_and(|c| UNIT_CHARS.contains(&c));
        if has_unit {
            self.take_while(|c| c.is_ascii_digit() || c == '.' || UNIT_CHARS.contains(&c));
        }
        let text = text.get(..text.len() - self.rest.len()).unwrap_or_default();
        let position = self.position(start);
        let (kind, value) = if has_unit {
            (TokenKind::Duration, parse_duration(text).map(TokenValue::Duration))
        } else if whole {
            // One above the largest value: the magnitude of the smallest.
            let largest = i128::from(i64::MAX) + 1;
            let value = text.parse().ok().filter(|n: &i128| *n <= largest);
            (TokenKind::Integer, value.map(TokenValue::Int))
        } else {
            let value = text.parse().ok().filter(|x: &f64| x.is_finite());
            (TokenKind::Float, value.map(TokenValue::Float))
        };
        let Some(value) = value else {
            let what = kind.text().to_lowercase();
            let error = self.error(start, format!("syntax error: invalid {what} {text}"));
            return Err(if has_unit {
                error.suggest("durations are written as in 1d12h, 1.5s or 100ms; days, weeks and years take whole numbers")
            } else {
                error
            });
        };
        self.push(kind, value, position);
        Ok(())
    }

    fn exponent_follows(&self) -> bool {
        let Some(rest) = self.rest.strip_prefix(['e', 'E']) else { return false };
        rest.strip_prefix(['+', '-']).unwrap_or(rest).starts_with(|c: char| c.is_ascii_digit())
    }
}
