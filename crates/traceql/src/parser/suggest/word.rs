//! Words that are not of the language.

use super::COLON_SCOPES;
use super::bracket::open_brace;
use crate::parser::attribute::intrinsic_of;
use crate::parser::field::binary_op;
use crate::token::{Token, TokenKind, TokenValue};

/// Words longer than every keyword and its typos are not compared with them.
const LONGEST_KEYWORD: usize = 24;

/// Words that other languages have, with what is written for them here.
const ELSEWHERE: [(&str, &str); 23] = [
    ("and", "did you mean &&?"),
    ("or", "did you mean ||?"),
    ("not", "did you mean !?"),
    ("in", "did you mean =~ with alternatives, as in =~ \"a|b\"?"),
    ("is", "did you mean = nil or != nil?"),
    ("like", "did you mean =~ with a regular expression?"),
    ("contains", "did you mean =~ with a regular expression?"),
    ("matches", "did you mean =~ with a regular expression?"),
    ("exists", "did you mean != nil?"),
    ("null", "did you mean nil?"),
    ("none", "did you mean nil?"),
    ("undefined", "did you mean nil?"),
    ("where", "conditions stand between braces, as in { name = \"x\" }"),
    ("group", "did you mean by()?"),
    ("groupby", "did you mean by()?"),
    ("mean", "did you mean avg()?"),
    ("average", "did you mean avg()?"),
    ("median", "did you mean quantile_over_time(duration, .5)?"),
    ("percentile", "did you mean quantile_over_time(duration, .95)?"),
    ("quantile", "did you mean quantile_over_time(duration, .95)?"),
    ("histogram", "did you mean histogram_over_time()?"),
    ("limit", "did you mean topk()?"),
    ("top", "did you mean topk()?"),
];

/// For the word at `index`.
pub(super) fn suggestion(tokens: &[Token], index: usize, word: &str) -> Option<String> {
    let next = tokens.get(index + 1);
    let previous = index.checked_sub(1).and_then(|i| tokens.get(i));
    let previous_kind = previous.map_or(TokenKind::End, |token| token.kind);
    if matches!(previous_kind, TokenKind::Integer | TokenKind::Float) && is_unit(word) {
        return Some(format!("a unit follows its number without space, as in 10{word}"));
    }
    if COLON_SCOPES.contains(&previous_kind) {
        return scoped_intrinsics(previous_kind);
    }
    let in_braces = open_brace(tokens, index).is_some();
    let is_value = in_braces
        && binary_op(previous_kind).is_some_and(|(op, _)| op.is_comparison() || op.is_regex());
    let lower = word.to_ascii_lowercase();
    // As a value, only what stands for nil means something else than a text.
    let elsewhere = ELSEWHERE.iter().find(|(text, meant)| {
        *text == lower
            && (!is_value || meant.contains("nil?"))
            && (in_braces || !meant.contains("nil"))
    });
    if let Some((_, meant)) = elsewhere {
        return Some((*meant).to_owned());
    }
    let end = tokens.get(index).map(|token| token.position.end);
    let dotted =
        next.is_some_and(|next| next.kind == TokenKind::Dot && Some(next.position.start) == end);
    if is_value && !dotted {
        let attribute = index.checked_sub(2).and_then(|i| tokens.get(i)).map(|token| token.kind);
        let keywords = match attribute {
            Some(TokenKind::Status) => Some("a status is error, ok or unset"),
            Some(TokenKind::Kind) => {
                Some("a kind is server, client, internal, producer, consumer or unspecified")
            }
            _ => None,
        };
        let near =
            nearest(word).filter(|near| keywords.is_some() || near.eq_ignore_ascii_case(word));
        return Some(match near {
            Some(near) => format!("did you mean {near}?"),
            None => keywords
                .map_or_else(|| format!("a text is written in quotes: \"{word}\""), str::to_owned),
        });
    }
    if dotted {
        return Some(scopes_for(&full_name(tokens, index, word)));
    }
    if let Some(near) = nearest(word) {
        return Some(format!("did you mean {near}?"));
    }
    if previous_kind == TokenKind::Pipe && !in_braces {
        let percent = word.strip_prefix('p').filter(|digits| digits.parse::<u8>().is_ok());
        return Some(match percent {
            Some(digits) => format!("did you mean quantile_over_time(duration, .{digits})?"),
            None => STAGES.to_owned(),
        });
    }
    if in_braces && ends_operand(previous_kind) {
        return Some("an operator is missing, such as = or &&".to_owned());
    }
    let operand = matches!(
        previous_kind,
        TokenKind::OpenBrace
            | TokenKind::And
            | TokenKind::Or
            | TokenKind::OpenParens
            | TokenKind::Not
            | TokenKind::Comma
    );
    operand.then(|| format!("an attribute needs a scope: .{word}, span.{word} or resource.{word}"))
}

const STAGES: &str = "a stage is { }, count(), avg(), min(), max(), sum(), by(), coalesce(), select() or a metrics function such as rate()";

/// The name that a word without scope begins.
fn full_name(tokens: &[Token], index: usize, word: &str) -> String {
    match tokens.get(index + 2).map(|token| &token.value) {
        Some(TokenValue::Text(rest)) => format!("{word}.{rest}"),
        _ => word.to_owned(),
    }
}

fn scopes_for(name: &str) -> String {
    if name == "trace" || name.starts_with("trace.") {
        return "trace has intrinsics only, such as trace:id".to_owned();
    }
    let belongs_to_resource = ["service.", "k8s.", "host.", "cloud.", "container.", "deployment."];
    if belongs_to_resource.iter().any(|prefix| name.starts_with(prefix)) {
        return format!("attributes begin with a scope: resource.{name} or .{name}");
    }
    format!("attributes begin with a scope: .{name}, span.{name} or resource.{name}")
}

fn ends_operand(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::EndAttribute
            | TokenKind::String
            | TokenKind::Integer
            | TokenKind::Float
            | TokenKind::Duration
            | TokenKind::CloseParens
    )
}

fn is_unit(word: &str) -> bool {
    matches!(word, "ns" | "us" | "ms" | "s" | "m" | "h" | "d" | "w" | "y")
}

/// The keyword that a word is a typo of.
fn nearest(word: &str) -> Option<&'static str> {
    if word.len() > LONGEST_KEYWORD || word.len() < 3 {
        return None;
    }
    let most = (word.len() / 4).max(1);
    let distances = TokenKind::keywords().map(|kind| (distance(word, kind.text()), kind.text()));
    let near = distances.filter(|(distance, _)| *distance <= most);
    near.min_by_key(|(distance, _)| *distance).map(|(_, text)| text)
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
