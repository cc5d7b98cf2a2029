//! Braces and parentheses that are missing, and what is written around them.

use crate::parser::is_spanset_op;
use crate::token::{Token, TokenKind};

/// The brace that is open at `index`.
pub(super) fn open_brace(tokens: &[Token], index: usize) -> Option<&Token> {
    let before = tokens.get(..index)?;
    let brace = before
        .iter()
        .rev()
        .find(|token| matches!(token.kind, TokenKind::OpenBrace | TokenKind::CloseBrace))?;
    (brace.kind == TokenKind::OpenBrace).then_some(brace)
}

/// The innermost parenthesis that is open at `index`.
fn open_parenthesis(tokens: &[Token], index: usize) -> Option<&Token> {
    let mut closed = 0_usize;
    for token in tokens.get(..index)?.iter().rev() {
        match token.kind {
            TokenKind::CloseParens => closed += 1,
            TokenKind::OpenParens if closed == 0 => return Some(token),
            TokenKind::OpenParens => closed -= 1,
            _ => {}
        }
    }
    None
}

/// For a token that can only stand outside of braces, or at an end.
pub(super) fn suggestion(tokens: &[Token], index: usize) -> Option<String> {
    let kind = tokens.get(index)?.kind;
    let previous = index.checked_sub(1).and_then(|before| tokens.get(before))?;
    let not_closed = |open: &Token| {
        let (text, position) = (open.kind.text(), open.position);
        format!("the {text} at line {}, col {} is not closed", position.line, position.column)
    };
    if kind == TokenKind::CloseBrace {
        let brace = open_brace(tokens, index)?;
        let open = open_parenthesis(tokens, index)?;
        return (open.position.start > brace.position.start).then(|| not_closed(open));
    }
    if let Some(brace) = open_brace(tokens, index) {
        return Some(not_closed(brace));
    }
    if previous.kind == TokenKind::CloseBrace && kind == TokenKind::OpenBrace {
        let text = "filters are joined by &&, || or a structural operator such as >>";
        return Some(text.to_owned());
    }
    if previous.kind == TokenKind::CloseParens && closes_aggregate(tokens, index - 1) {
        return Some("an aggregate is compared with a number, as in count() > 2".to_owned());
    }
    if kind == TokenKind::End && !is_spanset_op(previous.kind) {
        return open_parenthesis(tokens, index).map(not_closed);
    }
    None
}

/// Whether the parenthesis at `index` ends an aggregate.
fn closes_aggregate(tokens: &[Token], index: usize) -> bool {
    let Some(open) = open_parenthesis(tokens, index) else { return false };
    let before = tokens.iter().take_while(|token| token.position.start < open.position.start);
    let function = before.last().map(|token| token.kind);
    matches!(
        function,
        Some(TokenKind::Count | TokenKind::Avg | TokenKind::Min | TokenKind::Max | TokenKind::Sum)
    )
}
