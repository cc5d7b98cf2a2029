//! What the author of a query probably meant at a token that does not fit.

use super::attribute::intrinsic_of;
use super::field::binary_op;
use super::spanset::is_spanset_op;
use crate::attribute::Intrinsic;
use crate::token::{Token, TokenKind, TokenValue};

mod bracket;
mod word;

/// The scopes that intrinsics can be written with.
const COLON_SCOPES: [TokenKind; 5] = [
    TokenKind::TraceColon,
    TokenKind::SpanColon,
    TokenKind::EventColon,
    TokenKind::LinkColon,
    TokenKind::InstrumentationColon,
];

/// A sentence for the message, if the tokens around `index` hint at something.
pub(super) fn suggestion(tokens: &[Token], index: usize) -> Option<String> {
    let token = tokens.get(index)?;
    let previous = index.checked_sub(1).and_then(|i| tokens.get(i));
    let previous_kind = previous.map_or(TokenKind::End, |token| token.kind);
    let touches = previous.is_some_and(|p| p.position.end == token.position.start);
    match token.kind {
        TokenKind::Equal | TokenKind::Greater | TokenKind::Less if touches => {
            operator(previous_kind, token.kind).map(str::to_owned)
        }
        TokenKind::Sibling if bracket::open_brace(tokens, index).is_some() => {
            Some("a regular expression match is written =~".to_owned())
        }
        TokenKind::EndAttribute => Some("the name follows its scope without space".to_owned()),
        TokenKind::Identifier => {
            let TokenValue::Text(word) = &token.value else { return None };
            word::suggestion(tokens, index, word)
        }
        TokenKind::Comma if bracket::open_brace(tokens, index).is_some() => {
            Some("conditions are joined by && or ||".to_owned())
        }
        TokenKind::End if index == 0 => Some("a query begins with braces, as in { }".to_owned()),
        kind if ends_condition(kind) && bracket::open_brace(tokens, index).is_some() => {
            missing_operand(previous_kind).or_else(|| bracket::suggestion(tokens, index))
        }
        kind if ends_braces(kind) => bracket::suggestion(tokens, index),
        kind => needs_scope(kind),
    }
}

/// For two operators in a row that other languages write as one.
fn operator(previous: TokenKind, kind: TokenKind) -> Option<&'static str> {
    Some(match (previous, kind) {
        (TokenKind::Equal, TokenKind::Equal) => "equality is written =",
        (TokenKind::NotEqual, TokenKind::Equal) => "inequality is written !=",
        (TokenKind::Sibling, TokenKind::Equal) => "a regular expression match is written =~",
        (TokenKind::Equal, TokenKind::Greater) => "did you mean >=?",
        (TokenKind::Equal, TokenKind::Less) => "did you mean <=?",
        (TokenKind::Less, TokenKind::Greater) => "did you mean !=?",
        _ => return None,
    })
}

fn ends_condition(kind: TokenKind) -> bool {
    let ends = matches!(kind, TokenKind::And | TokenKind::Or | TokenKind::CloseParens);
    ends || ends_braces(kind)
}

/// What is missing between an operator and what ends its condition.
fn missing_operand(operator: TokenKind) -> Option<String> {
    let (op, _) = binary_op(operator)?;
    let what = if op.is_logical() { "condition" } else { "value" };
    Some(format!("a {what} is missing behind {}", op.as_str()))
}

/// Whether a token hints at braces or parentheses that should have ended before it.
fn ends_braces(kind: TokenKind) -> bool {
    let ends = matches!(kind, TokenKind::End | TokenKind::Pipe | TokenKind::OpenBrace);
    ends || kind == TokenKind::CloseBrace || (is_spanset_op(kind) && binary_op(kind).is_none())
}

/// For keywords that are intrinsics only behind a scope.
fn needs_scope(kind: TokenKind) -> Option<String> {
    let only_scoped = matches!(
        kind,
        TokenKind::Id
            | TokenKind::TraceId
            | TokenKind::SpanId
            | TokenKind::ParentId
            | TokenKind::TimeSinceStart
            | TokenKind::Version
            | TokenKind::RootService
    );
    if !only_scoped {
        return None;
    }
    match kind {
        TokenKind::TraceId => return Some("did you mean trace:id?".to_owned()),
        TokenKind::SpanId => return Some("did you mean span:id?".to_owned()),
        _ => {}
    }
    let found = COLON_SCOPES.iter().find_map(|scope| intrinsic_of(*scope, kind))?;
    let spelling =
        if found == Intrinsic::RootServiceName { "rootServiceName" } else { found.as_str() };
    Some(format!("did you mean {spelling}?"))
}
