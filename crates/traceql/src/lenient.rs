//! Queries that somebody is still typing, as the tag APIs get them in `q`.
//!
//! Such a text narrows the names and values that are offered. What is finished of it is used, what
//! is not narrows nothing: a condition without its value, such as `.a =`, counts as true, missing
//! brackets are added, a missing connective is `&&`. Nothing here fails and everything takes time
//! linear in the text; a text that holds no query narrows nothing.

mod around;
mod fill;
mod group;
mod mend;
mod relax;

use crate::ast::{FieldExpr, Query};
use crate::attribute::Attribute;
use crate::lexer::lex_all;
use crate::parser::{MAX_QUERY_BYTES, parse_tokens};
use crate::token::{Position, Token};
use mend::Mended;

pub use around::repair_around;
pub use group::{Group, TooManyGroups};

/// How many groups of conditions Tempo works with at most: for [`Filter::groups`].
pub const MAX_GROUPS: usize = 100;

/// The query that `text` is about to become, with unfinished conditions taken for true, so that
/// `{ .a = 1 && .b =` is `{ .a = 1 && true }`; none when `text` holds nothing of a query.
///
/// A pipeline is kept as far as it is finished. Types are not checked.
#[must_use]
pub fn parse(text: &str) -> Option<Query> {
    let mut query = parse_with_holes(text)?;
    fill::fill_query(&mut query);
    Some(query)
}

/// `text` with unfinished conditions replaced by `true` and missing brackets added; what is finished
/// stays as it is written.
#[must_use]
pub fn repaired_text(text: &str) -> String {
    if text.len() > MAX_QUERY_BYTES {
        return text.to_owned();
    }
    let tokens = lex_all(text).tokens;
    Mended::new(&tokens).text(text, &tokens)
}

/// The conditions of a text that does not parse.
pub(crate) struct Conditions {
    /// A query with holes for those that are not whole.
    pub(crate) tokens: Vec<Token>,
    /// The places of the holes.
    pub(crate) broken: Vec<Position>,
}

pub(crate) fn broken_conditions(source: &[Token]) -> Conditions {
    let mended = Mended::new(source);
    Conditions { tokens: mended.tokens(source), broken: mended.broken(source) }
}

/// What the query in `text` asks of the spans whose names and values are offered: the conditions of
/// its first spanset filter, as far as they are finished and make sense.
///
/// What follows the first spanset filter is ignored, as Tempo does.
#[must_use]
pub fn repair(text: &str) -> Filter {
    let Some(query) = parse_with_holes(text) else { return Filter::default() };
    Filter { expr: query.first_filter().and_then(relax::relax) }
}

/// A condition that narrows what is offered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    expr: Option<FieldExpr>,
}

impl Filter {
    /// What a span must satisfy, valid and without anything that is unfinished; none when there is
    /// no condition. It never holds for fewer spans than the finished query would, as long as what
    /// is finished stays as it is.
    #[must_use]
    pub fn expr(&self) -> Option<&FieldExpr> {
        self.expr.as_ref()
    }

    /// The condition as alternatives of which one must hold, each a group of comparisons of one
    /// attribute with a constant that must all hold; empty when it cannot be told from them that a
    /// span does not qualify. The groups together hold for all spans for which [`Self::expr`] does,
    /// and for more when that compares attributes with each other.
    ///
    /// # Errors
    /// When there are more than `max` groups; their number can be exponential in the text.
    pub fn groups(&self, max: usize) -> Result<Vec<Group<'_>>, TooManyGroups> {
        group::groups(&self.factors(max)?, max)
    }

    /// The alternatives of every condition that must hold: [`Self::groups`] before they are
    /// multiplied.
    ///
    /// # Errors
    /// As [`Self::groups`].
    pub fn factors(&self, max: usize) -> Result<Vec<Vec<Group<'_>>>, TooManyGroups> {
        self.expr().map_or(Ok(Vec::new()), |expr| group::factors(expr, max))
    }
}

/// Whether an attribute stands for an unfinished condition: one without a name, which no text spells.
fn is_hole(attribute: &Attribute) -> bool {
    matches!(attribute, Attribute::Scoped { name, .. } if name.is_empty())
}

/// The query of `text`, or of its longest beginning that is one, with a hole for each unfinished
/// condition.
fn parse_with_holes(text: &str) -> Option<Query> {
    if text.len() > MAX_QUERY_BYTES {
        return None;
    }
    let source = lex_all(text).tokens;
    let mended = Mended::new(&source);
    let tokens = mended.tokens(&source);
    let stuck_at = match parse_tokens(tokens.clone()) {
        Ok(query) => return Some(query),
        Err(stuck_at) => stuck_at,
    };
    // All stages before the one that makes no sense, else the first filter alone.
    let stages = mend::whole_stages(&tokens, stuck_at);
    let filter = mend::first_filter(&tokens);
    [stages, filter].into_iter().flatten().find_map(|tokens| parse_tokens(tokens).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> String {
        repair(text).expr().map(ToString::to_string).unwrap_or_default()
    }

    #[test]
    fn what_is_unfinished_narrows_nothing() {
        for (text, wanted) in [
            ("", ""),
            ("{", ""),
            ("{ }", ""),
            ("nonsense", ""),
            ("{ .a = }", ""),
            ("{ .a }", ""),
            ("{ .a = 1", ".a = 1"),
            ("{ .a = 1 &&", ".a = 1"),
            ("{ .a = 1 && .b", ".a = 1"),
            ("{ .a = 1 && .b =~ \"x", ".a = 1"),
            ("{ .a = 1 && .b =~ \"(x\" }", ".a = 1"),
            ("{ .a = 1 && .b = \"\\d\" && .c = 2 }", "(.a = 1) && (.c = 2)"),
            ("{ .a = 1 && .b = 'x' && .c = 2 }", "(.a = 1) && (.c = 2)"),
            ("{ .a = 1 && !.b = }", ".a = 1"),
            ("{ .a = 1 && !(.b = ) }", ".a = 1"),
            ("{ !(.a = 1 && .b = ) && .c = 2 }", ".c = 2"),
            ("{ .a = 1 || .b = }", ""),
            ("{ (.a = 1 || .b = ) && .c = 2 }", ".c = 2"),
            ("{ (.a = 1 || .b = 2) && .c = }", "(.a = 1) || (.b = 2)"),
            ("{ .a = 1 .b = 2 }", "(.a = 1) && (.b = 2)"),
            ("{ .a = foo && .b = 2 }", ".b = 2"),
            ("{ .a == 1 && .b = 2 }", ".b = 2"),
            ("{ .a = 1 && service.name = `x` }", ".a = 1"),
            ("{ span. = 1 && .b = 2 }", ".b = 2"),
            ("{ span: && .b = 2 }", ".b = 2"),
            ("{ name = 1 && .b = 2 }", ".b = 2"),
            ("{ .a = .b && .c = }", ".a = .b"),
            ("{ false }", ""),
            ("{ .a = 1 | rate()", ".a = 1"),
            ("{ .a = 1 >> { .b = 2 }", ".a = 1"),
            ("{ .a = 1 { .b = 2 }", ".a = 1"),
            ("{ .a = 1 } >>", ".a = 1"),
            ("{ .a = 1 } | count( | foo", ".a = 1"),
            ("({ .a = 1 } | count() > 1) && ({ .b = 2 } |", ".a = 1"),
            ("({ .a = 1 } | rate()) /", ".a = 1"),
            ("{ .a = 1 } | compare({ .b = ", ".a = 1"),
            ("{ .a = 1 ) && .b = 2 }", "(.a = 1) && (.b = 2)"),
            ("{ ((.a = 1 }", ".a = 1"),
            ("} { .a = 1 }", ".a = 1"),
            ("{ -.a = && .b = -1 }", ".b = -1"),
            ("{ count() > 1 && .b = 2 }", ".b = 2"),
            ("{ parent.span.a = 1 && .b =", "parent.span.a = 1"),
        ] {
            assert_eq!(filter(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_pipeline_is_kept_as_far_as_it_goes() {
        for (text, wanted) in [
            ("{ .a = 1 } | count() > ", Some("{ .a = 1 }")),
            ("{ .a = 1 } | by(.b) | avg(", Some("{ .a = 1 }|by(.b)")),
            ("{ .a = 1 } | { .b =", Some("{ .a = 1 }|{ true }")),
            ("{ .a = } >> ", Some("({ true }) >> ({ true })")),
            ("({ .a = 1 } | count() > 1) && ({ .b } |", Some("{ .a = 1 }")),
            ("{ .a = } | rate() by(", Some("{ true }")),
            ("{ ! }", Some("{ false }")),
            ("{ && }", Some("{ true }")),
            ("{ ( }", Some("{ true }")),
            ("???", None),
            ("", None),
        ] {
            assert_eq!(parse(text).map(|query| query.to_string()).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn repaired_text_keeps_what_is_finished() {
        for (text, wanted) in [
            ("{.a=\"x\"&&.b=", "{.a=\"x\"&&true }"),
            ("{ .a = 1 /* one */ && (.b = ", "{ .a = 1 /* one */ && (true ) }"),
            ("{ .a = 1 && }", "{ .a = 1 && true }"),
            ("{ .a = 1 .b = 2 }", "{ .a = 1 && .b = 2 }"),
            ("{ .a = foo bar }", "{ true }"),
        ] {
            assert_eq!(repaired_text(text), wanted, "{text}");
        }
    }

    #[test]
    fn groups_are_bounded() {
        let pair = "(.a = 1 || .b = 2)";
        let text = format!("{{ {pair}{} }}", format!(" && {pair}").repeat(200));
        assert_eq!(repair(&text).groups(MAX_GROUPS), Err(TooManyGroups { max: MAX_GROUPS }));
        let text = format!("{{ .a = 1{} }}", " || .a = 1".repeat(500));
        assert_eq!(repair(&text).groups(1).unwrap().len(), 1);
    }

    #[test]
    fn long_and_deep_texts_take_linear_time() {
        for (before, after) in
            [("(", ""), ("{", ""), ("{ .a = ", ""), ("!", ""), ("\"", ""), ("'", "")]
        {
            let text = format!("{{ {}.a = {}", before.repeat(10_000), after.repeat(10_000));
            drop(repair(&text));
            drop(repaired_text(&text));
        }
        assert_eq!(repair(&" ".repeat(MAX_QUERY_BYTES + 1)), Filter::default());
    }
}
