//! The word at a cursor, and the tokens before it.

use std::ops::Range;

use crate::attribute::Scope;
use crate::lexer::lex_all;
use crate::parser::{is_colon_scope, scope_of};
use crate::token::{Token, TokenKind, is_attribute_char};

/// The word that is being typed.
pub(super) struct Word {
    /// Its bytes, of which those before the cursor have been typed.
    pub(super) range: Range<usize>,
    pub(super) kind: WordKind,
    /// What stands before it, without an end token.
    pub(super) tokens: Vec<Token>,
}

pub(super) enum WordKind {
    /// The name of an attribute behind its scope.
    Name { scope: Scope, parent: bool },
    /// A string, with its quotes.
    Literal,
    /// Anything else, or nothing.
    Plain,
}

/// The word at `cursor`; none within a comment.
pub(super) fn word_at(text: &str, cursor: usize) -> Option<Word> {
    let before = text.get(..cursor)?;
    let mut tokens = lex_all(before).tokens;
    tokens.pop();
    let gap = before.get(tokens.last().map_or(0, |token| token.position.end)..)?;
    if gap.contains("//") {
        return None;
    }
    let Some(last) = tokens.last().filter(|token| token.position.end == cursor) else {
        return Some(plain(text, cursor..cursor, tokens));
    };
    let (start, kind) = (last.position.start, last.kind);
    let last_text = text.get(start..cursor)?;
    // An unfinished comment is one word with the blanks before it.
    if last_text.trim_start().starts_with("/*") {
        return None;
    }
    if is_open_name(&tokens) {
        return Some(name(text, cursor, tokens));
    }
    if kind == TokenKind::String || last_text.starts_with(['"', '`', '\'']) {
        return Some(literal(text, start..cursor, tokens));
    }
    if kind == TokenKind::EndAttribute {
        return Some(name(text, cursor, tokens));
    }
    let begins_word = |c: char| c.is_alphanumeric() || c == '_';
    if last_text.starts_with(begins_word) || is_colon_scope(kind) {
        // A scope with a colon and the word behind it are one.
        let scope = tokens.iter().rev().nth(1).filter(|scope| is_colon_scope(scope.kind));
        let scope_start = scope.filter(|scope| scope.position.end == start);
        let joined = scope_start.map(|scope| scope.position.start);
        tokens.truncate(tokens.len() - 1 - usize::from(joined.is_some()));
        return Some(plain(text, joined.unwrap_or(start)..cursor, tokens));
    }
    // The beginning of an operator: `&` alone is none yet.
    if kind == TokenKind::Identifier {
        tokens.pop();
        return Some(plain(text, start..cursor, tokens));
    }
    Some(plain(text, cursor..cursor, tokens))
}

/// A word of letters up to where it ends behind the cursor.
fn plain(text: &str, range: Range<usize>, tokens: Vec<Token>) -> Word {
    let rest = text.get(range.end..).unwrap_or_default();
    let length = if range.is_empty() {
        0
    } else {
        let ends = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
        rest.find(ends).unwrap_or(rest.len())
    };
    Word { range: range.start..range.end + length, kind: WordKind::Plain, tokens }
}

/// A string up to its closing quote, when that is on the same line.
fn literal(text: &str, range: Range<usize>, mut tokens: Vec<Token>) -> Word {
    tokens.pop();
    let typed = text.get(range.clone()).unwrap_or_default();
    let quote = typed.chars().next().unwrap_or('"');
    let closed = typed.len() > 1 && typed.ends_with(quote);
    let rest = text.get(range.end..).unwrap_or_default();
    let line = rest.lines().next().unwrap_or_default();
    let length = if closed { None } else { line.find(quote).map(|at| at + quote.len_utf8()) };
    let end = range.end + length.unwrap_or(0);
    Word { range: range.start..end, kind: WordKind::Literal, tokens }
}

/// Whether the last token belongs to an attribute whose quoted name is not closed.
fn is_open_name(tokens: &[Token]) -> bool {
    let [.., scope, last] = tokens else { return false };
    let named = last.kind == TokenKind::Identifier && scope_of(scope.kind).is_some();
    named && scope.position.end == last.position.start
}

/// The name of the attribute that the last tokens are, up to where it ends behind the cursor.
fn name(text: &str, cursor: usize, mut tokens: Vec<Token>) -> Word {
    let mut scope = Scope::None;
    let mut parent = false;
    let mut start = cursor;
    while let Some(token) = tokens.pop() {
        match scope_of(token.kind) {
            Some(found) => {
                scope = found;
                start = start.min(token.position.end);
                break;
            }
            None if token.kind == TokenKind::ParentDot => {
                parent = true;
                start = start.min(token.position.end);
                break;
            }
            None => {}
        }
    }
    if tokens.last().is_some_and(|token| token.kind == TokenKind::ParentDot) {
        parent = true;
        tokens.pop();
    }
    let rest = text.get(cursor..).unwrap_or_default();
    let typed = text.get(start..cursor).unwrap_or_default();
    let quoted = typed.matches('"').count() % 2 == 1;
    let length = if quoted {
        rest.lines().next().and_then(|line| line.find('"')).map_or(0, |at| at + 1)
    } else {
        rest.find(|c| !is_attribute_char(c)).unwrap_or(rest.len())
    };
    Word { range: start..cursor + length, kind: WordKind::Name { scope, parent }, tokens }
}
