//! The conditions around a place of a text that somebody is typing at.

use std::ops::Range;

use super::{Filter, repair};
use crate::lexer::lex_all;
use crate::parser::MAX_QUERY_BYTES;
use crate::token::TokenKind;

/// What the query in `text` asks of the spans whose names and values are offered at `at`: as [`repair`], of the
/// braces that `at` lies in, without what stands at `at`. Outside of braces it is the first filter of the query.
///
/// A range that is not one of the text narrows nothing.
#[must_use]
pub fn repair_around(text: &str, at: Range<usize>) -> Filter {
    let (Some(before), Some(after)) = (text.get(..at.start), text.get(at.end..)) else {
        return Filter::default();
    };
    if text.len() > MAX_QUERY_BYTES {
        return Filter::default();
    }
    match open_brace(before) {
        Some(start) => {
            let inside = before.get(start..).unwrap_or_default();
            let rest = after.get(..closing_brace(after)).unwrap_or_default();
            repair(&format!("{inside} {rest} }}"))
        }
        None => repair(&format!("{before} {after}")),
    }
}

/// Where the innermost brace begins that is open at the end.
fn open_brace(before: &str) -> Option<usize> {
    let mut open = Vec::new();
    for token in lex_all(before).tokens {
        match token.kind {
            TokenKind::OpenBrace => open.push(token.position.start),
            TokenKind::CloseBrace => drop(open.pop()),
            _ => {}
        }
    }
    open.pop()
}

/// Where the first brace closes, or another opens; the end if none does.
fn closing_brace(after: &str) -> usize {
    let tokens = lex_all(after).tokens;
    let brace = tokens
        .iter()
        .find(|token| matches!(token.kind, TokenKind::CloseBrace | TokenKind::OpenBrace));
    brace.map_or(after.len(), |token| token.position.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_braces_of_the_place_narrow() {
        for (marked, wanted) in [
            ("{ .a = 1 && .b = [] }", ".a = 1"),
            ("{ .a = 1 && .b = [\"x\"] && .c = 2 }", "(.a = 1) && (.c = 2)"),
            ("{ .a = 1 && .b = [\"x]", ".a = 1"),
            ("{ .a = 1 && span.[fo] = 2 }", ".a = 1"),
            ("{ .a = 1 } >> { .b = 2 && .c = [] }", ".b = 2"),
            ("{ .a = [] } >> { .b = 2 }", ""),
            ("{ .a = [] && .b = 2", ".b = 2"),
            ("{ .a = 1 } | rate() by([])", ".a = 1"),
            ("[]", ""),
        ] {
            let text = marked.replace(['[', ']'], "");
            let start = marked.find('[').unwrap();
            let at = start..marked.find(']').unwrap() - 1;
            let filter = repair_around(&text, at);
            let got = filter.expr().map(ToString::to_string).unwrap_or_default();
            assert_eq!(got, wanted, "{marked}");
        }
    }

    #[test]
    fn a_place_outside_of_the_text_narrows_nothing() {
        assert_eq!(repair_around("{ .a = 1 }", 50..60), Filter::default());
        assert_eq!(repair_around("{ .a = \"\u{e9}\" }", 9..9), Filter::default());
    }
}
