//! What the author of a query probably meant at a token that does not fit.

use super::attribute::intrinsic_of;
use crate::attribute::Intrinsic;
use crate::token::{Token, TokenKind, TokenValue};

/// The scopes that intrinsics can be written with.
const COLON_SCOPES: [TokenKind; 5] = [
    TokenKind::TraceColon,
    TokenKind::SpanColon,
    TokenKind::EventColon,
    TokenKind::LinkColon,
    TokenKind::InstrumentationColon,
];

/// Words longer than every keyword and its typos are not compared with them.
const LONGEST_KEYWORD: usize = 24;

/// A sentence for the message, if the tokens around `index` hint at something.
pub(super) fn suggestion(tokens: &[Token], index: usize) -> Option<String> {
    let token = tokens.get(index)?;
    let previous = index.checked_sub(1).and_then(|i| tokens.get(i));
    let previous_kind = previous.map(|token| token.kind);
    let adjacent = previous.is_some_and(|p| p.position.end == token.position.start);
    match token.kind {
        TokenKind::Equal if previous_kind == Some(TokenKind::Equal) => {
            Some("equality is written =".to_owned())
        }
        TokenKind::Equal if previous_kind == Some(TokenKind::Sibling) => {
            Some("a regular expression match is written =~".to_owned())
        }
        TokenKind::Sibling => Some("a regular expression match is written =~".to_owned()),
        TokenKind::EndAttribute => Some("the name follows its scope without space".to_owned()),
        TokenKind::Identifier => {
            let TokenValue::Text(word) = &token.value else { return None };
            for_word(word, tokens.get(index + 1), previous_kind)
        }
        TokenKind::Pipe if !adjacent => None,
        kind => needs_scope(kind),
    }
}

fn for_word(word: &str, next: Option<&Token>, previous: Option<TokenKind>) -> Option<String> {
    match word.to_ascii_lowercase().as_str() {
        "and" => return Some("did you mean &&?".to_owned()),
        "or" => return Some("did you mean ||?".to_owned()),
        "not" => return Some("did you mean !?".to_owned()),
        "like" | "contains" => {
            return Some("did you mean =~ with a regular expression?".to_owned());
        }
        "null" | "none" => return Some("did you mean nil?".to_owned()),
        _ => {}
    }
    if let Some(scope) = previous.filter(|kind| COLON_SCOPES.contains(kind)) {
        return scoped_intrinsics(scope);
    }
    if next.is_some_and(|token| token.kind == TokenKind::Dot) {
        if word == "trace" {
            return Some("trace has intrinsics only, such as trace:id".to_owned());
        }
        return Some(format!(
            "attributes begin with a scope: .{word}, span.{word} or resource.{word}"
        ));
    }
    if word.len() > LONGEST_KEYWORD {
        return None;
    }
    let near = TokenKind::keywords().filter(|kind| distance(word, kind.text()) <= word.len() / 4);
    if let Some(kind) = near.min_by_key(|kind| distance(word, kind.text())) {
        return Some(format!("did you mean {}?", kind.text()));
    }
    let operand = matches!(
        previous,
        Some(TokenKind::OpenBrace | TokenKind::And | TokenKind::Or | TokenKind::OpenParens)
    );
    operand.then(|| format!("an attribute needs a scope: .{word}, span.{word} or resource.{word}"))
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

/// What can stand behind a scope with a colon.
fn scoped_intrinsics(scope: TokenKind) -> Option<String> {
    let names: Vec<String> = TokenKind::keywords()
        .filter(|kind| intrinsic_of(scope, *kind).is_some())
        .map(|kind| format!("{}{}", scope.text(), kind.text()))
        .collect();
    let (last, rest) = names.split_last()?;
    Some(if rest.is_empty() {
        format!("there is {last}")
    } else {
        format!("there are {} and {last}", rest.join(", "))
    })
}

/// The number of letters to insert, delete or replace, ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, &above) in b.iter().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(x != *y);
            left = replaced.min(left + 1).min(above + 1);
            next.push(left);
            diagonal = above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
