//! What is wrong, or looks wrong, with a query beyond its syntax, noted with its place while the
//! query is read.
//!
//! Trees have no places, so the checks of `validate` run here as well, each on what has just been
//! read, when somebody asks for notes.

use super::{Parser, parse_into};
use crate::ast::{BinaryOp, FieldExpr, Query};
use crate::attribute::{Attribute, Intrinsic};
use crate::error::{ParseError, ValidateError};
use crate::lexer::MAX_ERRORS;
use crate::token::{Position, Token};
use crate::validate::{check_attribute, check_node};
use crate::value::Static;

/// The notes of one query.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Why validation refuses the query, innermost first, each with its place.
    pub(crate) mistakes: Vec<ValidateError>,
    /// What is in the language and hardly meant.
    pub(crate) warnings: Vec<Warning>,
}

/// Something that hardly means what it says.
#[derive(Debug)]
pub(crate) struct Warning {
    pub(crate) position: Position,
    pub(crate) message: &'static str,
    pub(crate) suggestion: String,
}

/// Parses a query and notes what is wrong with what parses of it.
pub(crate) fn note(query: &str) -> (Result<Query, ParseError>, Notes) {
    match Parser::new(query) {
        Ok(parser) => parse_into(parser),
        Err(error) => (Err(error), Notes::default()),
    }
}

/// As [`note`], for tokens that end with an end token.
pub(crate) fn note_tokens(tokens: Vec<Token>) -> Notes {
    parse_into(Parser::of_tokens(tokens, None)).1
}

/// Durations of so few nanoseconds were meant to be in another unit.
const FEW_NANOS: i64 = 1_000_000;

impl Parser {
    /// Notes what `check` finds in the tokens from `start` to the current one.
    pub(super) fn note_check(
        &mut self,
        start: usize,
        check: impl FnOnce() -> Result<(), ValidateError>,
    ) {
        if self.notes.is_none() {
            return;
        }
        let Err(error) = check() else { return };
        let place = self.place(start);
        let Some(notes) = &mut self.notes else { return };
        // A mistake inside makes more of them around it.
        let mut places = notes.mistakes.iter().filter_map(ValidateError::position);
        let is_effect = places.any(|inner| inner.start >= place.start);
        if !is_effect && notes.mistakes.len() < MAX_ERRORS {
            notes.mistakes.push(error.at(place));
        }
    }

    pub(super) fn note_attribute(&mut self, start: usize, attribute: &Attribute) {
        self.note_check(start, || check_attribute(attribute));
        let Attribute::Scoped { name, .. } = attribute else { return };
        let quoted = self.tokens.get(start..self.index).is_some_and(|tokens| {
            let bytes = |token: &Token| token.position.end - token.position.start;
            // The name and its quotes are longer than the name.
            tokens.iter().rev().nth(1).is_some_and(|token| bytes(token) != name.len())
        });
        if !quoted && name.contains(['+', '*', '%', '"']) {
            let suggestion = "put spaces around the operator, or quotes around the name";
            self.warn(start, "the operator is part of the attribute's name", suggestion);
        }
    }

    /// Checks an operation that was just read.
    pub(super) fn note_expression(&mut self, start: usize, expr: &FieldExpr) {
        if self.notes.is_none() {
            return;
        }
        // The pattern first: it is a leaf that nothing else checks.
        if let FieldExpr::Binary { rhs, .. } = expr
            && matches!(**rhs, FieldExpr::Pattern(_))
        {
            self.note_check(self.index.saturating_sub(1), || check_node(rhs));
        }
        self.note_check(start, || check_node(expr));
        if let FieldExpr::Binary { op, lhs, rhs } = expr {
            self.note_comparison(start, *op, lhs, rhs);
        }
    }

    fn note_comparison(&mut self, start: usize, op: BinaryOp, lhs: &FieldExpr, rhs: &FieldExpr) {
        match (op, lhs, rhs) {
            (
                BinaryOp::Equal | BinaryOp::NotEqual,
                FieldExpr::Attribute(_),
                FieldExpr::Static(Static::String(text)),
            ) if looks_like_pattern(text) => {
                let op = if op == BinaryOp::Equal { "=~" } else { "!~" };
                let suggestion = format!("regular expressions are matched with {op}");
                self.warn(start, "the text is compared literally", suggestion);
            }
            (
                BinaryOp::Regex | BinaryOp::NotRegex,
                FieldExpr::Attribute(_),
                FieldExpr::Pattern(pattern),
            ) if is_plain(pattern.source()) => {
                let suggestion = format!("\".*{}.*\" matches a part of it", pattern.source());
                self.warn(start, "the pattern has to match the whole value", suggestion);
            }
            (_, FieldExpr::Attribute(attribute), FieldExpr::Static(Static::Int(n)))
                if op.is_comparison() && is_duration(attribute) && (1..FEW_NANOS).contains(n) =>
            {
                let suggestion = format!("did you mean {n}ms?");
                self.warn(start, "a duration without a unit is in nanoseconds", suggestion);
            }
            _ => {}
        }
    }

    /// Notes `a || b && c`, which is `(a || b) && c`.
    pub(super) fn note_mixed_connectives(&mut self, start: usize) {
        let suggestion = "put parentheses around what belongs together";
        self.warn(start, "|| and && bind equally, from left to right", suggestion);
    }

    fn warn(&mut self, start: usize, message: &'static str, suggestion: impl Into<String>) {
        let position = self.place(start);
        let Some(notes) = &mut self.notes else { return };
        if notes.warnings.len() < MAX_ERRORS {
            let suggestion = suggestion.into();
            notes.warnings.push(Warning { position, message, suggestion });
        }
    }

    /// The place of the tokens from `start` to before the current one.
    fn place(&self, start: usize) -> Position {
        let at = |index: usize| self.tokens.get(index).map(|token| token.position);
        let first = at(start).unwrap_or_else(|| self.token().position);
        let last = self.index.checked_sub(1).and_then(at).unwrap_or(first);
        Position { end: last.end.max(first.start), ..first }
    }
}

fn is_duration(attribute: &Attribute) -> bool {
    use Intrinsic as I;
    matches!(
        attribute,
        Attribute::Intrinsic(I::Duration | I::TraceDuration | I::EventTimeSinceStart)
    )
}

fn looks_like_pattern(text: &str) -> bool {
    let parts = [".*", ".+", "\\d", "\\w", "\\."];
    parts.iter().any(|part| text.contains(part)) || text.starts_with('^') || text.ends_with('$')
}

/// Whether a pattern matches nothing but itself.
fn is_plain(pattern: &str) -> bool {
    !pattern.is_empty() && pattern.chars().all(|c| c.is_alphanumeric() || "_- /".contains(c))
}
